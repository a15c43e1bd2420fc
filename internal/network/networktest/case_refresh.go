package networktest

import (
	"bytes"
	"sync"
	"time"

	"parley/internal/network"
)

// caseRefresh is f: tokens that expire, are renewed twice at once, or can't be.
func caseRefresh(s *suite) {
	r := s.rig("token refused")
	r.refused()
	for _, v := range []struct {
		name string
		run  func(*rig, *vault)
	}{
		{"two at once", (*rig).refreshRace},
		{"answer lost", (*rig).refreshLost},
		{"server error", (*rig).refreshError},
		{"empty answer", (*rig).refreshEmpty},
		{"dead", (*rig).refreshDead},
	} {
		r := s.rig(v.name)
		if _, ok := r.fresh().(network.Refresher); ok {
			v.run(r, &vault{secret: r.acct.Secret})
		}
	}
	r = s.rig("expires between two steps")
	if r.needs(network.CanPost, network.CanThread) {
		r.expires()
	}
}

// refused: a token the network does not take is Auth, and nothing was sent.
func (r *rig) refused() {
	dead, _ := r.native(TokenDead, OpPoll)
	for _, feed := range r.caps.Feeds {
		in := r.inbox()
		dead.Op = OpPoll
		r.fake.Inject(dead)
		if _, err := in.poll(feed); network.KindOf(err) != network.Auth {
			r.errorf("Poll %s with a dead token says %q (%v), want Auth", feed, network.KindOf(err), err)
		}
	}
	if !r.speaks() {
		return
	}
	snd := r.begin(r.speech())
	i := snd.create()
	dead.Op = OpCreate
	r.fake.Inject(dead)
	if _, err := snd.do(i); network.KindOf(err) != network.Auth {
		r.errorf("Do with a dead token says %q (%v), want Auth", network.KindOf(err), err)
	}
	if n := len(r.creates()); n != 0 {
		r.errorf("a dead token left %d posts", n)
	}
	if err := snd.all(); err != nil {
		r.errorf("after reconnecting: %v", err)
	}
	snd.ledger()
}

// refresh renews once with what the vault holds now, as a fresh process.
func (r *rig) refresh(v *vault) (read network.Secret, renewed network.Secret, err error) {
	r.tb.Helper()
	a := r.acct
	a.Secret = v.load()
	renewed, err = r.fresh().(network.Refresher).Refresh(r.ctx, a)
	if err != nil {
		r.checkError("Refresh", err, true)
	} else if len(renewed.Blob) == 0 {
		r.errorf("Refresh reports no error and an empty secret")
	}
	return a.Secret, renewed, err
}

// works requires what the vault holds to be taken by the network.
func (r *rig) works(v *vault) {
	r.tb.Helper()
	r.acct.Secret = v.load()
	if _, err := r.fresh().Describe(r.ctx, r.acct); err != nil {
		r.errorf("Describe with the stored secret: %v", err)
	}
	r.inbox()
}

// refreshRace: one stored generation wins, the loser reloads.
func (r *rig) refreshRace(v *vault) {
	var wg sync.WaitGroup
	type result struct {
		read, renewed network.Secret
		err           error
	}
	got := make([]result, 2)
	read := v.load()
	for i := range got {
		wg.Go(func() {
			a := r.acct
			a.Secret = read
			renewed, err := r.fresh().(network.Refresher).Refresh(r.ctx, a)
			got[i] = result{read, renewed, err}
		})
	}
	wg.Wait()
	wins := 0
	for _, g := range got {
		if g.err != nil {
			r.checkError("Refresh", g.err, true)
			continue
		}
		if v.save(g.renewed, g.read.Generation) {
			wins++
		}
	}
	if wins != 1 {
		r.fatalf("two refreshes at once stored %d generations: %v, %v", wins, got[0].err, got[1].err)
	}
	r.works(v)
	if read, renewed, err := r.refresh(v); err != nil || !v.save(renewed, read.Generation) {
		r.errorf("the next refresh, with what the winner stored: %v", err)
	}
	r.works(v)
}

// refreshLost: not knowing is no reason to disconnect the account.
func (r *rig) refreshLost(v *vault) {
	r.fake.Inject(Fault{Op: OpRefresh, Commit: true, Cut: true})
	_, _, err := r.refresh(v)
	if k := network.KindOf(err); k == "" || k == network.Auth {
		r.errorf("the answer to a refresh was lost: %q (%v), want anything but success or Auth", k, err)
	}
	// A network whose refresh tokens work once may now want a human: that is Auth,
	// said by the network and not guessed.
	if read, renewed, err := r.refresh(v); err == nil {
		if !v.save(renewed, read.Generation) {
			r.errorf("the next refresh could not be stored")
		}
		r.works(v)
	} else if network.KindOf(err) != network.Auth {
		r.errorf("the next refresh: %v", err)
	}
}

func (r *rig) refreshError(v *vault) {
	for _, f := range []Fault{
		{Status: 500, Body: []byte(`{"error":"Internal Server Error"}`)},
		{Status: 503}, {Status: 502, Body: []byte("<html>Bad Gateway</html>")},
		{Status: 200, Body: []byte(`{"access`)},
	} {
		f.Op = OpRefresh
		r.fake.Inject(f)
		before := v.load()
		_, _, err := r.refresh(v)
		if k := network.KindOf(err); k == "" || k == network.Auth {
			r.errorf("a refresh answered %d %q is %q (%v): an error is no proof that the token is dead", f.Status, f.Body, k, err)
		}
		if !bytes.Equal(before.Blob, v.load().Blob) {
			r.errorf("a failed refresh changed what is stored")
		}
	}
	r.works(v)
}

// refreshEmpty: nothing overwrites something.
func (r *rig) refreshEmpty(v *vault) {
	r.fake.Inject(Fault{Op: OpRefresh, Status: 200, Body: []byte(`{}`)})
	if _, renewed, err := r.refresh(v); err == nil {
		r.errorf("a refresh answered {} made a secret of %d bytes", len(renewed.Blob))
	}
	f, ok := Fault{}, false
	if d, is := r.fake.(Dialect); is {
		f, ok = d.Native(RefreshEmpty)
	}
	if ok {
		f.Op = OpRefresh
		r.fake.Inject(f)
		if read, renewed, err := r.refresh(v); err == nil {
			v.save(renewed, read.Generation)
		}
	}
	if read, renewed, err := r.refresh(v); err != nil || !v.save(renewed, read.Generation) {
		r.errorf("after an empty answer the old refresh token must still be there: %v", err)
	}
	r.works(v)
}

func (r *rig) refreshDead(v *vault) {
	dead, _ := r.native(RefreshDead, OpRefresh)
	r.fake.Inject(dead)
	if _, _, err := r.refresh(v); network.KindOf(err) != network.Auth {
		r.errorf("a refresh token that is dead says %q (%v), want Auth", network.KindOf(err), err)
	}
}

// expires: the token dies between two parts of a thread; the plan goes on at
// the step where it stopped, with what was saved before it was used.
func (r *rig) expires() {
	d := r.post()
	second := r.post().Parts[0]
	d.Parts = append(d.Parts, second)
	snd := r.begin(d)
	creates := 0
	for _, st := range snd.plan.Steps {
		if st.Kind == network.Create {
			creates++
		}
	}
	if err := snd.step(snd.create()); err != nil {
		r.fatalf("the first part: %v", err)
	}
	v := &vault{secret: r.acct.Secret}
	if until := v.load().ExpiresAt; !until.IsZero() && until.After(r.clock.Now()) {
		r.clock.Advance(until.Sub(r.clock.Now()) + time.Second)
	}
	err := snd.all()
	if network.KindOf(err) == network.Auth {
		read, renewed, rerr := r.refresh(v)
		if rerr != nil || !v.save(renewed, read.Generation) {
			r.fatalf("refreshing: %v", rerr)
		}
		r.acct.Secret = v.load()
		err = snd.all()
	}
	if err != nil {
		r.errorf("the rest of the thread: %v", err)
	}
	snd.ledger()
	if creates > 1 {
		r.chained(snd)
	}
}

// chained requires each part of a thread to answer the one before.
func (r *rig) chained(snd *sending) {
	r.tb.Helper()
	th, ok := r.fresh().(network.Threader)
	if !ok || len(snd.plan.Steps) == 0 {
		return
	}
	var last *network.Ref
	for _, st := range snd.plan.Steps {
		if st.Kind != network.Create || st.Done == nil {
			continue
		}
		if last != nil {
			events, err := th.Thread(r.ctx, r.acct, *last)
			if err != nil {
				r.errorf("Thread: %v", err)
				return
			}
			if !answers(events, st.Done.ID, last.ID) {
				r.errorf("part %s does not stand in the thread as an answer to %s", st.Done.ID, last.ID)
			}
		}
		last = st.Done
	}
}

func answers(events []network.Event, id, parent string) bool {
	for _, e := range events {
		if e.Post != nil && e.Post.ID == id {
			return e.Post.ParentID == parent
		}
	}
	return false
}
