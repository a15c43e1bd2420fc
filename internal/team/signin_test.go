package team_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"parley/internal/problem"
	"parley/internal/team"
)

func TestFirstRun(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := setup(t)
	old, needed, err := h.FirstRun(ctx)
	must(t, err)
	if !needed {
		t.Fatal("an empty installation needs no set-up")
	}
	link, _, err := h.FirstRun(ctx) // the next start
	must(t, err)
	refused(t, h.SetUpReady(ctx, old), "team.setup_over")
	must(t, h.SetUpReady(ctx, link))
	if n := h.count(`select count(*) from login_link where hash = $1`, []byte(link)); n != 0 {
		t.Error("the link itself is stored")
	}
	in := team.SetUp{Email: "anna@example.org", Login: team.NewLogin{Name: "Anna", Password: password},
		Workspace: team.NewWorkspace{Name: "Town Hall", Zone: "Europe/Brussels"}}
	bad := in
	bad.Workspace.Zone = "Middle/Earth"
	_, _, err = h.SetUp(ctx, link, bad, team.Place{})
	refused(t, err, "team.zone")
	_, _, err = h.SetUp(ctx, old, in, team.Place{})
	refused(t, err, "team.setup_over")
	signed, w, err := h.SetUp(ctx, link, in, team.Place{Agent: "Firefox", Address: "192.0.2.1"})
	must(t, err)
	v, err := h.Authenticate(ctx, signed.Secret)
	must(t, err)
	if len(v.Workspaces) != 1 || v.Workspaces[0].Workspace.Slug != "town-hall" || w.ID != v.Workspaces[0].Workspace.ID || v.Name != "Anna" {
		t.Errorf("after set-up: %+v", v)
	}
	for _, r := range team.Owner.Rights() {
		if !v.Workspaces[0].Actor.Can(r) {
			t.Errorf("the owner may not %s", r)
		}
	}
	_, _, err = h.SetUp(ctx, link, in, team.Place{})
	refused(t, err, "team.setup_over")
	if _, needed, _ := h.FirstRun(ctx); needed {
		t.Error("a set-up link was made although somebody has signed up")
	}
	if got := strings.Join(h.verbs(w.ID), " "); got != "workspace.created member.joined grant.given" {
		t.Errorf("recorded: %s", got)
	}
}

func TestOneSetUpLinkMakesOneOwner(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := setup(t)
	link, _, err := h.FirstRun(ctx)
	must(t, err)
	const many = 6
	errs := make(chan error, many)
	for n := range many {
		go func() {
			_, _, err := h.SetUp(ctx, link, team.SetUp{Email: fmt.Sprintf("a%d@example.org", n),
				Login: team.NewLogin{Name: "A", Password: password}, Workspace: team.NewWorkspace{Name: "W", Zone: "UTC"}}, team.Place{})
			errs <- err
		}()
	}
	worked := 0
	for range many {
		if err := <-errs; err == nil {
			worked++
		} else {
			refused(t, err, "team.setup_over")
		}
	}
	if worked != 1 || h.count(`select count(*) from login`) != 1 || h.count(`select count(*) from workspace`) != 1 {
		t.Errorf("%d set up, %d logins", worked, h.count(`select count(*) from login`))
	}
}

func TestSignInSaysNothingAboutWhatWasWrong(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := setup(t)
	h.founder(1)
	for n, in := range [][2]string{
		{"founder1@example.org", "wrong"}, {"nobody@example.org", password}, {"", ""}, {"founder1@example.org", ""},
		{"\x00\xff", "\x00\xff"}, {"founder1@example.org", strings.Repeat("x", 5_000_000)}, {strings.Repeat("x", 5_000_000), password},
	} {
		_, err := h.SignIn(ctx, in[0], in[1], team.Place{Address: fmt.Sprintf("198.51.100.%d", n)})
		refused(t, err, "team.sign_in")
		if p := problem.Of(err); p.Kind != problem.Unauthenticated || len(p.Args) != 0 {
			t.Errorf("%.30q: %+v", in[0], p)
		}
	}
	signed, err := h.SignIn(ctx, " FOUNDER1@Example.org", password, team.Place{})
	must(t, err)
	if _, err := h.Authenticate(ctx, signed.Secret); err != nil {
		t.Error(err)
	}
	if n := h.count(`select count(*) from login_session where hash = $1`, []byte(signed.Secret)); n != 0 {
		t.Error("the secret itself is stored")
	}
}

func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := setup(t)
	f := h.founder(1)
	for _, secret := range []string{"", "x", "s" + strings.Repeat("a", 52), strings.Repeat("\x00", 53), f.Secret + "a", strings.ToUpper(f.Secret)} {
		_, err := h.Authenticate(ctx, secret)
		refused(t, err, "team.session_over")
	}

	h.clock.Advance(team.SessionIdle - time.Second)
	if _, err := h.Authenticate(ctx, f.Secret); err != nil {
		t.Fatalf("a second before it would rest too long: %v", err)
	}
	must(t, h.Flush(ctx))
	h.clock.Advance(team.SessionIdle - time.Second)
	if _, err := h.Authenticate(ctx, f.Secret); err != nil {
		t.Fatalf("it was used in between: %v", err)
	}
	h.clock.Advance(team.SessionIdle)
	_, err := h.Authenticate(ctx, f.Secret)
	refused(t, err, "team.session_over")

	// Used every day, it still ends.
	signed, err := h.SignIn(ctx, f.email, password, team.Place{})
	must(t, err)
	for h.clock.Now().Before(signed.Until.Add(-time.Hour)) {
		if _, err := h.Authenticate(ctx, signed.Secret); err != nil {
			t.Fatalf("%v before its end: %v", signed.Until.Sub(h.clock.Now()), err)
		}
		must(t, h.Flush(ctx))
		h.clock.Advance(23 * time.Hour)
	}
	h.clock.Set(signed.Until)
	_, err = h.Authenticate(ctx, signed.Secret)
	refused(t, err, "team.session_over")

	must(t, h.Sweep(ctx))
	if n := h.count(`select count(*) from login_session`); n != 0 {
		t.Errorf("%d dead sessions are kept", n)
	}
}

func TestLastSeenIsWrittenInBatches(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := setup(t)
	f := h.founder(1)
	const q = `select seen from login_session`
	before := h.count(q)
	h.clock.Advance(time.Minute)
	_, err := h.Authenticate(ctx, f.Secret)
	must(t, err)
	must(t, h.Flush(ctx))
	if h.count(q) != before {
		t.Error("a minute later the session was written again")
	}
	h.clock.Advance(10 * time.Minute)
	_, err = h.Authenticate(ctx, f.Secret)
	must(t, err)
	if h.count(q) != before {
		t.Error("a request wrote")
	}
	list, err := h.Sessions(ctx, f.actor)
	must(t, err)
	if !list[0].Seen.Equal(h.clock.Now()) {
		t.Errorf("the list says %v", list[0].Seen)
	}
	must(t, h.Flush(ctx))
	if h.count(q) == before {
		t.Error("flushing wrote nothing")
	}
}

func TestRevokedSessionIsDeadAtOnceOnEveryNode(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := setup(t)
	other := on(t, h.db, h.clock, 2, cheap())
	f := h.founder(1)
	second, err := other.SignIn(ctx, f.email, password, team.Place{Agent: "Safari\x00\u202e", Address: "192.0.2.9"})
	must(t, err)
	third, err := h.SignIn(ctx, f.email, password, team.Place{})
	must(t, err)
	_, err = other.Authenticate(ctx, second.Secret) // both nodes have met it
	must(t, err)

	list, err := h.Sessions(ctx, f.actor)
	must(t, err)
	i := slices.IndexFunc(list, func(s team.Session) bool { return s.ID == second.Session })
	if len(list) != 3 || i < 0 || list[i].Agent != "Safari" || list[i].Address != "192.0.2.9" {
		t.Errorf("sessions: %+v", list)
	}
	must(t, h.RevokeSession(ctx, f.actor, second.Session))
	if e := h.takeEnded(); len(e) != 1 || e[0] != (team.Ended{Session: second.Session}) {
		t.Errorf("told: %+v", e)
	}
	for _, node := range []*house{h, other} {
		_, err := node.Authenticate(ctx, second.Secret)
		refused(t, err, "team.session_over")
	}
	refused(t, h.RevokeSession(ctx, f.actor, second.Session), "team.no_session")
	must(t, h.RevokeOtherSessions(ctx, f.actor, f.Session))
	_, err = h.Authenticate(ctx, third.Secret)
	refused(t, err, "team.session_over")
	if _, err := h.Authenticate(ctx, f.Secret); err != nil {
		t.Errorf("the session that was to stay: %v", err)
	}
	must(t, h.SignOut(ctx, f.Secret))
	must(t, h.SignOut(ctx, f.Secret))
	_, err = h.Authenticate(ctx, f.Secret)
	refused(t, err, "team.session_over")
}

func TestNobodyEndsAnothersSession(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := setup(t)
	f := h.founder(1)
	voice := h.hire(f.actor, "Vera", team.Voice)
	refused(t, h.RevokeSession(ctx, voice.actor, f.Session), "team.no_session")
	refused(t, h.RevokeSession(ctx, f.actor, voice.Session), "team.no_session")
	must(t, h.RevokeOtherSessions(ctx, voice.actor, voice.Session))
	if _, err := h.Authenticate(ctx, f.Secret); err != nil {
		t.Errorf("the founder's session: %v", err)
	}
}

func TestChangingThePasswordEndsTheOtherSessions(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := setup(t)
	f := h.founder(1)
	other, err := h.SignIn(ctx, f.email, password, team.Place{})
	must(t, err)
	link, _, err := h.Operator().PasswordLink(ctx, f.email)
	must(t, err)
	const next = "three herons by the canal"
	change := team.PasswordChange{Old: "wrong", New: next, Keep: f.Session}
	refused(t, h.ChangePassword(ctx, f.actor, change, team.Place{}), "team.old_password")
	change.Old, change.New = password, "short"
	refused(t, h.ChangePassword(ctx, f.actor, change, team.Place{}), "team.password_short")
	change.New = next
	must(t, h.ChangePassword(ctx, f.actor, change, team.Place{}))
	_, err = h.Authenticate(ctx, other.Secret)
	refused(t, err, "team.session_over")
	if _, err := h.Authenticate(ctx, f.Secret); err != nil {
		t.Errorf("the session it was done in: %v", err)
	}
	_, err = h.SignIn(ctx, f.email, password, team.Place{})
	refused(t, err, "team.sign_in")
	_, err = h.SignIn(ctx, f.email, next, team.Place{})
	must(t, err)
	// A link that was waiting to set another one is dead too.
	_, _, err = h.PasswordLinkFor(ctx, link)
	refused(t, err, "team.link_over")
}

func TestAHashOfAnotherCostIsRenewedAtSignIn(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := setup(t)
	f := h.founder(1)
	dearer := on(t, h.db, h.clock, 2, team.Cost{Memory: 16, Passes: 1, Threads: 1})
	const q = `select count(*) from login where password like '$argon2id$v=19$m=16,t=1,p=1$%'`
	_, err := dearer.SignIn(ctx, f.email, "wrong", team.Place{})
	refused(t, err, "team.sign_in")
	if h.count(q) != 0 {
		t.Error("a wrong password renewed the hash")
	}
	_, err = dearer.SignIn(ctx, f.email, password, team.Place{})
	must(t, err)
	if h.count(q) != 1 {
		t.Error("the hash was not renewed")
	}
	_, err = dearer.SignIn(ctx, f.email, password, team.Place{})
	must(t, err)
}

func TestGuessesAreSlowedDownAndNobodyIsLockedOut(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := setup(t)
	f := h.founder(1) // has signed in from 192.0.2.1
	home := team.Place{Address: "192.0.2.1"}
	waits := h.guessFor(f.email, 24*time.Hour)
	if waits > 200 {
		t.Errorf("%d guesses were looked at in a day", waits)
	}
	// The owner, where they always sit, notices nothing of it.
	if _, err := h.SignIn(ctx, f.email, password, home); err != nil {
		t.Fatalf("from a known place: %v", err)
	}
	// From elsewhere they wait at most a quarter of an hour.
	h.clock.Advance(15 * time.Minute)
	if _, err := h.SignIn(ctx, f.email, password, team.Place{Address: "203.0.113.5"}); err != nil {
		t.Fatalf("from elsewhere: %v", err)
	}
	// And the count begins anew.
	_, err := h.SignIn(ctx, f.email, "wrong", team.Place{Address: "203.0.113.6"})
	refused(t, err, "team.sign_in")
}

// guessFor tries wrong passwords for a time, each from another address, as
// often as it is let, and counts how many were looked at.
func (h *house) guessFor(email string, d time.Duration) (looked int) {
	h.t.Helper()
	end := h.clock.Now().Add(d)
	for n := 0; h.clock.Now().Before(end); n++ {
		place := team.Place{Address: fmt.Sprintf("2001:db8:%x:%x::1", n>>16, n&0xffff)}
		_, err := h.SignIn(context.Background(), email, "wrong", place)
		p := problem.Of(err)
		switch p.Code {
		case "team.sign_in":
			looked++
		case "team.throttled":
			seconds, ok := p.Args["seconds"].(int64)
			if !ok || seconds < 1 || seconds > 15*60 {
				h.t.Fatalf("told to wait %v", p.Args)
			}
			h.clock.Advance(time.Duration(seconds) * time.Second)
		default:
			h.t.Fatal(err)
		}
	}
	return looked
}

func TestOneAddressIsSlowedDownWhateverItTries(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := setup(t)
	f := h.founder(1)
	looked := 0
	for n := range 200 {
		_, err := h.SignIn(ctx, fmt.Sprintf("somebody%d@example.org", n), "wrong", team.Place{Address: "203.0.113.66"})
		if problem.Is(err, "team.sign_in") {
			looked++
		}
	}
	if looked < 10 || looked > 40 {
		t.Errorf("%d of 200 were looked at", looked)
	}
	if _, err := h.SignIn(ctx, f.email, password, team.Place{Address: "203.0.113.67"}); err != nil {
		t.Errorf("a neighbour: %v", err)
	}
	if _, err := h.SignIn(ctx, f.email, password, team.Place{Address: "192.0.2.1"}); err != nil {
		t.Errorf("somebody at home: %v", err)
	}
}

func TestAnAttackersOwnLoginBuysNoGuesses(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := setup(t)
	mine := h.founder(1)
	place := team.Place{Address: "203.0.113.66"}
	guess := func(times int) (looked int) {
		for range times {
			_, err := h.SignIn(ctx, h.ids.New().String()+"@example.org", "wrong", place)
			if problem.Is(err, "team.sign_in") {
				looked++
			}
		}
		return looked
	}
	if n := guess(100); n != 31 {
		t.Fatalf("%d of the first hundred were looked at", n)
	}
	h.clock.Advance(time.Second)
	_, err := h.SignIn(ctx, mine.email, password, place)
	must(t, err)
	if n := guess(100); n != 1 {
		t.Errorf("%d more after signing in once", n)
	}
}

func TestAClientWithoutAnAddressIsNeverKnown(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := setup(t)
	f := h.founder(1)
	_, err := h.SignIn(ctx, f.email, password, team.Place{})
	must(t, err)
	h.guessFor(f.email, time.Hour)
	h.guessOnce(f.email)
	_, err = h.SignIn(ctx, f.email, password, team.Place{})
	refused(t, err, "team.throttled")
}

// guessOnce tries a wrong password, waiting first if it must.
func (h *house) guessOnce(email string) {
	h.t.Helper()
	h.clock.Advance(15 * time.Minute)
	_, err := h.SignIn(context.Background(), email, "wrong", team.Place{Address: "203.0.113.200"})
	refused(h.t, err, "team.sign_in")
}

// A hundred tries at the same moment are a hundred tries.
func TestTriesAtTheSameMomentAreCounted(t *testing.T) {
	t.Parallel()
	h := setup(t)
	f := h.founder(1)
	const many = 40
	var wait sync.WaitGroup
	codes := make(chan string, many)
	for n := range many {
		wait.Add(1)
		go func() {
			defer wait.Done()
			_, err := h.SignIn(context.Background(), f.email, "wrong", team.Place{Address: fmt.Sprintf("198.51.100.%d", n)})
			codes <- problem.Of(err).Code
		}()
	}
	wait.Wait()
	close(codes)
	got := map[string]int{}
	for c := range codes {
		got[c]++
	}
	if got["team.sign_in"] != 6 || got["team.throttled"] != many-6 {
		t.Errorf("of %d tries: %v", many, got)
	}
}

func TestThrottlingKeepsNoAddresses(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := setup(t)
	_, err := h.SignIn(ctx, "secret.lover@example.org", "wrong", team.Place{Address: "203.0.113.66"})
	refused(t, err, "team.sign_in")
	if n := h.count(`select count(*) from login_throttle`); n != 2 {
		t.Errorf("%d counts", n)
	}
	if n := h.count(`select count(*) from login_throttle where length(bucket) <> 32`); n != 0 {
		t.Error("a count is kept under something that is no hash")
	}
	h.clock.Advance(25 * time.Hour)
	must(t, h.Sweep(ctx))
	if n := h.count(`select count(*) from login_throttle`); n != 0 {
		t.Errorf("%d counts after a quiet day", n)
	}
}

func TestWrongTriesAreForgottenAfterAQuietDay(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := setup(t)
	f := h.founder(1)
	h.guessFor(f.email, time.Hour)
	h.clock.Advance(24*time.Hour + time.Second)
	place := team.Place{Address: "203.0.113.66"}
	for n := range 5 {
		if _, err := h.SignIn(ctx, f.email, "mistyped", place); !problem.Is(err, "team.sign_in") {
			t.Fatalf("try %d: %v", n, err)
		}
	}
	if _, err := h.SignIn(ctx, f.email, password, place); err != nil {
		t.Error(err)
	}
}
