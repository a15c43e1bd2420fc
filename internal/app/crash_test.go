package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"parley/internal/actor"
	"parley/internal/app"
	"parley/internal/conversation"
	"parley/internal/crash"
	"parley/internal/db/dbtest"
	"parley/internal/delivery"
	"parley/internal/id"
	"parley/internal/network/sandbox"
	"parley/internal/team"
)

// The program is killed at every named point and started again. What people
// said must be there once, and what we said must stand on the network once, or
// be honestly unknown. The program is this test binary, run again as a process
// of its own; the network lives on in the test.

// childEnv carries what the process is to do.
const childEnv = "PARLEY_TEST_CHILD"

type childTask struct {
	Data, Postgres, Schema, Sandbox, Crash string
	Ahead                                  time.Duration // of the real time, for leases of those who died
}

// quick is a clock that runs fast, so that leases of the dead end soon.
type quick struct {
	start time.Time
	ahead time.Duration
}

const speed = 40

func (q quick) Now() time.Time {
	return q.start.Add(q.ahead + speed*time.Since(q.start)).UTC().Truncate(time.Microsecond)
}
func (q quick) After(d time.Duration) <-chan time.Time { return time.After(d / speed) }

func TestMain(m *testing.M) {
	raw := os.Getenv(childEnv)
	if raw == "" {
		os.Exit(m.Run())
	}
	if err := child(raw); err != nil {
		fmt.Fprintln(os.Stderr, "child:", err)
		os.Exit(1)
	}
}

func child(raw string) error {
	var t childTask
	if err := json.Unmarshal([]byte(raw), &t); err != nil {
		return err
	}
	points, err := crash.New(t.Crash)
	if err != nil {
		return err
	}
	a, err := app.Open(context.Background(), app.Config{Data: t.Data, Postgres: t.Postgres, Schema: t.Schema, Sandbox: t.Sandbox, Crash: points,
		URL: &url.URL{Scheme: "http", Host: "localhost"}, Clock: quick{time.Now(), t.Ahead}, Background: true,
		Logger: slog.New(slog.NewTextHandler(os.Stderr, nil))})
	if err != nil {
		return err
	}
	return a.Run(context.Background())
}

// wreck is an installation that is killed and started again.
type wreck struct {
	*testing.T
	stage *sandbox.Server
	task  childTask
	app   *app.App // the same database, without workers
	who   actor.Actor
	acc   id.ID
}

func newWreck(t *testing.T, personality string) *wreck {
	t.Helper()
	w := &wreck{T: t}
	var err error
	if w.stage, err = sandbox.New(sandbox.Options{Seed: 7, Personality: personality}); err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: w.stage}
	go server.Serve(ln)
	t.Cleanup(func() { server.Close() })
	o := dbtest.Options(t)
	w.task = childTask{Data: t.TempDir(), Postgres: o.DSN, Schema: o.Schema, Sandbox: "http://" + ln.Addr().String()}
	ctx := context.Background()
	w.app, err = app.Open(ctx, app.Config{Data: w.task.Data, Postgres: o.DSN, Schema: o.Schema, Sandbox: w.task.Sandbox,
		URL: &url.URL{Scheme: "http", Host: "localhost"}, Cost: team.Cost{Memory: 64, Passes: 1, Threads: 1}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.app.Close() })
	place, login, err := w.app.Team.Operator().CreateWorkspace(ctx, team.SetUp{Email: "ana@example.org",
		Login: team.NewLogin{Name: "Ana Lima", Password: app.UnknownPassword()}, Workspace: team.NewWorkspace{Name: "Town", Zone: "UTC", Locale: "en"}})
	if err != nil {
		t.Fatal(err)
	}
	w.who = w.member(login, place.ID)
	if w.acc, err = w.app.Accounts.SignIn(ctx, w.who, sandbox.Name, url.Values{"handle": {"town"}}); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *wreck) member(login, workspace id.ID) actor.Actor {
	w.Helper()
	s, err := w.app.Team.Operator().OpenSession(context.Background(), login, team.Place{})
	if err != nil {
		w.Fatal(err)
	}
	v, err := w.app.Team.Authenticate(context.Background(), s.Secret)
	if err != nil {
		w.Fatal(err)
	}
	for _, m := range v.Workspaces {
		if m.Workspace.ID == workspace {
			return m.Actor
		}
	}
	w.Fatal("not a member")
	return actor.Actor{}
}

// run starts the program; with a point it must die there by itself.
func (w *wreck) run(point string) (stop func()) {
	w.Helper()
	task := w.task
	task.Crash = point
	raw, err := json.Marshal(task)
	if err != nil {
		w.Fatal(err)
	}
	w.task.Ahead += time.Hour
	cmd := exec.Command(os.Args[0])
	var log strings.Builder
	cmd.Env = append(os.Environ(), childEnv+"="+string(raw))
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		w.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	if point == "" {
		return func() { cmd.Process.Kill(); <-ended }
	}
	select {
	case err := <-ended:
		if err == nil || !strings.Contains(err.Error(), "killed") {
			w.Fatalf("the program should have been killed at %s, but: %v\n%s", point, err, log.String())
		}
	case <-time.After(120 * time.Second):
		cmd.Process.Kill()
		<-ended
		w.Fatalf("the program never came to %s\n%s", point, log.String())
	}
	return func() {}
}

// until waits for the program that runs beside to reach something.
func (w *wreck) until(what string, ok func() bool) {
	w.Helper()
	for end := time.Now().Add(150 * time.Second); !ok(); time.Sleep(30 * time.Millisecond) {
		if time.Now().After(end) {
			w.Fatalf("waited in vain for %s", what)
		}
	}
}

func (w *wreck) count(q string, args ...any) (n int) {
	w.Helper()
	if err := w.app.DB.Read().Row(context.Background(), q, args...).Scan(&n); err != nil {
		w.Fatal(err)
	}
	return n
}

func (w *wreck) conversation() id.ID {
	w.Helper()
	page, err := w.app.Desk.List(context.Background(), w.who, conversation.Filter{Box: conversation.All})
	if err != nil || len(page.Rows) == 0 {
		w.Fatalf("no conversation (%v)", err)
	}
	return page.Rows[0].ID
}

func TestNothingSaidToUsIsLostOrDoubled(t *testing.T) {
	t.Parallel()
	for _, point := range []string{crash.IngestBeforeStore, crash.IngestAfterStoreBeforeCursor, crash.IngestBeforeCommit, crash.IngestAfterCommit} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			w := newWreck(t, "key")
			const said = 25
			for i := range said {
				w.stage.Script(sandbox.Said{Who: fmt.Sprint("person", i%7), To: "town", Text: fmt.Sprintf("@town message %d", i)})
			}
			w.run(point + ":2")
			w.run(point)
			stop := w.run("")
			defer stop()
			w.until("all messages", func() bool { return w.count(`select count(*) from message where own = 0`) == said })
			w.stage.Script(sandbox.Said{Who: "person1", To: "town", Text: "@town one more"})
			w.until("the last message", func() bool { return w.count(`select count(*) from message where own = 0`) == said+1 })
			if n := w.count(`select count(*) from event where verb = 'message.arrived'`); n != said+1 {
				t.Errorf("%d arrivals were told, want %d", n, said+1)
			}
			if n := w.count(`select count(*) from reach`); n != said+1 {
				t.Errorf("%d messages reached a conversation, want %d", n, said+1)
			}
		})
	}
}

func TestNothingIsSaidTwice(t *testing.T) {
	t.Parallel()
	points := []string{crash.DeliverBeforePlan, crash.DeliverAfterPlan, crash.DeliverAfterOpen, crash.DeliverDuringDo, crash.DeliverBeforeClose, crash.DeliverAfterClose}
	for _, personality := range []string{"key", "id", "readback", "none"} {
		for _, point := range points {
			t.Run(personality+" "+point, func(t *testing.T) {
				t.Parallel()
				w := newWreck(t, personality)
				w.stage.Script(sandbox.Said{Who: "bea", To: "town", Text: "@town is bus 12 running?"})
				stop := w.run("")
				w.until("the question", func() bool { return w.count(`select count(*) from conversation`) == 1 })
				stop()
				send, err := w.app.Desk.Reply(context.Background(), w.who, conversation.Answer{Conversation: w.conversation(), Text: "Yes, from stop B"})
				if err != nil {
					t.Fatal(err)
				}
				w.run(point)
				stop = w.run("")
				defer stop()
				var d delivery.Record
				w.until("an end", func() bool {
					if d, err = w.app.Deliveries.Get(context.Background(), w.who, send); err != nil {
						t.Fatal(err)
					}
					return !d.State.Moving()
				})
				w.judge(personality, d)
			})
		}
	}
}

// judge compares what Parley says with what the network kept.
func (w *wreck) judge(personality string, d delivery.Record) {
	w.Helper()
	kept := 0
	for _, write := range w.stage.Ledger() {
		if write.Op == "create" && strings.Contains(string(write.Body), "Yes, from stop B") {
			kept++
		}
	}
	switch {
	case kept > 1:
		w.Errorf("the answer stands %d times on the network", kept)
	case d.State == delivery.Sent && kept != 1:
		w.Error("Parley says sent, the network has nothing")
	case d.State == delivery.Failed && kept != 0:
		w.Error("Parley says failed, the network has it")
	case d.State == delivery.Unknown && personality != "none":
		w.Errorf("unknown although the network can prove it: %s", d.Evidence)
	case d.State == delivery.Sent:
		if n := w.count(`select count(*) from message where own <> 0`); n != 1 {
			w.Errorf("our answer is %d messages here", n)
		}
	}
}
