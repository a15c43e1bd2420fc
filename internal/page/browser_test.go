package page_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/a-h/templ"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"

	"parley/internal/clock"
	"parley/internal/id"
	"parley/internal/page"
	"parley/internal/page/pagetest"
	"parley/internal/problem"
	"parley/internal/text"
)

// desk is a small inbox in memory, on a real server.
type desk struct {
	*page.Kernel
	url string

	mu       sync.Mutex
	messages []page.Message
	sent     []string
	revoked  bool
	claimed  bool
	meddle   func(http.ResponseWriter, *http.Request) bool // answers in our place, or makes it wait

	number  atomic.Int64 // of the newest event
	renders atomic.Int64 // of the thread
	streams atomic.Int64 // ever opened
	clicks  atomic.Int64 // on claim and finish
}

func openDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{}
	o := pagetest.Options(t)
	o.Clock = clock.System{}
	known := o.Authenticate
	o.Authenticate = func(ctx context.Context, token string) (page.Visitor, error) {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.revoked {
			return page.Visitor{}, problem.New(problem.Unauthenticated, "page.signed_out")
		}
		return known(ctx, token)
	}
	d.Kernel = pagetest.Kernel(t, o)
	d.Member("GET /inbox", func(_ http.ResponseWriter, r *page.Request) error {
		return r.Render(d.page(r, page.PaneView{Content: page.NothingOpen()}))
	})
	d.Member("GET /inbox/{id}", d.open)
	d.Member("POST /inbox/{id}", d.answer)
	d.Member("POST /inbox/{id}/{what}", d.click)
	d.Handle("POST /away", func(_ http.ResponseWriter, r *page.Request) error {
		return r.Leave("http://localhost:" + r.URL.Query().Get("port") + "/arrived")
	})
	d.Handle("GET /arrived", func(_ http.ResponseWriter, r *page.Request) error {
		return r.Render(page.Plain(page.Head{Title: "x"}))
	})
	s := httptest.NewUnstartedServer(d)
	s.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/live" && r.Method == http.MethodGet {
			d.streams.Add(1)
		}
		d.mu.Lock()
		meddle := d.meddle
		d.mu.Unlock()
		if meddle == nil || !meddle(w, r) {
			d.ServeHTTP(w, r)
		}
	})
	s.Start()
	t.Cleanup(s.Close)
	t.Cleanup(d.Hub().Close)
	d.url = s.URL
	return d
}

func (d *desk) open(_ http.ResponseWriter, r *page.Request) error {
	d.renders.Add(1)
	n, err := r.PathID("id")
	if err != nil {
		return err
	}
	return r.Render(d.page(r, d.pane(r, n)))
}

func (d *desk) pane(r *page.Request, n id.ID) page.PaneView {
	d.mu.Lock()
	defer d.mu.Unlock()
	link := r.Link("inbox/" + n.String())
	claim := page.ClaimView{Take: link + "/claim"}
	if d.claimed {
		claim = page.ClaimView{Mine: true, By: "Ana", Release: link + "/claim"}
	}
	return page.PaneView{
		Open: true, Live: "conversation:" + n.String(), Src: link,
		Content: page.Thread(page.ThreadView{
			Head: page.ThreadHead{Person: page.Person{Key: "m", Name: "Mira"}, Back: r.Link("inbox"),
				Tools: page.Post(link+"/finish", page.ButtonView{Label: "x", Key: "e"}, true)},
			Messages: append([]page.Message{{ID: "w", Author: page.Person{Key: "m", Name: "Mira"}, At: r.Now(), Warning: "Spiders", Text: text.Text{Body: "A spider."}}}, d.messages...),
			Foot: templ.Join(page.ClaimBar(claim), page.Composer(page.ComposerView{
				ID: "composer-" + n.String(), Action: link, As: "Ana", Account: "library", Rule: text.Rule{Unit: text.Graphemes, Max: 60}, Left: 60,
				CanWarn: true, Media: &page.MediaView{Accept: "image/png", Max: 2}, Visibility: page.Public,
				Choices: []page.Option{{Value: "public", Label: "all", Chosen: true}, {Value: "direct", Label: "few"}},
			})),
		}),
	}
}

func (d *desk) page(r *page.Request, thread page.PaneView) templ.Component {
	rows := make([]page.Row, 40)
	for i := range rows {
		n := id.ID(i + 1)
		rows[i] = page.Row{ID: n, Href: r.Link("inbox/" + n.String()), Person: page.Person{Key: n.String(), Name: fmt.Sprint("Person ", n)}, Excerpt: "Hello.", At: r.Now()}
	}
	list := page.PaneView{Content: page.Rows(rows), Live: "conversation", Src: r.Link("inbox")}
	layout := page.Layout(page.Head{Title: "Inbox", Current: "inbox", Desk: true})
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		return layout.Render(templ.WithChildren(ctx, page.Desk(page.DeskView{List: list, Thread: thread})), w)
	})
}

// answer keeps what was said; "refuse" is refused.
func (d *desk) answer(_ http.ResponseWriter, r *page.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	if f.Get("body") == "refuse" {
		return problem.New(problem.Conflict, "page.bad_form").At("body")
	}
	d.mu.Lock()
	d.sent = append(d.sent, f.Get("body"))
	d.mu.Unlock()
	d.say(f.Get("body"))
	r.Flash("page.close")
	return r.Redirect(r.URL.Path)
}

func (d *desk) click(_ http.ResponseWriter, r *page.Request) error {
	d.clicks.Add(1)
	d.mu.Lock()
	d.claimed = !d.claimed
	d.mu.Unlock()
	return r.Redirect(r.Link("inbox/" + r.PathValue("id")))
}

// say adds a message and tells every browser.
func (d *desk) say(words string) {
	d.mu.Lock()
	n := len(d.messages)
	d.messages = append(d.messages, page.Message{ID: fmt.Sprint("n", n), Author: page.Person{Key: "m", Name: "Mira"}, At: time.Now(), Text: text.Text{Body: words}})
	d.mu.Unlock()
	d.Hub().Publish(page.Notice{Workspace: 1, Number: d.number.Add(1), Kind: "conversation", Subject: 1})
}

const (
	thread   = "/w/harbour/inbox/0000000000001"
	composer = "#composer-0000000000001-body"
)

// While somebody types, twenty messages a second arrive: not a letter, the
// selection, an open warning, an open menu or the scroll position is lost.
func TestTypingWhileMessagesArrive(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	tab := pagetest.Browser(t)
	tab.SignIn(d.url)
	tab.Open(d.url + thread)
	tab.Wait(`document.querySelector("form[data-composer]")`)
	tab.Click("#message-w summary")
	tab.Eval(`(document.querySelector("#list-pane").scrollTop = 300, document.querySelector(".me").open = true)`, nil)

	stop := make(chan struct{})
	done := make(chan int)
	go func() {
		n := 0
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				done <- n
				return
			case <-tick.C:
				d.say(fmt.Sprint("message ", n))
				n++
			}
		}
	}()
	const typed = "We will be there at ten, both of us, with the keys."
	tab.Eval(fmt.Sprintf(`document.querySelector(%q).focus()`, composer), nil)
	for _, letter := range typed {
		tab.Press(string(letter))
		time.Sleep(30 * time.Millisecond) // a quick typist
	}
	tab.Eval(fmt.Sprintf(`document.querySelector(%q).setSelectionRange(3, 7)`, composer), nil)
	compose(tab, "か")
	time.Sleep(600 * time.Millisecond) // several refetches happen meanwhile
	close(stop)
	n := <-done
	tab.Wait(fmt.Sprintf(`document.querySelector("#message-n%d")`, n-1))

	var state struct {
		Value, Focus string
		Start, End   int
		Warning, Me  bool
		Scroll       float64
		Messages     int
	}
	tab.Eval(fmt.Sprintf(`(() => { const b = document.querySelector(%q); return {Value: b.value, Focus: document.activeElement.id, Start: b.selectionStart, End: b.selectionEnd,
		Warning: document.querySelector("#message-w details").open, Me: document.querySelector(".me").open,
		Scroll: document.querySelector("#list-pane").scrollTop, Messages: document.querySelectorAll(".message").length} })()`, composer), &state)
	if want := "We か be there at ten, both of us, with the keys."; state.Value != want {
		t.Errorf("typed %q, the field holds %q", want, state.Value)
	}
	if "#"+state.Focus != composer || state.Start != 4 || state.End != 4 {
		t.Errorf("focus on %q, selection %d to %d", state.Focus, state.Start, state.End)
	}
	if !state.Warning || !state.Me || state.Scroll != 300 {
		t.Errorf("warning open %v, menu open %v, list scrolled to %v", state.Warning, state.Me, state.Scroll)
	}
	if state.Messages != n+1 {
		t.Errorf("%d messages shown, %d were said", state.Messages, n+1)
	}
	if got := d.renders.Load(); got > int64(n)/2 {
		t.Errorf("%d refetches for %d events: they are not coalesced", got, n)
	}
	complaints(t, tab)
}

// compose starts a word in an input method, and leaves it unfinished.
func compose(tab *pagetest.Tab, word string) {
	tab.Do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, input.ImeSetComposition, input.ImeSetCompositionParams{Text: word, SelectionStart: 1, SelectionEnd: 1})
		return err
	}))
}

// complaints of the browser: refusals of the policy, exceptions.
func complaints(t *testing.T, tab *pagetest.Tab) {
	t.Helper()
	for _, line := range tab.Console() {
		if !strings.Contains(line, "Failed to load resource") && !strings.Contains(line, "ERR_") {
			t.Errorf("the browser complains: %s", line)
		}
	}
}

func TestAnsweringInPlace(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	tab := pagetest.Browser(t)
	tab.SignIn(d.url)
	tab.Open(d.url + "/w/harbour/inbox")
	tab.Eval(`(window.mark = 1)`, nil)

	tab.Press("j") // the keyboard opens the first conversation without a new page
	tab.Wait(`location.pathname.endsWith("0000000000001") && document.querySelector("#row-0000000000001 [aria-current]")`)
	tab.Wait(`document.querySelector("form[data-composer]")`)
	tab.Press("r")
	tab.Wait(fmt.Sprintf(`document.activeElement === document.querySelector(%q)`, composer))

	// The protocol sends the letter after its key even where the key was taken.
	tab.Eval(fmt.Sprintf(`document.querySelector(%q).select()`, composer), nil)
	tab.Press("refuse")
	tab.Eval(`document.querySelector("[data-send]").click()`, nil) // a mouse would have to wait for the end of the transition
	tab.Wait(`document.querySelector("form [data-problem]")`)
	if got := tab.Text("form [data-problem]"); !strings.Contains(got, "could not be read") {
		t.Errorf("the problem says %q", got)
	}
	var kept string
	tab.Eval(fmt.Sprintf(`document.querySelector(%q).value`, composer), &kept)
	if kept != "refuse" {
		t.Errorf("after a refusal the field holds %q", kept)
	}

	tab.Eval(fmt.Sprintf(`document.querySelector(%q).select()`, composer), nil)
	tab.Press(strings.Repeat("x", 61))
	tab.Wait(`document.querySelector("[data-count].over")?.textContent === "-1"`)
	tab.Eval(`document.querySelector("[data-send]").click()`, nil)
	tab.Wait(`document.querySelector("#announce").textContent.includes("too long by 1")`)

	tab.Eval(fmt.Sprintf(`document.querySelector(%q).select()`, composer), nil)
	tab.Press("It is open.")
	tab.Do(chromedp.KeyEvent("\r", chromedp.KeyModifiers(chromedp.ModifierCtrl)))
	tab.Wait(`[...document.querySelectorAll(".message")].some((m) => m.innerText.includes("It is open."))`)
	tab.Wait(fmt.Sprintf(`document.querySelector(%q).value === "" && Object.keys(localStorage).every((k) => !k.startsWith("parley-draft"))`, composer))
	d.mu.Lock()
	if len(d.sent) != 1 || d.sent[0] != "It is open." {
		t.Errorf("sent %q, want one answer", d.sent)
	}
	d.mu.Unlock()
	var mark int
	tab.Eval(`window.mark ?? 0`, &mark)
	if mark != 1 {
		t.Error("the page was loaded anew")
	}
	tab.Eval(`history.back()`, nil)
	tab.Wait(`location.pathname.endsWith("/inbox") && document.querySelector(".nothing-open")`)
	complaints(t, tab)
}

func TestDraftIsKept(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	tab := pagetest.Browser(t)
	tab.SignIn(d.url)
	tab.Open(d.url + thread)
	tab.Wait(`document.querySelector("form[data-composer]")`)
	tab.Type(composer, "half an ans")
	tab.Wait(`Object.keys(localStorage).some((k) => k.startsWith("parley-draft"))`)
	tab.Open(d.url + "/w/harbour/inbox/0000000000002")
	tab.Wait(`document.querySelector("form[data-composer]")`)
	var other string
	tab.Eval(`document.querySelector("#composer-0000000000002-body").value`, &other)
	if other != "" {
		t.Errorf("somebody else's conversation holds the draft %q", other)
	}
	tab.Open(d.url + thread)
	tab.Wait(fmt.Sprintf(`document.querySelector(%q).value === "half an ans"`, composer))
}

// Two tabs share one stream; when the session is revoked, both say so.
func TestOneStreamForAllTabs(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	first := pagetest.Browser(t)
	first.SignIn(d.url)
	first.Open(d.url + thread)
	waitFor(t, func() bool { return d.Hub().Streams() == 1 })
	second := first.Another()
	second.Open(d.url + thread)
	d.say("to both")
	for _, tab := range []*pagetest.Tab{second, first} {
		tab.Front() // a tab that nobody looks at fetches when it is looked at
		tab.Wait(`document.querySelector("#message-n0")`)
	}
	if n := d.streams.Load(); n != 1 {
		t.Errorf("%d streams were opened for one browser", n)
	}

	d.mu.Lock()
	d.revoked = true
	d.mu.Unlock()
	d.Hub().Drop(7)
	for _, tab := range []*pagetest.Tab{first, second} {
		tab.Front()
		tab.Wait(`document.querySelector("#offline:not([hidden]) [data-offline=out]:not([hidden])")`)
	}
}

func TestConnectionLostAndFound(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	tab := pagetest.Browser(t)
	tab.SignIn(d.url)
	tab.Open(d.url + thread)
	waitFor(t, func() bool { return d.Hub().Streams() == 1 })
	// The stream breaks, and what happens meanwhile is told to nobody.
	d.Hub().Close()
	d.mu.Lock()
	d.messages = append(d.messages, page.Message{ID: "missed", At: time.Now(), Text: text.Text{Body: "said meanwhile"}})
	d.mu.Unlock()
	d.number.Add(1)
	d.Hub().Publish(page.Notice{Workspace: 1, Number: d.number.Load(), Kind: "conversation", Subject: 1})
	tab.Wait(`document.querySelector("#message-missed")`)
	tab.Wait(`document.querySelector("#offline[hidden]")`)
}

// A form that leads to another site: form-action would stop a redirect.
func TestLeavingForAnotherSite(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	d.Handle("GET /connect", func(_ http.ResponseWriter, r *page.Request) error {
		return r.Render(page.Plain(page.Head{Title: "x"}))
	})
	tab := pagetest.Browser(t)
	port := d.url[strings.LastIndex(d.url, ":")+1:]
	tab.Open(d.url + "/connect")
	tab.Eval(fmt.Sprintf(`(() => { const f = document.createElement("form"); f.method = "post"; f.action = "/away?port=%s"; document.body.append(f); f.submit(); })()`, port), nil)
	tab.Wait(fmt.Sprintf(`location.href === "http://localhost:%s/arrived"`, port))
	complaints(t, tab)
}

func TestKeysCanBeListedAndSwitchedOff(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	tab := pagetest.Browser(t)
	tab.SignIn(d.url)
	tab.Open(d.url + thread)
	tab.Wait(`document.querySelector("form[data-composer]")`)
	tab.Press("?")
	tab.Wait(`document.querySelector("#shortcuts[open] kbd")`)
	for group, want := range map[string]string{"list": "Next conversation", "thread": "Write an answer", "write": "Ctrl Enter", "all": "Ctrl K"} {
		if got := tab.Text("[data-keys=" + group + "]"); !strings.Contains(got, want) {
			t.Errorf("the part %q of the list lacks %q:\n%s", group, want, got)
		}
	}
	var missing []string
	tab.Eval(`[...document.querySelectorAll("[data-key]")].filter((el) => el.checkVisibility()).map((el) => el.dataset.key.replace("Mod+", "Ctrl ").replace("Escape", "Esc")).filter((key) => ![...document.querySelectorAll("#shortcuts kbd")].some((k) => k.textContent === key))`, &missing)
	if len(missing) > 0 {
		t.Errorf("the list lacks the keys %q", missing)
	}
	tab.Click("#shortcuts [data-keys-off]")
	tab.Press("\x1b")
	tab.Wait(`!document.querySelector("#shortcuts[open]")`)
	tab.Press("r")
	var focus string
	tab.Eval(`document.activeElement.id`, &focus)
	if "#"+focus == composer {
		t.Error("r still writes an answer")
	}
}

// waitFor polls something that happens on a real connection.
func waitFor(t *testing.T, done func() bool) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for !done() {
		if time.Now().After(deadline) {
			t.Fatal("it did not happen within ten seconds")
		}
		time.Sleep(10 * time.Millisecond)
	}
}
