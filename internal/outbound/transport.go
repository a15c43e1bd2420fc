package outbound

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"time"
)

// ErrTooLarge is what reading a body beyond the limit returns.
var ErrTooLarge = errors.New("answer is too large")

// transport adds limits, name and knowledge to the plain transports.
type transport struct {
	options       Options
	reads, writes *http.Transport
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if s := req.URL.Scheme; s != "http" && s != "https" {
		closeBody(req)
		return nil, &attempt{err: fmt.Errorf("%w: %q", ErrScheme, s), sent: req.Response != nil}
	}
	lease := t.lease(req)
	// A redirect means that something has left before, whatever happens now.
	var sent atomic.Bool
	sent.Store(req.Response != nil)
	ctx := httptrace.WithClientTrace(lease.ctx, &httptrace.ClientTrace{
		// TLS is done by then, and not a byte of the request written.
		GotConn: func(httptrace.GotConnInfo) { sent.Store(true) },
	})
	clone := req.Clone(ctx)
	if clone.Header == nil {
		clone.Header = http.Header{}
	}
	if clone.Header.Get("User-Agent") == "" {
		clone.Header.Set("User-Agent", t.options.UserAgent)
	}
	resp, err := t.choose(req).RoundTrip(clone)
	if err != nil {
		lease.end()
		return nil, &attempt{err: err, sent: sent.Load()}
	}
	t.bound(resp, lease)
	return resp, nil
}

// CloseIdleConnections serves http.Client's method of that name.
func (t *transport) CloseIdleConnections() {
	t.reads.CloseIdleConnections()
	t.writes.CloseIdleConnections()
}

func (t *transport) choose(req *http.Request) *http.Transport {
	if reading(req.Method) {
		return t.reads
	}
	return t.writes
}

func reading(method string) bool {
	return method == "" || method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

// streaming reports a request whose answer is meant to go on.
func streaming(req *http.Request) bool {
	return strings.EqualFold(req.Header.Get("Upgrade"), "websocket") ||
		strings.HasPrefix(req.Header.Get("Accept"), "text/event-stream")
}

// lease is the time a request has.
type lease struct {
	ctx    context.Context
	end    func()      // gives up
	opened func() bool // stream: the answer has begun; false: too late
}

// lease starts the clock. The hops of one redirect share their deadline, which
// is found where the hop before left it; a stream's clock stops when it opens.
func (t *transport) lease(req *http.Request) lease {
	if streaming(req) {
		ctx, cancel := context.WithCancelCause(req.Context())
		timer := time.AfterFunc(t.options.Timeout, func() { cancel(context.DeadlineExceeded) })
		return lease{ctx: ctx, end: func() { timer.Stop(); cancel(context.Canceled) }, opened: timer.Stop}
	}
	if before := req.Response; before != nil && before.Request != nil {
		if deadline, ok := before.Request.Context().Deadline(); ok {
			ctx, cancel := context.WithDeadline(req.Context(), deadline)
			return lease{ctx: ctx, end: cancel}
		}
	}
	ctx, cancel := context.WithTimeout(req.Context(), t.options.Timeout)
	return lease{ctx: ctx, end: cancel}
}

// bound puts the limits on a body.
func (t *transport) bound(resp *http.Response, l lease) {
	if l.opened != nil {
		l.opened()
	}
	if duplex, ok := resp.Body.(io.ReadWriteCloser); ok && resp.StatusCode == http.StatusSwitchingProtocols {
		resp.Body = &socket{ReadWriteCloser: duplex, end: l.end}
		return
	}
	b := &body{ReadCloser: resp.Body, end: l.end, limit: t.options.MaxBytes, left: t.options.MaxBytes}
	b.endless = l.opened != nil && strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream")
	b.declared = resp.ContentLength
	resp.Body = b
}

// body is a response's body with a limit. It is read by one goroutine at a time,
// as every body is.
type body struct {
	io.ReadCloser
	end         func()
	limit, left int64
	declared    int64 // Content-Length; -1 if not told
	endless     bool
}

// Read implements io.Reader. A body that announces more than the limit fails at
// once, so that the status can still be read but no time is lost.
func (b *body) Read(p []byte) (int, error) {
	if b.endless {
		return b.ReadCloser.Read(p)
	}
	if b.declared > b.limit || b.left < 0 {
		return 0, fmt.Errorf("%w: more than %d bytes", ErrTooLarge, b.limit)
	}
	// One byte more than allowed is asked for, to tell "just fits" from "goes on".
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.ReadCloser.Read(p)
	b.left -= int64(n)
	if b.left < 0 {
		return n - 1, fmt.Errorf("%w: more than %d bytes", ErrTooLarge, b.limit)
	}
	return n, err
}

// Close implements io.Closer.
func (b *body) Close() error {
	err := b.ReadCloser.Close()
	b.end()
	return err
}

// socket is an upgraded connection.
type socket struct {
	io.ReadWriteCloser
	end func()
}

// Close implements io.Closer.
func (s *socket) Close() error {
	err := s.ReadWriteCloser.Close()
	s.end()
	return err
}

func closeBody(req *http.Request) {
	if req.Body != nil {
		req.Body.Close()
	}
}
