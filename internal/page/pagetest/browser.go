package pagetest

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// Tab is one tab of a headless Chromium. Every method ends the test when it does
// not work within half a minute.
type Tab struct {
	t    *testing.T
	ctx  context.Context
	bare bool // no scripts run

	mu   sync.Mutex
	said []string
}

// limit of one step. It is real time: the browser knows no other.
const limit = 30 * time.Second

// Browser starts a headless Chromium for one test and ends it afterwards.
// Without Chromium the test is skipped, or fails where PARLEY_CI is set.
func Browser(t *testing.T) *Tab {
	t.Helper()
	path := chromium()
	if path == "" {
		const missing = "no Chromium found: install Debian's chromium package, or set PARLEY_CHROMIUM to one, to run the browser tests"
		if os.Getenv("PARLEY_CI") != "" {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	alloc, stop := chromedp.NewExecAllocator(context.Background(), flags(path, t.TempDir())...)
	t.Cleanup(stop)
	return open(t, alloc)
}

// Another opens a second tab of the same browser: the same cookies and storage.
func (b *Tab) Another() *Tab { return open(b.t, b.ctx) }

func open(t *testing.T, parent context.Context) *Tab {
	t.Helper()
	ctx, end := chromedp.NewContext(parent)
	t.Cleanup(end)
	b := &Tab{t: t, ctx: ctx}
	// The first action starts the browser, which lives as long as its context.
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatalf("starting the browser: %v", err)
	}
	messages := chromedp.Console(ctx)
	go func() {
		for m, err := range messages {
			if err != nil {
				return
			}
			if m.IsException() || m.Type == "error" || m.Type == "warning" {
				b.mu.Lock()
				b.said = append(b.said, m.String())
				b.mu.Unlock()
			}
		}
	}()
	return b
}

// Do runs actions in order.
func (b *Tab) Do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, limit)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		b.t.Fatalf("in the browser: %v\nconsole: %q", err, b.Console())
	}
}

// SignIn gives the browser the session cookie of Visitor for a server.
func (b *Tab) SignIn(url string) {
	b.t.Helper()
	b.Do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, network.SetCookie, network.SetCookieParams{Name: "parley", Value: Token, URL: url})
		return err
	}))
}

// Open goes to an address and waits until the page is loaded and, where scripts
// run, until ours have started.
func (b *Tab) Open(url string) {
	b.t.Helper()
	b.Do(chromedp.Navigate(url))
	if b.bare {
		b.Wait(`document.readyState === "complete"`)
		return
	}
	b.Wait(`document.readyState === "complete" && (!document.querySelector("script[type=module]") || "script" in document.documentElement.dataset)`)
}

// Scripts turns scripts on pages on or off, as some people do.
func (b *Tab) Scripts(on bool) {
	b.t.Helper()
	b.bare = !on
	b.Do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !on})
		return err
	}))
}

// Click clicks the first visible element of a CSS selector.
func (b *Tab) Click(css string) {
	b.t.Helper()
	b.Do(chromedp.Click(chromedp.CSS(css), chromedp.NodeVisible))
}

// Type sends keys to an element.
func (b *Tab) Type(css, keys string) {
	b.t.Helper()
	b.Do(chromedp.SendKeys(chromedp.CSS(css), keys))
}

// Press sends keys to whatever has the focus.
func (b *Tab) Press(keys string) {
	b.t.Helper()
	b.Do(chromedp.KeyEvent(keys))
}

// Eval evaluates an expression and writes its JSON value to v; nil throws it away.
func (b *Tab) Eval(expression string, v any) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, limit)
	defer cancel()
	// The value travels as text: the browser's JSON type is not ours.
	raw, err := chromedp.Run(ctx, chromedp.Evaluate[string]("(async () => JSON.stringify(await ("+expression+")) ?? 'null')()", chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("evaluating %s: %v", expression, err)
	}
	if v == nil {
		return
	}
	if err := json.Unmarshal([]byte(raw), v); err != nil {
		b.t.Fatalf("evaluating %s: %s: %v", expression, raw, err)
	}
}

// Text is what an element shows.
func (b *Tab) Text(css string) string {
	b.t.Helper()
	var s string
	b.Eval(fmt.Sprintf("document.querySelector(%q)?.innerText ?? ''", css), &s)
	return s
}

// Wait waits until an expression is true.
func (b *Tab) Wait(expression string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, limit)
	defer cancel()
	for {
		_, err := chromedp.Run(ctx, chromedp.Poll[bool]("!!("+expression+")", chromedp.WithPollingInterval(20*time.Millisecond)))
		switch {
		case err == nil:
			return
		case ctx.Err() == nil && (strings.Contains(err.Error(), "context with specified id") || strings.Contains(err.Error(), "navigated or closed")):
			// The page was just left for another one: ask that.
		default:
			b.t.Fatalf("waiting for %s: %v\nconsole: %q", expression, err, b.Console())
		}
	}
}

// Front brings the tab to the front, as if somebody looked at it.
func (b *Tab) Front() {
	b.t.Helper()
	b.Do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, page.BringToFront, cdp.Empty{})
		return err
	}))
}

// Console lists warnings, errors and exceptions so far. Refusals of the
// Content-Security-Policy are among them.
func (b *Tab) Console() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.said)
}

// Look sets the window: size in CSS pixels, and the colour scheme "light" or "dark".
func (b *Tab) Look(width, height int64, scheme string) {
	b.t.Helper()
	b.Do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		if _, err := cdp.Call(ctx, t, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
			Width: width, Height: height, DeviceScaleFactor: 1, Mobile: width < 500,
		}); err != nil {
			return err
		}
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}},
		})
		return err
	}))
}

// Shot is a PNG of the window, or of the whole page.
func (b *Tab) Shot(whole bool) []byte {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, limit)
	defer cancel()
	action := chromedp.CaptureScreenshot()
	if whole {
		action = chromedp.FullScreenshot(100)
	}
	png, err := chromedp.Run(ctx, action)
	if err != nil {
		b.t.Fatalf("taking a picture: %v", err)
	}
	return png
}

func chromium() string {
	if path := os.Getenv("PARLEY_CHROMIUM"); path != "" {
		return path
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// flags keep the browser from looking anything up outside.
func flags(path, profile string) []chromedp.ExecAllocatorOption {
	return []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path),
		chromedp.UserDataDir(profile),
		chromedp.Headless,
		chromedp.NoSandbox, // root in a container has no sandbox; pages are our own
		chromedp.DisableGPU,
		chromedp.NoFirstRun,
		chromedp.NoDefaultBrowserCheck,
		chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true),
		chromedp.Flag("disable-extensions", true),
		chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.Flag("metrics-recording-only", true),
		chromedp.Flag("mute-audio", true),
		chromedp.Flag("hide-scrollbars", true),
		// While a browser takes the picture that a transition begins with, it drops
		// clicks; people never meet those few milliseconds, a busy test does.
		chromedp.Flag("force-prefers-reduced-motion", true),
		// Every name but this machine's resolves to nothing.
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost"),
		chromedp.WindowSize(1280, 860),
	}
}
