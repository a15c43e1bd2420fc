package sandbox

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync"
)

// Client reaches the server without a socket, and nothing but the server:
// whatever host a request names, it arrives here. Streams stream.
func (s *Server) Client() *http.Client {
	return &http.Client{Transport: Transport{s}}
}

// Transport calls a handler as if it were far away.
type Transport struct{ Handler http.Handler }

// errCut is what a client sees when the connection was closed unanswered.
var errCut = errors.New("the connection was closed before an answer came")

// RoundTrip returns as soon as the handler has written its header; the body
// arrives as it is written.
func (t Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	body := r.Body
	if body == nil {
		body = http.NoBody
	}
	in := r.Clone(r.Context())
	in.Body, in.RequestURI, in.RemoteAddr = body, r.URL.RequestURI(), "sandbox"
	if in.Host == "" {
		in.Host = r.URL.Host
	}
	pr, pw := io.Pipe()
	w := &pipeWriter{header: http.Header{}, pipe: pw, begun: make(chan struct{})}
	go t.serve(w, in)
	select {
	case <-w.begun:
	case <-r.Context().Done():
		_ = pr.CloseWithError(r.Context().Err())
		return nil, r.Context().Err()
	}
	if w.wasCut() {
		return nil, errCut
	}
	stop := context.AfterFunc(r.Context(), func() { _ = pr.CloseWithError(r.Context().Err()) })
	return &http.Response{
		Status: strconv.Itoa(w.status) + " " + http.StatusText(w.status), StatusCode: w.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.sent, Body: &pipeBody{pr, stop}, ContentLength: -1, Request: r,
	}, nil
}

// serve runs the handler. Its way to close a connection unanswered is the panic
// that net/http defines for it; any other panic is a defect and stays one.
func (t Transport) serve(w *pipeWriter, r *http.Request) {
	defer r.Body.Close()
	defer func() {
		if p := recover(); p != nil {
			w.cut()
			if err, ok := p.(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
				panic(p)
			}
		}
	}()
	t.Handler.ServeHTTP(w, r)
	w.end()
}

// pipeBody is the answer's body; closing it tells the handler that nobody
// listens any more.
type pipeBody struct {
	*io.PipeReader
	stop func() bool
}

func (b *pipeBody) Close() error { b.stop(); return b.PipeReader.Close() }

// pipeWriter is the handler's side.
type pipeWriter struct {
	header http.Header
	pipe   *io.PipeWriter
	begun  chan struct{} // closed with the header, or with the cut

	mu     sync.Mutex
	done   bool
	broken bool
	status int
	sent   http.Header
}

func (w *pipeWriter) Header() http.Header { return w.header }

func (w *pipeWriter) WriteHeader(status int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.done {
		return
	}
	w.done, w.status, w.sent = true, status, w.header.Clone()
	close(w.begun)
}

func (w *pipeWriter) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.pipe.Write(b)
}

// Flush begins the answer; what is written is there at once anyway.
func (w *pipeWriter) Flush() { w.WriteHeader(http.StatusOK) }

func (w *pipeWriter) end() {
	w.WriteHeader(http.StatusOK)
	_ = w.pipe.Close()
}

func (w *pipeWriter) cut() {
	w.mu.Lock()
	if !w.done {
		w.done, w.broken = true, true
		close(w.begun)
	}
	w.mu.Unlock()
	_ = w.pipe.CloseWithError(errCut)
}

func (w *pipeWriter) wasCut() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.broken
}
