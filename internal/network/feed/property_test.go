package feed_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"pgregory.net/rapid"

	"parley/internal/clock"
	"parley/internal/network"
	"parley/internal/network/feed"
	"parley/internal/network/feed/feedtest"
	"parley/internal/network/networktest"
	"parley/internal/text"
)

// crierRun is one run of a site that publishes, edits and deletes, read from time
// to time by somebody who stores what comes.
type crierRun struct {
	fake   *feedtest.Fake
	feed   *feed.Network
	clock  *clock.Fake
	cursor network.Cursor

	truth  map[string]string // words by id, as the site has them
	order  []string          // ids, oldest first
	stored map[string]string
	gone   map[string]bool
	unread int // entries since the last visit
}

// Whatever the site does between two visits, afterwards everything it ever said
// is stored in its newest wording, nothing came twice, and only what it deleted
// is gone: the archive holds what ran out of the window.
func TestNothingIsLost(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := &crierRun{clock: clock.NewFake(noon), truth: map[string]string{}, stored: map[string]string{}, gone: map[string]bool{}}
		srv := httptest.NewUnstartedServer(nil)
		env := networktest.Env{BaseURL: "http://" + srv.Listener.Addr().String(), Clock: r.clock, Env: network.Env{HTTP: http.DefaultClient, Now: r.clock.Now}}
		r.fake = feedtest.New(env)
		srv.Config.Handler = r.fake
		srv.Start()
		defer srv.Close()
		r.feed = feed.New(env.Env)
		r.say(t, 1)
		r.poll(t)
		t.Repeat(map[string]func(*rapid.T){
			"say":    func(t *rapid.T) { r.say(t, rapid.IntRange(1, 50).Draw(t, "n")) },
			"edit":   r.edit,
			"delete": r.delete,
			"poll":   r.poll,
		})
		r.poll(t)
	})
}

// say publishes n entries, unless the archive would have to be read further
// back than the connector goes.
func (r *crierRun) say(_ *rapid.T, n int) {
	if r.unread += n; r.unread > 10*feedtest.Window {
		r.unread -= n
		return
	}
	for range n {
		r.clock.Advance(time.Minute)
		words := fmt.Sprintf("entry %d", len(r.order))
		ref := r.fake.Say(network.Post{Text: text.Text{Body: words}, Created: r.clock.Now()})
		r.truth[ref.ID] = words
		r.order = append(r.order, ref.ID)
	}
}

// edit and delete touch only what stands in the window: of what does not, a
// feed tells nothing.
func (r *crierRun) edit(t *rapid.T) {
	id := r.inWindow(t)
	if id == "" {
		return
	}
	r.clock.Advance(time.Minute)
	r.truth[id] += ", edited"
	r.fake.Change(network.Ref{ID: id}, &network.Post{Text: text.Text{Body: r.truth[id]}})
}

func (r *crierRun) delete(t *rapid.T) {
	id := r.inWindow(t)
	if id == "" || len(r.truth) < 3 {
		return
	}
	r.clock.Advance(time.Minute)
	r.fake.Change(network.Ref{ID: id}, nil)
	delete(r.truth, id)
}

func (r *crierRun) inWindow(t *rapid.T) string {
	var alive []string
	for _, id := range r.order {
		if _, ok := r.truth[id]; ok && r.stored[id] != "" {
			alive = append(alive, id)
		}
	}
	alive = alive[max(0, len(alive)-5):]
	if len(alive) == 0 {
		return ""
	}
	return rapid.SampledFrom(alive).Draw(t, "id")
}

func (r *crierRun) poll(t *rapid.T) {
	before := map[string]string{}
	for id, w := range r.stored {
		before[id] = w
	}
	page, err := r.feed.Poll(context.Background(), r.fake.Account(), network.Items, r.cursor)
	if err != nil {
		t.Fatal(err)
	}
	b, _ := json.Marshal(page.Next)
	r.cursor = network.Cursor{}
	if err := json.Unmarshal(b, &r.cursor); err != nil {
		t.Fatal(err)
	}
	last := time.Time{}
	for _, e := range page.Events {
		switch e.Kind {
		case network.KindMessage:
			if r.stored[e.Post.ID] != "" {
				t.Fatalf("%s came twice", e.Post.ID)
			}
			if e.Post.Created.Before(last) {
				t.Fatal("not oldest first")
			}
			last = e.Post.Created
			r.stored[e.Post.ID] = e.Post.Text.Body
		case network.KindEdit:
			if before[e.Post.ID] == "" || before[e.Post.ID] == e.Post.Text.Body {
				t.Fatalf("%s is no edit: %q, before %q", e.Post.ID, e.Post.Text.Body, before[e.Post.ID])
			}
			r.stored[e.Post.ID] = e.Post.Text.Body
		case network.KindGone:
			if _, alive := r.truth[e.Gone.ID]; alive || r.gone[e.Gone.ID] {
				t.Fatalf("%s is not gone, or was told before", e.Gone.ID)
			}
			r.gone[e.Gone.ID] = true
		default:
			if r.shows(before) || len(r.truth) > feedtest.Window {
				t.Fatalf("%s %s although there is an archive", e.Kind, e.Note)
			}
		}
	}
	r.unread = 0
	for id := range r.truth {
		if r.gone[id] || r.stored[id] == "" {
			t.Fatalf("%s was said and is not stored", id)
		}
	}
	for _, id := range r.order[max(0, len(r.order)-feedtest.Window):] {
		if words, alive := r.truth[id]; alive && r.stored[id] != words {
			t.Fatalf("%s is stored as %q, the site says %q", id, r.stored[id], words)
		}
	}
	for id := range r.stored {
		if _, alive := r.truth[id]; !alive && !r.gone[id] {
			t.Fatalf("%s was deleted and is not gone", id)
		}
	}
}

// shows reports that the window still holds something that was stored before.
// If everything known was deleted meanwhile, a gap cannot be ruled out.
func (r *crierRun) shows(before map[string]string) bool {
	for id := range r.truth {
		if before[id] != "" {
			return true
		}
	}
	return false
}
