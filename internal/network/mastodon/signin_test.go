package mastodon_test

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"parley/internal/network"
	"parley/internal/network/mastodon"
)

const redirect = "https://desk.example/connect/back"

// consent does what a browser does with the server's page: it reads the form and
// presses one of its buttons. It returns what comes back to Parley.
func (r *rig) consent(authURL, decision string) url.Values {
	r.t.Helper()
	page, err := r.env.HTTP.Get(authURL)
	if err != nil {
		r.t.Fatal(err)
	}
	defer page.Body.Close()
	b, err := io.ReadAll(page.Body)
	if err != nil || page.StatusCode != http.StatusOK {
		r.t.Fatalf("the consent page: %d, %v", page.StatusCode, err)
	}
	form := url.Values{"decision": {decision}}
	for _, m := range regexp.MustCompile(`type="hidden" name="([^"]*)" value="([^"]*)"`).FindAllStringSubmatch(string(b), -1) {
		form.Set(m[1], strings.NewReplacer("&#43;", "+", "&amp;", "&").Replace(m[2]))
	}
	client := *r.env.HTTP
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err := client.PostForm(r.base+"/oauth/authorize", form)
	if err != nil {
		r.t.Fatal(err)
	}
	defer res.Body.Close()
	back, err := res.Location()
	if err != nil || !strings.HasPrefix(back.String(), redirect) {
		r.t.Fatalf("the consent page leads to %v, %v", back, err)
	}
	return back.Query()
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	for _, d := range dialects {
		t.Run(string(d), func(t *testing.T) {
			t.Parallel()
			r := setup(t, d)
			auth, blob, err := r.n.Begin(t.Context(), r.base, redirect, "state-1")
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(auth, "verifier") || !strings.Contains(auth, "code_challenge_method=S256") {
				t.Errorf("the consent address is %s", auth)
			}
			a, secret, err := r.n.Finish(t.Context(), blob, r.consent(auth, "allow"))
			if err != nil {
				t.Fatal(err)
			}
			if a.Instance != r.base || a.RemoteID != r.a.RemoteID || a.Handle != r.a.Handle || a.Extra["dialect"] != string(d) {
				t.Errorf("signed in as %+v", a)
			}
			if a.Extra["privacy"] != "public" || a.Extra["language"] != "en" || a.Extra["version"] == "" {
				t.Errorf("what was noted: %v", a.Extra)
			}
			if renewed := d == mastodon.Pleroma || d == mastodon.Pixelfed; secret.ExpiresAt.IsZero() == renewed {
				t.Errorf("the token expires at %v", secret.ExpiresAt)
			}
			a.Secret = secret
			if _, err := r.n.Poll(t.Context(), a, network.Mentions, network.Cursor{}); err != nil {
				t.Errorf("the first poll: %v", err)
			}
			if err := r.n.Revoke(t.Context(), a); err != nil {
				t.Errorf("Revoke: %v", err)
			}
			_, err = r.n.Poll(t.Context(), a, network.Mentions, network.Cursor{})
			wantError(t, err, network.Auth, "")
			if err := r.n.Revoke(t.Context(), a); err != nil {
				t.Errorf("revoking what is revoked: %v", err)
			}
		})
	}
}

func TestSignInRefused(t *testing.T) {
	t.Parallel()
	r := setup(t, mastodon.Mastodon)
	auth, blob, err := r.n.Begin(t.Context(), r.base, redirect, "state-1")
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = r.n.Finish(t.Context(), blob, r.consent(auth, "deny"))
	wantError(t, err, network.BadInput, "mastodon.help.denied")

	q := r.consent(auth, "allow")
	q.Set("state", "another")
	_, _, err = r.n.Finish(t.Context(), blob, q)
	wantError(t, err, network.BadInput, "mastodon.help.again")

	_, _, err = r.n.Finish(t.Context(), []byte("no json"), q)
	wantError(t, err, network.BadInput, "mastodon.help.again")

	q.Set("state", "state-1")
	if _, _, err = r.n.Finish(t.Context(), blob, q); err != nil {
		t.Fatal(err)
	}
	_, _, err = r.n.Finish(t.Context(), blob, q)
	wantError(t, err, network.Auth, "")
	if strings.Contains(err.Error(), q.Get("code")) {
		t.Errorf("the error shows the code: %v", err)
	}
}

// TestVerifierMatters: a code alone, stolen on its way, is worth nothing.
func TestVerifierMatters(t *testing.T) {
	t.Parallel()
	r := setup(t, mastodon.Mastodon)
	auth, _, err := r.n.Begin(t.Context(), r.base, redirect, "state-1")
	if err != nil {
		t.Fatal(err)
	}
	_, other, err := r.n.Begin(t.Context(), r.base, redirect, "state-1")
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = r.n.Finish(t.Context(), other, r.consent(auth, "allow"))
	wantError(t, err, network.Auth, "")
}

func TestRegistrationIsKeptAndRenewed(t *testing.T) {
	t.Parallel()
	for _, d := range []mastodon.Dialect{mastodon.Mastodon, mastodon.GoToSocial, mastodon.Pixelfed} {
		r := setup(t, d)
		client := func() string {
			auth, _, err := r.n.Begin(t.Context(), r.base, redirect, "s")
			if err != nil {
				t.Fatal(err)
			}
			u, err := url.Parse(auth)
			if err != nil {
				t.Fatal(err)
			}
			return u.Query().Get("client_id")
		}
		one := client()
		if two := client(); two != one {
			t.Errorf("%s: registered twice: %s, %s", d, one, two)
		}
		r.fake.Forget()
		if three := client(); three == one {
			t.Errorf("%s: a registration the server forgot is used again", d)
		}
	}
}

// TestSnacAccountsStayApart: two accounts on one snac have a registration each,
// and leaving with one does not touch the other.
func TestSnacAccountsStayApart(t *testing.T) {
	t.Parallel()
	r := setup(t, mastodon.Snac)
	signIn := func() network.Account {
		auth, blob, err := r.n.Begin(t.Context(), r.base, redirect, "s")
		if err != nil {
			t.Fatal(err)
		}
		a, secret, err := r.n.Finish(t.Context(), blob, r.consent(auth, "allow"))
		if err != nil {
			t.Fatal(err)
		}
		a.Secret = secret
		return a
	}
	one, two := signIn(), signIn()
	if one.AppID == two.AppID {
		t.Error("both use one registration")
	}
	if err := r.n.Revoke(t.Context(), one); err != nil {
		t.Error(err)
	}
	_, err := r.n.Poll(t.Context(), one, network.Mentions, network.Cursor{})
	wantError(t, err, network.Auth, "")
	if _, err := r.n.Poll(t.Context(), two, network.Mentions, network.Cursor{}); err != nil {
		t.Error(err)
	}
	if err := r.n.Revoke(t.Context(), two); err != nil {
		t.Error(err)
	}
	_, err = r.n.Poll(t.Context(), two, network.Mentions, network.Cursor{})
	wantError(t, err, network.Auth, "")
}

func TestRefreshWithoutRefreshToken(t *testing.T) {
	t.Parallel()
	r := setup(t, mastodon.Mastodon)
	_, err := r.n.Refresh(t.Context(), r.a)
	wantError(t, err, network.Auth, "")
	var e *network.Error
	if errors.As(err, &e) && e.Native != "no_refresh_token" {
		t.Errorf("%v", err)
	}
}
