package networktest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
)

// errRefused is what dialing says while the wire is down.
var errRefused = errors.New("connection refused by the suite")

// wire is the connector's way to the Fake: it reaches only loopback, remembers
// what left, and can be taken down before the next dial.
type wire struct {
	base *http.Transport

	mu   sync.Mutex
	down bool
	sent []sent
	hold func(*http.Request) // called with each request before it leaves
	seen func(*http.Request) // called when its answer is there, before the connector reads it

	fake   Fake
	socket Socket // nil: the Fake is asked through this wire
}

// sent is one request as it left.
type sent struct {
	Method, Path, Key string
	Body              []byte
}

// write reports whether a request may change something on the network.
func (s sent) write() bool {
	return s.Method != http.MethodGet && s.Method != http.MethodHead && s.Method != http.MethodOptions
}

func newWire() *wire {
	w := &wire{}
	w.base = &http.Transport{DialContext: w.dial, MaxIdleConnsPerHost: 4}
	return w
}

func (w *wire) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	w.mu.Lock()
	down := w.down
	w.mu.Unlock()
	if down {
		return nil, &net.OpError{Op: "dial", Net: network, Err: errRefused}
	}
	host, _, err := net.SplitHostPort(addr)
	if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
		return nil, &net.OpError{Op: "dial", Net: network, Err: errors.New("the suite reaches only loopback, not " + addr)}
	}
	return (&net.Dialer{}).DialContext(ctx, network, addr)
}

// cut makes every dial fail until the returned function is called.
func (w *wire) cut() (mend func()) {
	w.set(true)
	w.base.CloseIdleConnections()
	return func() { w.set(false) }
}

func (w *wire) set(down bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.down = down
}

// watch sets what runs before a request leaves and after its answer came; nil is nothing.
func (w *wire) watch(hold, seen func(*http.Request)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hold, w.seen = hold, seen
	if w.socket != nil {
		w.socket.Watch(hold, seen)
	}
}

// attach makes a wire know a Fake that it does not carry the requests of.
func (w *wire) attach(f Fake) {
	w.fake = f
	w.socket, _ = f.(Socket)
}

// all is everything that left.
func (w *wire) all() []sent {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.socket == nil {
		return append([]sent(nil), w.sent...)
	}
	var all []sent
	for _, r := range w.fake.Requests() {
		body, _ := io.ReadAll(r.Body) // kept in memory by Faults
		r.Body = io.NopCloser(bytes.NewReader(body))
		all = append(all, sent{Method: r.Method, Path: r.URL.RequestURI(), Key: r.Header.Get("Idempotency-Key"), Body: body})
	}
	return all
}

// since is what left after the first n requests; len is how many have left.
func (w *wire) since(n int) []sent { return w.all()[n:] }

func (w *wire) len() int { return len(w.all()) }

// RoundTrip notes the request and passes it on unchanged: whether it may be
// repeated by net/http (GetBody, Idempotency-Key) is the connector's affair.
func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	note := sent{Method: r.Method, Path: r.URL.RequestURI(), Key: r.Header.Get("Idempotency-Key")}
	if r.Body != nil && r.Body != http.NoBody {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		_ = r.Body.Close()
		note.Body = b
		again := r.GetBody
		r = r.Clone(r.Context())
		r.Body = io.NopCloser(bytes.NewReader(b))
		r.GetBody = again
	}
	w.mu.Lock()
	w.sent = append(w.sent, note)
	hold, seen := w.hold, w.seen
	w.mu.Unlock()
	if hold != nil {
		hold(r)
	}
	res, err := w.base.RoundTrip(r)
	if seen != nil {
		seen(r)
	}
	return res, err
}
