package account

import (
	"net/url"
	"reflect"
	"slices"
	"testing"

	"parley/internal/actor"
	"parley/internal/event"
	"parley/internal/id"
	"parley/internal/problem"
)

// verb is one thing a member can do. foreign is what another workspace's steward
// is refused with when they name what is here; "" if it names nothing.
type verb struct {
	do      func(h *house, account id.ID, a actor.Actor) error
	foreign string
	reads   bool
}

func verbs() map[string]verb {
	return map[string]verb{
		"Begin": {do: func(h *house, _ id.ID, a actor.Actor) error {
			_, err := h.Begin(ctx, a, "stage", "town")
			return err
		}},
		"BeginAgain": {do: func(h *house, account id.ID, a actor.Actor) error {
			_, err := h.BeginAgain(ctx, a, account, "town")
			return err
		}, foreign: "account.not_found"},
		"CheckedGap": {do: func(h *house, account id.ID, a actor.Actor) error { return h.CheckedGap(ctx, a, account) }, foreign: "account.not_found"},
		"Disconnect": {do: func(h *house, account id.ID, a actor.Actor) error { return h.Disconnect(ctx, a, account) }, foreign: "account.not_found"},
		"Finish": {do: func(h *house, _ id.ID, a actor.Actor) error {
			address, err := h.Begin(ctx, steward(), "stage", "town")
			must(h.t, err)
			u, err := url.Parse(address)
			must(h.t, err)
			_, err = h.Finish(ctx, a, url.Values{"state": {u.Query().Get("state")}, "code": {"code"}})
			return err
		}, foreign: "account.consent_expired"},
		"Health": {do: func(h *house, account id.ID, a actor.Actor) error {
			hs, err := h.Health(ctx, a)
			if err == nil && !slices.ContainsFunc(hs, func(one Health) bool { return one.Account.ID == account }) {
				err = notFound()
			}
			return err
		}, foreign: "account.not_found", reads: true},
		"List": {do: func(h *house, account id.ID, a actor.Actor) error {
			as, err := h.List(ctx, a)
			if err == nil && !slices.ContainsFunc(as, func(one Account) bool { return one.ID == account }) {
				err = notFound()
			}
			return err
		}, foreign: "account.not_found", reads: true},
		"PictureOf": {do: func(h *house, account id.ID, a actor.Actor) error {
			_, err := h.PictureOf(ctx, a, account)
			return err
		}, foreign: "account.not_found", reads: true},
		"ResumeImport": {do: func(h *house, account id.ID, a actor.Actor) error { return h.ResumeImport(ctx, a, account) }, foreign: "account.not_found"},
		"SetSignature": {do: func(h *house, account id.ID, a actor.Actor) error { return h.SetSignature(ctx, a, account, "") }, foreign: "account.not_found"},
		"SignIn": {do: func(h *house, _ id.ID, a actor.Actor) error {
			_, err := h.SignIn(ctx, a, "stage", typed("town", "p"))
			return err
		}},
		"SignInAgain": {do: func(h *house, account id.ID, a actor.Actor) error {
			return h.SignInAgain(ctx, a, account, typed("town", "p"))
		}, foreign: "account.not_found"},
	}
}

func TestTheTableHasEveryVerb(t *testing.T) {
	t.Parallel()
	table := verbs()
	s := reflect.TypeFor[*Accounts]()
	found := 0
	for i := range s.NumMethod() {
		m := s.Method(i)
		if m.Type.NumIn() < 3 || m.Type.In(2) != reflect.TypeFor[actor.Actor]() {
			continue
		}
		found++
		if _, ok := table[m.Name]; !ok {
			t.Errorf("%s is not tested", m.Name)
		}
	}
	if found != len(table) {
		t.Errorf("%d verbs, %d in the table", found, len(table))
	}
}

func TestEveryVerb(t *testing.T) {
	t.Parallel()
	h := setup(t)
	stranger := member(elsewhere, otto, actor.ManageAccounts, actor.ReadHealth, actor.ReadConversations)
	head := func() int64 { return h.number(`select n from event_head where workspace = 1`) }
	for name, v := range verbs() {
		h.stage.remote.RemoteID = name
		account := h.connect()
		for _, nobody := range []actor.Actor{{}, {Workspace: here}, member(here, ben, actor.Reply, actor.Claim)} {
			if p := problem.Of(v.do(h, account, nobody)); p.Kind != problem.Forbidden {
				t.Errorf("%s by %+v: %v", name, nobody, p)
			}
		}
		before := head()
		err := v.do(h, account, stranger)
		if v.foreign != "" {
			refusedAs(t, err, v.foreign)
		} else if err != nil {
			t.Errorf("%s in their own workspace: %v", name, err)
		}
		if name != "Finish" && head() != before { // there Ana has begun a connection
			t.Errorf("%s by a stranger was recorded here", name)
		}
		if acc := h.account(account); acc.State != Connected || acc.Signature != "caret" || acc.Generation != 1 {
			t.Errorf("%s by a stranger changed it: %+v", name, acc)
		}
		before = head()
		if err := v.do(h, account, steward()); err != nil {
			t.Fatalf("%s by a steward: %v", name, err)
		}
		if n := head() - before; v.reads != (n == 0) {
			t.Errorf("%s recorded %d events", name, n)
		}
	}
	_, faults, err := event.Verify(ctx, h.db.Read(), here)
	if err != nil || len(faults) > 0 {
		t.Errorf("the log: %v, %v", faults, err)
	}
}

// Who may look after accounts sees them; who only reads conversations sees their
// names; each only where the right reaches.
func TestWhoSeesWhat(t *testing.T) {
	t.Parallel()
	h := setup(t)
	first := h.connect()
	h.stage.remote.RemoteID = "r2"
	h.connect()
	at := func(a actor.Actor, r actor.Right) actor.Actor {
		a.Grants = append(a.Grants, actor.Grant{Right: r, Scope: actor.Scope{Kind: "account", ID: first}})
		return a
	}
	count := func(a actor.Actor) (list, health int) {
		as, err := h.List(ctx, a)
		if err != nil {
			list = -1
		} else {
			list = len(as)
		}
		hs, err := h.Health(ctx, a)
		if err != nil {
			return list, -1
		}
		return list, len(hs)
	}
	for name, c := range map[string]struct {
		a            actor.Actor
		list, health int
	}{
		"a voice":                   {member(here, ben, actor.ReadConversations, actor.ReadHealth), 2, 2},
		"an observer":               {member(here, ben, actor.ReadConversations), 2, -1},
		"a voice of one account":    {at(at(member(here, ben), actor.ReadConversations), actor.ReadHealth), 1, 1},
		"an observer of one":        {at(member(here, ben), actor.ReadConversations), 1, -1},
		"who manages one account":   {at(member(here, ben), actor.ManageAccounts), -1, 1},
		"a stranger":                {member(elsewhere, otto, actor.ReadConversations, actor.ReadHealth), 0, 0},
		"nobody":                    {actor.Actor{}, -1, -1},
		"who may do something else": {member(here, ben, actor.ManageTeam), -1, -1},
	} {
		if list, health := count(c.a); list != c.list || health != c.health {
			t.Errorf("%s: lists %d, health of %d; want %d, %d", name, list, health, c.list, c.health)
		}
	}
	if v, err := h.View(ctx, elsewhere, first); err == nil {
		t.Errorf("%+v", v)
	}
}

func TestSignatures(t *testing.T) {
	t.Parallel()
	h := setup(t)
	account := h.connect()
	for _, s := range Signatures() {
		must(t, h.SetSignature(ctx, steward(), account, s))
		if got := h.account(account).Signature; got != s {
			t.Errorf("%q, want %q", got, s)
		}
	}
	refusedAs(t, h.SetSignature(ctx, steward(), account, "emoji"), "account.signature")
	refusedAs(t, h.SetSignature(ctx, steward(), account+1, ""), "account.not_found")
}
