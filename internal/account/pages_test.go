package account

import (
	"context"
	"io"
	"io/fs"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"parley/internal/actor"
	"parley/internal/i18n"
	"parley/internal/id"
	"parley/internal/network"
	"parley/internal/page"
	"parley/internal/page/pagetest"
	"parley/internal/problem"
)

// stageWords are the catalogue of the stage.
var stageWords fs.FS = fstest.MapFS{"catalogue/en.json": {Data: []byte(`{
	"stage.title": "The stage", "stage.handle": "Handle", "stage.handle.help": "As it stands in your profile.",
	"stage.password": "App password", "stage.password.help": "Made for Parley alone.", "stage.hint": "Address", "stage.hint.help": "Of the server.",
	"stage.help": "Something precise is wrong, and this mends it.", "stage.gap": "More was said than the stage keeps.",
	"stage.no_edit": "The stage has no edit."}`)}}

// site is the package's pages behind a real kernel.
type site struct {
	*house
	kernel *page.Kernel
	server *httptest.Server
	pseudo bool // everybody reads the pseudo-locale
}

// newSite serves a house. Its visitors are Ana, who looks after accounts, Ben, who
// answers people, and Otto, who is somewhere else.
func newSite(t *testing.T, h *house) *site {
	t.Helper()
	s := &site{house: h}
	o := pagetest.Options(t, Catalogue, stageWords)
	o.Clock = h.clock
	o.Authenticate = func(_ context.Context, token string) (page.Visitor, error) { return s.visitor(token) }
	s.kernel = pagetest.Kernel(t, o)
	h.Picture = func(_ context.Context, w id.ID, address string, edge int) ([]byte, string, error) {
		return []byte("picture of " + address), "image/png", nil
	}
	h.Pages(s.kernel)
	s.server = httptest.NewServer(s.kernel)
	t.Cleanup(s.server.Close)
	return s
}

func (s *site) visitor(token string) (page.Visitor, error) {
	w := page.Workspace{ID: here, Slug: "harbour", Name: "Harbour Library"}
	v := page.Visitor{Session: 7, User: 8, Name: "Ana Lima"}
	if s.pseudo {
		v.Locale = i18n.Pseudo
	}
	switch token {
	case "ana":
		w.Actor = steward()
	case "ben":
		w.Actor, v.Name = member(here, ben, actor.ReadConversations, actor.ReadHealth), "Ben Okoro"
	case "mira": // reads along
		w.Actor, v.Name = member(here, 23, actor.ReadConversations), "Mira"
	case "otto":
		w = page.Workspace{ID: elsewhere, Slug: "ferry", Name: "Ferry", Actor: member(elsewhere, otto, actor.ManageAccounts, actor.ReadHealth)}
	default:
		return page.Visitor{}, problem.New(problem.Unauthenticated, "page.signed_out")
	}
	v.Workspaces = []page.Workspace{w}
	return v, nil
}

// browser keeps cookies and follows redirects, as one does.
type browser struct {
	t    *testing.T
	site *site
	http *http.Client
}

func (s *site) browser(token string) *browser {
	jar, err := cookiejar.New(nil)
	must(s.t, err)
	at, err := url.Parse(s.server.URL)
	must(s.t, err)
	jar.SetCookies(at, []*http.Cookie{{Name: "parley", Value: token, Path: "/"}})
	return &browser{s.t.(*testing.T), s, &http.Client{Jar: jar}}
}

// answer is a page and where the browser ended up.
type answer struct {
	status int
	path   string
	body   string
	header http.Header
}

func (b *browser) do(r *http.Request) answer {
	b.t.Helper()
	res, err := b.http.Do(r)
	must(b.t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	must(b.t, err)
	if strings.Contains(string(body), "<html") {
		checks := map[string][]string{"inline": pagetest.Inline(string(body)), "twice": pagetest.IDs(string(body)), "unlabelled": pagetest.Unlabelled(string(body))}
		if b.site.pseudo {
			checks["bare"] = pagetest.Bare(string(body))
		}
		for name, found := range checks {
			if len(found) > 0 {
				b.t.Errorf("%s: %s: %q", r.URL.Path, name, found)
			}
		}
	}
	return answer{res.StatusCode, res.Request.URL.Path, string(body), res.Header}
}

func (b *browser) get(path string) answer {
	b.t.Helper()
	r, err := http.NewRequest(http.MethodGet, b.site.server.URL+path, nil)
	must(b.t, err)
	return b.do(r)
}

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
		t.Fatalf("got %d at %s, want %d at %s\n%.3000s", a.status, a.path, status, path, a.body)
	}
	for _, w := range words {
		if !strings.Contains(a.body, w) {
			t.Errorf("%s does not say %q\n%s", a.path, w, a.body)
		}
	}
	return a
}

func (a answer) without(t *testing.T, words ...string) answer {
	t.Helper()
	for _, w := range words {
		if strings.Contains(a.body, w) {
			t.Errorf("%s says %q", a.path, w)
		}
	}
	return a
}

func TestFromNothingToAnAccount(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.Use(formOnly(h.stage))
	s := newSite(t, h)
	b := s.browser("ana")
	b.get("/w/harbour/accounts").want(t, 200, "", "Where do people talk to you?", "Connect your first account")
	s.browser("ben").get("/w/harbour/accounts").want(t, 200, "", "An owner or a steward").without(t, "Connect your first account")
	s.browser("mira").get("/w/harbour/accounts").want(t, 403, "")
	b.get("/w/harbour/connect").want(t, 200, "/w/harbour/connect/stage", "The stage", "As it stands in your profile", `type="password"`)

	h.stage.fail("signin", &network.Error{Kind: network.BadInput, Help: "stage.help", Message: "no <such> thing"})
	b.post("/w/harbour/connect/stage", "handle", "town hall", "password", "hush").
		want(t, 422, "", "Something precise is wrong", "what you filled in is still here", `value="town hall"`, "no &lt;such&gt; thing").without(t, "hush")
	h.stage.fail("signin", &network.Error{Kind: network.Transient})
	b.post("/w/harbour/connect/stage", "handle", "town", "password", "hush").
		want(t, 502, "", "cannot be reached", `value="town"`).without(t, "hush", "In detail")
	b.post("/w/harbour/connect/stage", "handle", "town", "password", "hush").
		want(t, 200, "/w/harbour/accounts", "town is connected", "Town Hall", "@town", "Working", "Your account is well").without(t, "hush")
	b.get("/w/harbour/connect/nowhere").want(t, 404, "")
	b.post("/w/harbour/connect/nowhere").want(t, 404, "")
	for _, other := range []string{"ben", "mira"} {
		o := s.browser(other)
		o.get("/w/harbour/connect").want(t, 403, "")
		o.get("/w/harbour/connect/stage").want(t, 403, "")
		o.post("/w/harbour/connect/stage", "handle", "x", "password", "x").want(t, 403, "")
	}
}

// formOnly is a stage without a consent page.
func formOnly(g *stage) network.Network {
	return struct {
		network.Network
		network.SignIner
		network.Poller
		network.Refresher
		network.Importer
		network.Streamer
	}{g, g, g, g, g, g}
}

// consenting asks for a hint and leads over its own page.
func consenting(g *stage) network.Network {
	g.info.Fields = []network.Field{{Name: "hint", Label: "stage.hint", Help: "stage.hint.help"}}
	return g
}

func TestOverTheNetworksOwnPage(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.Use(consenting(h.stage))
	s := newSite(t, h)
	b := s.browser("ana")
	b.get("/w/harbour/connect/stage").want(t, 200, "", "Go on to the network")
	h.stage.fail("begin", &network.Error{Kind: network.BadInput, Help: "stage.help"})
	b.post("/w/harbour/connect/stage", "hint", "not an address").want(t, 422, "", "Something precise", `value="not an address"`)

	begin := func() string {
		left := b.post("/w/harbour/connect/stage", "hint", "town.example").want(t, 200, "", "stage.example")
		m := regexp.MustCompile(`state=([\w-]+)`).FindStringSubmatch(left.header.Get("Refresh"))
		if m == nil {
			t.Fatalf("it does not go on: %v", left.header)
		}
		return m[1]
	}
	callback := func(state string, more string) string { return "/connect/callback?state=" + state + more }

	// Refused on the network's page: the form again, with what was typed.
	b.get(callback(begin(), "&error=access_denied")).want(t, 409, "", "not given permission", `value="town.example"`, `action="/w/harbour/connect/stage"`)
	b.get(callback(begin(), "&code=forged")).want(t, 422, "", "cannot use what you filled in", "we would rather not")

	state := begin()
	(&browser{t, s, http.DefaultClient}).get(callback(state, "&code=code")).want(t, 401, "", "signed out of Parley")
	s.browser("otto").get(callback(state, "&code=code")).want(t, 403, "", "Somebody else began")
	s.browser("ben").get(callback(state, "&code=code")).want(t, 403, "", "Somebody else began")
	b.get(callback(state, "&code=code")).want(t, 200, "/w/harbour/accounts", "town is connected")
	b.get(callback(state, "&code=code")).want(t, 410, "", "begun too long ago")
	b.get("/connect/callback").want(t, 410, "")

	// Again, for an account that is known: another handle is refused.
	account := h.accountID().String()
	b.get("/w/harbour/accounts/"+account+"/reconnect").want(t, 200, "", "Connect town again", `value="https://stage.example"`)
	left := b.post("/w/harbour/accounts/"+account+"/reconnect", "hint", "town.example")
	state = regexp.MustCompile(`state=([\w-]+)`).FindStringSubmatch(left.header.Get("Refresh"))[1]
	h.stage.remote.RemoteID, h.stage.remote.Handle = "r2", "somebody.else"
	b.get(callback(state, "&code=code")).want(t, 409, "", "You signed in as somebody.else", `action="/w/harbour/accounts/`+account+`/reconnect"`)
}

func TestTheAccountsPageSaysHowTheyAre(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.stage.page.Rate = network.Rate{Limit: 300, Left: 280, Reset: start.Add(5 * time.Minute)}
	h.stage.remote.URL, h.stage.remote.Avatar = "https://stage.example/@town", "https://stage.example/town.png"
	h.stage.lives = time.Hour
	s := newSite(t, h)
	account := h.connect()
	h.turn()
	at := "/w/harbour/accounts/" + account.String()
	b := s.browser("ana")
	b.get("/w/harbour/accounts").want(t, 200, "", "Working", "Last read", "renews itself", "280 of 300, until 09:05", "Answer", "The stage has no edit.",
		`href="https://stage.example/@town"`, `src="/w/harbour/accounts/`+account.String()+`/picture"`, "Reading what was said in the last year", "Disconnect").
		without(t, "refresh-1", "access-1", "stage.example/town.png")
	if got := b.get(at + "/picture"); got.body != "picture of https://stage.example/town.png" {
		t.Errorf("%q", got.body)
	}

	// What went wrong, what to do, and the button for it.
	h.stage.log[network.Mentions] = []network.Event{gap("stage.gap")}
	for range 3 {
		h.clock.Advance(time.Hour)
		h.stage.fail("poll.own", &network.Error{Kind: network.Gone, Help: "stage.help", Message: "It's <b>gone</b>\u202e"})
		h.turn()
	}
	b.get("/w/harbour/accounts").want(t, 200, "", "Stopped", "One account needs somebody", "What Parley reads here is no longer there: our own posts",
		"Something precise is wrong", "It&#39;s &lt;b&gt;gone&lt;/b&gt;", "Something may be missing: mentions and replies", "More was said than the stage keeps", "We have looked").
		without(t, "<b>gone", "\u202e", "once a day")
	b.post(at+"/checked").want(t, 200, "/w/harbour/accounts", "Thank you for looking").without(t, "be missing")

	// Settings, by those who may.
	b.post(at+"/signature", "signature", "").want(t, 200, "/w/harbour/accounts", "Saved.")
	b.post(at+"/signature", "signature", "emoji").want(t, 422, "")
	b.post(at+"/signature").want(t, 422, "")
	b.post(at+"/import").want(t, 200, "/w/harbour/accounts", "goes on reading the past")
	ben := s.browser("ben")
	ben.get("/w/harbour/accounts").want(t, 200, "", "Town Hall", "The stage has no edit").
		without(t, "Connect an account", at+"/signature", at+"/disconnect", at+"/reconnect", "We have looked")
	for _, path := range []string{"/disconnect", "/signature", "/checked", "/import", "/reconnect"} {
		ben.post(at+path, "signature", "").want(t, 403, "")
	}
	ben.get(at+"/picture").want(t, 200, "")
	s.browser("mira").get(at+"/picture").want(t, 403, "")
	otto := s.browser("otto")
	for _, path := range []string{"/disconnect", "/checked", "/import", "/reconnect"} {
		otto.post("/w/ferry/accounts/"+account.String()+path).want(t, 404, "")
	}
	otto.get("/w/ferry/accounts/"+account.String()+"/picture").want(t, 404, "")
	otto.get("/w/ferry/accounts").want(t, 200, "", "Where do people talk to you?").without(t, "town")

	b.post(at+"/disconnect").want(t, 200, "/w/harbour/accounts", "town is disconnected", "Disconnected since", "Connect again").without(t, "Last read")
	b.get("/w/harbour/accounts/nonsense/picture").want(t, 404, "")
	b.post("/w/harbour/accounts/nonsense/disconnect").want(t, 404, "")
}

// Each sign with every kind of account, in the pseudo-locale: no word is missing,
// no hole is left open, nothing is bare.
func TestEverySignIsSaid(t *testing.T) {
	t.Parallel()
	h := setup(t)
	s := newSite(t, h)
	s.pseudo = true
	account := h.connect()
	h.exec(`update account set secret_refresh_by = $1`, start.Add(time.Hour).UnixMicro())
	b := s.browser("ana")
	for _, k := range append(kinds(t), ownStore, ownSealed, ownConnector) {
		h.exec(`update account_feed set failures = 3, kind = $1, message = 'no', help = case when feed = 'own' then 'stage.help' else 'gone.from.the.catalogue' end, gap = 5, gap_why = 'stage.gap'`, string(k))
		h.exec(`update account_import set kind = $1, resumes = $2`, string(k), start.Add(time.Hour).UnixMicro())
		b.get("/w/harbour/accounts").want(t, 200, "").without(t, "account.sign")
		h.exec(`update account set state = 'broken', reason = $1`, string(k))
		h.forget(here, account)
		b.get("/w/harbour/accounts").want(t, 200, "").without(t, "account.sign")
		h.exec(`update account set state = 'connected'`)
	}
	h.exec(`update account_feed set failures = 0, kind = '', gap = 0, worked = 0, tried = 0, due = 5, rate_limit = 0`)
	h.exec(`update account set secret_refresh_by = 5`)
	b.get("/w/harbour/accounts").want(t, 200, "")
	h.exec(`update account_feed set rate_limit = 100, rate_left = 1, rate_reset = $1, due = $1`, start.Add(time.Hour).UnixMicro())
	b.get("/w/harbour/accounts").want(t, 200, "")
	must(t, h.Disconnect(ctx, steward(), account))
	b.get("/w/harbour/accounts").want(t, 200, "")
	h.Use(h.stage, formOnly(newStage(h.clock)))
	b.get("/w/harbour/connect").want(t, 200, "/w/harbour/connect")
	b.get("/w/harbour/connect/stage").want(t, 200, "")
	b.get("/w/harbour/accounts/"+account.String()+"/reconnect").want(t, 200, "")
	for _, k := range kinds(t) {
		h.stage.fail("signin", refused(k))
		h.stage.fail("begin", refused(k))
		b.post("/w/harbour/connect/stage", "handle", "x", "hint", "x")
	}
}

// Whatever happens, a credential is in no log line, no event, no page and not
// readable in the database.
func TestSecretsAreNowhere(t *testing.T) {
	t.Parallel()
	h := setup(t)
	s := newSite(t, h)
	b := s.browser("ana")
	var pages strings.Builder
	see := func(a answer) { pages.WriteString(a.body); pages.WriteString(a.header.Get("Set-Cookie")) }
	h.Use(formOnly(h.stage))
	h.stage.fail("signin", refused(network.Auth), refused(network.Transient))
	for range 3 {
		see(b.post("/w/harbour/connect/stage", "handle", "town", "password", "typed-password"))
	}
	h.Use(consenting(h.stage))
	see(b.post("/w/harbour/connect/stage", "hint", "town"))
	account := h.accountID()
	must(t, h.SaveApp(ctx, "stage", "i", "r", network.App{ID: "a", Secret: []byte("app-secret")}))
	h.stage.expire()
	must(t, h.use(account))
	h.turn()
	h.stage.fail("poll.own", refused(network.Transient))
	h.stage.on("poll.mentions", func() { panic("in the middle of it") })
	h.clock.Advance(time.Hour)
	h.turn()
	h.stage.expire()
	h.stage.fail("refresh", refused(network.Transient), refused(network.Auth))
	h.use(account)
	h.use(account)
	see(b.get("/w/harbour/accounts"))
	h.stage.fail("revoke", refused(network.Transient))
	must(t, h.SignInAgain(ctx, steward(), account, typed("town", "typed-password")))
	must(t, h.Disconnect(ctx, steward(), account))
	see(b.get("/w/harbour/accounts"))

	var kept strings.Builder
	for _, q := range []string{
		`select cast(secret as text) from network_app`, `select cast(blob as text) from account_begin`,
		`select details from event`, `select coalesce(cast(payload as text), '') from job`, `select extra || message || reason from account`,
		`select message || native from account_feed`,
	} {
		if h.db.Read().Dialect() == "postgres" {
			q = strings.ReplaceAll(strings.ReplaceAll(q, "cast(secret as text)", "encode(secret, 'escape')"), "cast(blob as text)", "encode(blob, 'escape')")
			q = strings.ReplaceAll(q, "cast(payload as text)", "encode(payload, 'escape')")
		}
		rows, err := h.db.Read().Query(ctx, q)
		must(t, err)
		for rows.Next() {
			var v string
			must(t, rows.Scan(&v))
			kept.WriteString(v + "\n")
		}
		must(t, rows.Close())
	}
	if !strings.Contains(h.logs.String(), "could not be read") || kept.Len() < 100 {
		t.Fatal("nothing was written that could be searched")
	}
	for where, text := range map[string]string{"the log": h.logs.String(), "a page": pages.String(), "the database": kept.String()} {
		for _, secret := range []string{"access-", "refresh-", "typed-password", "verifier-of-the-stage", "app-secret"} {
			if strings.Contains(text, secret) {
				t.Errorf("%s holds %q", where, secret)
			}
		}
	}
}
