package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"parley/internal/network"
)

// heartbeat is how often an idle stream says that it lives.
const heartbeat = 30 * time.Second

// stream is GET /stream: server-sent events (WHATWG HTML, section 9.2) of both
// feeds, from now on or behind ?mentions= and ?own=.
func (s *Server) stream(rw http.ResponseWriter, r *http.Request) {
	from, a, refused := s.admitStream(r)
	if refused {
		respond(rw, a)
		return
	}
	flush, canFlush := rw.(http.Flusher)
	if !canFlush {
		respond(rw, refuse(http.StatusNotImplemented, network.Transient, "stream", "Streams are not possible here."))
		return
	}
	rw.Header().Set("Content-Type", "text/event-stream")
	rw.WriteHeader(http.StatusOK)
	fmt.Fprint(rw, ": open\n\n")
	flush.Flush()
	for {
		events, wake, cut := s.more(from)
		if cut {
			panic(http.ErrAbortHandler)
		}
		for _, e := range events {
			b, err := json.Marshal(e)
			if err != nil {
				return
			}
			if _, err := fmt.Fprintf(rw, "event: %s\ndata: %s\n\n", e.Kind, b); err != nil {
				return
			}
		}
		flush.Flush()
		if len(events) > 0 {
			continue // there may be more already
		}
		select {
		case <-r.Context().Done():
			return
		case <-wake:
		case <-s.world.clock.After(heartbeat):
			if _, err := fmt.Fprint(rw, ": still here\n\n"); err != nil {
				return
			}
			flush.Flush()
		}
	}
}

// place is how far a stream has told.
type place struct {
	desk          *desk
	token         string
	mentions, own int64
}

// admitStream admits a stream and finds where it begins.
func (s *Server) admitStream(r *http.Request) (*place, answer, bool) {
	w := s.world
	var from *place
	a := w.answer(r, nil, opStream, true, func(w *world, c *call) answer {
		if !w.kind.Streams {
			return refuse(http.StatusNotFound, network.Version, "method", "There is no stream here.")
		}
		from = &place{desk: c.desk, token: c.Header.Get("Authorization"),
			mentions: c.number("mentions", c.desk.mentions.last(), 1<<62), own: c.number("own", c.desk.own.last(), 1<<62)}
		return answer{status: http.StatusOK}
	})
	return from, a, from == nil || a.status != http.StatusOK || a.cut
}

// more is what has happened since, and what is closed at the next change. A
// fault armed for open streams cuts them; so does the end of the token.
func (s *Server) more(from *place) (events []wireEvent, wake chan struct{}, cut bool) {
	w := s.world
	w.mu.Lock()
	defer w.mu.Unlock()
	w.catchUp()
	if d, alive := w.bearer(&call{Request: &http.Request{Header: http.Header{"Authorization": {from.token}}}, now: w.now()}); d != from.desk || !alive {
		return nil, nil, true
	}
	for _, e := range from.desk.mentions.after(from.mentions, maxPage) {
		from.mentions = e.Seq
		events = append(events, w.shown(e))
	}
	for _, e := range from.desk.own.after(from.own, maxPage) {
		from.own = e.Seq
		events = append(events, w.shown(e))
	}
	return events, w.wake, false
}
