package app_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/notify"
	"parley/internal/page/pagetest"
)

// everyPage is where everything is that the demo shows, by name.
func (w *town) everyPage(b *pagetest.Tab) map[string]string {
	w.Helper()
	home := w.base + "/w/town-of-millbrook/"
	b.Open(home + "inbox?box=all")
	b.Wait(`document.querySelectorAll(".row").length > 10`)
	// One in which we have spoken and somebody waits again shows most.
	const telling = `select c.id from conversation c join message m on m.workspace = c.workspace and m.id = c.last_message
		where c.kind = 'public' order by (c.waiting > 0 and c.answered > 0) desc, (m.lang = 'en') desc, c.messages desc, c.id limit 1`
	var shown id.ID
	for end := time.Now().Add(20 * time.Second); shown == 0; time.Sleep(50 * time.Millisecond) {
		err := w.app.DB.Read().Row(context.Background(), telling).Scan(&shown)
		if err != nil && (!db.NoRows(err) || time.Now().After(end)) {
			w.Fatalf("the demo's past is not there: %v", err)
		}
	}
	var person, post id.ID
	one := func(into *id.ID, q string, args ...any) {
		w.Helper()
		if err := w.app.DB.Read().Row(context.Background(), q, args...).Scan(into); err != nil {
			w.Fatalf("the demo does not show it: %v", err)
		}
	}
	one(&person, `select i.person from conversation c join identity i on i.workspace = c.workspace and i.id = c.identity where c.id = $1`, shown)
	one(&post, `select m.id from message m join conversation c on c.workspace = m.workspace and c.thread = m.thread
		where m.own <> 0 and m.parent = '' and m.gone = 0 group by m.id order by sum(case c.state when 'open' then 1 else 0 end) desc, count(*) desc, m.id limit 1`)
	return map[string]string{
		"later":        home + "inbox?box=later",
		"search":       home + "search?q=library",
		"person":       home + "people/" + person.String(),
		"under":        home + "under/" + post.String(),
		"ask":          home + "inbox/" + shown.String() + "/ask",
		"labels":       home + "settings/labels",
		"together":     home + "settings/together",
		"told":         w.base + notify.Path,
		"telling":      w.base + notify.SettingsPath,
		"today":        home + "today",
		"inbox":        home + "inbox",
		"conversation": home + "inbox/" + shown.String(),
		"done":         home + "inbox?box=done",
		"mine":         home + "inbox?box=mine",
		"accounts":     home + "accounts",
		"team":         home + "team",
		"settings":     home + "settings",
		"answers":      home + "settings/answers",
		"webhooks":     home + "settings/webhooks",
		"me":           w.base + "/me",
		"missing":      home + "nowhere",
	}
}

// Every page of the demo in three looks: nothing is wider than the window, the
// browser has nothing to complain about. With PARLEY_PICTURES=docs/pictures it
// leaves the pictures there; the README shows one.
func TestPagesInEveryLook(t *testing.T) {
	t.Parallel()
	w := openTown(t)
	b := w.enter("ana")
	pages := w.everyPage(b)
	looks := map[string]struct {
		width, height int64
		scheme        string
	}{"light": {1280, 860, "light"}, "dark": {1280, 860, "dark"}, "narrow": {390, 844, "light"}}
	for look, l := range looks {
		b.Look(l.width, l.height, l.scheme)
		for name, address := range pages {
			b.Open(address)
			var wide int
			b.Eval(`document.documentElement.scrollWidth - innerWidth`, &wide)
			if wide > 0 {
				t.Errorf("%s, %s: %d pixels wider than the window", name, look, wide)
			}
			w.picture(b, name+"-"+look)
		}
	}
	for _, line := range b.Console() {
		if !strings.Contains(line, "404") { // the missing page is meant to be missing
			t.Errorf("the browser complains: %s", line)
		}
	}
}

func (w *town) picture(b *pagetest.Tab, name string) {
	w.Helper()
	dir := os.Getenv("PARLEY_PICTURES")
	if dir == "" {
		return
	}
	if !filepath.IsAbs(dir) {
		dir = filepath.Join("..", "..", dir) // from the project's root
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		w.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), b.Shot(false), 0o644); err != nil {
		w.Fatal(err)
	}
}
