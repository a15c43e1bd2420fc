package networktest

import (
	"slices"

	"parley/internal/network"
)

// How long a connector may keep asking for media that never becomes ready.
const maxMediaPolls = 3000

// caseMedia is d: media that is prepared in the background.
func caseMedia(s *suite) {
	for _, v := range []struct {
		name string
		run  func(*rig, network.Draft)
	}{
		{"at once", (*rig).mediaPlain},
		{"ready after three", (*rig).mediaLater},
		{"never ready", (*rig).mediaNever},
		{"cannot be processed", (*rig).mediaFailed},
		{"expires while it is prepared", (*rig).mediaExpired},
		{"upload answer lost", (*rig).mediaUploadLost},
		{"create answer lost", (*rig).mediaCreateLost},
		{"used by the post whose answer was lost", (*rig).mediaUsed},
	} {
		r := s.rig(v.name)
		if r.speaks(network.CanMedia) {
			v.run(r, r.illustrated())
		}
	}
}

// illustrated is a draft with a picture.
func (r *rig) illustrated() network.Draft {
	r.tb.Helper()
	ok := slices.ContainsFunc(r.caps.Media, func(m network.MediaRule) bool {
		return m.Kind == "image" && m.Max > 0 && (len(m.MIME) == 0 || slices.Contains(m.MIME, "image/png"))
	})
	if !ok {
		r.errorf("media is granted, but no rule takes a PNG picture: %+v", r.caps.Media)
	}
	d := r.speech()
	m, _ := picture(uint8(40 + r.next()))
	d.Parts[0].Media = []network.Media{m}
	return d
}

func (r *rig) mediaPlain(d network.Draft) {
	r.tb.Helper()
	in := r.inbox()
	want := d.Parts[0].Media[0].Alt
	snd := r.begin(d)
	if err := snd.all(); err != nil {
		r.fatalf("sending a picture: %v", err)
	}
	snd.ledger()
	r.showsAlt(in, snd, want)
}

// showsAlt requires the description to stand beside the picture.
func (r *rig) showsAlt(in *inbox, snd *sending, want string) {
	r.tb.Helper()
	if !slices.Contains(r.caps.Feeds, network.Own) {
		return
	}
	in.drain()
	ref := snd.plan.Steps[len(snd.plan.Steps)-1].Done
	got, ok := in.store.post(ref.ID)
	if !ok {
		r.fatalf("our own post %s does not arrive by Poll of %s", ref.ID, network.Own)
	}
	if len(got.Media) != 1 || got.Media[0].Alt != want {
		r.errorf("the picture went out as %+v, want its description %q", got.Media, want)
	}
}

// upload is the first upload that comes before what it belongs to; false where
// the network has none.
func (s *sending) upload() (int, bool) {
	for i, st := range s.plan.Steps {
		switch st.Kind {
		case network.Upload:
			return i, true
		case network.Create:
			return 0, false
		}
	}
	return 0, false
}

// preparing plans a draft while uploads become ready late, and starts its
// upload. false: this network's uploads are ready at once.
func (r *rig) preparing(d network.Draft, faults ...Fault) (*sending, int, bool) {
	r.tb.Helper()
	snd := r.begin(d)
	i, ok := snd.upload()
	if !ok {
		return snd, 0, false
	}
	for _, f := range faults {
		r.fake.Inject(f)
	}
	got, err := snd.do(i)
	if err != nil {
		r.fatalf("uploading: %v", err)
	}
	if got.State == network.Sent {
		r.tb.Logf("%s: uploads are ready at once", r.what)
		return snd, i, false
	}
	if got.State != network.Pending || got.PollAfter <= 0 {
		r.fatalf("an upload that is not ready is %q with PollAfter %v, want Pending and a time", got.State, got.PollAfter)
	}
	r.clock.Advance(got.PollAfter)
	return snd, i, true
}

func (r *rig) mediaLater(d network.Draft) {
	r.tb.Helper()
	snd, i, later := r.preparing(d, Fault{Op: OpStatus, Status: 206, Times: 3})
	if !later {
		return
	}
	for polls := 0; snd.state[i] != network.Sent; polls++ {
		got, err := snd.do(i)
		if err != nil || polls > 10 {
			r.fatalf("asking for the %dth time: %q, %v", polls+1, got.State, err)
		}
		if got.State == network.Pending {
			r.clock.Advance(got.PollAfter)
		}
		if n := len(r.creates()); n != 0 {
			r.errorf("%d posts were made before the picture was ready", n)
		}
	}
	if n := r.uploads(); n != 1 {
		r.errorf("one picture was uploaded %d times", n)
	}
	if err := snd.all(); err != nil {
		r.errorf("sending: %v", err)
	}
	snd.ledger()
}

// uploads counts uploads in the ledger.
func (r *rig) uploads() int {
	n := 0
	for _, w := range r.fake.Ledger() {
		if w.Op == OpUpload {
			n++
		}
	}
	return n
}

func (r *rig) mediaNever(d network.Draft) {
	r.tb.Helper()
	snd, i, later := r.preparing(d, Fault{Op: OpStatus, Status: 206, Times: 2 * maxMediaPolls})
	if !later {
		return
	}
	for range maxMediaPolls {
		got, err := snd.do(i)
		if err != nil {
			if k := network.KindOf(err); k != network.BadMedia {
				r.errorf("media that is never ready ends as %q (%v), want BadMedia", k, err)
			}
			if n := len(r.creates()); n != 0 {
				r.errorf("%d posts were made without their picture", n)
			}
			return
		}
		if got.State != network.Pending {
			r.fatalf("media that is never ready is %q", got.State)
		}
		r.clock.Advance(got.PollAfter)
	}
	r.errorf("after %d times and until %v the connector still asks", maxMediaPolls, r.clock.Now())
}

func (r *rig) mediaFailed(d network.Draft) {
	r.tb.Helper()
	failed, _ := r.native(MediaFailed, OpStatus)
	snd, i, later := r.preparing(d, failed)
	if !later {
		return
	}
	if got, err := snd.do(i); network.KindOf(err) != network.BadMedia {
		r.errorf("media that cannot be processed is %q, %v; want BadMedia", got.State, err)
	}
	if n := len(r.creates()); n != 0 {
		r.errorf("%d posts were made without their picture", n)
	}
}

func (r *rig) mediaExpired(d network.Draft) {
	r.tb.Helper()
	expired, _ := r.native(MediaExpired, OpStatus)
	snd, i, later := r.preparing(d, expired)
	if !later {
		return
	}
	if err := snd.step(i); err != nil {
		r.fatalf("after the upload expired: %v", err)
	}
	if n := r.uploads(); n != 2 {
		r.errorf("an expired upload was made %d times in all, want twice, in the same plan", n)
	}
	if err := snd.all(); err != nil {
		r.errorf("sending: %v", err)
	}
	snd.ledger()
}

func (r *rig) mediaUploadLost(d network.Draft) {
	r.tb.Helper()
	snd := r.begin(d)
	r.fake.Inject(Fault{Op: OpUpload, Commit: true, Cut: true})
	if err := snd.all(); err != nil {
		r.errorf("after the answer to an upload was lost: %v", err)
	}
	snd.ledger()
}

func (r *rig) mediaCreateLost(d network.Draft) {
	r.tb.Helper()
	r.lostAfterCommit(d, Fault{Op: OpCreate, Commit: true, Cut: true})
}

// mediaUsed: the post and its picture are out, the answer is lost. Where media
// can't be used twice, a repeat is refused for that reason, and this refusal
// must not be taken for "not sent".
func (r *rig) mediaUsed(d network.Draft) {
	r.tb.Helper()
	if _, once := r.native(MediaUsed, OpCreate); !once {
		return
	}
	snd := r.begin(d)
	i := snd.create()
	r.fake.Inject(Fault{Op: OpCreate, Commit: true, Cut: true})
	_, _ = snd.do(i) // its own checks are made in do
	got, err := snd.do(i)
	if k := network.KindOf(err); got.State != network.Sent && k != network.Ambiguous && k != network.Duplicate {
		r.errorf("the picture is used already, by the lost post: Do says %q, %q (%v), want Sent, Duplicate or Ambiguous", got.State, k, err)
	}
	if n := len(r.creates()); n != 1 {
		r.errorf("%d posts were made", n)
	}
}
