package sandbox_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"testing"
	"time"

	"parley/internal/clock"
	"parley/internal/network"
	"parley/internal/network/sandbox"
	"parley/internal/network/sandbox/people"
)

// served is a sandbox as a process of its own: two listeners, real sockets.
type served struct {
	network, control string
	stop             context.CancelFunc
	ended            chan error
}

func serve(t *testing.T, o sandbox.Options) *served {
	t.Helper()
	listen := func() net.Listener {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		return ln
	}
	ln, control := listen(), listen()
	ctx, stop := context.WithCancel(context.Background())
	s := &served{"http://" + ln.Addr().String(), "http://" + control.Addr().String(), stop, make(chan error, 1)}
	go func() { s.ended <- sandbox.Serve(ctx, ln, control, o) }()
	t.Cleanup(stop)
	return s
}

func (s *served) post(t *testing.T, path string, in any) (int, []byte) {
	t.Helper()
	b, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.Post(s.control+path, "application/json", bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	out, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, out
}

// A separate process: scripted lines arrive by poll and by stream, faults can
// be armed, the clock moved, the ledger read; its control API is not on the
// network's own address; and it stops when told, open streams and all.
func TestServe(t *testing.T) {
	t.Parallel()
	c := clock.NewFake(noon)
	s := serve(t, sandbox.Options{Seed: 1, Clock: c, Desks: []people.Desk{{Handle: "townhall"}}})
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	con := sandbox.NewConnector(network.Env{HTTP: &http.Client{}, Now: c.Now}, s.network)
	a, secret, err := con.SignIn(ctx, url.Values{"handle": {"@TownHall "}})
	if err != nil {
		t.Fatal(err)
	}
	a.Secret = secret

	ready, events, ended := make(chan struct{}), make(chan network.Event, 10), make(chan error, 1)
	go func() {
		ended <- con.Stream(ctx, a, func() { close(ready) }, func(e network.Event) error { events <- e; return nil })
	}()
	<-ready
	status, body := s.post(t, "/control/script", []sandbox.Said{
		{Who: "lina", Name: "Lina Hobday", To: "townhall", Text: "Is anybody there?"},
		{Who: "lina", To: "townhall", Text: "Only for you", Visibility: "direct"},
	})
	var ids struct{ IDs []string }
	if err := json.Unmarshal(body, &ids); status != 200 || err != nil || len(ids.IDs) != 2 {
		t.Fatalf("scripting: %d %s", status, body)
	}
	for i := range ids.IDs {
		select {
		case e := <-events:
			if e.Post == nil || e.Post.ID != ids.IDs[i] || e.Direct != (i == 1) {
				t.Errorf("the stream tells %+v, want %s", e, ids.IDs[i])
			}
		case <-ctx.Done():
			t.Fatal("the stream is silent")
		}
	}

	if status, _ := s.post(t, "/control/faults", []sandbox.Fault{{Op: "poll", Status: 503}}); status != 204 {
		t.Errorf("arming a fault: %d", status)
	}
	if _, err := con.Poll(ctx, a, network.Mentions, network.Cursor{}); network.KindOf(err) != network.Transient {
		t.Errorf("Poll under a fault: %v", err)
	}
	if p, err := con.Poll(ctx, a, network.Mentions, network.Cursor{}); err != nil || len(p.Events) != 2 {
		t.Errorf("Poll: %d events, %v", len(p.Events), err)
	}
	before := c.Now()
	if status, _ := s.post(t, "/control/clock", map[string]string{"advance": "90m"}); status != 200 || c.Now().Sub(before) != 90*time.Minute {
		t.Errorf("moving the clock: %d, by %v", status, c.Now().Sub(before))
	}
	if status, _ := s.post(t, "/control/clock", map[string]string{"advance": "-1h"}); status != 422 {
		t.Errorf("moving the clock backwards: %d", status)
	}
	if status, _ := s.post(t, "/control/script", "nonsense"); status != 400 {
		t.Errorf("a script of nonsense: %d", status)
	}
	res, err := http.Get(s.network + "/control/ledger")
	if err != nil || res.StatusCode != http.StatusNotFound {
		t.Errorf("the control API answers on the network's address: %v", res.Status)
	}
	_ = res.Body.Close()

	s.stop()
	select {
	case err := <-s.ended:
		if err != nil {
			t.Errorf("Serve: %v", err)
		}
	case <-ctx.Done():
		t.Fatal("Serve does not stop")
	}
	if err := <-ended; network.KindOf(err) != network.Transient {
		t.Errorf("a stream whose server stopped: %v", err)
	}
}

// Whatever a member types as a handle is a clear refusal or an account.
func TestSignIn(t *testing.T) {
	t.Parallel()
	d := newDemo(t, 1, "")
	somebody := d.imported(t, d.signIn(t, "townhall"), network.Mentions)[0]
	taken := "nobody"
	if somebody.Post != nil {
		taken = somebody.Post.Author.Handle
	}
	for handle, want := range map[string]network.Kind{
		"": network.BadInput, "a": network.BadInput, "two words": network.BadInput, "UPPER": "", "@fine": "", "née": network.BadInput,
		"x\x00y": network.BadInput, "../../etc": network.BadInput, taken: network.Policy,
	} {
		_, _, err := d.SignIn(context.Background(), url.Values{"handle": {handle}})
		if got := network.KindOf(err); got != want {
			t.Errorf("signing in as %q: %q (%v), want %q", handle, got, err, want)
		}
	}
}

// A token that was taken back is refused, and taking it back twice is fine.
func TestRevoke(t *testing.T) {
	t.Parallel()
	d := newDemo(t, 1, "")
	a := d.signIn(t, "townhall")
	for range 2 {
		if err := d.Revoke(context.Background(), a); err != nil {
			t.Fatalf("revoking: %v", err)
		}
	}
	if _, err := d.Describe(context.Background(), a); network.KindOf(err) != network.Auth {
		t.Errorf("Describe with a revoked token: %v", err)
	}
	if _, err := d.Refresh(context.Background(), a); network.KindOf(err) != network.Auth {
		t.Errorf("Refresh with a revoked token: %v", err)
	}
}
