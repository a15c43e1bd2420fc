package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"parley/internal/actor"
	"parley/internal/api"
	"parley/internal/clock"
	"parley/internal/db"
	"parley/internal/db/dbtest"
	"parley/internal/i18n"
	"parley/internal/id"
	"parley/internal/page"
	"parley/internal/problem"
)

var start = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

const workspace id.ID = 1

// shop is a small capability behind the API: it sells things by name.
type shop struct {
	testing.TB
	*api.API
	db    *db.DB
	clock *clock.Fake
	log   log

	mu    sync.Mutex
	sold  []string
	hold  func() // set: every sale waits in it
	fails error  // of the next sales
}

func setup(t testing.TB, change ...func(*api.Options)) *shop {
	t.Helper()
	s := &shop{TB: t, db: dbtest.New(t), clock: clock.NewFake(start)}
	err := s.db.InTx(context.Background(), func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.Exec(ctx, `insert into workspace (id, slug, name, locale, zone, created, closed, keep_days) values ($1, 'w', 'W', 'en', 'UTC', 1, 0, 0)`, workspace)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	s.API = s.node(change...)
	return s
}

// halt makes sales wait: one has begun when began yields, and goes on with resume.
func (s *shop) halt() (began chan struct{}, resume func()) {
	began, on := make(chan struct{}), make(chan struct{})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hold = func() { began <- struct{}{}; <-on }
	return began, func() {
		s.mu.Lock()
		s.hold = nil
		s.mu.Unlock()
		close(on)
	}
}

// log is what was logged, by several nodes.
type log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// node is one more process on the same database.
func (s *shop) node(change ...func(*api.Options)) *api.API {
	s.Helper()
	bundle, err := i18n.NewBundle(api.Catalogue, page.Catalogue)
	if err != nil {
		s.Fatal(err)
	}
	o := api.Options{DB: s.db, Clock: s.clock, Bundle: bundle.Strict(), Authenticate: authenticate,
		Log: slog.New(slog.NewTextHandler(&s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	for _, c := range change {
		c(&o)
	}
	a := api.New(o)
	s.register(a)
	return a
}

// authenticate knows three tokens: one that may sell, one that may look, and a
// second that may sell.
func authenticate(_ context.Context, token string) (actor.Actor, error) {
	a := actor.Actor{Workspace: workspace, Member: 5, Name: "Ana"}
	switch token {
	case "seller":
		a.Token, a.Grants = 11, []actor.Grant{{Right: actor.Reply}, {Right: actor.ReadConversations}}
	case "looker":
		a.Token, a.Grants = 12, []actor.Grant{{Right: actor.ReadConversations}}
	case "other":
		a.Token, a.Grants = 13, []actor.Grant{{Right: actor.Reply}}
	case "broken":
		return actor.Actor{}, errors.New("the disk of db7.internal is full")
	default:
		return actor.Actor{}, problem.New(problem.Unauthenticated, "api.no_token")
	}
	return a, nil
}

type thingJSON struct {
	ID   id.ID  `json:"id"`
	Name string `json:"name"`
}

type sellIn struct {
	Body struct {
		Name     string   `json:"name" minLength:"1" maxLength:"50"`
		Count    int      `json:"count,omitempty" minimum:"1"`
		To       id.ID    `json:"to,omitzero"`
		Password string   `json:"password,omitempty" maxLength:"8"`
		Tags     []string `json:"tags,omitempty"`
	}
}

type thingIn struct {
	Thing api.ID `path:"thing"`
}

func (s *shop) register(a *api.API) {
	g := a.Section("things", "What is sold.")
	api.Get(g, "/things", "listThings", "List the things", s.list, api.Needs(actor.ReadConversations))
	api.Get(g, "/things/{thing}", "readThing", "Read a thing", s.read)
	api.Post(g, "/things", "sellThing", "Sell a thing", s.sell, api.Needs(actor.Reply, actor.ManageTeam), api.Created)
	api.Post(g, "/things/{thing}/burn", "burnThing", "Burn a thing", s.burn, api.KeyRequired)
	api.Post(g, "/pictures", "addPicture", "Add a picture", s.picture, api.MaxBody(3<<20))
	api.Put(g, "/things/{thing}", "setThing", "Set a thing", func(_ context.Context, _ actor.Actor, in *struct {
		Thing api.ID `path:"thing"`
		Body  struct {
			Name string `json:"name"`
		}
	}) (*thingJSON, error) {
		return &thingJSON{in.Thing.ID, in.Body.Name}, nil
	})
	api.Patch(g, "/things/{thing}", "renameThing", "Rename a thing", s.burn)
	api.Delete(g, "/things/{thing}", "dropThing", "Drop a thing", s.burn)
}

func (s *shop) list(_ context.Context, _ actor.Actor, in *struct{ api.Paging }) (*api.List[thingJSON], error) {
	place := struct{ N int }{}
	if err := in.Place(&place); err != nil {
		return nil, err
	}
	var all []int
	for n := place.N; n < 25 && len(all) < in.Limit; n++ {
		all = append(all, n)
	}
	l := api.ListOf(all, func(n int) thingJSON { return thingJSON{id.ID(n + 1), fmt.Sprint("thing ", n)} })
	if place.N += len(all); place.N < 25 {
		l.Next = api.Cursor(place)
	}
	return l, nil
}

func (s *shop) read(_ context.Context, _ actor.Actor, in *thingIn) (*thingJSON, error) {
	switch in.Thing.ID {
	case 1:
		return &thingJSON{1, "a lamp"}, nil
	case 2:
		return nil, fmt.Errorf("reading thing: %w", errors.New("password=hunter2 at db7.internal"))
	case 3:
		panic("index out of range in secret_file.go")
	case 4:
		return nil, nil
	}
	return nil, problem.New(problem.NotFound, "page.not_found").Because(errors.New("no row in table thing")).At("thing")
}

func (s *shop) sell(_ context.Context, _ actor.Actor, in *sellIn) (*thingJSON, error) {
	s.mu.Lock()
	hold := s.hold
	s.mu.Unlock()
	if hold != nil {
		hold()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fails != nil {
		return nil, s.fails
	}
	if in.Body.Name == "boom" {
		panic("boom")
	}
	s.sold = append(s.sold, in.Body.Name)
	return &thingJSON{id.ID(len(s.sold)), in.Body.Name}, nil
}

func (s *shop) burn(context.Context, actor.Actor, *thingIn) (*api.None, error) { return nil, nil }

func (s *shop) picture(_ context.Context, _ actor.Actor, in *struct{ RawBody []byte }) (*thingJSON, error) {
	return &thingJSON{1, fmt.Sprint(len(in.RawBody))}, nil
}

// answer is what came back.
type answer struct {
	*http.Response
	status int
	body   string
}

// problem reads problem details.
func (a answer) problem(t testing.TB) api.Problem {
	t.Helper()
	var p api.Problem
	if got := a.Header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("it is told as %q: %s", got, a.body)
	}
	if err := json.Unmarshal([]byte(a.body), &p); err != nil {
		t.Fatalf("%v in %s", err, a.body)
	}
	if p.Status != a.status || p.Type != "urn:parley:problem:"+p.Code || p.Title == "" || p.Instance == "" {
		t.Errorf("status %d, problem %+v", a.status, p)
	}
	return p
}

// ask sends a request; headers are name and value, alternately.
func ask(t testing.TB, h http.Handler, token, method, path, body string, headers ...string) answer {
	t.Helper()
	r := request(context.Background(), token, method, path, body)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return serve(h, r)
}

func request(ctx context.Context, token, method, path, body string) *http.Request {
	r := httptest.NewRequestWithContext(ctx, method, api.Path+path, strings.NewReader(body))
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	return r
}

func serve(h http.Handler, r *http.Request) answer {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return answer{w.Result(), w.Code, w.Body.String()}
}

func (s *shop) count(q string) (n int) {
	s.Helper()
	if err := s.db.Read().Row(context.Background(), q).Scan(&n); err != nil {
		s.Fatal(err)
	}
	return n
}

func (s *shop) sales() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string{}, s.sold...)
}
