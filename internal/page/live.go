package page

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"reflect"
	"time"

	"parley/internal/id"
	"parley/internal/problem"
)

const pingEvery = 25 * time.Second // proxies close what is silent for 30 or 60

// live is the event stream: notices with ids only, filtered by the visitor's
// workspaces. The first event is "hello" with the newest event number of each,
// so that a browser knows whether it missed anything since its page was made.
func (k *Kernel) live(w http.ResponseWriter, r *Request) error {
	if !r.Visitor.SignedIn() || len(r.Visitor.Workspaces) == 0 { // also: removed from the last one
		return problem.New(problem.Unauthenticated, "page.signed_out")
	}
	if r.Method == http.MethodHead { // a browser asks whether it is still signed in
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	s := k.hub.join(r.Visitor)
	defer k.hub.leave(s)

	// Between the session check and join the session may have been revoked, and
	// the Drop have found no stream. Looking again after joining closes that gap.
	if _, err := k.opts.Authenticate(r.Context(), r.token); err != nil {
		return fmt.Errorf("checking the session again: %w", err)
	}

	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx would hold events back
	if err := tell(w, hello(k.hub.headsOf(s))); err != nil {
		return nil // the browser left before it was greeted
	}
	ping := k.opts.Clock.After(pingEvery)
	for {
		line, more := []byte(": \n\n"), true
		select {
		case <-r.Context().Done():
			return nil
		case <-s.ended:
			return nil
		case line = <-s.notices:
			line, more = drain(line, s.notices)
		case <-ping:
			if !k.unchanged(r) {
				return nil // the browser connects again, with what is then theirs
			}
			ping = k.opts.Clock.After(pingEvery)
		}
		if !more {
			return nil
		}
		if err := tell(w, line); err != nil {
			return nil // a reader that left is not a failure
		}
	}
}

// unchanged asks again who this is: of a session that ran out, or was ended
// through another process, and of rights that reached their end no event tells.
func (k *Kernel) unchanged(r *Request) bool {
	v, err := k.opts.Authenticate(r.Context(), r.token)
	return err == nil && reflect.DeepEqual(v.Workspaces, r.Visitor.Workspaces)
}

// drain adds what else is waiting, so that a burst is one write.
func drain(first []byte, more <-chan []byte) ([]byte, bool) {
	line := first
	for range backlog {
		select {
		case next, open := <-more:
			if !open {
				return line, false
			}
			line = append(line[:len(line):len(line)], next...)
		default:
			return line, true
		}
	}
	return line, true
}

// hello tells the heads and how long to wait before connecting again: a random
// while, so that a restart is not answered by everybody in the same second.
func hello(heads map[id.ID]int64) []byte {
	raw, err := json.Marshal(heads)
	if err != nil {
		panic(err) // a map of ids and numbers always marshals
	}
	return fmt.Appendf(nil, "retry: %d\nevent: hello\ndata: %s\n\n", 1000+rand.IntN(3000), raw)
}

// tell sends lines off at once.
func tell(w http.ResponseWriter, lines []byte) error {
	if _, err := w.Write(lines); err != nil {
		return err
	}
	return http.NewResponseController(w).Flush()
}
