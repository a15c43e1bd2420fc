package page

import (
	"io"
	"net/http"
	"slices"
	"time"
)

// Whoever sends or takes slowly holds a connection and a goroutine, signed in or
// not, and lets the program wait when it stops. These deadlines belong to a real
// socket, so they are the one time that does not come from the injected clock.
const (
	// patience is how long a browser may be silent while it sends, and how long
	// it may need for a portion of what it takes.
	patience = time.Minute
	// slowest is how many bytes a second must come in the long run: few enough
	// for pictures from a telephone at the edge of its network.
	slowest = 4 << 10
	portion = 64 << 10
)

// incoming is the body of a request, cut off when it comes too slowly. What is
// read of it moves the deadline on. With its end net/http takes the deadline away;
// with an error it stays, because net/http reads what is left before it answers.
type incoming struct {
	io.ReadCloser
	control *http.ResponseController
	until   time.Time
}

func receive(w http.ResponseWriter, body io.ReadCloser) io.ReadCloser {
	if body == nil || body == http.NoBody {
		return body // whether the browser is still there is all that is read then
	}
	b := &incoming{ReadCloser: body, control: http.NewResponseController(w), until: time.Now().Add(patience)}
	_ = b.control.SetReadDeadline(b.until) // not every connection has one
	return b
}

func (b *incoming) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == nil {
		b.until = b.until.Add(time.Duration(n) * time.Second / slowest)
		if latest := time.Now().Add(patience); b.until.After(latest) {
			b.until = latest
		}
		_ = b.control.SetReadDeadline(b.until)
	}
	return n, err
}

// outgoing is an answer that ends where nobody takes it.
type outgoing struct {
	http.ResponseWriter
	control *http.ResponseController
}

func send(w http.ResponseWriter) *outgoing {
	o := &outgoing{ResponseWriter: w, control: http.NewResponseController(w)}
	o.lift() // what the request before on this connection left
	return o
}

func (o *outgoing) Write(b []byte) (n int, err error) {
	defer o.lift()
	for part := range slices.Chunk(b, portion) {
		o.within(patience)
		m, err := o.ResponseWriter.Write(part)
		n += m
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// FlushError is what http.ResponseController calls.
func (o *outgoing) FlushError() error {
	defer o.lift()
	o.within(patience)
	return o.control.Flush()
}

// end bounds what is left to do once the handler has returned: reading the rest
// of the body, which has its own patience, and writing what is buffered.
func (o *outgoing) end() { o.within(2 * patience) }

func (o *outgoing) within(d time.Duration) { _ = o.control.SetWriteDeadline(time.Now().Add(d)) }

// lift takes the deadline away. HTTP/2 ends a stream whose deadline passes also
// while nothing is being written.
func (o *outgoing) lift() { _ = o.control.SetWriteDeadline(time.Time{}) }

// Unwrap lets http.ResponseController reach the connection.
func (o *outgoing) Unwrap() http.ResponseWriter { return o.ResponseWriter }
