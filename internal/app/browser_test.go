package app_test

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"parley/internal/actor"
	"parley/internal/app"
	"parley/internal/conversation"
	"parley/internal/id"
	"parley/internal/network/sandbox"
	"parley/internal/page/pagetest"
	"parley/internal/team"
)

// town is a running demo that browsers can enter.
type town struct {
	*testing.T
	app  *app.App
	base string
}

func openTown(t *testing.T) *town {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	base := fmt.Sprintf("http://localhost:%d", ln.Addr().(*net.TCPAddr).Port)
	u, _ := url.Parse(base)
	a, err := app.Open(context.Background(), app.Config{Data: t.TempDir(), Demo: true, Seed: 3, URL: u, Background: true,
		Cost: team.Cost{Memory: 64, Passes: 1, Threads: 1}})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.SetUpDemo(context.Background()); err != nil {
		t.Fatal(err)
	}
	// Nobody here waits to call anything back, but where that is what is tried.
	w := &town{t, a, base}
	w.callBack(0)
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
	return w
}

// enter opens a browser of its own as one of the demo's people.
func (w *town) enter(name string) *pagetest.Tab {
	w.Helper()
	b := pagetest.Browser(w.T)
	b.Look(1280, 860, "light")
	b.Open(w.base + "/demo")
	b.Click(fmt.Sprintf(`form:has(input[value="%s@millbrook.example"]) button`, name))
	b.Wait(`location.pathname.endsWith("/today")`)
	b.Open(w.base + "/w/town-of-millbrook/inbox")
	return b
}

// says lets somebody speak to the town and returns the words to look for.
func (w *town) says(who, words string) string {
	w.Helper()
	w.app.Stage.Script(sandbox.Said{Who: who, Name: strings.ToUpper(who[:1]) + who[1:], To: "millbrook", Text: "@millbrook " + words})
	return words
}

func (w *town) row(words string) string {
	return fmt.Sprintf(`[...document.querySelectorAll(".row a")].find(a => a.textContent.includes(%q))`, words)
}

// openRow opens the conversation whose row shows the words.
func (w *town) openRow(b *pagetest.Tab, words string) {
	w.Helper()
	b.Wait(w.row(words) + " !== undefined")
	b.Eval(w.row(words)+".click()", nil)
	b.Wait(fmt.Sprintf(`document.querySelector("#thread-pane .messages")?.textContent.includes(%q)`, words))
	b.Wait(`document.querySelector("[aria-busy]") === null && document.getAnimations().length === 0`)
}

func quiet(t *testing.T, b *pagetest.Tab) {
	t.Helper()
	for _, line := range b.Console() {
		t.Errorf("the browser complains: %s", line)
	}
}

// people gives the owner's actor and the member id of somebody, by first name.
func (w *town) people(name string) (owner actor.Actor, member id.ID) {
	w.Helper()
	ctx := context.Background()
	logins, err := w.app.Team.Operator().Logins(ctx)
	if err != nil {
		w.Fatal(err)
	}
	s, err := w.app.Team.Operator().OpenSession(ctx, logins[0].ID, team.Place{})
	if err != nil {
		w.Fatal(err)
	}
	v, err := w.app.Team.Authenticate(ctx, s.Secret)
	if err != nil {
		w.Fatal(err)
	}
	owner = v.Workspaces[0].Actor
	members, err := w.app.Team.Members(ctx, owner)
	if err != nil {
		w.Fatal(err)
	}
	for _, m := range members {
		if strings.HasPrefix(strings.ToLower(m.Name), name) {
			member = m.ID
		}
	}
	return owner, member
}

// A mention appears by itself, a member claims it, answers in their own name,
// and the answer stands in the thread on the network.
func TestAMentionBecomesAnAnswer(t *testing.T) {
	t.Parallel()
	w := openTown(t)
	ana := w.enter("ana")
	ana.Open(w.base + "/w/town-of-millbrook/inbox?box=all")
	question := w.says("wilhelmina", "is the footbridge open again on Sunday?")
	w.openRow(ana, question)
	ana.Click(`form[action*="/claim"] button`)
	ana.Wait(`document.querySelector("#claim.mine") !== null`)
	ana.Type("textarea[name=body]", "Yes, from eight in the morning.")
	ana.Click("[data-send]")
	ana.Wait(`[...document.querySelectorAll(".ours")].some((m) => ["Ana Lima", "from eight in the morning", "Sent"].every((s) => m.textContent.includes(s)))`)
	kept := ""
	for _, write := range w.app.Stage.Ledger() {
		if write.Op == "create" && strings.Contains(string(write.Body), "from eight in the morning") {
			kept += string(write.Body)
		}
	}
	if strings.Count(kept, "from eight in the morning") != 1 || !strings.Contains(kept, `"in_reply_to":"1`) || !strings.Contains(kept, "^Ana") {
		t.Errorf("the network kept %s", kept)
	}
	quiet(t, ana)
}

// Two members press send for the same person: one answer leaves, the other sees
// why theirs did not, and their words are still in the composer.
func TestTwoBrowsersSendAndOneAnswerLeaves(t *testing.T) {
	t.Parallel()
	w := openTown(t)
	question := w.says("leopold", "who do I ask about the lime tree?")
	tabs := []*pagetest.Tab{w.enter("ana"), w.enter("ben")}
	for i, b := range tabs {
		b.Open(w.base + "/w/town-of-millbrook/inbox?box=all")
		w.openRow(b, question)
		b.Type("textarea[name=body]", fmt.Sprintf("Words of number %d", i))
	}
	for _, b := range tabs {
		b.Eval(`document.querySelector("[data-send]").click()`, nil)
	}
	deadline := time.Now().Add(10 * time.Second)
	count := func() (n int) {
		for _, write := range w.app.Stage.Ledger() {
			if write.Op == "create" && strings.Contains(string(write.Body), "Words of number") {
				n++
			}
		}
		return n
	}
	for count() == 0 && time.Now().Before(deadline) {
		time.Sleep(20 * time.Millisecond)
	}
	kept := 0
	for end := time.Now().Add(20 * time.Second); kept != 1 && time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		kept = 0
		for i, b := range tabs {
			var body string
			b.Eval(`document.querySelector("textarea[name=body]")?.value ?? ""`, &body)
			if strings.Contains(body, fmt.Sprintf("Words of number %d", i)) {
				kept++
			}
		}
	}
	if n := count(); n != 1 || kept != 1 {
		t.Errorf("%d answers left, %d members still have their words, want one each", n, kept)
	}
}

// Removing a member ends what they see at once: the stream closes and nothing
// is fetched any more.
func TestARemovedMemberSeesNothingMore(t *testing.T) {
	t.Parallel()
	w := openTown(t)
	ben := w.enter("ben")
	ben.Open(w.base + "/w/town-of-millbrook/inbox?box=all")
	w.openRow(ben, w.says("greta", "before the removal"))
	owner, member := w.people("ben")
	if err := w.app.Team.RemoveMember(context.Background(), owner, member, "left"); err != nil {
		t.Fatal(err)
	}
	after := w.says("greta", "after the removal")
	ben.Open(w.base + "/w/town-of-millbrook/inbox?box=all")
	var text string
	ben.Eval(`document.body.textContent`, &text)
	if strings.Contains(text, after) || strings.Contains(text, "before the removal") {
		t.Error("a removed member still reads the inbox")
	}
	for end := time.Now().Add(5 * time.Second); w.app.Kernel.Hub().Streams() != 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d streams are still open", w.app.Kernel.Hub().Streams())
		}
	}
}

// Without scripts everything but the live update works.
func TestAnswerWithoutScripts(t *testing.T) {
	t.Parallel()
	w := openTown(t)
	b := pagetest.Browser(t)
	b.Scripts(false)
	b.Open(w.base + "/demo")
	b.Click(`form:has(input[value="ana@millbrook.example"]) button`)
	b.Wait(`location.pathname.endsWith("/today")`)
	question := w.says("ottoline", "does this work on my old phone?")
	owner, _ := w.people("ana")
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		page, err := w.app.Desk.List(context.Background(), owner, conversation.Filter{Box: conversation.All})
		if err != nil || time.Now().After(end) {
			t.Fatalf("the question never came (%v)", err)
		}
		if len(page.Rows) > 0 && strings.Contains(page.Rows[0].Snippet, question) {
			b.Open(w.base + "/w/town-of-millbrook/inbox/" + page.Rows[0].ID.String())
			break
		}
	}
	b.Wait(`document.querySelector("textarea[name=body]") !== null`)
	b.Eval(`document.querySelector("textarea[name=body]").value = "It does."`, nil)
	b.Eval(`document.querySelector("form[data-composer]").requestSubmit()`, nil)
	// Nothing updates by itself here: the page is loaded again, as a person does.
	for end := time.Now().Add(20 * time.Second); ; {
		time.Sleep(300 * time.Millisecond)
		var text, address string
		b.Eval(`document.querySelector("#thread-pane")?.innerText ?? ""`, &text)
		b.Eval(`location.href`, &address)
		if strings.Contains(text, "It does.") {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s shows %q", address, text)
		}
		b.Open(address)
	}
}
