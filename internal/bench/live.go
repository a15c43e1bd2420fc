package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"parley/internal/actor"
	"parley/internal/app"
	"parley/internal/conversation"
	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/network"
	"parley/internal/team"
)

const (
	browsers   = 500
	liveEvents = 20
	liveUsers  = 20 // sign-ins that the browsers share
)

// Live connects 500 browsers to one workspace, lets one message arrive, and
// measures from its commit until each browser has the last byte of the inbox
// list that it fetches again, compressed. Browsers and server share this process
// and this machine.
func Live(ctx context.Context, o Options) ([]Metric, error) {
	if o.Messages == 0 {
		o.Messages = 10_000
	}
	a, drop, err := open(ctx, o, "live")
	if err != nil {
		return nil, err
	}
	defer drop()
	w, acc, err := fill(ctx, a, o.Messages)
	if err != nil {
		return nil, err
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listening: %w", err)
	}
	ctx, stop := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() { served <- a.Serve(ctx, ln, app.ACME{}) }()
	defer func() { stop(); <-served }()

	cookies, err := signIns(ctx, a)
	if err != nil {
		return nil, err
	}
	r := &round{base: "http://" + ln.Addr().String(), list: "/w/" + w.Slug + "/inbox?fragment=list", arrived: make(chan time.Time, browsers)}
	var streams sync.WaitGroup
	greeted := make(chan error, browsers)
	for i := range browsers {
		streams.Go(func() { r.browse(ctx, cookies[i%len(cookies)], greeted) })
	}
	for range browsers {
		if err := <-greeted; err != nil {
			return nil, err
		}
	}
	waits, err := r.measure(ctx, a, w.ID, acc)
	if err != nil {
		return nil, err
	}
	stop()
	streams.Wait()
	return []Metric{
		{"browsers", browsers, "connections"},
		{"to_all_p50_ms", ms(quantile(waits, 0.5)), "ms"},
		{"to_all_p99_ms", ms(quantile(waits, 0.99)), "ms"},
		{"to_all_max_ms", ms(quantile(waits, 1)), "ms"},
		{"list_bytes", float64(r.size), "bytes"},
	}, nil
}

// fill makes a workspace with messages.
func fill(ctx context.Context, a *app.App, messages int) (w team.Workspace, acc id.ID, err error) {
	if w, err = seat(ctx, a); err != nil {
		return w, 0, err
	}
	a.Accounts.Use(&endless{remote: town()})
	if acc, err = a.Accounts.SignIn(ctx, actor.System(w.ID, "bench"), "mastodon", url.Values{}); err != nil {
		return w, 0, err
	}
	people := newCrowd(messages)
	for range messages / batch {
		if err := arrive(ctx, a, w.ID, acc, people.page(batch), nil); err != nil {
			return w, 0, err
		}
	}
	return w, acc, nil
}

// arrive stores events as the poller does; before is called at the last moment
// before the commit.
func arrive(ctx context.Context, a *app.App, w, acc id.ID, es []network.Event, before func()) error {
	return a.DB.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		_, err := a.Desk.Ingest(ctx, tx, actor.System(w, "bench"), conversation.Arrival{Account: acc, Remote: town(), Feed: network.Mentions, Events: es})
		if before != nil {
			before()
		}
		return err
	})
}

func signIns(ctx context.Context, a *app.App) ([]string, error) {
	logins, err := a.Team.Operator().Logins(ctx)
	if err != nil || len(logins) == 0 {
		return nil, errors.Join(err, errors.New("nobody to sign in"))
	}
	var cookies []string
	for range liveUsers {
		s, err := a.Team.Operator().OpenSession(ctx, logins[0].ID, team.Place{Agent: "bench"})
		if err != nil {
			return nil, err
		}
		cookies = append(cookies, "parley="+s.Secret)
	}
	return cookies, nil
}

// round is the browsers and what they have seen.
type round struct {
	base, list string
	arrived    chan time.Time

	mu   sync.Mutex
	size int
}

// browse holds a stream and fetches the list after each notice, as live.js does.
func (r *round) browse(ctx context.Context, cookie string, greeted chan<- error) {
	client := &http.Client{Transport: &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 2}}
	defer client.CloseIdleConnections()
	res, err := r.get(ctx, client, "/live", cookie)
	if err != nil {
		greeted <- err
		return
	}
	defer res.Body.Close()
	lines := bufio.NewReader(res.Body)
	for first := true; ; {
		line, err := lines.ReadString('\n')
		if err != nil {
			if first {
				greeted <- fmt.Errorf("a stream broke: %w", err)
			}
			return
		}
		if !strings.HasPrefix(line, "data:") {
			continue
		}
		if first { // hello; one fetch makes the connection that later ones use
			first = false
			_, err := r.fetch(ctx, client, cookie)
			greeted <- err
			continue
		}
		if n, err := r.fetch(ctx, client, cookie); err == nil {
			r.arrived <- time.Now()
			r.mu.Lock()
			r.size = n
			r.mu.Unlock()
		}
	}
}

func (r *round) get(ctx context.Context, client *http.Client, path, cookie string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.base+path, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Cookie", cookie)
	req.Header.Set("Parley-Fetch", "1")
	req.Header.Set("Accept-Encoding", "gzip")
	res, err := client.Do(req)
	if err == nil && res.StatusCode != http.StatusOK {
		res.Body.Close()
		err = fmt.Errorf("%s answered %s", path, res.Status)
	}
	return res, err
}

func (r *round) fetch(ctx context.Context, client *http.Client, cookie string) (int, error) {
	res, err := r.get(ctx, client, r.list, cookie)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	n, err := io.Copy(io.Discard, res.Body)
	return int(n), err
}

// measure lets messages arrive one by one and waits for all browsers each time.
func (r *round) measure(ctx context.Context, a *app.App, w, acc id.ID) ([]time.Duration, error) {
	people := newCrowd(1)
	people.n = 100_000_000 // none of those that are there
	var waits []time.Duration
	for n := range liveEvents + 1 {
		var committed time.Time
		if err := arrive(ctx, a, w, acc, people.page(1), func() { committed = time.Now() }); err != nil {
			return nil, err
		}
		for range browsers {
			select {
			case at := <-r.arrived:
				if n > 0 { // the first warms up
					waits = append(waits, at.Sub(committed))
				}
			case <-time.After(30 * time.Second):
				return nil, errors.New("some browsers never got the list")
			}
		}
	}
	return waits, nil
}
