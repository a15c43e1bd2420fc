package app_test

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"parley/internal/app"
	"parley/internal/page/pagetest"
	"parley/internal/team"
)

const phrase = "a heron stands by the canal"

// openDoor is an installation of one workspace, as people find it from outside.
func openDoor(t *testing.T) *town {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	base := fmt.Sprintf("http://localhost:%d", ln.Addr().(*net.TCPAddr).Port)
	u, _ := url.Parse(base)
	a, err := app.Open(context.Background(), app.Config{Data: t.TempDir(), URL: u, Cost: team.Cost{Memory: 64, Passes: 1, Threads: 1}})
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = a.Team.Operator().CreateWorkspace(context.Background(), team.SetUp{Email: "ana@example.org",
		Login: team.NewLogin{Name: "Ana Lima", Password: phrase}, Workspace: team.NewWorkspace{Name: "Harbour Library", Zone: "UTC"}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Serve(ctx, ln, app.ACME{}) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		a.Close()
	})
	return &town{t, a, base}
}

// device puts a key into the browser that opens with a finger, as a phone has one.
func (w *town) device(b *pagetest.Tab) {
	w.Helper()
	b.Do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		if _, err := cdp.Call(ctx, t, webauthn.Enable, webauthn.EnableParams{}); err != nil {
			return err
		}
		_, err := cdp.Call(ctx, t, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{
			Options: &webauthn.VirtualAuthenticatorOptions{Protocol: "ctap2", Transport: "internal", HasResidentKey: true,
				HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true}})
		return err
	}))
}

// Sign in with the password and by keyboard, add a passkey, sign out, and come back
// without typing anything.
func TestComingBackWithAPasskey(t *testing.T) {
	t.Parallel()
	w := openDoor(t)
	b := pagetest.Browser(t)
	w.device(b)
	b.Look(1280, 860, "light")
	b.Open(w.base + "/sign-in?return=/me")
	w.picture(b, "sign-in-passkey")
	w.tabTo(b, "#field-email")
	b.Press("ana@example.org" + kb.Tab + phrase + kb.Enter)
	b.Wait(`location.pathname === "/me"`)

	b.Click(`[data-passkey-offer] button`)
	b.Wait(`document.querySelector("#new-passkey[open]")`)
	b.Type("#field-passkey-name", "My phone")
	b.Type("#field-passkey-password", "not this one at all")
	w.picture(b, "passkey-new")
	b.Click(`#new-passkey form[data-passkey] button`)
	b.Wait(`document.querySelector("#new-passkey [data-problem]")`)
	b.Eval(`document.querySelector("#field-passkey-password").value = ""`, nil)
	b.Type("#field-passkey-password", phrase)
	b.Click(`#new-passkey form[data-passkey] button`)
	b.Wait(`document.querySelector("#me-passkeys .list")?.innerText.includes("My phone")`)
	w.picture(b, "passkey-added")

	b.Eval(`document.querySelector("form[action='/sign-out']").submit()`, nil)
	b.Wait(`location.pathname === "/sign-in" && document.querySelector("form[data-passkey=get]")?.checkVisibility()`)
	b.Click(`form[data-passkey=get] button`)
	b.Wait(`!location.pathname.startsWith("/sign-in")`)
	b.Open(w.base + "/me")
	b.Wait(`document.querySelector("#me-passkeys .list") && !document.querySelector("#me-passkeys .list")?.innerText.includes("not used yet")`)

	// Where there is no passkey the page says so, and the password still works.
	b.Eval(`document.querySelector("#me-passkeys details").open = true`, nil)
	b.Click(`form[action$="/remove"] button`)
	b.Wait(`!document.querySelector("#me-passkeys .list")`)
	b.Eval(`document.querySelector("form[action='/sign-out']").submit()`, nil)
	b.Wait(`location.pathname === "/sign-in" && document.querySelector("form[data-passkey=get]")?.checkVisibility()`)
	b.Click(`form[data-passkey=get] button`)
	b.Wait(`document.querySelector("[data-problem]")?.innerText.includes("Nobody here has this passkey")`)
	for _, line := range b.Console() {
		if !strings.Contains(line, "status of 4") { // refusals are meant to be refused
			t.Errorf("the browser complains: %s", line)
		}
	}
}
