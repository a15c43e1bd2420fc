package networktest

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"unicode/utf8"

	"parley/internal/network"
)

// store keeps what arrived under the rule of the way in: one row for each
// network, instance, remote id and version; gone wins over whatever comes
// later; a parent not seen yet is a placeholder until it comes.
type store struct {
	mu     sync.Mutex
	rows   map[key]network.Post
	latest map[string]network.Post
	gone   map[string]bool
	waits  map[string]bool // parents not seen yet
	gaps   int             // how often the network said that some may be lost
	order  []key
}

// key is what makes a stored message one.
type key struct{ id, version string }

func newStore() *store {
	return &store{rows: map[key]network.Post{}, latest: map[string]network.Post{},
		gone: map[string]bool{}, waits: map[string]bool{}}
}

// put stores one event. Storing the same again changes nothing.
func (s *store) put(e network.Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch e.Kind {
	case network.KindHint:
		return nil
	case network.KindGap:
		s.gaps++
		if e.Note == "" {
			return errors.New("a gap without a reason")
		}
		return nil
	case network.KindGone:
		if e.Gone == nil || e.Gone.ID == "" {
			return errors.New("gone, but not what")
		}
		s.gone[e.Gone.ID] = true
		return nil
	case network.KindMessage, network.KindEdit:
		return s.message(e)
	}
	return fmt.Errorf("unknown kind %q", e.Kind)
}

func (s *store) message(e network.Event) error {
	p := e.Post
	if p == nil || p.ID == "" {
		return fmt.Errorf("a %s without a post or its id", e.Kind)
	}
	if p.Author.RemoteID == "" && !e.Own {
		return fmt.Errorf("message %s has no author", p.ID)
	}
	if err := wellFormed(*p); err != nil {
		return fmt.Errorf("message %s: %w", p.ID, err)
	}
	k := key{p.ID, p.Version}
	if _, ok := s.rows[k]; ok {
		return nil
	}
	s.rows[k] = *p
	s.order = append(s.order, k)
	if old, ok := s.latest[p.ID]; !ok || !p.Edited.Before(old.Edited) {
		s.latest[p.ID] = *p
	}
	delete(s.waits, p.ID)
	if p.ParentID != "" {
		if _, ok := s.latest[p.ParentID]; !ok {
			s.waits[p.ParentID] = true
		}
	}
	return nil
}

// wellFormed refuses what a database or a page could not hold.
func wellFormed(p network.Post) error {
	for _, s := range []string{p.ID, p.Version, p.Text.Body, p.Warning, p.Author.Name, p.Author.Handle, p.Lang} {
		if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
			return errors.New("text that is no UTF-8, or holds U+0000")
		}
	}
	body := p.Text.Body
	for _, s := range p.Text.Spans {
		if s.Start < 0 || s.End <= s.Start || s.End > len(body) {
			return fmt.Errorf("a span of %d to %d in %d bytes", s.Start, s.End, len(body))
		}
		if !utf8.RuneStart(body[s.Start]) || s.End < len(body) && !utf8.RuneStart(body[s.End]) {
			return fmt.Errorf("a span of %d to %d cuts a character", s.Start, s.End)
		}
	}
	return nil
}

// waiting reports a parent that was named but not seen.
func (s *store) waiting(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.waits[id]
}

// post is the newest version of what has that id, unless it is gone.
func (s *store) post(id string) (network.Post, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.latest[id]
	return p, ok && !s.gone[id]
}

// versions counts the rows of one id.
func (s *store) versions(id string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for k := range s.rows {
		if k.id == id {
			n++
		}
	}
	return n
}

// isGone reports a tombstone.
func (s *store) isGone(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gone[id]
}
