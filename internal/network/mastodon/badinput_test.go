package mastodon_test

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"parley/internal/network"
	"parley/internal/network/mastodon"
	"parley/internal/network/networktest"
	"parley/internal/outbound"
)

// TestWrongServer is what a member may type, or a server may be, when an account
// is connected.
func TestWrongServer(t *testing.T) {
	t.Parallel()
	page := func(code int, ctype, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", ctype)
			w.WriteHeader(code)
			_, _ = w.Write([]byte(body))
		}
	}
	runs := func(software string) http.Handler {
		m := http.NewServeMux()
		m.HandleFunc("/.well-known/nodeinfo", func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, `{"links":[{"rel":"http://nodeinfo.diaspora.software/ns/schema/2.1","href":"http://%s/ni"}]}`, r.Host)
		})
		m.HandleFunc("/ni", page(200, "application/json", `{"software":{"name":"`+software+`","version":"1"}}`))
		return m
	}
	for _, c := range []struct {
		name string
		h    http.Handler
		kind network.Kind
		help string
		says string
	}{
		{"a website", page(200, "text/html", "<!doctype html><title>Town hall</title>"), network.BadInput, "mastodon.help.not_mastodon", ""},
		{"nothing there", page(404, "text/html", "<h1>Not found</h1>"), network.BadInput, "mastodon.help.not_mastodon", ""},
		{"other software", runs("lemmy"), network.BadInput, "mastodon.help.not_mastodon", "lemmy"},
		{"a name full of tricks", runs(`a\u0000<b>` + strings.Repeat("x", 500)), network.BadInput, "mastodon.help.not_mastodon", ""},
		{"JSON of another kind", page(200, "application/json", `[1,2,3]`), network.BadInput, "mastodon.help.not_mastodon", ""},
		{"broken JSON", page(200, "application/json", `{"links":[{"rel":`), network.BadInput, "mastodon.help.not_mastodon", ""},
		{"down", page(502, "text/html", "Bad Gateway"), network.Transient, "mastodon.help.unreachable", ""},
		{"asks to come back later", page(429, "application/json", `{"error":"Too many requests"}`), network.RateLimited, "", ""},
		{"leads into a private network", http.RedirectHandler("http://10.0.0.1/", http.StatusFound), network.BadInput, "mastodon.help.private", ""},
		{"leads round in circles", http.RedirectHandler("/x", http.StatusFound), network.BadInput, "mastodon.help.private", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := against(t, mastodon.Mastodon, c.h)
			auth, blob, err := r.n.Begin(t.Context(), r.base, redirect, "s")
			if auth != "" || blob != nil {
				t.Errorf("sign-in goes on at %q", auth)
			}
			wantError(t, err, c.kind, c.help)
			if c.says != "" && !strings.Contains(err.Error(), c.says) {
				t.Errorf("the error does not name %q: %v", c.says, err)
			}
			if strings.ContainsAny(err.Error(), "\x00") || len(err.Error()) > 1000 {
				t.Errorf("the error repeats what the server said: %q", err)
			}
		})
	}
}

func TestWrongAddress(t *testing.T) {
	t.Parallel()
	r := against(t, mastodon.Mastodon, http.NotFoundHandler())
	for _, hint := range []string{"", "mastodon", "not an address", "javascript:alert(1)", "ftp://town.example", "https://a:b@town.example", "a:b@town.example"} {
		_, _, err := r.n.Begin(t.Context(), hint, redirect, "s")
		wantError(t, err, network.BadInput, "mastodon.help.address")
	}
}

// nowhere is a client in a world where no name exists.
type nowhere struct{}

func (nowhere) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "town.example", IsNotFound: true}}
}

func TestUnknownName(t *testing.T) {
	t.Parallel()
	n := mastodon.New(network.Env{HTTP: &http.Client{Transport: nowhere{}}, Now: func() time.Time { return noon }, Apps: &apps{}})
	_, _, err := n.Begin(t.Context(), "@desk@town.example", redirect, "s")
	wantError(t, err, network.BadInput, "mastodon.help.unreachable")
}

// TestPrivateAddress: without the operator's leave Parley does not go there.
func TestPrivateAddress(t *testing.T) {
	t.Parallel()
	n := mastodon.New(network.Env{HTTP: outbound.New(outbound.Options{}), Now: func() time.Time { return noon }, Apps: &apps{}})
	for _, hint := range []string{"http://127.0.0.1:1", "https://10.1.2.3", "https://[::1]", "https://169.254.169.254"} {
		_, _, err := n.Begin(t.Context(), hint, redirect, "s")
		wantError(t, err, network.BadInput, "mastodon.help.private")
	}
}

// TestMovedAPI: a token never follows a redirect.
func TestMovedAPI(t *testing.T) {
	t.Parallel()
	elsewhere := 0
	other := against(t, mastodon.Mastodon, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		elsewhere++
		_, _ = w.Write([]byte("[]"))
	}))
	r := against(t, mastodon.Mastodon, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.base+r.URL.RequestURI(), http.StatusTemporaryRedirect)
	}))
	_, err := r.n.Poll(t.Context(), r.a, network.Mentions, network.Cursor{})
	wantError(t, err, network.Transient, "mastodon.help.moved")
	wantError(t, r.n.Delete(t.Context(), r.a, network.Ref{ID: "1"}), network.Transient, "mastodon.help.moved")
	if elsewhere != 0 {
		t.Errorf("%d requests were carried to another server", elsewhere)
	}
}

func TestRevokedToken(t *testing.T) {
	t.Parallel()
	for _, d := range dialects {
		r := setup(t, d)
		r.fake.Lose()
		_, err := r.n.Poll(t.Context(), r.a, network.Mentions, network.Cursor{})
		wantError(t, err, network.Auth, "")
		_, err = r.n.Plan(t.Context(), r.a, draft("hello"))
		if k := network.KindOf(err); k != network.Auth && d != mastodon.Pixelfed {
			t.Errorf("%s: Plan with a revoked token: %v", d, err)
		}
		empty := r.a
		empty.Secret = network.Secret{}
		_, err = r.n.Poll(t.Context(), empty, network.Mentions, network.Cursor{})
		wantError(t, err, network.Auth, "")
	}
}

// TestErrors is the list of the connector handbook, for a post.
func TestErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		dialect mastodon.Dialect
		status  int
		body    string
		want    network.Kind
	}{
		{"token", mastodon.Mastodon, 401, `{"error":"The access token is invalid"}`, network.Auth},
		{"token, snac", mastodon.Snac, 401, ``, network.Auth},
		{"disabled", mastodon.Mastodon, 403, `{"error":"Your login is currently disabled"}`, network.Suspended},
		{"scope", mastodon.Mastodon, 403, `{"error":"This action is outside the authorized scopes"}`, network.Scope},
		{"not allowed", mastodon.Mastodon, 403, `{"error":"This action is not allowed"}`, network.Policy},
		{"parent gone", mastodon.Mastodon, 404, `{"error":"The post you are trying to reply to does not appear to exist."}`, network.Gone},
		{"wrong path, a web page", mastodon.Mastodon, 404, `<h1>404</h1>`, network.Transient},
		{"gone", mastodon.Mastodon, 410, `{"error":"gone"}`, network.Gone},
		{"too long", mastodon.Mastodon, 422, `{"error":"Validation failed: Text character limit of 500 exceeded"}`, network.TooLong},
		{"too long, GoToSocial", mastodon.GoToSocial, 400, `{"error":"Bad Request: status too long, 5001 characters provided but limit is 5000"}`, network.TooLong},
		{"file", mastodon.Mastodon, 422, `{"error":"Validation failed: File type not supported"}`, network.BadMedia},
		{"key again, Pixelfed", mastodon.Pixelfed, 400, `{"error":"Duplicate idempotency key."}`, network.Ambiguous},
		{"media again, GoToSocial", mastodon.GoToSocial, 400, `{"error":"Bad Request: media already attached"}`, network.Ambiguous},
		{"too large", mastodon.Mastodon, 413, ``, network.BadMedia},
		{"rate", mastodon.Mastodon, 429, `{"error":"Too many requests"}`, network.RateLimited},
		{"no money", mastodon.Mastodon, 402, ``, network.Paid},
		{"defect", mastodon.Mastodon, 500, ``, network.Ambiguous},
		{"busy", mastodon.Mastodon, 503, `{"error":"There was a temporary problem"}`, network.Ambiguous},
		{"no answer in time", mastodon.Mastodon, 408, ``, network.Ambiguous},
		{"something else", mastodon.Mastodon, 422, `{"error":"Validation failed: Language is strange"}`, network.Policy},
		{"an error that is no text", mastodon.Mastodon, 422, `{"error":{"a":1}}`, network.Policy},
		{"200 and nothing", mastodon.Pixelfed, 200, `[]`, network.Ambiguous},
		{"200 without an id", mastodon.Mastodon, 200, `{}`, network.Ambiguous},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := setup(t, c.dialect)
			r.say("ann@far.example", "hello", network.Public)
			p, err := r.n.Plan(t.Context(), r.a, answer(r.heard(), "good day"))
			if err != nil {
				t.Fatal(err)
			}
			r.fake.Inject(networktest.Fault{Op: networktest.OpCreate, Status: c.status, Body: []byte(c.body)})
			_, err = r.n.Do(t.Context(), r.a, p, 0)
			wantError(t, err, c.want, "")
		})
	}
}

// TestErrorShowsNoSecret: a server may repeat in its error what it was sent.
func TestErrorShowsNoSecret(t *testing.T) {
	t.Parallel()
	r := against(t, mastodon.Mastodon, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, `{"error":"you sent %s,\u0000\n  and\tmore: %s"}`, r.Header.Get("Authorization"), strings.Repeat("z", 1000))
	}))
	_, err := r.n.Poll(t.Context(), r.a, network.Mentions, network.Cursor{})
	wantError(t, err, network.Policy, "")
	if s := err.Error(); strings.Contains(s, "token-of-the-test") || strings.ContainsAny(s, "\x00\n\t") || len(s) > 400 {
		t.Errorf("the error says %q", s)
	}
}

func TestStillProcessingIsPending(t *testing.T) {
	t.Parallel()
	r := setup(t, mastodon.Mastodon)
	p, err := r.n.Plan(t.Context(), r.a, draft("hello"))
	if err != nil {
		t.Fatal(err)
	}
	r.fake.Inject(networktest.Fault{Op: networktest.OpCreate, Status: 422,
		Body: []byte(`{"error":"Cannot attach files that have not finished processing. Try again in a moment!"}`)})
	d, err := r.n.Do(t.Context(), r.a, p, 0)
	if err != nil || d.State != network.Pending || d.PollAfter <= 0 || d.Ref.ID != "" {
		t.Errorf("%+v, %v, want Pending", d, err)
	}
}
