package page

import (
	"encoding/json"
	"sync"

	"parley/internal/id"
)

// Notice says that something happened: ids only. Browsers fetch what they show
// of it, and are shown what they may see.
type Notice struct {
	Workspace id.ID
	Number    int64  // the event's number in its workspace
	Kind      string // of the subject: "conversation"
	Subject   id.ID
}

// backlog is how many notices may wait for one browser. One that reads slower
// is dropped; it connects again and fetches everything once.
const backlog = 128

// Hub hands notices to the browsers that are connected to this process. All
// methods may be called by many goroutines; none of them waits for a browser.
type Hub struct {
	mu      sync.Mutex
	streams map[*stream]struct{}
	heads   map[id.ID]int64
}

// stream is one connected browser.
type stream struct {
	session id.ID
	members map[id.ID]id.ID // workspace → member
	notices chan []byte
	once    sync.Once
	ended   chan struct{}
}

func (s *stream) end() { s.once.Do(func() { close(s.ended) }) }

// NewHub makes a hub without browsers.
func NewHub() *Hub {
	return &Hub{streams: map[*stream]struct{}{}, heads: map[id.ID]int64{}}
}

// Publish tells every browser in the notice's workspace. Call it after commit;
// it never blocks.
func (h *Hub) Publish(n Notice) {
	line := noticeLine(n)
	h.mu.Lock()
	defer h.mu.Unlock()
	if n.Number > h.heads[n.Workspace] {
		h.heads[n.Workspace] = n.Number
	}
	for s := range h.streams {
		if _, in := s.members[n.Workspace]; !in {
			continue
		}
		select {
		case s.notices <- line:
		default:
			delete(h.streams, s)
			s.end()
		}
	}
}

// Head is the newest event number this process has heard of; 0 is none yet.
func (h *Hub) Head(workspace id.ID) int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.heads[workspace]
}

// Drop ends the streams of a session: it was revoked or signed out.
func (h *Hub) Drop(session id.ID) {
	h.dropWhere(func(s *stream) bool { return s.session == session })
}

// DropMember ends the streams of a member who was removed or whose rights
// changed. Browsers connect again with what is then theirs.
func (h *Hub) DropMember(workspace, member id.ID) {
	h.dropWhere(func(s *stream) bool { return member != 0 && s.members[workspace] == member })
}

// Close ends every stream, for a graceful stop: http.Server.Shutdown waits for them.
func (h *Hub) Close() { h.dropWhere(func(*stream) bool { return true }) }

// Streams counts the connected browsers, for metrics.
func (h *Hub) Streams() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.streams)
}

func (h *Hub) dropWhere(match func(*stream) bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for s := range h.streams {
		if match(s) {
			delete(h.streams, s)
			s.end()
		}
	}
}

func (h *Hub) join(v Visitor) *stream {
	s := &stream{
		session: v.Session, members: make(map[id.ID]id.ID, len(v.Workspaces)),
		notices: make(chan []byte, backlog), ended: make(chan struct{}),
	}
	for _, w := range v.Workspaces {
		s.members[w.ID] = w.Actor.Member
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.streams[s] = struct{}{}
	return s
}

func (h *Hub) leave(s *stream) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.streams, s)
	s.end()
}

// headsOf lists the newest numbers of a stream's workspaces, for its first line.
func (h *Hub) headsOf(s *stream) map[id.ID]int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	heads := make(map[id.ID]int64, len(s.members))
	for w := range s.members {
		heads[w] = h.heads[w]
	}
	return heads
}

// noticeLine is one server-sent event. Short names: five hundred browsers get it.
func noticeLine(n Notice) []byte {
	raw, err := json.Marshal(struct {
		W id.ID  `json:"w"`
		N int64  `json:"n"`
		K string `json:"k"`
		S id.ID  `json:"s,omitzero"`
	}{n.Workspace, n.Number, n.Kind, n.Subject})
	if err != nil {
		panic(err) // ids, a number and a string always marshal
	}
	return append(append([]byte("data: "), raw...), "\n\n"...)
}
