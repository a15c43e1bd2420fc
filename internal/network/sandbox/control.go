package sandbox

import (
	"encoding/json"
	"io"
	"net/http"
	"time"

	"parley/internal/network"
	"parley/internal/text"
)

// Said is one line of a script: somebody says something, changes it or takes
// it back.
type Said struct {
	Who        string      `json:"who"`  // handle; somebody new is made
	Name       string      `json:"name"` // shown name of somebody new
	RemoteID   string      `json:"remote_id,omitempty"`
	To         string      `json:"to"` // handle of our account; "" is nobody
	Text       string      `json:"text"`
	Lang       string      `json:"lang,omitempty"`
	Warning    string      `json:"warning,omitempty"`
	Visibility string      `json:"visibility,omitempty"`
	ReplyTo    string      `json:"reply_to,omitempty"`
	Quote      string      `json:"quote,omitempty"`
	ID         string      `json:"id,omitempty"` // chosen id of something new
	Spans      []text.Span `json:"-"`
	Edit       string      `json:"edit,omitempty"`   // id of what gets these words
	Delete     string      `json:"delete,omitempty"` // id of what is taken back
	Lock       string      `json:"lock,omitempty"`   // id of what takes no more answers
}

func (s *Server) controls() {
	s.control.HandleFunc("POST /control/script", s.controlScript)
	s.control.HandleFunc("POST /control/faults", s.controlFaults)
	s.control.HandleFunc("POST /control/clock", s.controlClock)
	s.control.HandleFunc("GET /control/ledger", func(rw http.ResponseWriter, _ *http.Request) {
		respond(rw, ok(s.Ledger()))
	})
}

func readControl(rw http.ResponseWriter, r *http.Request, v any) bool {
	b, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, maxBody))
	if err == nil {
		err = json.Unmarshal(b, v)
	}
	if err != nil {
		respond(rw, refuse(http.StatusBadRequest, network.BadInput, "invalid_json", "The request is not JSON of the expected form."))
	}
	return err == nil
}

// controlScript takes a list of Said and answers with the ids.
func (s *Server) controlScript(rw http.ResponseWriter, r *http.Request) {
	var lines []Said
	if !readControl(rw, r, &lines) {
		return
	}
	ids := make([]string, 0, len(lines))
	for _, l := range lines {
		ids = append(ids, s.Script(l))
	}
	respond(rw, ok(map[string][]string{"ids": ids}))
}

// controlFaults takes a list of Fault.
func (s *Server) controlFaults(rw http.ResponseWriter, r *http.Request) {
	var list []Fault
	if !readControl(rw, r, &list) {
		return
	}
	for _, f := range list {
		s.Inject(f)
	}
	respond(rw, answer{status: http.StatusNoContent})
}

// controlClock moves the network's clock forward.
func (s *Server) controlClock(rw http.ResponseWriter, r *http.Request) {
	var in struct {
		Advance string `json:"advance"` // as time.ParseDuration reads it
	}
	if !readControl(rw, r, &in) {
		return
	}
	d, err := time.ParseDuration(in.Advance)
	if err != nil || d < 0 {
		respond(rw, refuse(http.StatusUnprocessableEntity, network.BadInput, "advance", "advance is a duration such as 90m."))
		return
	}
	s.Pass(d)
	respond(rw, ok(map[string]time.Time{"now": s.Now()}))
}

// Pass lets time go by on the network.
func (s *Server) Pass(d time.Duration) {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	s.world.pass(d)
	s.world.catchUp()
	s.world.changed()
}

// Now is the network's time.
func (s *Server) Now() time.Time {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	return s.world.now()
}

// Ledger is every write the network kept, in order.
func (s *Server) Ledger() []Write {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	return append([]Write(nil), s.world.ledger...)
}

// Script plays one line and returns the id of what it made or changed; "" if
// there was nothing to change.
func (s *Server) Script(l Said) string {
	w := s.world
	w.mu.Lock()
	defer w.mu.Unlock()
	w.catchUp()
	at := w.now()
	for _, change := range []struct {
		id string
		do func(*post)
	}{
		{l.Edit, func(p *post) { w.revise(p, wireNew{Text: l.Text, Lang: l.Lang, Warning: l.Warning}, at) }},
		{l.Delete, func(p *post) { w.remove(p, at) }},
		{l.Lock, func(p *post) { p.locked = true }},
	} {
		if change.id == "" {
			continue
		}
		p := w.find(change.id)
		if p == nil {
			return ""
		}
		change.do(p)
		return p.ID
	}
	return w.say(l, at)
}

func (w *world) say(l Said, at time.Time) string {
	id := l.RemoteID
	if id == "" {
		id = "p-" + w.digest("person", l.Who)[:12]
	}
	who := w.addPerson(wirePerson{ID: id, Handle: l.Who, Name: l.Name})
	if l.Visibility == "" {
		l.Visibility = string(network.Public)
	}
	p := &post{wirePost: wirePost{
		ID: l.ID, Author: *who, Text: text.Clean(l.Text), Lang: l.Lang, Warning: text.Clean(l.Warning),
		Visibility: l.Visibility, InReplyTo: l.ReplyTo, Quote: l.Quote,
	}}
	if d := w.deskByHandle(l.To); d != nil {
		p.To = []wirePerson{*d.wirePerson}
	}
	if w.posts[p.ID] != nil {
		p.ID = ""
	}
	return w.publish(p, at).ID
}

// Usurp gives somebody's handle to another person, as happens when an account
// is closed and its name is free again.
func (s *Server) Usurp(handle string) {
	w := s.world
	w.mu.Lock()
	defer w.mu.Unlock()
	old := w.profiles[w.handles[handle]]
	if old == nil {
		return
	}
	id := "p-" + w.digest("usurper", handle)[:12]
	old.Handle += ".old"
	w.handles[old.Handle] = old.ID
	w.addPerson(wirePerson{ID: id, Handle: handle, Name: handle})
}

// Suspend stops an account of ours.
func (s *Server) Suspend(handle string) {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	if d := s.world.deskByHandle(handle); d != nil {
		d.suspended = true
	}
}
