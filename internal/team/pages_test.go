package team_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"parley/internal/actor"
	"parley/internal/i18n"
	"parley/internal/mail"
	"parley/internal/page"
	"parley/internal/page/pagetest"
	"parley/internal/team"
)

// site is the package's pages behind a real kernel.
type site struct {
	*house
	server *httptest.Server
	pseudo bool // everybody reads the pseudo-locale
}

func newSite(t *testing.T) *site {
	t.Helper()
	return siteOf(t, setup(t))
}

func siteOf(t *testing.T, h *house) *site {
	t.Helper()
	s := &site{house: h}
	o := pagetest.Options(t, team.Catalogue, mail.Catalogue)
	o.Clock = s.clock
	o.Account = team.MePath
	o.Authenticate = func(ctx context.Context, token string) (page.Visitor, error) {
		if s.pseudo && token == "nobody" {
			return page.Visitor{Locale: i18n.Pseudo}, nil
		}
		v, err := s.Visitor(ctx, token)
		if s.pseudo {
			v.Locale = i18n.Pseudo
		}
		return v, err
	}
	k := pagetest.Kernel(t, o)
	s.Pages(k, o.URL)
	k.Member("GET /today", func(w http.ResponseWriter, _ *page.Request) error {
		_, err := io.WriteString(w, "the day")
		return err
	})
	k.Handle("GET /today", func(w http.ResponseWriter, r *page.Request) error {
		for _, in := range r.Visitor.Workspaces {
			fmt.Fprintln(w, in.Name)
		}
		return nil
	}, page.SignedIn)
	s.server = httptest.NewServer(k)
	t.Cleanup(s.server.Close)
	return s
}

// browser keeps cookies and follows redirects, as one does.
type browser struct {
	t    *testing.T
	site *site
	http *http.Client
}

func (s *site) browser(secret string) *browser {
	jar, err := cookiejar.New(nil)
	must(s.t, err)
	b := &browser{s.t.(*testing.T), s, &http.Client{Jar: jar}}
	if secret != "" {
		at, _ := url.Parse(s.server.URL)
		jar.SetCookies(at, []*http.Cookie{{Name: "parley", Value: secret, Path: "/"}})
	}
	return b
}

// answer is a page and where the browser ended up.
type answer struct {
	status int
	path   string
	body   string
}

func (b *browser) do(r *http.Request) answer {
	b.t.Helper()
	res, err := b.http.Do(r)
	must(b.t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	must(b.t, err)
	if strings.Contains(string(body), "<html") {
		for name, found := range map[string][]string{"inline": pagetest.Inline(string(body)), "twice": pagetest.IDs(string(body)), "unlabelled": pagetest.Unlabelled(string(body))} {
			if len(found) > 0 {
				b.t.Errorf("%s: %s: %q", r.URL.Path, name, found)
			}
		}
	}
	return answer{res.StatusCode, res.Request.URL.Path, string(body)}
}

func (b *browser) get(path string) answer {
	b.t.Helper()
	r, err := http.NewRequest(http.MethodGet, b.site.server.URL+path, nil)
	must(b.t, err)
	return b.do(r)
}

// post sends a form; fields are name and value, alternately.
func (b *browser) post(path string, fields ...string) answer {
	b.t.Helper()
	f := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		f.Add(fields[i], fields[i+1])
	}
	r, err := http.NewRequest(http.MethodPost, b.site.server.URL+path, strings.NewReader(f.Encode()))
	must(b.t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return b.do(r)
}

// want fails unless the answer has this status, place, and all of the words.
func (a answer) want(t *testing.T, status int, path string, words ...string) answer {
	t.Helper()
	if a.status != status || path != "" && a.path != path {
		t.Fatalf("got %d at %s, want %d at %s\n%.2000s", a.status, a.path, status, path, a.body)
	}
	for _, w := range words {
		if !strings.Contains(a.body, w) {
			t.Errorf("%s does not say %q\n%.3000s", a.path, w, a.body)
		}
	}
	return a
}

func (a answer) without(t *testing.T, words ...string) {
	t.Helper()
	for _, w := range words {
		if strings.Contains(a.body, w) {
			t.Errorf("%s says %q", a.path, w)
		}
	}
}

func TestPagesFromSetUpToLeaving(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ctx := context.Background()
	anna := s.browser("")
	anna.get("/").want(t, 200, team.SignInPath, "Nobody has set up this Parley yet")
	anna.get("/set-up/wrong").want(t, 410, "", "no longer sets anything up")
	secret, _, err := s.FirstRun(ctx)
	must(t, err)
	link := team.SetUpPath(secret)
	anna.get(link).want(t, 200, link, "Set up your desk")
	anna.post(link, "email", "anna@example.org", "name", "Anna", "password", "short", "workspace", "Town Hall", "zone", "Europe/Brussels").
		want(t, 422, link, "This password is too short", `value="Town Hall"`, `value="anna@example.org"`).without(t, `value="short"`)
	anna.post(link, "email", "anna@example.org", "name", "Anna", "password", password, "workspace", "Town Hall", "zone", "Europe/Brussels").
		want(t, 200, "/w/town-hall/today", "the day")
	s.browser("").get(link).want(t, 410, "")

	// An invitation, its link once.
	made := anna.post("/w/town-hall/team/invitations", "email", "vera@example.org", "role", "voice").
		want(t, 200, "", "The invitation is ready", "vera@example.org")
	invitation := regexp.MustCompile(`/invitation/[a-z2-7]+`).FindString(made.body)
	anna.get("/w/town-hall/team").want(t, 200, "", "vera@example.org", "Waiting for an answer").without(t, invitation)
	vera := s.browser("")
	vera.get(invitation).want(t, 200, "", "Join Town Hall", "Anna would like you", "Speaks with people")
	vera.post(invitation, "name", "", "password", password).want(t, 422, "", "no name here")
	vera.post(invitation, "name", "Vera <b>", "password", password).want(t, 200, "/w/town-hall/today")
	vera.get(invitation).want(t, 410, "", "no longer works")

	// The team, by who looks.
	anna.get("/w/town-hall/team").want(t, 200, "", "Vera &lt;b&gt;", "Anna", "Invite somebody").without(t, "Vera <b>")
	vera.get("/w/town-hall/team").want(t, 200, "", "Anna").without(t, "Invite somebody", "anna@example.org", "/invitations")
	vera.post("/w/town-hall/team/invitations", "email", "x@example.org", "role", "voice").want(t, 403, "")
	vera.get("/w/town-hall/settings").want(t, 403, "")
	vera.get("/workspaces/new").want(t, 403, "")

	// A role more, and less.
	members, err := s.Members(ctx, s.actorOf("anna@example.org"))
	must(t, err)
	one := "/w/town-hall/team/members/" + members[1].ID.String()
	anna.get(one).want(t, 200, one, "Vera", "vera@example.org", "Answer people in their own name", "Give a further role")
	anna.post(one+"/grants", "role", "steward", "until", "yesterday").want(t, 422, "", "is no date")
	anna.post(one+"/grants", "role", "steward", "until", "2026-03-05", "reason", "holiday cover").
		want(t, 200, one, "holiday cover", "until ")
	vera.get("/w/town-hall/team").want(t, 200, "", "Invite somebody")
	s.clock.Set(time.Date(2026, 3, 5, 23, 59, 59, 0, time.UTC))
	vera.get("/w/town-hall/settings").want(t, 200, "")
	s.clock.Advance(time.Second)
	vera.get("/w/town-hall/settings").want(t, 403, "")

	// Teams.
	anna.post("/w/town-hall/team/teams", "team-name", "Press").want(t, 200, "", "The team Press is there")
	teams, err := s.Teams(ctx, s.actorOf("anna@example.org"))
	must(t, err)
	press := teams[0].ID.String()
	anna.post("/w/town-hall/team/teams/"+press+"/add", "member-"+press, members[1].ID.String()).want(t, 200, "/w/town-hall/team", "Take Vera")
	anna.post("/w/town-hall/team/teams/"+press+"/rename", "name-"+press, "Newsroom").want(t, 200, "", "Newsroom")
	anna.post("/w/town-hall/team/teams/"+press+"/remove", "member-"+press, members[1].ID.String()).want(t, 200, "").without(t, "Take Vera")
	anna.post("/w/town-hall/team/teams/"+press+"/close").want(t, 200, "").without(t, "Newsroom")

	// Gone, at once.
	anna.post(one+"/remove", "removal-reason", "moved").want(t, 200, "/w/town-hall/team", "They are removed").without(t, "Vera")
	vera.get("/w/town-hall/today").want(t, 200, "/sign-in", "Good to see you")
	vera.get(team.MePath).want(t, 200, "/sign-in")
	anna.get("/w/town-hall/team").want(t, 200, "", "You are the only owner")
	anna.post("/w/town-hall/team/leave").want(t, 409, "", "cannot be without an owner")
}

// actorOf is somebody's actor in their first workspace.
func (s *site) actorOf(email string) actor.Actor {
	s.t.Helper()
	ctx := context.Background()
	logins, err := s.Operator().Logins(ctx)
	must(s.t, err)
	for _, l := range logins {
		if l.Email == email {
			in, err := s.Operator().OpenSession(ctx, l.ID, team.Place{})
			must(s.t, err)
			v, err := s.Authenticate(ctx, in.Secret)
			must(s.t, err)
			return v.Workspaces[0].Actor
		}
	}
	s.t.Fatal("nobody is " + email)
	return actor.Actor{}
}

func TestSigningInAndOut(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	f := s.founder(1)
	b := s.browser("")
	b.get("/w/town-1/team").want(t, 200, team.SignInPath, `value="/w/town-1/team"`)
	b.post(team.SignInPath, "email", f.email, "password", "wrong", "return", "/w/town-1/team").
		want(t, 401, "", "do not belong together", `value="founder1@example.org"`).without(t, `value="wrong"`)
	for range 6 {
		b.post(team.SignInPath, "email", "x@example.org", "password", "wrong")
	}
	b.post(team.SignInPath, "email", "x@example.org", "password", "wrong").want(t, 429, "", "wrong too often")
	b.post(team.SignInPath, "email", f.email, "password", password, "return", "//evil.example/").want(t, 200, "/w/town-1/today")
	b.get(team.SignInPath).want(t, 200, "/w/town-1/today")
	if n := s.count(`select count(*) from login_session`); n != 2 {
		t.Fatalf("%d sessions", n)
	}
	b.post("/sign-out").want(t, 200, team.SignInPath)
	if n := s.count(`select count(*) from login_session`); n != 1 {
		t.Errorf("%d sessions after signing out", n)
	}
	b.get("/w/town-1/today").want(t, 200, team.SignInPath)
	// A dead session is the sign-in page, not an error.
	s.browser("s"+strings.Repeat("a", 52)).get("/").want(t, 200, team.SignInPath)
}

func TestAnotherSiteCannotPost(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	f := s.founder(1)
	r, err := http.NewRequest(http.MethodPost, s.server.URL+"/w/town-1/team/leave", nil)
	must(t, err)
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	s.browser(f.Secret).do(r).want(t, 403, "")
}

func TestMySettings(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s := newSite(t)
	f := s.founder(1)
	other, err := s.SignIn(ctx, f.email, password, team.Place{Agent: "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/140.0"})
	must(t, err)
	b := s.browser(f.Secret)
	b.get(team.MePath).want(t, 200, team.MePath, "Firefox on Linux", "this browser", f.email, "Open another workspace")
	b.post("/me/name", "name", "  Anna  Mertens ").want(t, 200, team.MePath, `value="Anna Mertens"`)
	b.post("/me/name", "name", "\u202e").want(t, 422, "", "no name here")
	b.post("/me/password", "old", "wrong", "password", "three herons by the canal").want(t, 422, "", "That is not your password")
	b.post("/me/sessions/"+other.Session.String()).want(t, 200, team.MePath).without(t, "Firefox on Linux")
	_, err = s.Authenticate(ctx, other.Secret)
	refused(t, err, "team.session_over")
	b.post("/me/sessions/nonsense").want(t, 404, "")
	other, err = s.SignIn(ctx, f.email, password, team.Place{})
	must(t, err)
	b.post("/me/sessions/others").want(t, 200, team.MePath, "Only this browser")
	_, err = s.Authenticate(ctx, other.Secret)
	refused(t, err, "team.session_over")
	b.post("/me/password", "old", password, "password", "three herons by the canal").want(t, 200, team.MePath, "Only this browser")

	b.post("/me/tokens", "token-name", "script", "workspace", "town-1", "days", "30").want(t, 422, "", "at least one right")
	b.post("/me/tokens", "token-name", "", "workspace", "town-1", "right", "conversation.reply", "days", "30").want(t, 422, "", "no name here")
	made := b.post("/me/tokens", "token-name", "script", "workspace", "town-1", "right", "conversation.reply", "days", "30").
		want(t, 200, "", "shown only once")
	secret := regexp.MustCompile(`parley_[a-z2-7]+`).FindString(made.body)
	a, err := s.AuthenticateToken(ctx, secret)
	must(t, err)
	b.get(team.MePath).want(t, 200, "", "script", "Answer people in their own name").without(t, secret)
	b.post("/me/tokens/"+a.Token.String(), "workspace", "town-1").want(t, 200, team.MePath, "no longer works")
	_, err = s.AuthenticateToken(ctx, secret)
	refused(t, err, "team.token_over")
	b.post("/me/tokens", "token-name", "script", "workspace", "town-2", "right", "conversation.reply", "days", "30").want(t, 404, "")

	b.post("/workspaces/new", "workspace", "Museum", "zone", "Mars/Olympus").want(t, 422, "", "no time zone of this name", `value="Museum"`)
	b.post("/workspaces/new", "workspace", "Museum", "zone", "Europe/Paris").want(t, 200, "/w/museum/today")
	b.get("/").want(t, 200, "/today", "Museum", "Town 1")
	b.post("/w/museum/settings", "workspace", "The Museum", "zone", "Europe/Paris", "keep_days", "-3").want(t, 422, "", "no number of days")
	b.post("/w/museum/settings", "workspace", "The Museum", "zone", "Europe/Paris", "keep_days", "90").want(t, 200, "/w/museum/settings", "The Museum", `value="90"`)
}

func TestPasswordLinkPage(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s := newSite(t)
	f := s.founder(1)
	secret, _, err := s.Operator().PasswordLink(ctx, f.email)
	must(t, err)
	link := team.PasswordPath(secret)
	b := s.browser("")
	b.get(link).want(t, 200, link, "Founder 1", f.email)
	b.post(link, "password", "short").want(t, 422, link, "too short")
	b.post(link, "password", "three herons by the canal").want(t, 200, "/w/town-1/today")
	b.get(link).want(t, 410, "", "no longer works")
	s.browser(f.Secret).get("/").want(t, 200, team.SignInPath)
}

func TestInvitationPagesForThoseWithALogin(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s := newSite(t)
	f, g := s.founder(1), s.founder(2)
	inv, err := s.Invite(ctx, f.actor, team.Invite{Email: g.email, Roles: []team.RoleIn{{Role: team.Reviewer}}})
	must(t, err)
	link := team.InvitationPath(inv.Secret)
	s.browser("").get(link).want(t, 200, "", "has a sign-in here already", "return=%2Finvitation%2F").without(t, `name="password"`)
	b := s.browser(g.Secret)
	b.get(link).want(t, 200, "", "Join as Founder 2")
	s.browser("").post(link+"/join").want(t, 200, link)
	b.post(link+"/join").want(t, 200, "/today", "Town 1", "Town 2")
}

// Every page is said from the catalogue.
func TestNoBareStrings(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s := newSite(t)
	scene := newScene(s.house, 1)
	f := scene.owner
	_, err := s.CreateWorkspace(ctx, f.actor, team.NewWorkspace{Name: "Museum", Zone: "UTC"})
	must(t, err)
	_, err = s.GiveGrant(ctx, f.actor, team.NewGrant{Member: scene.member.actor.Member, Role: team.Steward,
		Scope: actor.Scope{Kind: "team", ID: scene.press}, Until: s.clock.Now().Add(time.Hour), Reason: "Holiday"})
	must(t, err)
	must(t, s.AddToTeam(ctx, f.actor, scene.press, scene.member.actor.Member))
	inv, err := s.Invite(ctx, f.actor, team.Invite{Email: "other@example.org", Roles: []team.RoleIn{{Role: team.Voice}}})
	must(t, err)
	known, err := s.Invite(ctx, f.actor, team.Invite{Email: s.founder(2).email, Roles: []team.RoleIn{{Role: team.Voice}}})
	must(t, err)
	reset, _, err := s.Operator().PasswordLink(ctx, f.email)
	must(t, err)
	s.pseudo = true
	in, out := s.browser(f.Secret), s.browser("nobody")
	member := "/w/town-1/team/members/" + scene.member.actor.Member.String()
	for _, a := range []answer{
		in.get(team.MePath), in.get("/w/town-1/team"), in.get(member), in.get("/w/town-1/settings"), in.get("/workspaces/new"),
		in.get(team.InvitationPath(inv.Secret)), in.post("/w/town-1/team/invitations", "email", "third@example.org", "role", "voice"),
		in.post("/me/tokens", "token-name", "script", "workspace", "town-1", "right", "conversation.reply", "days", "30"),
		in.post("/me/password", "old", "wrong", "password", "three herons by the canal"),
		out.get(team.SignInPath), out.get(team.InvitationPath(inv.Secret)), out.get(team.InvitationPath(known.Secret)),
		out.get(team.PasswordPath(reset)), out.post(team.SignInPath, "email", "x", "password", "y"),
	} {
		if a.status >= 500 {
			t.Errorf("%s: %d", a.path, a.status)
		}
		if !strings.Contains(a.body, "⟦") {
			t.Errorf("%s is not in the pseudo-locale", a.path)
		}
		if bare := pagetest.Bare(a.body); len(bare) > 0 {
			t.Errorf("%s: %q", a.path, bare)
		}
	}
}

// What people are called and type stands on the pages as text, never as markup.
func TestNothingTypedBecomesMarkup(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s := newSite(t)
	f := s.founder(1)
	const evil = `"><script>alert(1)</script>`
	must(t, s.RenameSelf(ctx, f.actor, evil))
	must(t, s.ChangeWorkspace(ctx, f.actor, team.WorkspaceChange{Name: evil, Zone: "UTC"}))
	press, err := s.CreateTeam(ctx, f.actor, evil)
	must(t, err)
	must(t, s.AddToTeam(ctx, f.actor, press.ID, f.actor.Member))
	_, err = s.GiveGrant(ctx, f.actor, team.NewGrant{Member: f.actor.Member, Role: team.Voice, Reason: evil})
	must(t, err)
	b := s.browser(f.Secret)
	for _, path := range []string{"/w/town-1/team", "/w/town-1/team/members/" + f.actor.Member.String(), "/w/town-1/settings", team.MePath} {
		b.get(path).want(t, 200, path).without(t, "<script>alert")
	}
	b.post(team.SignInPath, "email", evil)
	s.browser("").post(team.SignInPath, "email", evil, "return", evil).without(t, "<script>alert")
	b.get(fmt.Sprintf("/invitation/%s", url.PathEscape(evil))).without(t, "<script>alert")
}
