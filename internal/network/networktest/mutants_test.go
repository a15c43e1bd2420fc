package networktest_test

import (
	"context"
	"errors"
	"strconv"
	"time"

	"parley/internal/network"
	"parley/internal/network/networktest"
)

// inMutants break what comes in.
func inMutants() []mutation {
	return []mutation{
		{name: "moves the cursor ahead of the items", on: "key", caught: "h", says: "never arrived", breaks: func(m *mutant, _ networktest.Env) {
			m.poll = func(p network.Page, err error) (network.Page, error) {
				if n := len(p.Events); n > 1 {
					p.Events = p.Events[:n-1]
				}
				return p, err
			}
		}},
		{name: "stops at the first page", on: "key", caught: "h", says: "never arrived", breaks: func(m *mutant, _ networktest.Env) {
			m.poll = func(p network.Page, err error) (network.Page, error) { p.More = false; return p, err }
		}},
		{name: "tells the newest first", on: "key", caught: "h", says: "oldest first", breaks: func(m *mutant, _ networktest.Env) {
			m.poll = func(p network.Page, err error) (network.Page, error) {
				for i, j := 0, len(p.Events)-1; i < j; i, j = i+1, j-1 {
					p.Events[i], p.Events[j] = p.Events[j], p.Events[i]
				}
				return p, err
			}
		}},
		{name: "reads ids as floating point", on: "key", caught: "i", says: "under its id", breaks: func(m *mutant, _ networktest.Env) {
			m.poll = func(p network.Page, err error) (network.Page, error) {
				for _, e := range p.Events {
					if e.Post != nil {
						f, _ := strconv.ParseFloat(e.Post.ID, 64)
						e.Post.ID = strconv.FormatFloat(f, 'f', 0, 64)
					}
				}
				return p, err
			}
		}},
		{name: "invents a version at each read", on: "key", caught: "g", says: "stored", breaks: func(m *mutant, env networktest.Env) {
			m.poll = func(p network.Page, err error) (network.Page, error) {
				for _, e := range p.Events {
					if e.Post != nil {
						b := make([]byte, 4)
						_, _ = env.Rand.Read(b)
						e.Post.Version = strconv.Itoa(int(b[0])) + "." + strconv.Itoa(int(b[1]))
					}
				}
				return p, err
			}
		}},
		{name: "forgets whom it answers", on: "key", caught: "g", says: "does not name it as its parent", breaks: func(m *mutant, _ networktest.Env) {
			m.poll = func(p network.Page, err error) (network.Page, error) {
				for _, e := range p.Events {
					if e.Post != nil {
						e.Post.ParentID = ""
					}
				}
				return p, err
			}
		}},
		{name: "cuts a character with a span", on: "key", caught: "i", says: "cuts a character", breaks: func(m *mutant, _ networktest.Env) {
			m.poll = func(p network.Page, err error) (network.Page, error) {
				for _, e := range p.Events {
					if e.Post == nil {
						continue
					}
					for i := range e.Post.Text.Spans {
						e.Post.Text.Spans[i].Start = 1
					}
				}
				return p, err
			}
		}},
		{name: "is silent about what is gone", on: "key", caught: "g", says: "does not say", breaks: func(m *mutant, _ networktest.Env) {
			m.watch = func(_ []network.Event, err error) ([]network.Event, error) { return nil, err }
			m.poll = func(p network.Page, err error) (network.Page, error) {
				for i := range p.Events {
					if p.Events[i].Kind == network.KindGone {
						p.Events[i] = network.Event{Kind: network.KindHint}
					}
				}
				return p, err
			}
		}},
		{name: "is ready before the stream is open", on: "key", caught: "g", says: "says that it is ready", breaks: func(m *mutant, _ networktest.Env) { m.early = true }},
		{name: "counts what is not told as nothing", on: "key", caught: "j", says: "invariant 8", breaks: func(m *mutant, _ networktest.Env) {
			m.metrics = func(refs []network.Ref, c map[string]network.Counts) map[string]network.Counts {
				for _, r := range refs {
					if c[r.ID] == nil {
						c[r.ID] = network.Counts{}
					}
					c[r.ID]["views"] += 0
				}
				return c
			}
		}},
		{name: "refuses without a reason", on: "key", caught: "a", says: "without a reason", breaks: func(m *mutant, _ networktest.Env) {
			m.describe = func(c network.Capabilities) network.Capabilities {
				c.Can[network.CanRepost] = network.Grant{}
				return c
			}
		}},
	}
}

// errorMutants break what is said of failures, limits and tokens.
func errorMutants() []mutation {
	return []mutation{
		{name: "loses RetryAt", on: "key", caught: "e", says: "RetryAt is", breaks: func(m *mutant, _ networktest.Env) {
			m.do = func(ctx context.Context, a network.Account, p network.Plan, i int) (network.Delivery, error) {
				d, err := m.Connector.Do(ctx, a, p, i)
				var e *network.Error
				if errors.As(err, &e) {
					e.RetryAt = time.Time{}
				}
				return d, err
			}
		}},
		{name: "takes a limit for ambiguous", on: "key", caught: "e", says: "want RateLimited", breaks: func(m *mutant, _ networktest.Env) {
			kindly(m, network.RateLimited, network.Ambiguous)
		}},
		{name: "sleeps until the limit ends", on: "key", caught: "e", says: "want RateLimited", wait: 150 * time.Millisecond, breaks: func(m *mutant, _ networktest.Env) {
			m.do = func(ctx context.Context, a network.Account, p network.Plan, i int) (network.Delivery, error) {
				d, err := m.Connector.Do(ctx, a, p, i)
				if network.KindOf(err) == network.RateLimited {
					<-ctx.Done()
					return m.Connector.Do(ctx, a, p, i)
				}
				return d, err
			}
		}},
		{name: "returns bare errors", on: "key", caught: "c", says: "invariant 7", breaks: func(m *mutant, _ networktest.Env) {
			m.poll = func(p network.Page, err error) (network.Page, error) {
				if err != nil {
					err = errors.New(err.Error())
				}
				return p, err
			}
		}},
		{name: "tells the token in an error", on: "key", caught: "f", says: "contains a secret", breaks: func(m *mutant, _ networktest.Env) {
			m.do = func(ctx context.Context, a network.Account, p network.Plan, i int) (network.Delivery, error) {
				d, err := m.Connector.Do(ctx, a, p, i)
				var e *network.Error
				if errors.As(err, &e) && e.Kind == network.Auth {
					e.Message = string(a.Secret.Blob)
				}
				return d, err
			}
		}},
		{name: "makes up a kind", on: "key", caught: "c", says: "unknown kind", breaks: func(m *mutant, _ networktest.Env) {
			m.poll = func(p network.Page, err error) (network.Page, error) {
				if err != nil {
					err = &network.Error{Kind: "oops", Native: "500"}
				}
				return p, err
			}
		}},
		{name: "disconnects at any failed refresh", on: "key", caught: "f", says: "no proof that the token is dead", breaks: func(m *mutant, _ networktest.Env) {
			m.refresh = func(s network.Secret, err error) (network.Secret, error) {
				if err != nil {
					err = &network.Error{Kind: network.Auth, Native: "refresh"}
				}
				return s, err
			}
		}},
		{name: "takes an empty answer for a new token", on: "key", caught: "f", says: "made a secret of", breaks: func(m *mutant, _ networktest.Env) {
			m.refresh = func(s network.Secret, err error) (network.Secret, error) {
				if network.KindOf(err) == network.Transient {
					return network.Secret{}, nil
				}
				return s, err
			}
		}},
		{name: "never says that a token is dead", on: "key", caught: "f", says: "want Auth", breaks: func(m *mutant, _ networktest.Env) {
			kindly(m, network.Auth, network.Transient)
		}},
	}
}
