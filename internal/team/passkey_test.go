package team_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"parley/internal/actor"
	"parley/internal/problem"
	"parley/internal/team"
	"parley/internal/team/passkeytest"
)

const here = "http://localhost:8080"

// prepared is the answer of a new device to a member who wants a passkey.
func (h *house) prepared(w who) (*passkeytest.Device, []byte) {
	h.t.Helper()
	v, err := h.Authenticate(context.Background(), w.Secret)
	must(h.t, err)
	options, err := h.PreparePasskey(context.Background(), v, password, team.Place{})
	must(h.t, err)
	d := passkeytest.New(h.t, here, "localhost")
	return d, d.Create(options)
}

// withPasskey gives a member a device with a key.
func (h *house) withPasskey(w who) (*passkeytest.Device, team.Passkey) {
	h.t.Helper()
	d, answer := h.prepared(w)
	k, err := h.AddPasskey(context.Background(), w.actor, team.NewPasskey{Name: "Phone", Answer: answer})
	must(h.t, err)
	return d, k
}

func (h *house) offered() []byte {
	h.t.Helper()
	options, err := h.OfferPasskeys(context.Background(), team.Place{Address: "192.0.2.1"})
	must(h.t, err)
	return options
}

func (h *house) enter(answer []byte) (team.SignedIn, error) {
	return h.SignInWithPasskey(context.Background(), answer, team.Place{})
}

func TestAPasskeySignsInWhoeverHoldsIt(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := setup(t)
	w := h.founder(1)
	h.founder(2)
	d, k := h.withPasskey(w)
	h.clock.Advance(time.Minute)
	in, err := h.enter(d.Get(h.offered()))
	must(t, err)
	if in.Login != w.Login {
		t.Errorf("signed in as %s, the key is of %s", in.Login, w.Login)
	}
	v, err := h.Authenticate(ctx, in.Secret)
	must(t, err)
	all, err := h.Passkeys(ctx, v.Workspaces[0].Actor)
	must(t, err)
	if len(all) != 1 || all[0].ID != k.ID || all[0].Name != "Phone" || !all[0].Used.Equal(h.clock.Now()) || !all[0].Doubted.IsZero() {
		t.Errorf("the passkeys are %+v", all)
	}
	// A device that does not count goes on working, and so does one that does.
	d.Counts = true
	for range 3 {
		_, err := h.enter(d.Get(h.offered()))
		must(t, err)
	}
}

// What is not right about an answer lets nobody in, whatever it is.
func TestNoOtherAnswerSignsIn(t *testing.T) {
	t.Parallel()
	h := setup(t)
	w := h.founder(1)
	d, _ := h.withPasskey(w)
	good := d.Get(h.offered())
	for name, tc := range map[string]struct {
		answer func() []byte
		code   string
	}{
		"nothing":              {func() []byte { return nil }, "team.passkey_wrong"},
		"no answer":            {func() []byte { return []byte(`{"id":"x"}`) }, "team.passkey_wrong"},
		"a page elsewhere":     {func() []byte { c := d.Copy(); c.Origin = "https://parley.example"; return c.Get(h.offered()) }, "team.passkey_wrong"},
		"another port":         {func() []byte { c := d.Copy(); c.Origin = "http://localhost:9090"; return c.Get(h.offered()) }, "team.passkey_wrong"},
		"another host's key":   {func() []byte { c := d.Copy(); c.RP = "parley.example"; return c.Get(h.offered()) }, "team.passkey_wrong"},
		"nobody looked at":     {func() []byte { c := d.Copy(); c.Seen = false; return c.Get(h.offered()) }, "team.passkey_wrong"},
		"another's name on it": {func() []byte { c := d.Copy(); c.Handle = []byte("0000000000001"); return c.Get(h.offered()) }, "team.passkey_wrong"},
		"another key": {func() []byte {
			return passkeytest.New(t, here, "localhost").Get(h.offered())
		}, "team.passkey_unknown"},
		"a challenge of ours, changed": {func() []byte {
			return d.Get([]byte(strings.Replace(string(h.offered()), `"challenge":"`, `"challenge":"AA`, 1)))
		}, "team.passkey_over"},
		"too late": {func() []byte {
			answer := d.Get(h.offered())
			h.clock.Advance(11 * time.Minute)
			return answer
		}, "team.passkey_over"},
	} {
		in, err := h.enter(tc.answer())
		if !problem.Is(err, tc.code) || in.Secret != "" {
			t.Errorf("%s: %v, want %s", name, err, tc.code)
		}
	}
	h.clock.Advance(-12 * time.Minute)
	if _, err := h.enter(good); !problem.Is(err, "team.passkey_over") && err != nil {
		t.Errorf("the good one: %v", err)
	}
}

func TestAnAnswerIsGoodOnce(t *testing.T) {
	t.Parallel()
	h := setup(t)
	w := h.founder(1)
	d, _ := h.withPasskey(w)
	answer := d.Get(h.offered())
	var wait sync.WaitGroup
	results := make([]error, 4)
	for i := range results {
		wait.Go(func() { _, results[i] = h.enter(answer) })
	}
	wait.Wait()
	let := 0
	for _, err := range results {
		if err == nil {
			let++
		} else if !problem.Is(err, "team.passkey_over") {
			t.Errorf("refused with %v", err)
		}
	}
	if let != 1 {
		t.Errorf("one answer let %d in", let)
	}
}

// Two devices count the same key: one is a copy, and neither is trusted any more.
func TestACopiedPasskeyIsNotTrusted(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := setup(t)
	w := h.founder(1)
	d, _ := h.withPasskey(w)
	d.Counts = true
	copied := d.Copy()
	for range 2 {
		_, err := h.enter(d.Get(h.offered()))
		must(t, err)
	}
	before := h.head(w.actor.Workspace)
	_, err := h.enter(copied.Get(h.offered()))
	refused(t, err, "team.passkey_doubted")
	if h.head(w.actor.Workspace) != before+1 {
		t.Error("that it is doubted was not recorded")
	}
	_, err = h.enter(d.Get(h.offered()))
	refused(t, err, "team.passkey_doubted")
	all, err := h.Passkeys(ctx, w.actor)
	must(t, err)
	if all[0].Doubted.IsZero() {
		t.Error("it is not shown as doubted")
	}
	refused(t, h.RemovePassword(ctx, w.actor, team.PasswordChange{Old: password}, team.Place{}), "team.last_way_in")
}

// A browser left open becomes no login for ever: the password is asked for, and
// wrong ones count as at the door.
func TestAddingAPasskeyAsksForThePassword(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := setup(t)
	w, other := h.founder(1), h.founder(2)
	v, err := h.Authenticate(ctx, w.Secret)
	must(t, err)
	for range 5 {
		_, err = h.PreparePasskey(ctx, v, "not this one", team.Place{Address: "192.0.2.9"})
		refused(t, err, "team.old_password")
	}
	_, err = h.PreparePasskey(ctx, v, "not this one", team.Place{Address: "192.0.2.9"})
	_, err2 := h.PreparePasskey(ctx, v, password, team.Place{Address: "192.0.2.9"})
	if !problem.Is(err, "team.throttled") && !problem.Is(err2, "team.throttled") {
		t.Errorf("guesses are not slowed down: %v, %v", err, err2)
	}
	// Somebody else's answer is nobody's, and one that was not asked for is none.
	_, answer := h.prepared(other)
	_, err = h.AddPasskey(ctx, w.actor, team.NewPasskey{Name: "x", Answer: answer})
	refused(t, err, "team.passkey_over")
	d := passkeytest.New(t, here, "localhost")
	_, err = h.AddPasskey(ctx, w.actor, team.NewPasskey{Name: "x", Answer: d.Create([]byte(`{"publicKey":{"challenge":"AAAA","user":{"id":"AA"}}}`))})
	refused(t, err, "team.passkey_over")
	_, err = h.AddPasskey(ctx, w.actor, team.NewPasskey{Name: "x", Answer: []byte("{")})
	refused(t, err, "team.passkey_wrong")
	all, err := h.Passkeys(ctx, w.actor)
	must(t, err)
	if len(all) != 0 {
		t.Errorf("there are %+v", all)
	}
}

// Somebody always has a way in: the password may go once a passkey is there, the
// last passkey may not, and the operator's link brings a password back.
func TestTheLastWayInStays(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := setup(t)
	w := h.founder(1)
	refused(t, h.RemovePassword(ctx, w.actor, team.PasswordChange{Old: password}, team.Place{}), "team.last_way_in")
	d, k := h.withPasskey(w)
	refused(t, h.RemovePassword(ctx, w.actor, team.PasswordChange{Old: "not this one"}, team.Place{}), "team.old_password")
	second, err := h.SignIn(ctx, w.email, password, team.Place{})
	must(t, err)
	must(t, h.RemovePassword(ctx, w.actor, team.PasswordChange{Old: password, Keep: w.Session}, team.Place{}))
	_, err = h.Authenticate(ctx, second.Secret)
	refused(t, err, "team.session_over")
	for _, tried := range []string{password, "none", ""} {
		_, err = h.SignIn(ctx, w.email, tried, team.Place{Address: "192.0.2.77"})
		refused(t, err, "team.sign_in")
	}
	refused(t, h.RemovePasskey(ctx, w.actor, k.ID), "team.last_way_in")
	_, err = h.enter(d.Get(h.offered()))
	must(t, err)

	// Without a password one must have signed in just now to add another key.
	v, err := h.Authenticate(ctx, w.Secret)
	must(t, err)
	_, err = h.PreparePasskey(ctx, v, "", team.Place{})
	must(t, err)
	h.clock.Advance(time.Hour)
	_, err = h.PreparePasskey(ctx, v, "", team.Place{})
	refused(t, err, "team.sign_in_again")

	link, _, err := h.Operator().PasswordLink(ctx, w.email)
	must(t, err)
	_, err = h.UsePasswordLink(ctx, link, "five geese on the roof", team.Place{})
	must(t, err)
	must(t, h.RemovePasskey(ctx, w.actor, k.ID))
	_, err = h.enter(d.Get(h.offered()))
	refused(t, err, "team.passkey_unknown")
}

// Of whoever is removed no key is left, and what is stored opens nothing.
func TestPasskeysGoWithTheirOwner(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := setup(t)
	owner := h.founder(1)
	vera := h.hire(owner.actor, "Vera", team.Voice)
	d, _ := h.withPasskey(vera)
	must(t, h.RemoveMember(ctx, owner.actor, vera.actor.Member, ""))
	_, err := h.enter(d.Get(h.offered()))
	refused(t, err, "team.passkey_unknown")

	ines := h.hire(owner.actor, "Ines", team.Voice)
	e, _ := h.withPasskey(ines)
	must(t, h.Operator().RemoveLogin(ctx, ines.email))
	_, err = h.enter(e.Get(h.offered()))
	refused(t, err, "team.passkey_unknown")
	var left int
	must(t, h.db.Read().Row(ctx, `select count(*) from passkey`).Scan(&left))
	if left != 0 {
		t.Errorf("%d keys are left of those who are gone", left)
	}
	options := h.offered()
	challenge := strings.Split(strings.SplitAfter(string(options), `"challenge":"`)[1], `"`)[0]
	var plain int
	must(t, h.db.Read().Row(ctx, `select count(*) from login_step where data like $1`, "%"+challenge+"%").Scan(&plain))
	if plain != 0 {
		t.Error("a challenge is stored as it is")
	}
	h.clock.Advance(time.Hour)
	must(t, h.Sweep(ctx))
	must(t, h.db.Read().Row(ctx, `select count(*) from login_step`).Scan(&plain))
	if plain != 0 {
		t.Errorf("%d challenges are kept for ever", plain)
	}
}

func TestAFloodOfStepsIsHeldOff(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := setup(t)
	var err error
	for range 201 {
		if _, err = h.OfferPasskeys(ctx, team.Place{Address: "192.0.2.1"}); err != nil {
			break
		}
	}
	refused(t, err, "team.steps")
	_, err = h.OfferPasskeys(ctx, team.Place{Address: "198.51.100.1"})
	must(t, err)
	h.clock.Advance(11 * time.Minute)
	_, err = h.OfferPasskeys(ctx, team.Place{Address: "192.0.2.1"})
	must(t, err)
}

func FuzzPasskeyAnswer(f *testing.F) {
	f.Add([]byte(`{"id":"AA","rawId":"AA","type":"public-key","response":{"clientDataJSON":"e30","authenticatorData":"AA","signature":"AA","userHandle":"AA"}}`))
	f.Add([]byte(`{"id":"AA","rawId":"AA","type":"public-key","response":{"clientDataJSON":"e30","attestationObject":"oA"}}`))
	h := setup(f)
	w := h.founder(1)
	f.Fuzz(func(t *testing.T, answer []byte) {
		if in, err := h.enter(answer); problem.Of(err) == nil || problem.Of(err).Kind == problem.Internal || in.Secret != "" {
			t.Errorf("%q: %v", answer, err)
		}
		if _, err := h.AddPasskey(context.Background(), w.actor, team.NewPasskey{Name: "x", Answer: answer}); problem.Of(err) == nil || problem.Of(err).Kind == problem.Internal {
			t.Errorf("%q: %v", answer, err)
		}
	})
}

// passkeyVerbs are the rows of verb_test.go for keys.
func passkeyVerbs() map[string]verb {
	type c = context.Context
	return map[string]verb{
		"AddPasskey": {do: func(ctx c, s scene, a actor.Actor) error {
			_, answer := s.prepared(s.owner)
			_, err := s.AddPasskey(ctx, a, team.NewPasskey{Name: "Laptop", Answer: answer})
			return err
		}, foreign: "team.passkey_over"},
		"HasPassword": {do: func(ctx c, s scene, a actor.Actor) error {
			_, err := s.HasPassword(ctx, a)
			return err
		}, reads: true},
		"Passkeys": {do: func(ctx c, s scene, a actor.Actor) error {
			_, err := s.Passkeys(ctx, a)
			return err
		}, reads: true},
		"RemovePasskey": {do: func(ctx c, s scene, a actor.Actor) error {
			return s.RemovePasskey(ctx, a, s.passkey)
		}, foreign: "team.no_passkey"},
		"RemovePassword": {do: func(ctx c, s scene, a actor.Actor) error {
			return s.RemovePassword(ctx, a, team.PasswordChange{Old: password}, team.Place{})
		}, foreign: "team.last_way_in"}, // who has no passkey needs their password
		"RenamePasskey": {do: func(ctx c, s scene, a actor.Actor) error {
			return s.RenamePasskey(ctx, a, s.passkey, "Other")
		}, foreign: "team.no_passkey"},
	}
}
