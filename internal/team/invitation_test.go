package team_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"parley/internal/actor"
	"parley/internal/id"
	"parley/internal/team"
)

func asVoice(email string) team.Invite {
	return team.Invite{Email: email, Roles: []team.RoleIn{{Role: team.Voice}}}
}

func TestInvitation(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := setup(t)
	f := h.founder(1)
	inv, err := h.Invite(ctx, f.actor, asVoice("Vera@Example.org"))
	must(t, err)
	if h.count(`select count(*) from invitation where hash = $1`, []byte(inv.Secret)) != 0 {
		t.Error("the link itself is stored")
	}
	o, err := h.Offer(ctx, inv.Secret)
	must(t, err)
	if o.Workspace != "Town 1" || o.By != "Founder 1" || o.Email != "Vera@example.org" || o.Known || len(o.Roles) != 1 {
		t.Errorf("%+v", o)
	}
	signed, err := h.AcceptNew(ctx, inv.Secret, team.NewLogin{Name: "Vera", Password: password}, team.Place{})
	must(t, err)
	if a := h.actorIn(signed.Secret, f.actor.Workspace); !a.Can(actor.Reply) || a.Can(actor.ManageTeam) || a.Name != "Vera" {
		t.Errorf("%+v", a)
	}
	for _, secret := range []string{inv.Secret, "", "i", "\x00", inv.Secret + "x", strings.Repeat("i", 53)} {
		_, err = h.Offer(ctx, secret)
		refused(t, err, "team.invitation_over")
		_, err = h.AcceptNew(ctx, secret, team.NewLogin{Name: "Mallory", Password: password}, team.Place{})
		refused(t, err, "team.invitation_over")
	}
	waiting, err := h.Invitations(ctx, f.actor)
	must(t, err)
	if len(waiting) != 0 || h.count(`select count(*) from invitation where email <> ''`) != 0 {
		t.Errorf("an accepted invitation keeps its address: %+v", waiting)
	}
	_, err = h.Invite(ctx, f.actor, asVoice("VERA@example.org"))
	refused(t, err, "team.member_here")
}

func TestInvitationsEnd(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := setup(t)
	f := h.founder(1)
	first, err := h.Invite(ctx, f.actor, asVoice("vera@example.org"))
	must(t, err)
	second, err := h.Invite(ctx, f.actor, asVoice("vera@example.org")) // the first was lost
	must(t, err)
	_, err = h.Offer(ctx, first.Secret)
	refused(t, err, "team.invitation_over")
	if list, _ := h.Invitations(ctx, f.actor); len(list) != 1 || list[0].ID != second.ID || list[0].Secret != "" {
		t.Errorf("%+v", list)
	}
	must(t, h.RevokeInvitation(ctx, f.actor, second.ID))
	_, err = h.Offer(ctx, second.Secret)
	refused(t, err, "team.invitation_over")
	refused(t, h.RevokeInvitation(ctx, f.actor, second.ID), "team.no_invitation")

	third, err := h.Invite(ctx, f.actor, asVoice("vera@example.org"))
	must(t, err)
	h.clock.Advance(team.InvitationLife - time.Second)
	if _, err := h.Offer(ctx, third.Secret); err != nil {
		t.Error(err)
	}
	h.clock.Advance(time.Second)
	_, err = h.Offer(ctx, third.Secret)
	refused(t, err, "team.invitation_over")
	h.clock.Advance(31 * 24 * time.Hour)
	must(t, h.Sweep(ctx))
	if h.count(`select count(*) from invitation where email <> ''`) != 0 {
		t.Error("an address is kept after its invitation has expired")
	}
}

func TestInvitedWithALogin(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := setup(t)
	f, g := h.founder(1), h.founder(2)
	inv, err := h.Invite(ctx, f.actor, asVoice(g.email))
	must(t, err)
	o, err := h.Offer(ctx, inv.Secret)
	must(t, err)
	if !o.Known {
		t.Error("the address has a login")
	}
	_, err = h.AcceptNew(ctx, inv.Secret, team.NewLogin{Name: "Mallory", Password: "another long password"}, team.Place{})
	refused(t, err, "team.sign_in_first")
	if _, err := h.SignIn(ctx, g.email, password, team.Place{Address: "192.0.2.1"}); err != nil {
		t.Errorf("the password of the login was touched: %v", err)
	}
	v, err := h.Authenticate(ctx, g.Secret)
	must(t, err)
	must(t, h.Accept(ctx, inv.Secret, v))
	refused(t, h.Accept(ctx, inv.Secret, v), "team.invitation_over")
	if v, _ := h.Authenticate(ctx, g.Secret); len(v.Workspaces) != 2 {
		t.Errorf("%+v", v.Workspaces)
	}
	// A second one, for another address, finds them here already.
	again, err := h.Invite(ctx, f.actor, asVoice("private@example.net"))
	must(t, err)
	refused(t, h.Accept(ctx, again.Secret, v), "team.already_member")
	if _, err := h.Offer(ctx, again.Secret); err != nil {
		t.Errorf("an invitation that let nobody in was used up: %v", err)
	}
	refused(t, h.Accept(ctx, again.Secret, team.Visitor{}), "team.no_login")
}

func TestAnInvitationHoldsNoMoreThanItsMaker(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := setup(t)
	f := h.founder(1)
	s := h.hire(f.actor, "Stew", team.Steward)
	inv, err := h.Invite(ctx, s.actor, asVoice("vera@example.org"))
	must(t, err)
	members, err := h.Members(ctx, f.actor)
	must(t, err)
	for _, m := range members {
		if m.ID == s.actor.Member {
			must(t, h.EndGrant(ctx, f.actor, m.Grants[0].ID, "no longer steward"))
		}
	}
	_, err = h.AcceptNew(ctx, inv.Secret, team.NewLogin{Name: "Vera", Password: password}, team.Place{})
	refused(t, err, "team.invitation_over")
	if h.count(`select count(*) from login where name = 'Vera'`) != 0 {
		t.Error("a login was left behind")
	}
}

func TestBadInvites(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := setup(t)
	f := h.founder(1)
	for name, tc := range map[string]struct {
		in   team.Invite
		code string
	}{
		"no roles":          {team.Invite{Email: "a@example.org"}, "team.role"},
		"unknown role":      {team.Invite{Email: "a@example.org", Roles: []team.RoleIn{{Role: "king"}}}, "team.role"},
		"an owner of a bit": {team.Invite{Email: "a@example.org", Roles: []team.RoleIn{{Role: team.Owner, Scope: actor.Scope{Kind: "team", ID: 1}}}}, "team.scope"},
		"unknown scope":     {team.Invite{Email: "a@example.org", Roles: []team.RoleIn{{Role: team.Voice, Scope: actor.Scope{Kind: "planet", ID: 1}}}}, "team.scope"},
		"half a scope":      {team.Invite{Email: "a@example.org", Roles: []team.RoleIn{{Role: team.Voice, Scope: actor.Scope{ID: 1}}}}, "team.scope"},
		"no such team":      {team.Invite{Email: "a@example.org", Roles: []team.RoleIn{{Role: team.Voice, Scope: actor.Scope{Kind: "team", ID: 1}}}}, "team.no_team"},
		"no address":        {asVoice(""), "team.email"},
		"a huge address":    {asVoice(strings.Repeat("a@b.", 1_000_000)), "team.email"},
		"U+0000":            {asVoice("a\x00@example.org"), "team.email"},
		"invalid UTF-8":     {asVoice("a\xff@example.org"), "team.email"},
		"turned around":     {asVoice("\u202ea@example.org"), "team.email"},
		"a look-alike":      {asVoice("fоunder1@example.org"), "team.email_mixed"},
		"the whole word":    {asVoice("ＦＯＵＮＤＥＲ1@example.org"), "team.member_here"},
	} {
		_, err := h.Invite(ctx, f.actor, tc.in)
		t.Run(name, func(t *testing.T) { refused(t, err, tc.code) })
	}
	if h.count(`select count(*) from invitation`) != 0 {
		t.Error("an invitation was made")
	}
}

func TestBadLogins(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := setup(t)
	f := h.founder(1)
	inv, err := h.Invite(ctx, f.actor, asVoice("vera@example.org"))
	must(t, err)
	for name, tc := range map[string]struct {
		in   team.NewLogin
		code string
	}{
		"empty":            {team.NewLogin{}, "team.name_empty"},
		"invisible":        {team.NewLogin{Name: "\u200b\u202e", Password: password}, "team.name_empty"},
		"huge":             {team.NewLogin{Name: strings.Repeat("n", 10_000_000), Password: password}, "team.name_long"},
		"invalid UTF-8":    {team.NewLogin{Name: "V\xff", Password: password}, "team.name_unreadable"},
		"no password":      {team.NewLogin{Name: "Vera"}, "team.password_short"},
		"a huge password":  {team.NewLogin{Name: "Vera", Password: strings.Repeat("p", 10_000_000)}, "team.password_long"},
		"U+0000":           {team.NewLogin{Name: "Vera", Password: password + "\x00"}, "team.password_unreadable"},
		"their address":    {team.NewLogin{Name: "Vera", Password: "vera@example.org"}, "team.password_easy"},
		"a strange locale": {team.NewLogin{Name: "Vera", Password: password, Locale: "\x00"}, "team.locale"},
		"a huge locale":    {team.NewLogin{Name: "Vera", Password: password, Locale: strings.Repeat("en-", 1000)}, "team.locale"},
	} {
		_, err := h.AcceptNew(ctx, inv.Secret, tc.in, team.Place{})
		t.Run(name, func(t *testing.T) { refused(t, err, tc.code) })
	}
	signed, err := h.AcceptNew(ctx, inv.Secret, team.NewLogin{Name: "V\u202eera\x00", Password: password},
		team.Place{Agent: strings.Repeat("A\x00\xff", 100_000), Address: "\u202e\xff"})
	must(t, err)
	if a := h.actorIn(signed.Secret, f.actor.Workspace); a.Name != "Vera" {
		t.Errorf("%q", a.Name)
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := setup(t)
	f := h.founder(1)
	v := h.hire(f.actor, "Vera", team.Voice)
	week := h.clock.Now().Add(7 * 24 * time.Hour)
	in := team.NewToken{Name: "sc\u202eript", Rights: []actor.Right{actor.Reply, actor.ReadConversations}, Until: week}
	tok, secret, err := h.CreateToken(ctx, v.actor, in)
	must(t, err)
	if !strings.HasPrefix(secret, "parley_") || len(secret) < 50 || h.count(`select count(*) from api_token where hash = $1`, []byte(secret)) != 0 {
		t.Errorf("%s", secret)
	}
	a, err := h.AuthenticateToken(ctx, secret)
	must(t, err)
	if a.Member != v.actor.Member || a.Workspace != v.actor.Workspace || a.Token != tok.ID || !a.Can(actor.Reply) || a.Can(actor.Claim) || a.Can(actor.Self) {
		t.Errorf("%+v", a)
	}
	// It can neither make another one nor look at sessions.
	_, _, err = h.CreateToken(ctx, a, in)
	refused(t, err, "forbidden")
	_, err = h.Sessions(ctx, a)
	refused(t, err, "forbidden")

	must(t, h.Flush(ctx))
	list, err := h.Tokens(ctx, v.actor, v.actor.Member)
	must(t, err)
	if len(list) != 1 || list[0].Name != "script" || !list[0].Used.Equal(h.clock.Now()) || len(list[0].Rights) != 2 {
		t.Errorf("%+v", list)
	}
	// What the member loses, the token loses.
	members, err := h.Members(ctx, f.actor)
	must(t, err)
	for _, m := range members {
		if m.ID == v.actor.Member {
			must(t, h.EndGrant(ctx, f.actor, m.Grants[0].ID, ""))
		}
	}
	a, err = h.AuthenticateToken(ctx, secret)
	must(t, err)
	if len(a.Grants) != 0 {
		t.Errorf("%+v", a.Grants)
	}
	must(t, h.RevokeToken(ctx, v.actor, tok.ID))
	_, err = h.AuthenticateToken(ctx, secret)
	refused(t, err, "team.token_over")
	refused(t, h.RevokeToken(ctx, v.actor, tok.ID), "team.no_token")

	_, secret, err = h.CreateToken(ctx, f.actor, in)
	must(t, err)
	h.clock.Set(week)
	for _, s := range []string{secret, "", "parley_", "parley_\x00", secret + "a", strings.Repeat("x", 10_000_000)} {
		_, err = h.AuthenticateToken(ctx, s)
		refused(t, err, "team.token_over")
	}
}

func TestBadTokens(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := setup(t)
	v := h.hire(h.founder(1).actor, "Vera", team.Voice)
	soon, reply := h.clock.Now().Add(time.Hour), []actor.Right{actor.Reply}
	for code, in := range map[string]team.NewToken{
		"team.name_empty":   {Name: "", Rights: reply, Until: soon},
		"team.token_rights": {Name: "t", Until: soon},
		"forbidden":         {Name: "t", Rights: []actor.Right{actor.ManageTeam}, Until: soon},
		"team.token_until":  {Name: "t", Rights: reply, Until: h.clock.Now()},
	} {
		_, _, err := h.CreateToken(ctx, v.actor, in)
		refused(t, err, code)
	}
	for _, rights := range [][]actor.Right{{actor.Self}, {"everything"}, {"conversation.reply conversation.claim"}, {actor.Reply, actor.Reply}} {
		_, _, err := h.CreateToken(ctx, v.actor, team.NewToken{Name: "t", Rights: rights, Until: soon})
		refused(t, err, "team.token_rights")
	}
	_, _, err := h.CreateToken(ctx, v.actor, team.NewToken{Name: "t", Rights: reply, Until: h.clock.Now().Add(team.TokenLife + time.Second)})
	refused(t, err, "team.token_until")
	_, _, err = h.CreateToken(ctx, v.actor, team.NewToken{Name: "t", Rights: reply})
	refused(t, err, "team.token_until")
}

func TestOperator(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := setup(t)
	f := h.founder(1)
	op := h.Operator()
	_, same, err := op.CreateWorkspace(ctx, team.SetUp{Email: "FOUNDER1@example.org", Workspace: team.NewWorkspace{Name: "Second", Zone: "UTC"}})
	must(t, err)
	if same != f.Login {
		t.Error("an address that has a login got another one")
	}
	v := h.hire(f.actor, "Vera", team.Voice)
	logins, err := op.Logins(ctx)
	must(t, err)
	if len(logins) != 2 || logins[0].Email != f.email || strings.Join(logins[0].Workspaces, " ") != "second town-1" || logins[1].Seen.IsZero() {
		t.Errorf("%+v", logins)
	}

	_, _, err = op.PasswordLink(ctx, "nobody@example.org")
	refused(t, err, "team.no_login")
	old, _, err := op.PasswordLink(ctx, v.email)
	must(t, err)
	link, until, err := op.PasswordLink(ctx, v.email)
	must(t, err)
	if !until.Equal(h.clock.Now().Add(team.PasswordLinkLife)) {
		t.Errorf("until %v", until)
	}
	_, _, err = h.PasswordLinkFor(ctx, old)
	refused(t, err, "team.link_over")
	name, email, err := h.PasswordLinkFor(ctx, link)
	must(t, err)
	if name != "Vera" || email != v.email {
		t.Errorf("%s %s", name, email)
	}
	h.guessFor(v.email, time.Hour) // somebody tries meanwhile
	_, err = h.UsePasswordLink(ctx, link, "short", team.Place{})
	refused(t, err, "team.password_short")
	signed, err := h.UsePasswordLink(ctx, link, "three herons by the canal", team.Place{})
	must(t, err)
	_, err = h.Authenticate(ctx, v.Secret)
	refused(t, err, "team.session_over")
	if _, err := h.Authenticate(ctx, signed.Secret); err != nil {
		t.Error(err)
	}
	_, err = h.UsePasswordLink(ctx, link, "three herons by the canal", team.Place{})
	refused(t, err, "team.link_over")
	if _, err := h.SignIn(ctx, v.email, "three herons by the canal", team.Place{Address: "203.0.113.9"}); err != nil {
		t.Errorf("with the new password, after all the guessing: %v", err)
	}
	late, _, err := op.PasswordLink(ctx, v.email)
	must(t, err)
	h.clock.Advance(team.PasswordLinkLife)
	_, err = h.UsePasswordLink(ctx, late, "three herons by the lake", team.Place{})
	refused(t, err, "team.link_over")
}

func TestRemovingALoginForgetsThem(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := setup(t)
	f := h.founder(1)
	v := h.hire(f.actor, "Vera", team.Steward)
	inv, err := h.Invite(ctx, f.actor, asVoice("vera-too@example.net"))
	must(t, err)
	op := h.Operator()
	refused(t, op.RemoveLogin(ctx, f.email), "team.last_owner_of")
	if _, err := h.Authenticate(ctx, f.Secret); err != nil {
		t.Errorf("refused, but signed out: %v", err)
	}
	must(t, op.RemoveLogin(ctx, v.email))
	_, err = h.Authenticate(ctx, v.Secret)
	refused(t, err, "team.session_over")
	_, err = h.SignIn(ctx, v.email, password, team.Place{})
	refused(t, err, "team.sign_in")
	refused(t, op.RemoveLogin(ctx, v.email), "team.no_login")
	for _, q := range []string{
		`select count(*) from login where removed <> 0 and (email <> '' or password <> '')`,
		`select count(*) from login_session where login = $1`,
		`select count(*) from login_place where login = $1`,
		`select count(*) from event_personal where details like '%vera@example.org%'`,
	} {
		args := []any{}
		if strings.Contains(q, "$1") {
			args = append(args, v.Login)
		}
		if n := h.count(q, args...); n != 0 {
			t.Errorf("%s: %d", q, n)
		}
	}
	// The address is free for somebody new.
	must(t, h.RevokeInvitation(ctx, f.actor, inv.ID))
	again := h.hire(f.actor, "Vera", team.Observer)
	if again.Login == v.Login || again.Login == id.ID(0) {
		t.Error("the old login is back")
	}
}
