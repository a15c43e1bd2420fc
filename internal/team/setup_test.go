package team_test

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"parley/internal/actor"
	"parley/internal/clock"
	"parley/internal/db"
	"parley/internal/db/dbtest"
	"parley/internal/event"
	"parley/internal/id"
	"parley/internal/problem"
	"parley/internal/team"
)

var start = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

const password = "a quiet afternoon in Ghent"

// cheap is a password hash that takes no time.
func cheap() team.Cost { return team.Cost{Memory: 8, Passes: 1, Threads: 1} }

// house is a database with one Service on it, and what it said had ended.
type house struct {
	*team.Service
	t     testing.TB
	db    *db.DB
	clock *clock.Fake
	ids   *id.Maker

	mu    sync.Mutex
	ended []team.Ended
}

func setup(t testing.TB) *house {
	t.Helper()
	return on(t, dbtest.New(t), clock.NewFake(start), 1, cheap())
}

// on makes a node of its own number on a database.
func on(t testing.TB, d *db.DB, c *clock.Fake, node int, cost team.Cost) *house {
	h := &house{t: t, db: d, clock: c, ids: id.NewMaker(c, node)}
	h.Service = team.New(team.Config{DB: d, Events: event.NewLog(c, nil), Clock: c, IDs: h.ids, Cost: cost, URL: &url.URL{Scheme: "http", Host: "localhost:8080"},
		Ended: func(e team.Ended) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.ended = append(h.ended, e)
		}})
	return h
}

func (h *house) takeEnded() []team.Ended {
	h.mu.Lock()
	defer h.mu.Unlock()
	e := h.ended
	h.ended = nil
	return e
}

// who is somebody who is signed in.
type who struct {
	team.SignedIn
	actor actor.Actor
	email string
}

// founder opens a workspace and signs its owner in. Numbers make different people.
func (h *house) founder(n int) who {
	h.t.Helper()
	email := fmt.Sprintf("founder%d@example.org", n)
	ctx := context.Background()
	w, login, err := h.Operator().CreateWorkspace(ctx, team.SetUp{Email: email,
		Login:     team.NewLogin{Name: fmt.Sprintf("Founder %d", n), Password: password},
		Workspace: team.NewWorkspace{Name: fmt.Sprintf("Town %d", n), Zone: "Europe/Brussels"}})
	must(h.t, err)
	in, err := h.Operator().OpenSession(ctx, login, team.Place{Agent: "test", Address: "192.0.2.1"})
	must(h.t, err)
	return who{in, h.actorIn(in.Secret, w.ID), email}
}

// hire invites somebody into a's workspace and lets them accept.
func (h *house) hire(a actor.Actor, name string, roles ...team.Role) who {
	h.t.Helper()
	ctx := context.Background()
	email := strings.ToLower(name) + "@example.org"
	in := team.Invite{Email: email}
	for _, r := range roles {
		in.Roles = append(in.Roles, team.RoleIn{Role: r})
	}
	inv, err := h.Invite(ctx, a, in)
	must(h.t, err)
	signed, err := h.AcceptNew(ctx, inv.Secret, team.NewLogin{Name: name, Password: password}, team.Place{Address: "192.0.2.2"})
	must(h.t, err)
	return who{signed, h.actorIn(signed.Secret, a.Workspace), email}
}

func (h *house) actorIn(secret string, workspace id.ID) actor.Actor {
	h.t.Helper()
	v, err := h.Authenticate(context.Background(), secret)
	must(h.t, err)
	for _, m := range v.Workspaces {
		if m.Workspace.ID == workspace {
			return m.Actor
		}
	}
	h.t.Fatalf("%s is no member of %s", v.Name, workspace)
	return actor.Actor{}
}

// verbs lists, in order, what was recorded in a workspace.
func (h *house) verbs(workspace id.ID) []string {
	h.t.Helper()
	es, err := event.After(context.Background(), h.db.Read(), workspace, 0, 1000)
	must(h.t, err)
	var all []string
	for _, e := range es {
		all = append(all, e.Verb)
	}
	return all
}

// count is the answer to a query for one number.
func (h *house) count(q string, args ...any) int {
	h.t.Helper()
	var n int
	must(h.t, h.db.Read().Row(context.Background(), q, args...).Scan(&n))
	return n
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// refused fails unless err is the problem of that code.
func refused(t testing.TB, err error, code string) {
	t.Helper()
	if !problem.Is(err, code) {
		t.Errorf("got %v, want %s", err, code)
	}
}
