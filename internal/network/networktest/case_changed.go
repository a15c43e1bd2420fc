package networktest

import (
	"slices"

	"parley/internal/network"
	"parley/internal/text"
)

// caseChanged is j: the world does not wait between plan and send.
func caseChanged(s *suite) {
	for _, v := range []struct {
		name  string
		needs []network.Ability
		run   func(*rig)
	}{
		{"parent deleted", []network.Ability{network.CanReply}, (*rig).parentDeleted},
		{"parent edited", []network.Ability{network.CanReply}, (*rig).parentEdited},
		{"parent closed", []network.Ability{network.CanReply}, (*rig).parentClosed},
		{"account suspended", nil, (*rig).suspended},
		{"handle taken by another", []network.Ability{network.CanReply}, (*rig).impostor},
		{"sent is never sent again", nil, (*rig).sentOnce},
		{"the same draft planned twice", nil, (*rig).plannedTwice},
		{"deleting", []network.Ability{network.CanPost, network.CanDelete}, (*rig).deleting},
		{"editing", []network.Ability{network.CanPost, network.CanEdit}, (*rig).editing},
		{"liking", []network.Ability{network.CanLike}, (*rig).liking},
		{"counting", []network.Ability{network.CanMetrics, network.CanPost}, (*rig).counting},
		{"heard and edited", nil, (*rig).heardEdited},
	} {
		if r := s.rig(v.name); r.needs(v.needs...) {
			v.run(r)
		}
	}
}

func (r *rig) parentDeleted() {
	if _, stays := r.fake.(Keeper); stays {
		return
	}
	d := r.reply()
	snd := r.begin(d)
	r.fake.Change(d.ReplyTo.Ref, nil)
	err := snd.all()
	if k := network.KindOf(err); k != network.Gone {
		r.errorf("what is answered was deleted: %q (%v), want Gone", k, err)
	}
	snd.ledger()
}

func (r *rig) parentEdited() {
	d := r.reply()
	snd := r.begin(d)
	changed := *d.ReplyTo
	changed.Text = text.Text{Body: "When does the library close, I meant to ask?"}
	r.clock.Advance(1e9)
	r.fake.Change(d.ReplyTo.Ref, &changed)
	if err := snd.all(); err != nil {
		k := network.KindOf(err)
		if k == network.Ambiguous || len(r.creates()) != 0 {
			r.errorf("what is answered was edited: %v", err)
		}
		return
	}
	snd.ledger()
}

func (r *rig) parentClosed() {
	closed, ok := r.native(RepliesClosed, OpCreate)
	if !ok {
		return
	}
	snd := r.begin(r.reply())
	i := snd.create()
	r.fake.Inject(closed)
	if _, err := snd.do(i); network.KindOf(err) != network.Policy {
		r.errorf("who is answered takes no answers: %q (%v), want Policy", network.KindOf(err), err)
	}
	if n := len(r.creates()); n != 0 {
		r.errorf("%d posts were made", n)
	}
}

func (r *rig) suspended() {
	if !r.speaks() {
		return
	}
	closed, ok := r.native(AccountClosed, OpCreate)
	if !ok {
		return
	}
	snd := r.begin(r.speech())
	i := snd.create()
	r.fake.Inject(closed)
	if _, err := snd.do(i); network.KindOf(err) != network.Suspended {
		r.errorf("our account is suspended: %q (%v), want Suspended", network.KindOf(err), err)
	}
	if n := len(r.creates()); n != 0 {
		r.errorf("%d posts were made", n)
	}
}

func (r *rig) impostor() {
	other, ok := r.fake.(Impostor)
	if !ok {
		return
	}
	d := r.reply()
	snd := r.begin(d)
	other.Usurp(d.ReplyTo.Author.Handle)
	err := snd.all()
	if err == nil {
		r.errorf("@%s is somebody else now, and the words went out all the same", d.ReplyTo.Author.Handle)
	} else if k := network.KindOf(err); k == network.Ambiguous || k == network.Transient || k == network.RateLimited {
		r.errorf("@%s is somebody else now: %q (%v), want a kind that stops", d.ReplyTo.Author.Handle, k, err)
	}
	if n := len(r.creates()); n != 0 {
		r.errorf("%d posts were made", n)
	}
}

// sentOnce: a post that was sent and then deleted must not come back to life.
func (r *rig) sentOnce() {
	if !r.speaks() {
		return
	}
	snd := r.begin(r.speech())
	if err := snd.all(); err != nil {
		r.fatalf("sending: %v", err)
	}
	i := len(snd.plan.Steps) - 1
	ref := *snd.plan.Steps[i].Done
	for range 2 {
		before := r.wire.len()
		d, err := snd.do(i)
		if err != nil || d.State != network.Sent || d.Ref.ID != ref.ID {
			r.errorf("Do of a step that is done says %q %q (%v), want Sent %q", d.State, d.Ref.ID, err, ref.ID)
		}
		if slices.ContainsFunc(r.wire.since(before), sent.write) {
			r.errorf("Do of a step that is done sent it again")
		}
		r.fake.Change(ref, nil)
	}
	if n := len(r.creates()); n != 1 {
		r.errorf("the ledger holds %d posts", n)
	}
}

// plannedTwice: a crash before the plan was stored makes a second plan of the
// same draft. Where ids or keys prove, both plans name the same ones.
func (r *rig) plannedTwice() {
	if !r.speaks() {
		return
	}
	d := r.speech()
	a, b := r.begin(d), r.begin(d)
	if len(a.plan.Steps) != len(b.plan.Steps) {
		r.fatalf("the same draft makes %d and %d steps", len(a.plan.Steps), len(b.plan.Steps))
	}
	for i, st := range a.plan.Steps {
		if o := b.plan.Steps[i]; st.Proof == network.ProofKey && st.Key != o.Key {
			r.errorf("the same draft gets the keys %q and %q", st.Key, o.Key)
		}
	}
}

func (r *rig) deleting() {
	del, ok := r.fresh().(network.Deleter)
	if !ok {
		r.fatalf("deleting is granted, but the connector is no Deleter")
	}
	snd := r.begin(r.post())
	if err := snd.all(); err != nil {
		r.fatalf("sending: %v", err)
	}
	ref := *snd.plan.Steps[len(snd.plan.Steps)-1].Done
	r.fake.Inject(Fault{Op: OpDelete, Commit: true, Cut: true})
	if err := del.Delete(r.ctx, r.acct, ref); err == nil {
		r.errorf("the answer to a delete was lost, and Delete says that all is well")
	} else {
		r.checkError("Delete", err, true)
	}
	for range 2 {
		if err := r.fresh().(network.Deleter).Delete(r.ctx, r.acct, ref); err != nil {
			r.errorf("deleting what is gone: %v, want nil", err)
		}
	}
}

func (r *rig) editing() {
	ed, ok := r.fresh().(network.Editor)
	if !ok {
		r.fatalf("editing is granted, but the connector is no Editor")
	}
	snd := r.begin(r.post())
	if err := snd.all(); err != nil {
		r.fatalf("sending: %v", err)
	}
	ref := *snd.plan.Steps[len(snd.plan.Steps)-1].Done
	d := r.post()
	r.clock.Advance(1e9)
	got, err := ed.Edit(r.ctx, r.acct, ref, d)
	if err != nil || got.State != network.Sent {
		r.fatalf("Edit: %q, %v", got.State, err)
	}
	edits := 0
	for _, w := range r.fake.Ledger() {
		if w.Op == OpEdit {
			edits++
		}
	}
	if edits != 1 || len(r.creates()) != 1 {
		r.errorf("one edit left %d edits and %d posts", edits, len(r.creates()))
	}
	r.fake.Inject(Fault{Op: OpEdit, Commit: true, Cut: true})
	if _, err := ed.Edit(r.ctx, r.acct, got.Ref, r.post()); network.KindOf(err) != network.Ambiguous {
		r.errorf("the answer to an edit was lost: %v, want Ambiguous", err)
	}
	r.fake.Inject(Fault{Op: OpEdit, Cut: true})
	if _, err := ed.Edit(r.ctx, r.acct, got.Ref, r.post()); err == nil {
		r.errorf("an edit that was cut off says that all is well")
	}
}

// liking: once or twice is the same, and it can be taken back.
func (r *rig) liking() {
	act, ok := r.fresh().(network.Actor)
	if !ok {
		r.fatalf("liking is granted, but the connector is no Actor")
	}
	post := r.hear(r.stranger())
	like := network.Act{Kind: network.Like, On: post.Ref, Person: post.Author}
	for range 2 {
		if err := act.Act(r.ctx, r.acct, like); err != nil {
			r.errorf("liking: %v", err)
		}
	}
	like.Undo = true
	for range 2 {
		if err := act.Act(r.ctx, r.acct, like); err != nil {
			r.errorf("taking a like back: %v", err)
		}
	}
	if n := len(r.creates()); n != 0 {
		r.errorf("liking made %d posts", n)
	}
}

// counting is invariant 8: what is not told is absent, and so is what is gone.
func (r *rig) counting() {
	m, ok := r.fresh().(network.Meter)
	if !ok {
		r.fatalf("counts are granted, but the connector is no Meter")
	}
	var refs []network.Ref
	for range 2 {
		snd := r.begin(r.post())
		if err := snd.all(); err != nil {
			r.fatalf("sending: %v", err)
		}
		refs = append(refs, *snd.plan.Steps[len(snd.plan.Steps)-1].Done)
	}
	r.fake.Change(refs[1], nil)
	var counts map[string]network.Counts
	var err error
	r.quiet("Metrics", func() { counts, err = m.Metrics(r.ctx, r.acct, refs) })
	if err != nil {
		r.checkError("Metrics", err, false)
		r.fatalf("Metrics: %v", err)
	}
	if _, told := counts[refs[0].ID]; !told {
		r.errorf("nothing is told of %s: %v", refs[0].ID, counts)
	}
	if _, told := counts[refs[1].ID]; told {
		r.errorf("invariant 8: %s is gone, and has counts: %v", refs[1].ID, counts[refs[1].ID])
	}
	if t, ok := r.fake.(Teller); ok {
		for name := range counts[refs[0].ID] {
			if !slices.Contains(t.Counts(), name) {
				r.errorf("invariant 8: this network tells no %q, which is not 0 but absent", name)
			}
		}
	}
}

// heardEdited: an edit is another version of the same, seen by Watch.
func (r *rig) heardEdited() {
	w, ok := r.fresh().(network.Watcher)
	if !ok {
		return
	}
	in := r.inbox()
	p := r.stranger()
	ref := r.fake.Say(p)
	in.drain()
	before := in.ref(ref)
	r.clock.Advance(2e9)
	p.Text.Body = "The library opens on Sundays now, I hear."
	r.fake.Change(ref, &p)
	events, err := w.Watch(r.ctx, r.acct, []network.Ref{before})
	if err != nil {
		r.checkError("Watch", err, false)
		r.fatalf("Watch: %v", err)
	}
	in.keep(events)
	in.drain()
	got, ok := in.store.post(ref.ID)
	if !ok {
		return // a network whose edits make a new id (snac) shows the old one gone
	}
	if n := in.store.versions(ref.ID); n != 2 || got.Version == before.Version {
		r.errorf("after one edit there are %d versions of %s, the newest %q (before: %q)", n, ref.ID, got.Version, before.Version)
	}
}
