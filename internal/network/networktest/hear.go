package networktest

import (
	"fmt"

	"parley/internal/network"
	"parley/internal/text"
)

// stranger is something an outside person says to our account, never said before.
func (r *rig) stranger() network.Post {
	n := r.next()
	return network.Post{
		Text:    text.Text{Body: fmt.Sprintf("When does the library open on day %d?", n)},
		Lang:    "en",
		Created: r.clock.Now(), Visibility: r.visibility(),
		Author: network.Person{
			RemoteID: fmt.Sprintf("stranger-%d", n%7), Handle: fmt.Sprintf("stranger%d", n%7),
			Name: fmt.Sprintf("Stranger %d", n%7),
		},
	}
}

// inbox is one account's reading: a cursor for each feed, moved only once a
// page is stored, and the store.
type inbox struct {
	*rig
	cursor map[network.Feed]network.Cursor
	store  *store
}

// opens an inbox and sets its cursors to now.
func (r *rig) inbox() *inbox {
	r.tb.Helper()
	in := &inbox{rig: r, cursor: map[network.Feed]network.Cursor{}, store: newStore()}
	in.drain()
	return in
}

// poll reads one page of a feed and stores it.
func (in *inbox) poll(f network.Feed) (network.Page, error) {
	in.tb.Helper()
	p, ok := in.fresh().(network.Poller)
	if !ok {
		in.fatalf("feeds are declared, but the connector is no Poller")
	}
	var page network.Page
	var err error
	in.quiet("Poll", func() { page, err = p.Poll(in.ctx, in.acct, f, stored(in.tb, in.cursor[f])) })
	if err != nil {
		in.checkError("Poll", err, false)
		return page, err
	}
	in.keep(page.Events)
	in.cursor[f] = page.Next
	return page, nil
}

// pages bounds how many pages one drain reads.
const pages = 200

// drain polls every feed to its end.
func (in *inbox) drain() {
	in.tb.Helper()
	for _, f := range in.caps.Feeds {
		in.drainFeed(f)
	}
}

func (in *inbox) drainFeed(f network.Feed) {
	in.tb.Helper()
	for range pages {
		page, err := in.poll(f)
		if err != nil {
			in.fatalf("Poll %s: %v", f, err)
		}
		if !page.More {
			return
		}
	}
	in.fatalf("Poll %s says More after %d pages", f, pages)
}

// keep stores events as account does: what is wrong with one is said here.
func (in *inbox) keep(events []network.Event) {
	in.tb.Helper()
	for _, e := range events {
		if err := in.store.put(e); err != nil {
			in.errorf("an event that cannot be stored: %v", err)
		}
	}
}

// hear makes a stranger speak and returns the post as the connector reads it.
func (r *rig) hear(p network.Post) network.Post {
	r.tb.Helper()
	in := r.inbox()
	ref := r.fake.Say(p)
	in.drain()
	got, ok := in.store.post(ref.ID)
	if !ok {
		r.fatalf("what was said (%s) did not arrive by Poll of %v", ref.ID, r.caps.Feeds)
	}
	return got
}

// peek reads a page and forgets it: a crash before the page was stored.
func (in *inbox) peek(f network.Feed) (network.Page, error) {
	in.tb.Helper()
	p := in.fresh().(network.Poller)
	var page network.Page
	var err error
	in.quiet("Poll", func() { page, err = p.Poll(in.ctx, in.acct, f, stored(in.tb, in.cursor[f])) })
	return page, err
}
