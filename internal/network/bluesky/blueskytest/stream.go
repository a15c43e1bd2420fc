package blueskytest

import (
	"encoding/json"
	"net/http"

	"github.com/coder/websocket"
)

// subscribe is a Jetstream: it tells of records as they are written.
func (f *Fake) subscribe(w http.ResponseWriter, r *http.Request) {
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return // Accept has answered
	}
	defer conn.CloseNow()
	ch := make(chan []byte, 64)
	f.mu.Lock()
	f.streams[ch] = r.URL.Query().Get("wantedDids")
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		delete(f.streams, ch)
		f.mu.Unlock()
	}()
	ctx := conn.CloseRead(r.Context())
	for {
		select {
		case <-ctx.Done():
			return
		case frame := <-ch:
			if conn.Write(ctx, websocket.MessageText, frame) != nil {
				return
			}
		}
	}
}

// broadcast tells the streams; f.mu is held.
func (f *Fake) broadcast(did string, commit map[string]any) {
	frame, err := json.Marshal(map[string]any{"did": did, "time_us": f.now().UnixMicro(), "kind": "commit", "commit": commit})
	if err != nil {
		return
	}
	for ch, want := range f.streams {
		if want != "" && want != did {
			continue
		}
		select {
		case ch <- frame:
		default: // a reader that far behind is cut off by a real one too
		}
	}
}

// Streams counts open streams, so that a test can wait for one.
func (f *Fake) Streams() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.streams)
}
