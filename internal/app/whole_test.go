package app_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"parley/internal/app"
	"parley/internal/clock"
	"parley/internal/network"
	"parley/internal/network/mastodon"
	"parley/internal/network/mastodon/mastodontest"
	"parley/internal/network/networktest"
	"parley/internal/page/pagetest"
	"parley/internal/team"
	"parley/internal/text"
)

// From nothing to an answer, as the first person does it in a browser: the
// one-time link, the workspace, the account on a Mastodon server with its
// consent page, a mention that appears by itself, a claim, an answer, and the
// answer in the right thread on that server.
func TestFromTheFirstLinkToAnAnswer(t *testing.T) {
	t.Parallel()
	late := &lateHandler{}
	server := httptest.NewServer(late)
	defer server.Close()
	fake := mastodontest.New(networktest.Env{BaseURL: server.URL, Env: network.Env{Now: clock.System{}.Now}}, mastodon.Mastodon)
	late.h = fake

	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	base := fmt.Sprintf("http://localhost:%d", ln.Addr().(*net.TCPAddr).Port)
	u, _ := url.Parse(base)
	a, err := app.Open(context.Background(), app.Config{Data: t.TempDir(), URL: u, Background: true, AnyPort: true,
		Private: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Cost: team.Cost{Memory: 64, Passes: 1, Threads: 1}})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	link, err := a.SetUpLink(context.Background())
	if err != nil || link == "" {
		t.Fatalf("the first start gave the link %q (%v)", link, err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Serve(ctx, ln, app.ACME{}) }()
	defer func() { stop(); <-done }()

	b := pagetest.Browser(t)
	b.Look(1280, 900, "light")
	b.Open(link)
	for field, value := range map[string]string{"workspace": "Town Hall", "name": "Ana Lima", "email": "ana@example.org", "password": "a quiet desk by the river", "zone": "Europe/Lisbon"} {
		b.Eval(fmt.Sprintf(`document.querySelector('[name=%s]').value = %q`, field, value), nil)
	}
	b.Eval(`document.querySelector("main form").requestSubmit()`, nil)
	b.Wait(`location.pathname.startsWith("/w/town-hall/")`)

	b.Open(base + "/w/town-hall/connect/mastodon")
	b.Eval(fmt.Sprintf(`document.querySelector('[name=hint]').value = %q`, server.URL), nil)
	b.Eval(`document.querySelector("main form").requestSubmit()`, nil)
	b.Wait(fmt.Sprintf(`location.href.startsWith(%q)`, server.URL))
	b.Click(`button[value=allow], input[value=allow], form button`)
	b.Wait(`location.pathname.startsWith("/w/town-hall/accounts")`)
	b.Wait(`document.querySelector("main")?.textContent.includes("@parley")`)

	b.Open(base + "/w/town-hall/inbox")
	b.Wait(`document.querySelectorAll(".row").length === 0`)
	asked := fake.Say(network.Post{Text: text.Text{Body: "Is the town hall open on Friday?"}, Visibility: network.Public, Created: time.Now(),
		Author: network.Person{RemoteID: "bea", Handle: "bea", Name: "Bea"}, To: []network.Person{{RemoteID: fake.Account().RemoteID, Handle: fake.Account().Handle}}})
	b.Wait(`document.querySelector(".row")?.textContent.includes("open on Friday")`)
	b.Eval(`document.querySelector(".row a").click()`, nil)
	b.Wait(`document.querySelector("#thread-pane .messages")?.textContent.includes("open on Friday")`)
	b.Eval(`document.querySelector('form[action*="/claim"] button').click()`, nil)
	b.Wait(`document.querySelector("#claim.mine") !== null`)
	b.Type("textarea[name=body]", "Yes, until noon.")
	b.Eval(`document.querySelector("[data-send]").click()`, nil)
	b.Wait(`document.querySelector(".ours")?.textContent.includes("Sent")`)

	heard := fake.Heard("bea")
	if len(heard) != 1 {
		t.Errorf("Bea was notified of %+v, want one answer", heard)
	}
	var body string
	creates := 0
	for _, w := range fake.Ledger() {
		if w.Op == "create" {
			creates++
			body += string(w.Body)
		}
	}
	if creates != 1 || !strings.Contains(body, asked.ID) || !strings.Contains(body, "until noon") || !strings.Contains(body, "Ana") {
		t.Errorf("the server kept %d posts: %s", creates, body)
	}
	for _, line := range b.Console() {
		if !strings.Contains(line, "404") { // this server has no pictures of people
			t.Errorf("the browser complains: %s", line)
		}
	}
}

// lateHandler is a handler that is known only after its server's address is.
type lateHandler struct{ h http.Handler }

func (l *lateHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) { l.h.ServeHTTP(w, r) }
