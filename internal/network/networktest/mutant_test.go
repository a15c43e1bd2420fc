package networktest_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"parley/internal/network"
	"parley/internal/network/networktest"
	"parley/internal/network/sandbox"
	"parley/internal/network/sandbox/sandboxtest"
)

// mutant is a connector with one thing wrong. A nil function leaves the method
// as it is.
type mutant struct {
	*sandbox.Connector
	describe func(network.Capabilities) network.Capabilities
	plan     func(network.Draft) network.Draft
	planned  func(network.Plan, error) (network.Plan, error)
	do       func(ctx context.Context, a network.Account, p network.Plan, i int) (network.Delivery, error)
	prove    func(ctx context.Context, a network.Account, p network.Plan, i int) (network.Delivery, error)
	poll     func(network.Page, error) (network.Page, error)
	refresh  func(network.Secret, error) (network.Secret, error)
	watch    func([]network.Event, error) ([]network.Event, error)
	metrics  func(refs []network.Ref, c map[string]network.Counts) map[string]network.Counts
	early    bool // Stream is ready before it is open
	del      func(error) error
}

func (m *mutant) Describe(ctx context.Context, a network.Account) (network.Capabilities, error) {
	c, err := m.Connector.Describe(ctx, a)
	if m.describe != nil {
		c = m.describe(c)
	}
	return c, err
}

func (m *mutant) Plan(ctx context.Context, a network.Account, d network.Draft) (network.Plan, error) {
	if m.plan != nil {
		d = m.plan(d)
	}
	p, err := m.Connector.Plan(ctx, a, d)
	if m.planned != nil {
		return m.planned(p, err)
	}
	return p, err
}

func (m *mutant) Do(ctx context.Context, a network.Account, p network.Plan, i int) (network.Delivery, error) {
	if m.do != nil {
		return m.do(ctx, a, p, i)
	}
	return m.Connector.Do(ctx, a, p, i)
}

func (m *mutant) Prove(ctx context.Context, a network.Account, p network.Plan, i int) (network.Delivery, error) {
	if m.prove != nil {
		return m.prove(ctx, a, p, i)
	}
	return m.Connector.Prove(ctx, a, p, i)
}

func (m *mutant) Poll(ctx context.Context, a network.Account, f network.Feed, c network.Cursor) (network.Page, error) {
	p, err := m.Connector.Poll(ctx, a, f, c)
	if m.poll != nil {
		return m.poll(p, err)
	}
	return p, err
}

func (m *mutant) Refresh(ctx context.Context, a network.Account) (network.Secret, error) {
	s, err := m.Connector.Refresh(ctx, a)
	if m.refresh != nil {
		return m.refresh(s, err)
	}
	return s, err
}

func (m *mutant) Watch(ctx context.Context, a network.Account, refs []network.Ref) ([]network.Event, error) {
	e, err := m.Connector.Watch(ctx, a, refs)
	if m.watch != nil {
		return m.watch(e, err)
	}
	return e, err
}

func (m *mutant) Metrics(ctx context.Context, a network.Account, refs []network.Ref) (map[string]network.Counts, error) {
	c, err := m.Connector.Metrics(ctx, a, refs)
	if m.metrics != nil && err == nil {
		c = m.metrics(refs, c)
	}
	return c, err
}

func (m *mutant) Stream(ctx context.Context, a network.Account, ready func(), got func(network.Event) error) error {
	if m.early {
		ready()
	}
	return m.Connector.Stream(ctx, a, ready, got)
}

func (m *mutant) Delete(ctx context.Context, a network.Account, ref network.Ref) error {
	err := m.Connector.Delete(ctx, a, ref)
	if m.del != nil {
		return m.del(err)
	}
	return err
}

// kindly changes one kind of error of Do into another.
func kindly(m *mutant, from, to network.Kind) {
	m.do = func(ctx context.Context, a network.Account, p network.Plan, i int) (network.Delivery, error) {
		d, err := m.Connector.Do(ctx, a, p, i)
		var e *network.Error
		if errors.As(err, &e) && e.Kind == from {
			e.Kind = to
		}
		return d, err
	}
}

// rewire changes each request before it leaves.
type rewire struct {
	next   http.RoundTripper
	change func(*http.Request) *http.Request
}

func (w rewire) RoundTrip(r *http.Request) (*http.Response, error) {
	return w.next.RoundTrip(w.change(r))
}

// TestMutants: for each rule a connector that breaks it, and the case that
// must notice. A suite that lets one of them pass proves nothing.
func TestMutants(t *testing.T) {
	t.Parallel()
	for _, c := range mutants() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			wait := 20 * time.Second
			if c.wait > 0 {
				wait = c.wait
			}
			found := networktest.Try(c.caught, wait, func(env networktest.Env) network.Network {
				if c.wire != nil {
					hc := *env.HTTP
					hc.Transport = rewire{hc.Transport, c.wire}
					env.HTTP = &hc
				}
				m := &mutant{Connector: sandbox.NewConnector(env.Env, env.BaseURL)}
				if c.breaks != nil {
					c.breaks(m, env)
				}
				return m
			}, func(env networktest.Env) networktest.Fake { return sandboxtest.New(t, env, c.on) })
			if len(found) == 0 {
				t.Fatal("the suite lets it pass")
			}
			for _, f := range found {
				if strings.Contains(f, c.says) {
					return
				}
			}
			t.Errorf("case %s does not say %q; the suite found:\n%s", c.caught, c.says, strings.Join(found, "\n"))
		})
	}
}

// The suite finds nothing wrong with the connector the mutants are made of.
func TestNoMutant(t *testing.T) {
	t.Parallel()
	for _, on := range []string{"key", "id", "container", "readback", "none"} {
		found := networktest.Try("", 20*time.Second,
			func(env networktest.Env) network.Network {
				return &mutant{Connector: sandbox.NewConnector(env.Env, env.BaseURL)}
			},
			func(env networktest.Env) networktest.Fake { return sandboxtest.New(t, env, on) })
		if len(found) > 0 {
			t.Errorf("%s: %s", on, strings.Join(found, "\n"))
		}
	}
}

type mutation struct {
	name   string
	on     string // personality
	caught string // the case that must notice
	says   string
	wait   time.Duration
	breaks func(*mutant, networktest.Env)
	wire   func(*http.Request) *http.Request
}

func mutants() []mutation {
	return append(append(outMutants(), inMutants()...), errorMutants()...)
}

// outMutants break what goes out.
func outMutants() []mutation {
	return []mutation{
		{name: "sends again when the answer is lost", on: "readback", caught: "a", says: "invariant 4", breaks: func(m *mutant, _ networktest.Env) {
			m.do = func(ctx context.Context, a network.Account, p network.Plan, i int) (network.Delivery, error) {
				d, err := m.Connector.Do(ctx, a, p, i)
				if network.KindOf(err) == network.Ambiguous {
					return m.Connector.Do(ctx, a, p, i)
				}
				return d, err
			}
		}},
		{name: "lets net/http send again", on: "readback", caught: "a", says: "one lost answer left 2 writes", wire: func(r *http.Request) *http.Request {
			if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/posts") {
				b, _ := io.ReadAll(r.Body)
				r = r.Clone(r.Context())
				r.Header.Set("Idempotency-Key", "anything")
				r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }
				r.Body, _ = r.GetBody()
			}
			return r
		}},
		{name: "changes the bytes between two Dos", on: "readback", caught: "b", says: "invariant 5", wire: spaced()},
		{name: "takes a 5xx for not sent", on: "readback", caught: "c", says: "want Ambiguous", breaks: func(m *mutant, _ networktest.Env) {
			kindly(m, network.Ambiguous, network.Transient)
		}},
		{name: "takes every failure for ambiguous", on: "id", caught: "b", says: "dialing did not succeed", breaks: func(m *mutant, _ networktest.Env) {
			kindly(m, network.Transient, network.Ambiguous)
		}},
		{name: "believes that it was sent", on: "readback", caught: "b", says: "Prove says", breaks: func(m *mutant, _ networktest.Env) {
			m.prove = func(context.Context, network.Account, network.Plan, int) (network.Delivery, error) {
				return network.Delivery{State: network.Sent, Ref: network.Ref{ID: "somewhere"}}, nil
			}
		}},
		{name: "believes that it was not sent", on: "readback", caught: "a", says: "Prove says", breaks: func(m *mutant, _ networktest.Env) {
			m.prove = func(context.Context, network.Account, network.Plan, int) (network.Delivery, error) {
				return network.Delivery{State: network.NotSent}, nil
			}
		}},
		{name: "shrugs although it could read", on: "readback", caught: "a", says: "invariant 2", breaks: func(m *mutant, _ networktest.Env) {
			m.prove = func(context.Context, network.Account, network.Plan, int) (network.Delivery, error) {
				return network.Delivery{State: network.Unknown}, nil
			}
		}},
		{name: "proves by sending", on: "readback", caught: "b", says: "invariant 3", breaks: func(m *mutant, _ networktest.Env) {
			m.prove = m.Connector.Do
		}},
		{name: "names the wrong post", on: "key", caught: "a", says: "invariant 2", breaks: func(m *mutant, _ networktest.Env) {
			m.do = func(ctx context.Context, a network.Account, p network.Plan, i int) (network.Delivery, error) {
				d, err := m.Connector.Do(ctx, a, p, i)
				d.Ref.ID += "0"
				return d, err
			}
			m.prove = func(ctx context.Context, a network.Account, p network.Plan, i int) (network.Delivery, error) {
				d, err := m.Connector.Prove(ctx, a, p, i)
				d.Ref.ID += "0"
				return d, err
			}
		}},
		{name: "needs the process that planned", on: "key", caught: "a", says: "", breaks: func(m *mutant, _ networktest.Env) {
			planned := false
			m.planned = func(p network.Plan, err error) (network.Plan, error) { planned = true; return p, err }
			m.do = func(ctx context.Context, a network.Account, p network.Plan, i int) (network.Delivery, error) {
				if !planned {
					return network.Delivery{}, &network.Error{Kind: network.BadInput, Native: "no plan"}
				}
				return m.Connector.Do(ctx, a, p, i)
			}
		}},
		{name: "sends what was sent and deleted", on: "id", caught: "j", says: "sent it again", breaks: func(m *mutant, _ networktest.Env) {
			m.do = func(ctx context.Context, a network.Account, p network.Plan, i int) (network.Delivery, error) {
				p.Steps[i].Done = nil
				return m.Connector.Do(ctx, a, p, i)
			}
		}},
		{name: "repeats with a key that was forgotten", on: "key", caught: "a", says: "a day after", breaks: func(m *mutant, _ networktest.Env) {
			until := regexp.MustCompile(`"until":\d+`)
			m.planned = func(p network.Plan, err error) (network.Plan, error) {
				for i := range p.Steps {
					p.Steps[i].Body = until.ReplaceAll(p.Steps[i].Body, []byte(`"until":99999999999`))
				}
				return p, err
			}
			m.prove = func(context.Context, network.Account, network.Plan, int) (network.Delivery, error) {
				return network.Delivery{State: network.Unknown}, nil
			}
		}},
		{name: "takes an older post for this one", on: "readback", caught: "b", says: "older post of the same words", breaks: func(m *mutant, _ networktest.Env) {
			after := regexp.MustCompile(`"after":\d+`)
			m.planned = func(p network.Plan, err error) (network.Plan, error) {
				for i := range p.Steps {
					p.Steps[i].Body = after.ReplaceAll(p.Steps[i].Body, []byte(`"after":0`))
				}
				return p, err
			}
		}},
		{name: "makes a new key for each plan", on: "key", caught: "j", says: "gets the keys", breaks: func(m *mutant, env networktest.Env) {
			m.plan = func(d network.Draft) network.Draft {
				b := make([]byte, 4)
				_, _ = env.Rand.Read(b)
				d.Key += string(b)
				return d
			}
		}},
		{name: "does not wait for media", on: "container", caught: "d", says: "", breaks: func(m *mutant, _ networktest.Env) {
			m.do = func(ctx context.Context, a network.Account, p network.Plan, i int) (network.Delivery, error) {
				d, err := m.Connector.Do(ctx, a, p, i)
				if d.State == network.Pending {
					d.State = network.Sent
				}
				return d, err
			}
		}},
		{name: "forgets the description", on: "key", caught: "d", says: "description", breaks: func(m *mutant, _ networktest.Env) {
			m.plan = func(d network.Draft) network.Draft {
				for i := range d.Parts[0].Media {
					d.Parts[0].Media[i].Alt = ""
				}
				return d
			}
		}},
		{name: "cuts what is too long", on: "key", caught: "i", says: "Plan admits one more", breaks: func(m *mutant, _ networktest.Env) {
			m.plan = func(d network.Draft) network.Draft {
				if t := d.Parts[0].Text; len(t) > 400 {
					d.Parts[0].Text = t[:400]
				}
				return d
			}
		}},
		{name: "counts a stricter limit", on: "key", caught: "i", says: "is refused", breaks: func(m *mutant, _ networktest.Env) {
			m.plan = func(d network.Draft) network.Draft { d.Parts[0].Text += "."; return d }
		}},
		{name: "fails to delete what is gone", on: "key", caught: "j", says: "deleting what is gone", breaks: func(m *mutant, _ networktest.Env) {
			m.del = func(err error) error {
				if err == nil {
					return &network.Error{Kind: network.Gone, Native: "404"}
				}
				return err
			}
		}},
		{name: "answers whoever has the handle now", on: "key", caught: "j", says: "somebody else", breaks: func(m *mutant, _ networktest.Env) {
			m.plan = func(d network.Draft) network.Draft { d.Parts[0].Keep = nil; return d }
		}},
	}
}

// spaced adds one more space to every post that is made.
func spaced() func(*http.Request) *http.Request {
	var n atomic.Int64
	return func(r *http.Request) *http.Request {
		if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/posts") {
			return r
		}
		b, _ := io.ReadAll(r.Body)
		r = r.Clone(r.Context())
		b = append(b, bytes.Repeat([]byte(" "), int(n.Add(1)))...)
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(b)), int64(len(b))
		return r
	}
}
