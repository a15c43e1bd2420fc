// Package sandbox is a simulated network: a server with people who talk, and
// the connector that speaks to it over HTTP like to any other network. It is
// the demo, the reference Fake of networktest, and the stage for rehearsals.
//
// Everything follows from the seed and the clock: the same two give the same
// bytes. A Personality decides what the network can do, how it counts and
// limits, and how a lost answer can be proved; with Options.Population the
// people of package people live on it.
//
// The server keeps all in memory and forgets: logs, posts and pictures are
// capped, so that a demo that runs for a month uses no more than one that runs
// for a day. Nothing here reaches another network: Server.Client talks to the
// server without any socket, and a server that listens (Serve) never dials.
//
// Not its business: what the people say (people), what Parley makes of it
// (account, conversation), and which screens mark it as a rehearsal (page).
package sandbox

import (
	"embed"
	"net/http"
	"time"

	"parley/internal/clock"
	"parley/internal/network/sandbox/people"
)

// Catalogue holds the package's visible strings.
//
//go:embed catalogue/*.json
var Catalogue embed.FS

// Name is the network's name in rows and addresses.
const Name = "sandbox"

// Address is where the in-process server is found: a name that no resolver
// answers (RFC 6761, section 6.4), so that a request for it that strays to a
// real dialer goes nowhere.
const Address = "http://sandbox.invalid"

// prefix of every path of the network's API.
const prefix = "/sandbox/v1"

// Options make a Server.
type Options struct {
	Seed        uint64         // same seed, same world
	Clock       clock.Clock    // nil is the system's
	BaseURL     string         // as clients see the server; "" is Address
	Personality string         // a name of Personalities; "" is "key"
	Desks       []people.Desk  // our accounts; with a Population and none, those of people.Town
	Population  bool           // do people live here?
	Zone        *time.Location // of their town; nil is UTC
	Backlog     time.Duration  // how far back their history begins; 0 is none
	Staff       []string       // first names that sign the answers in the backlog
}

// Server is the simulated network. It is safe for concurrent use.
type Server struct {
	world   *world
	mux     *http.ServeMux
	control *http.ServeMux
}

// New makes a world. With a Population and a Backlog its history is there when
// New returns.
func New(o Options) (*Server, error) {
	w, err := newWorld(o)
	if err != nil {
		return nil, err
	}
	s := &Server{world: w, mux: http.NewServeMux(), control: http.NewServeMux()}
	s.routes()
	s.controls()
	return s, nil
}

// ServeHTTP is the network.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// Control is the other side of the stage: scripts, faults, the clock and the
// ledger. It never shares a listener with the network.
func (s *Server) Control() http.Handler { return s.control }
