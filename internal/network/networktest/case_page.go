package networktest

import (
	"math/rand/v2"
	"net/http"

	"parley/internal/network"
)

// casePages is h: reading while people go on talking, with crashes between.
func casePages(s *suite) {
	s.rig("a burst").burst()
	s.rig("talking while it is read").interleaved()
	r := s.rig("late with a lower id")
	if late, ok := r.fake.(Latecomer); ok {
		r.latecomer(late)
	}
}

// crowd makes n strangers speak.
func (r *rig) crowd(n int) []network.Ref {
	refs := make([]network.Ref, n)
	for i := range refs {
		refs[i] = r.fake.Say(r.stranger())
	}
	return refs
}

// all requires every ref to be stored. A network that shows only its newest
// items can't tell them all, and must have said that there is a gap.
func (in *inbox) all(refs []network.Ref) {
	in.tb.Helper()
	lost := 0
	for _, ref := range refs {
		if in.store.versions(ref.ID) == 0 {
			lost++
		}
	}
	if lost > 0 && in.store.gaps > 0 {
		in.tb.Logf("%s: %d of %d messages fell into a gap that was told", in.what, lost, len(refs))
	} else if lost > 0 {
		in.errorf("%d of %d messages never arrived: a cursor moved ahead of what was stored", lost, len(refs))
	}
}

// burst: more than any page holds arrives between two polls, oldest first.
func (r *rig) burst() {
	r.crowd(3) // something is known, so that a gap can be seen
	in := r.inbox()
	refs := r.crowd(230)
	at := map[string]int{}
	for i, ref := range refs {
		at[ref.ID] = i
	}
	for _, f := range r.caps.Feeds {
		last := -1
		for range pages {
			page, err := in.poll(f)
			if err != nil {
				r.fatalf("Poll %s: %v", f, err)
			}
			for _, e := range page.Events {
				if e.Post == nil || e.Kind != network.KindMessage {
					continue
				}
				i, said := at[e.Post.ID]
				if said && i < last {
					r.errorf("Poll %s tells message %d behind message %d: not oldest first", f, i, last)
				}
				if said {
					last = i
				}
			}
			if !page.More {
				break
			}
		}
	}
	in.all(refs)
}

// interleaved: people talk before and during every read; some pages are read
// and lost in a crash. What a cursor passed must have been in a page.
func (r *rig) interleaved() {
	chance := rand.New(rand.NewPCG(26, 11))
	r.crowd(3)
	in := r.inbox()
	refs := r.crowd(90)
	r.wire.watch(func(q *http.Request) {
		if q.Method == http.MethodGet && chance.IntN(3) == 0 {
			refs = append(refs, r.crowd(1+chance.IntN(4))...)
		}
	}, nil)
	for range 30 {
		refs = append(refs, r.crowd(chance.IntN(6))...)
		f := r.caps.Feeds[chance.IntN(len(r.caps.Feeds))]
		if chance.IntN(3) == 0 {
			if _, err := in.peek(f); err != nil {
				r.fatalf("Poll %s: %v", f, err)
			}
			continue
		}
		if _, err := in.poll(f); err != nil {
			r.fatalf("Poll %s: %v", f, err)
		}
	}
	r.wire.watch(nil, nil)
	in.drain()
	in.all(refs)
}

// latecomer: an item that sorts before the cursor still arrives.
func (r *rig) latecomer(late Latecomer) {
	in := r.inbox()
	refs := r.crowd(3)
	in.drain()
	refs = append(refs, late.SayLate(r.stranger()))
	in.drain()
	refs = append(refs, r.crowd(1)...)
	in.drain()
	in.all(refs)
}
