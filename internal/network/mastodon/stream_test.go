package mastodon_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"parley/internal/network"
	"parley/internal/network/mastodon"
	"parley/internal/text"
)

// listen opens the stream; what it tells comes through the channel.
func (r *rig) listen() (events <-chan network.Event, stop func() error) {
	r.t.Helper()
	ctx, cancel := context.WithCancel(r.t.Context())
	out, ready, done := make(chan network.Event, 100), make(chan struct{}), make(chan error, 1)
	go func() {
		done <- r.n.Stream(ctx, r.a, func() { close(ready) }, func(e network.Event) error { out <- e; return nil })
	}()
	select {
	case <-ready:
	case err := <-done:
		r.t.Fatalf("the stream does not open: %v", err)
	}
	return out, func() error { cancel(); return <-done }
}

func TestStream(t *testing.T) {
	t.Parallel()
	for _, d := range []mastodon.Dialect{mastodon.Mastodon, mastodon.GoToSocial, mastodon.Pleroma, mastodon.Unknown} {
		r := setup(t, d)
		events, stop := r.listen()
		next := func(what string) network.Event {
			t.Helper()
			select {
			case e := <-events:
				return e
			case <-t.Context().Done():
				t.Fatalf("%s: %s never came", d, what)
				return network.Event{}
			}
		}
		ref := r.say("ann@far.example", "hello", network.Public)
		if e := next("the notification"); e.Kind != network.KindMessage || e.Post.ID != ref.ID || !e.Addressed || e.Post.Indexed.IsZero() {
			t.Errorf("%s: a mention came as %+v", d, e)
		}
		next("the update") // the same in the home timeline
		r.clock.Advance(time.Second)
		r.fake.Change(ref, &network.Post{Text: text.Text{Body: "good day"}})
		if e := next("the edit"); e.Kind != network.KindEdit || e.Post.ID != ref.ID || e.Post.Version == "" {
			t.Errorf("%s: an edit came as %+v", d, e)
		}
		r.fake.Change(ref, nil)
		if e := next("the delete"); e.Kind != network.KindGone || e.Gone.ID != ref.ID {
			t.Errorf("%s: a delete came as %+v", d, e)
		}
		r.fake.Mumble("bo@far.example", "to nobody in particular")
		ours := r.send(draft("from elsewhere"))[0]
		if e := next("our own"); !e.Own || e.Post.ID != ours.ID || e.Addressed {
			t.Errorf("%s: our own post came as %+v", d, e)
		}
		r.fake.Tell("filters_changed") // means nothing to us
		r.fake.Tell("notifications_merged")
		if e := next("the hint"); e.Kind != network.KindHint {
			t.Errorf("%s: merged notifications came as %+v", d, e)
		}
		if err := stop(); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: closed with %v", d, err)
		}
		for _, q := range r.fake.Requests() {
			if q.UserAgent() != agent {
				t.Errorf("%s: %s %s names itself %q", d, q.Method, q.URL.Path, q.UserAgent())
			}
			if q.URL.Path == "/api/v1/streaming" && (q.URL.Query().Has("access_token") || q.Header.Get("Authorization") == "") {
				t.Errorf("%s: the stream's address is %s", d, q.URL)
			}
		}
	}
}

// TestStreamBreaks: the caller's own error comes back as it is; a connection
// that ends is Transient.
func TestStreamBreaks(t *testing.T) {
	t.Parallel()
	r := setup(t, mastodon.Mastodon)
	full := errors.New("the store is full")
	err := r.n.Stream(t.Context(), r.a, func() { r.say("ann@far.example", "hello", network.Public) },
		func(network.Event) error { return full })
	if !errors.Is(err, full) {
		t.Errorf("%v", err)
	}
	for _, d := range []mastodon.Dialect{mastodon.Pixelfed, mastodon.Snac} {
		r := setup(t, d)
		err := r.n.Stream(t.Context(), r.a, func() { t.Error("it is ready") }, nil)
		wantError(t, err, network.Policy, "mastodon.why.no_stream")
	}
	r = setup(t, mastodon.Mastodon)
	r.fake.Lose()
	err = r.n.Stream(t.Context(), r.a, func() { t.Error("it is ready") }, nil)
	wantError(t, err, network.Auth, "")

	r = against(t, mastodon.Mastodon, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(`{"domain":"town.example","configuration":{"urls":{"streaming":"wss://10.0.0.1"}}}`))
	}))
	err = r.n.Stream(t.Context(), r.a, func() { t.Error("it is ready") }, nil)
	wantError(t, err, network.Transient, "")
}
