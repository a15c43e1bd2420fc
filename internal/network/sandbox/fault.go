package sandbox

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"parley/internal/network"
)

// Fault is one misbehaviour, armed through the control API or Inject and spent
// on the next Times requests of an operation.
type Fault struct {
	Op     string        `json:"op"` // create|upload|status|poll|refresh|edit|delete|stream|describe|read|act
	Commit bool          `json:"commit"`
	Cut    bool          `json:"cut"`
	Status int           `json:"status"`
	Times  int           `json:"times"` // 0 means 1
	Header http.Header   `json:"header"`
	Body   []byte        `json:"body"`
	Delay  time.Duration `json:"delay"` // nanoseconds on the network's clock
}

// Inject arms a fault.
func (s *Server) Inject(f Fault) {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	s.world.faults.add(f)
}

// faults is the queue of what is armed.
type faults []Fault

func (q *faults) add(f Fault) {
	f.Times = max(1, f.Times)
	*q = append(*q, f)
}

// take spends the oldest fault armed for op.
func (q *faults) take(op string) (Fault, bool) {
	for i := range *q {
		f := (*q)[i]
		if f.Op != op || op == "" {
			continue
		}
		if (*q)[i].Times--; (*q)[i].Times == 0 {
			*q = slices.Delete(*q, i, i+1)
		}
		return f, true
	}
	return Fault{}, false
}

// armed reports a fault waiting for op.
func (q faults) armed(op string) bool {
	return slices.ContainsFunc(q, func(f Fault) bool { return f.Op == op })
}

// Mischief is a fault chosen by data: by the last part of the handle somebody
// is answered under ("bea.timeout"), or by a word in our own text
// ("sandbox:timeout"). So a rehearsal can show what a bad day looks like, and a
// drill can write it into its script.
type Mischief string

const (
	MischiefTimeout   Mischief = "timeout"   // it is kept, the answer is lost
	MischiefCut       Mischief = "cut"       // the first attempt is lost before it is kept
	MischiefError     Mischief = "error"     // it is kept, the answer is a server error
	MischiefThrottled Mischief = "throttled" // too many requests, twice
	MischiefGone      Mischief = "gone"      // what is answered has just been deleted
	MischiefRefused   Mischief = "refused"   // this person takes no answers
	MischiefUnknown   Mischief = "unknown"   // the answer is lost and nothing can be read for an hour
)

var mischiefs = []Mischief{MischiefTimeout, MischiefCut, MischiefError, MischiefThrottled, MischiefGone, MischiefRefused, MischiefUnknown}

// blindness is how long MischiefUnknown keeps the truth from us.
const blindness = time.Hour

// mischief finds what a new post calls for.
func (w *world) mischief(n wireNew) Mischief {
	handle := ""
	if parent := w.posts[n.InReplyTo]; parent != nil {
		handle = parent.Author.Handle
	}
	for _, m := range mischiefs {
		if strings.HasSuffix(handle, "."+string(m)) || strings.Contains(n.Text, "sandbox:"+string(m)) {
			return m
		}
	}
	return ""
}

// before is what a mischief does ahead of the write; false: go on.
func (w *world) before(m Mischief, c *call, attempt string, n wireNew) (answer, bool) {
	switch m {
	case MischiefCut:
		if w.attempt(attempt) <= 1 {
			return answer{cut: true}, true
		}
	case MischiefThrottled:
		if w.attempt(attempt) <= 2 {
			return w.limited(30 * time.Second), true
		}
	case MischiefGone:
		if parent := w.find(n.InReplyTo); parent != nil {
			w.remove(parent, c.now)
		}
		return refuse(http.StatusGone, network.Gone, "gone", "The post was deleted."), true
	case MischiefRefused:
		return refuse(http.StatusForbidden, network.Policy, "no_replies", "This person does not accept answers."), true
	}
	return answer{}, false
}

// after is what a mischief does to the answer of a write that was kept.
func (w *world) after(m Mischief, a answer) answer {
	switch m {
	case MischiefTimeout, MischiefUnknown:
		a.cut = true
	case MischiefError:
		return refuse(http.StatusInternalServerError, network.Ambiguous, "500", "Internal error.")
	}
	return a
}

// attempt counts how often the same write was tried.
func (w *world) attempt(key string) int {
	n := w.keys["attempt:"+key]
	tries, _ := strconv.Atoi(n.post)
	w.keys["attempt:"+key] = keyed{post: strconv.Itoa(tries + 1), until: w.now().Add(draftLife)}
	return tries + 1
}

// limited is a 429 in the words of the personality.
func (w *world) limited(wait time.Duration) answer {
	at := w.now().Add(wait)
	secs := int64((wait + time.Second - 1) / time.Second)
	e := wireError{Kind: network.RateLimited, Native: "429", Message: "Too many requests."}
	h := http.Header{"Date": {w.now().UTC().Format(http.TimeFormat)}}
	switch w.kind.Reset {
	case ResetSeconds:
		h.Set("Retry-After", strconv.FormatInt(secs, 10))
	case ResetDate:
		h.Set("Retry-After", at.UTC().Format(http.TimeFormat))
	case ResetISO:
		h.Set("X-RateLimit-Reset", at.UTC().Format(time.RFC3339Nano))
	case ResetEpoch:
		h.Set("RateLimit-Reset", strconv.FormatInt(at.Unix(), 10))
	case ResetLeft:
		h.Set("X-Ratelimit-Reset", strconv.FormatInt(secs, 10))
	case ResetTelegram:
		e.Parameters = &wireRetry{RetryAfter: secs}
	case ResetExtras:
		e.Extras = &wireRetry{WaitSeconds: secs}
	case ResetSentence:
		e.Message = fmt.Sprintf("You are doing that too much. Try again in %d seconds.", secs)
	case ResetMidnight:
		e.Resets = "America/Los_Angeles"
	}
	return answer{status: http.StatusTooManyRequests, header: h, body: e}
}

// budget counts a request against the account's window and tells what is left.
func (w *world) budget(d *desk, a *answer) {
	if d == nil || w.kind.Reset != ResetISO && w.kind.Reset != ResetEpoch && w.kind.Reset != ResetLeft {
		return
	}
	if a.header == nil {
		a.header = http.Header{}
	}
	a.header.Set("Date", w.now().UTC().Format(http.TimeFormat))
	a.header.Set("X-RateLimit-Limit", strconv.Itoa(w.kind.Limit))
	a.header.Set("X-RateLimit-Remaining", strconv.Itoa(max(0, w.kind.Limit-d.used)))
	if a.header.Get("X-RateLimit-Reset") == "" && w.kind.Reset == ResetISO {
		a.header.Set("X-RateLimit-Reset", d.window.UTC().Format(time.RFC3339Nano))
	}
}
