package mastodontest

import (
	"encoding/json"
	"net/http"
	"sync"

	"github.com/coder/websocket"
)

// hub passes events on to open streams.
type hub struct {
	streamsMu *sync.Mutex
	open      map[chan []byte]struct{}
}

func newHub() hub { return hub{streamsMu: &sync.Mutex{}, open: map[chan []byte]struct{}{}} }

func (h hub) join() (events chan []byte, leave func()) {
	events = make(chan []byte, 256)
	h.streamsMu.Lock()
	defer h.streamsMu.Unlock()
	h.open[events] = struct{}{}
	return events, func() {
		h.streamsMu.Lock()
		defer h.streamsMu.Unlock()
		delete(h.open, events)
	}
}

func (h hub) count() int {
	h.streamsMu.Lock()
	defer h.streamsMu.Unlock()
	return len(h.open)
}

// tell sends an event to all streams. Its payload is JSON inside a string, or a
// bare string. A reader that does not keep up loses events, as on real servers.
func (h hub) tell(event string, payload any) {
	body, ok := payload.(string)
	if !ok {
		b, err := json.Marshal(payload)
		if err != nil {
			panic("mastodontest: " + err.Error()) // our own types only
		}
		body = string(b)
	}
	h.send(object{"stream": []string{"user"}, "event": event, "payload": body})
}

func (h hub) send(frame object) {
	b, err := json.Marshal(frame)
	if err != nil {
		panic("mastodontest: " + err.Error())
	}
	h.streamsMu.Lock()
	defer h.streamsMu.Unlock()
	for events := range h.open {
		select {
		case events <- b:
		default:
		}
	}
}

// Tell sends an event that carries nothing to all streams, such as
// "notifications_merged".
func (f *Fake) Tell(event string) {
	f.send(object{"stream": []string{"user"}, "event": event})
}

// streaming is the websocket.
func (f *Fake) streaming(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	_, ok := f.valid(bearer(r))
	f.mu.Unlock()
	if !ok {
		f.refuse(w, http.StatusUnauthorized, "The access token is invalid")
		return
	}
	events, leave := f.join()
	defer leave()
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer conn.CloseNow()
	ctx := conn.CloseRead(r.Context())
	for {
		select {
		case <-ctx.Done():
			return
		case b := <-events:
			if err := conn.Write(ctx, websocket.MessageText, b); err != nil {
				return
			}
		}
	}
}
