package sandbox

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"parley/internal/network"
)

// cursorV is the format of cursors: the decimal number of the last entry read.
const cursorV = 1

func cursor(seq int64) network.Cursor {
	return network.Cursor{V: cursorV, Opaque: strconv.AppendInt(nil, seq, 10)}
}

// seqOf reads a cursor; false for none, or one that is not ours.
func seqOf(c network.Cursor) (int64, bool) {
	n, err := strconv.ParseInt(string(c.Opaque), 10, 64)
	return n, err == nil && c.V == cursorV && n >= 0
}

// Poll reads an account's log onwards. The numbers are gapless: where one is
// missing the network has forgotten it, and says so as a gap.
func (c *Connector) Poll(ctx context.Context, a network.Account, f network.Feed, cur network.Cursor) (network.Page, error) {
	q := url.Values{"feed": {string(f)}, "limit": {strconv.Itoa(maxPage)}}
	after, begun := seqOf(cur)
	if begun {
		q.Set("after", strconv.FormatInt(after, 10))
	} else {
		q.Set("newest", "1")
	}
	var p wirePage
	res, err := c.do(ctx, request{account: a, method: http.MethodGet, path: "/events?" + q.Encode()}, &p)
	if err != nil {
		return network.Page{}, err
	}
	if p.Events == nil {
		return network.Page{}, &network.Error{Kind: network.Transient, Native: "200", Message: "The answer holds no events."}
	}
	page := c.page(p, a)
	switch {
	case len(p.Events) > 0:
		page.Next = cursor(max(after, p.Events[len(p.Events)-1].Seq)) // never ahead of what was told
	case begun:
		page.Next = cur
	}
	page.Rate = c.rate(res.header)
	if begun && p.First > after+1 {
		gap := network.Event{Kind: network.KindGap, Note: "sandbox.gap", At: c.env.Now()}
		page.Events = append([]network.Event{gap}, page.Events...)
	}
	return page, nil
}

// page turns a wirePage into what Poll and Import return.
func (c *Connector) page(p wirePage, a network.Account) network.Page {
	out := network.Page{Next: cursor(max(0, p.Next)), More: p.More && len(p.Events) > 0}
	for _, e := range p.Events {
		if ev, ok := event(e, a, c.env.Now()); ok {
			out.Events = append(out.Events, ev)
		}
	}
	return out
}

func (c *Connector) rate(h http.Header) network.Rate {
	limit, err := strconv.Atoi(h.Get("X-RateLimit-Limit"))
	if err != nil {
		return network.Rate{}
	}
	left, _ := strconv.Atoi(h.Get("X-RateLimit-Remaining"))
	r := network.Rate{Limit: limit, Left: left}
	if h.Get("X-RateLimit-Reset") != "" {
		r.Reset = network.RetryAt(h, nil, c.env.Now())
	}
	return r
}

// Import walks a log backwards until since.
func (c *Connector) Import(ctx context.Context, a network.Account, f network.Feed, since time.Time, cur network.Cursor) (network.Page, error) {
	before, _ := seqOf(cur) // 0 is the newest
	q := url.Values{"feed": {string(f)}, "limit": {strconv.Itoa(maxPage)}, "before": {strconv.FormatInt(before, 10)}}
	var p wirePage
	if _, err := c.do(ctx, request{account: a, method: http.MethodGet, path: "/events?" + q.Encode()}, &p); err != nil {
		return network.Page{}, err
	}
	for i, e := range p.Events {
		if e.At.Before(since) {
			p.Events, p.More = p.Events[:i], false
			break
		}
	}
	return c.page(p, a), nil
}

// maxLine is the longest line of a stream.
const maxLine = 1 << 20

// Stream reads server-sent events until ctx ends or the stream breaks.
func (c *Connector) Stream(ctx context.Context, a network.Account, ready func(), got func(network.Event) error) error {
	q := request{account: a, method: http.MethodGet, path: "/stream", header: map[string]string{"Accept": "text/event-stream"}}
	res, err := c.send(ctx, q)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(io.LimitReader(res.Body, maxLine)) // what can be read of a refusal
		return c.refusal(q, res, body)
	}
	ready()
	err = c.follow(bufio.NewReaderSize(res.Body, 64<<10), a, got)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var own *stopped
	if errors.As(err, &own) {
		return own.err
	}
	return &network.Error{Kind: network.Transient, Native: "stream", Err: err}
}

// stopped is an error of the one who listens, passed through untouched.
type stopped struct{ err error }

func (s *stopped) Error() string { return s.err.Error() }

// follow reads events until the stream ends. What it does not understand is a
// hint to poll, never a reason to stop.
func (c *Connector) follow(r *bufio.Reader, a network.Account, got func(network.Event) error) error {
	for {
		line, err := readLine(r)
		if err != nil {
			return fmt.Errorf("reading the stream: %w", err)
		}
		data, found := bytes.CutPrefix(line, []byte("data:"))
		if !found {
			continue
		}
		if err := got(c.heard(data, a)); err != nil {
			return &stopped{err}
		}
	}
}

// heard is one event of a stream.
func (c *Connector) heard(data []byte, a network.Account) network.Event {
	var e wireEvent
	if json.Unmarshal(data, &e) == nil {
		if ev, ok := event(e, a, c.env.Now()); ok {
			return ev
		}
	}
	return network.Event{Kind: network.KindHint, At: c.env.Now()}
}

func readLine(r *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		line = append(line, part...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return bytes.TrimRight(line, "\r\n"), err
		}
		if len(line) > maxLine {
			return nil, errors.New("a line is too long")
		}
	}
}

// Thread reads everything around a post, oldest first.
func (c *Connector) Thread(ctx context.Context, a network.Account, ref network.Ref) ([]network.Event, error) {
	var p wirePosts
	if _, err := c.do(ctx, request{account: a, method: http.MethodGet, path: "/posts/" + url.PathEscape(ref.ID) + "/thread"}, &p); err != nil {
		return nil, err
	}
	var out []network.Event
	for _, o := range p.Posts {
		if m, ok := message(o, a, c.env.Now()); ok {
			out = append(out, network.Event{
				Kind: network.KindMessage, Post: &m, Own: m.Author.RemoteID == a.RemoteID,
				Direct: m.Visibility == network.DirectTo, Addressed: addressed(m, a), At: m.Created,
			})
		}
	}
	return out, nil
}

// addressed reports a post written to the account.
func addressed(p network.Post, a network.Account) bool {
	for _, t := range p.To {
		if t.RemoteID == a.RemoteID {
			return true
		}
	}
	return false
}

// Watch reports which posts were edited or are gone.
func (c *Connector) Watch(ctx context.Context, a network.Account, refs []network.Ref) ([]network.Event, error) {
	var out []network.Event
	for len(refs) > 0 {
		n := min(len(refs), maxIDs)
		some, err := c.watch(ctx, a, refs[:n])
		if err != nil {
			return nil, err
		}
		out, refs = append(out, some...), refs[n:]
	}
	return out, nil
}

func (c *Connector) watch(ctx context.Context, a network.Account, refs []network.Ref) ([]network.Event, error) {
	q, known := url.Values{}, map[string]string{}
	for _, r := range refs {
		q.Add("id", r.ID)
		known[r.ID] = r.Version
	}
	var p wirePosts
	if _, err := c.do(ctx, request{account: a, method: http.MethodGet, path: "/posts?" + q.Encode()}, &p); err != nil {
		return nil, err
	}
	var out []network.Event
	for _, o := range p.Posts {
		m, ok := message(o, a, c.env.Now())
		if version, asked := known[m.ID]; ok && asked && version != m.Version {
			own := m.Author.RemoteID == a.RemoteID
			out = append(out, network.Event{
				Kind: network.KindEdit, Post: &m, Own: own, Addressed: !own && addressed(m, a),
				Direct: m.Visibility == network.DirectTo, At: m.Edited,
			})
		}
	}
	for _, id := range p.Gone {
		if _, asked := known[id]; asked {
			out = append(out, network.Event{Kind: network.KindGone, Gone: &network.Ref{ID: id}, At: c.env.Now()})
		}
	}
	return out, nil
}

// Metrics reads counts. What the network does not tell, and posts that are
// gone, are absent.
func (c *Connector) Metrics(ctx context.Context, a network.Account, refs []network.Ref) (map[string]network.Counts, error) {
	out := map[string]network.Counts{}
	for _, r := range refs {
		var n network.Counts
		_, err := c.do(ctx, request{account: a, method: http.MethodGet, path: "/posts/" + url.PathEscape(r.ID) + "/counts"}, &n)
		switch {
		case network.KindOf(err) == network.Gone:
			continue
		case err != nil:
			return nil, err
		}
		out[r.ID] = n
	}
	return out, nil
}
