package networktest

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"

	"parley/internal/clock"
)

// Operations a Fault can strike. A request belongs to exactly one.
const (
	OpCreate   = "create"   // makes something public: post, record, publish of a container
	OpUpload   = "upload"   // media, or the preparing of a container
	OpStatus   = "status"   // asks whether uploaded media is ready
	OpPoll     = "poll"     // reads what is new
	OpRefresh  = "refresh"  // renews a token
	OpEdit     = "edit"     //
	OpDelete   = "delete"   //
	OpStream   = "stream"   // opens the stream
	OpDescribe = "describe" // reads what the instance can do
	OpRead     = "read"     // any other read: a post, a thread, a profile, our own newest posts
)

// Fault is one misbehaviour.
//
// Two operations go together: while a fault of OpStatus is armed, a Fake whose
// network prepares media in the background answers an upload as not ready yet
// (Mastodon: 202), takes no post with it, and each status request spends one
// time of the fault: 206 is still preparing, other statuses are what they say.
type Fault struct {
	Op     string // one of the operations above
	Commit bool   // keep the write?
	Cut    bool   // cut the connection instead of answering?
	Status int    // answer this instead; 0 with Cut false: answer as usual after Delay
	Times  int    // 0 means 1
	Header http.Header
	Body   []byte
	Delay  time.Duration // on the suite's clock, never slept
}

// Faults is the queue of armed faults a Fake keeps. The zero value has no clock
// and ignores Delay; NewFaults takes the suite's.
type Faults struct {
	clock *clock.Fake

	mu       sync.Mutex
	armed    []Fault
	requests []*http.Request
}

// NewFaults keeps faults whose Delay moves the suite's clock.
func NewFaults(env Env) *Faults { return &Faults{clock: env.Clock} }

// Inject arms a fault.
func (q *Faults) Inject(f Fault) {
	if f.Times == 0 {
		f.Times = 1
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.armed = append(q.armed, f)
}

// Take spends the oldest fault armed for op.
func (q *Faults) Take(op string) (Fault, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i := range q.armed {
		if q.armed[i].Op != op {
			continue
		}
		f := q.armed[i]
		if q.armed[i].Times--; q.armed[i].Times <= 0 {
			q.armed = append(q.armed[:i:i], q.armed[i+1:]...)
		}
		return f, true
	}
	return Fault{}, false
}

// Peek is the oldest fault armed for op, and spends nothing.
func (q *Faults) Peek(op string) (Fault, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, f := range q.armed {
		if f.Op == op {
			return f, true
		}
	}
	return Fault{}, false
}

// Armed reports a fault waiting for op, and spends nothing.
func (q *Faults) Armed(op string) bool {
	_, ok := q.Peek(op)
	return ok
}

// Serve answers a request of kind op with usual, unless a fault is armed for
// it. It also remembers the request, body included, for Requests.
func (q *Faults) Serve(op string, w http.ResponseWriter, r *http.Request, usual http.HandlerFunc) {
	q.Remember(r)
	f, ok := q.Take(op)
	if !ok {
		usual(w, r)
		return
	}
	if f.Delay > 0 && q.clock != nil {
		q.clock.Advance(f.Delay)
	}
	if !f.Cut && f.Status == 0 {
		usual(w, r)
		return
	}
	if f.Commit {
		usual(httptest.NewRecorder(), r)
	}
	if f.Cut {
		panic(http.ErrAbortHandler) // net/http closes the connection unanswered
	}
	for k, v := range f.Header {
		w.Header()[k] = v
	}
	w.WriteHeader(f.Status)
	_, _ = w.Write(f.Body)
}

// Remember notes a request for Requests; Serve does it by itself.
func (q *Faults) Remember(r *http.Request) {
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	kept := r.Clone(r.Context())
	kept.Body = io.NopCloser(bytes.NewReader(body))
	q.mu.Lock()
	defer q.mu.Unlock()
	q.requests = append(q.requests, kept)
}

// Requests is everything Serve has seen, in order.
func (q *Faults) Requests() []*http.Request {
	q.mu.Lock()
	defer q.mu.Unlock()
	return append([]*http.Request(nil), q.requests...)
}
