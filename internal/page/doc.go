// Package page is the web kernel: routing, sessions, security headers, error
// pages, live updates, static files, and the design system as templ components.
//
// # Writing a page
//
// A capability keeps pages.go and *.templ beside its verbs and offers one
// function that registers them:
//
//	func (c *Conversation) Pages(k *page.Kernel) {
//		k.Member("GET /inbox", c.inboxPage)
//		k.Member("POST /inbox/{conversation}/claim", c.claimPage)
//	}
//
//	func (c *Conversation) inboxPage(_ http.ResponseWriter, r *page.Request) error {
//		if err := r.Actor.Require(actor.ReadConversations); err != nil {
//			return err
//		}
//		if r.Fetched() && r.URL.Query().Get("fragment") == "list" { // what live.js asks for
//			return r.Fragment("inbox", func(ctx context.Context) (templ.Component, error) {
//				pane, err := c.listPane(ctx, r.Actor)
//				return page.ListPane(pane), err
//			})
//		}
//		pane, err := c.listPane(r.Context(), r.Actor)
//		if err != nil {
//			return err
//		}
//		return r.Render(inboxPage(pane))
//	}
//
// Member puts the page under /w/{workspace}, sends the signed-out to the
// sign-in page and answers 404 for a workspace that is not theirs; r.Actor is
// then filled. Handle is for pages without a workspace; r.Visitor says who it
// is, if anybody. A handler returns an error and never renders one: a
// *problem.Problem becomes its status and sentences, anything else a reference
// number and a log line.
//
// Inside a component, page.T(ctx, key, …) says a catalogue key, page.Link(ctx,
// "inbox") is an address inside the workspace, page.Can(ctx, right) asks the
// actor. A page begins with Layout (signed in) or Plain (everybody):
//
//	templ inboxPage(list page.PaneView) {
//		@page.Layout(page.Head{Title: page.T(ctx, "inbox.title"), Current: "inbox", Desk: true}) {
//			@page.Desk(page.DeskView{List: list, Thread: page.PaneView{Content: page.NothingOpen()}})
//		}
//	}
//
// An open conversation is the same page with Thread: page.PaneView{Open: true,
// Live: "conversation:"+id, Src: its own address, Content: page.Thread(…)}.
//
// Words of outside people stand in an element with dir="auto" (or in a <bdi>):
// it isolates right-to-left text, and the pseudo-locale test takes everything
// else that is not from a catalogue for a forgotten string.
//
// # Forms and live regions
//
// A form is a plain POST that redirects (r.Redirect); with data-swap it is sent
// in the background and the elements whose ids come back are replaced. A region
// that keeps itself fresh names what it is about and where it comes from:
//
//	<section id="list-pane" data-live="conversation" data-src="/w/…/inbox?fragment=list">
//
// data-live lists event kinds ("conversation") or one subject
// ("conversation:0C7…"). The answer to data-src must hold an element of the same
// id; a whole page may be the answer too. A form inside with data-keep (the
// composer) that somebody is busy with stays as it is but for its parts with
// data-renew. Where data-src differs, another thing is shown: it takes the place
// of the old one as a whole, and nothing comes over.
//
// # What the kernel promises
//
// Every answer carries the Content-Security-Policy; no component holds an inline
// script or style. A request that changes something comes from our own pages
// (Sec-Fetch-Site, Origin). Every page works without JavaScript, except what is
// live by nature. A revoked session's stream ends at once (Hub.Drop), one that
// ran out within a ping. Nobody holds a connection by sending or taking nothing.
//
// Not its business: who may sign in and what a session is (team, through
// Options.Authenticate), what an event is (event; the application feeds the
// Hub), and any capability's words.
package page
