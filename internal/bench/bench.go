// Package bench measures the program on the machine it runs on: what it prints
// is what docs and notes may quote. Figures that are compared with each other
// are measured in one run, since machines are noisy.
package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/url"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"parley/internal/app"
	"parley/internal/db"
	"parley/internal/network"
	"parley/internal/team"
	"parley/internal/text"
)

// Metric is one figure.
type Metric struct {
	Metric string  `json:"metric"`
	Value  float64 `json:"value"`
	Unit   string  `json:"unit"`
}

// Options say how large and on what.
type Options struct {
	Messages int
	Postgres string        // DSN; "" is SQLite
	For      time.Duration // of benches that run for a time
	Progress io.Writer     // how far it is
}

// Bench measures one thing.
type Bench func(ctx context.Context, o Options) ([]Metric, error)

// All are the benches by name.
func All() map[string]Bench {
	return map[string]Bench{"inbox": Inbox, "ingest": Ingest, "idle": Idle, "live": Live}
}

// Print writes metrics as a table, or as JSON.
func Print(w io.Writer, ms []Metric, asJSON bool) error {
	for i := range ms {
		ms[i].Value = math.Round(ms[i].Value*1000) / 1000
	}
	if asJSON {
		return json.NewEncoder(w).Encode(ms)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, m := range ms {
		fmt.Fprintf(t, "%s\t%g\t%s\n", m.Metric, m.Value, m.Unit)
	}
	return t.Flush()
}

// open makes an empty installation in a folder of its own, on PostgreSQL in a
// schema of its own; drop removes it.
func open(ctx context.Context, o Options, name string) (a *app.App, drop func(), err error) {
	dir, err := os.MkdirTemp("", "parley-bench-")
	if err != nil {
		return nil, nil, fmt.Errorf("making a folder: %w", err)
	}
	c := app.Config{Data: dir, Postgres: o.Postgres, URL: &url.URL{Scheme: "http", Host: "localhost"}}
	if o.Postgres != "" {
		c.Schema = fmt.Sprintf("bench_%s_%d", name, os.Getpid())
		if err := statement(ctx, o.Postgres, "create schema "+c.Schema); err != nil {
			os.RemoveAll(dir)
			return nil, nil, err
		}
	}
	drop = func() {
		if a != nil {
			a.Close()
		}
		if c.Schema != "" {
			statement(context.WithoutCancel(ctx), o.Postgres, "drop schema "+c.Schema+" cascade")
		}
		os.RemoveAll(dir)
	}
	if a, err = app.Open(ctx, c); err != nil {
		drop()
		return nil, nil, err
	}
	return a, drop, nil
}

func statement(ctx context.Context, dsn, q string) error {
	d, err := db.Open(ctx, db.Options{DSN: dsn, Conns: 1})
	if err != nil {
		return err
	}
	defer d.Close()
	return d.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.Exec(ctx, q)
		return err
	})
}

// seat makes a workspace.
func seat(ctx context.Context, a *app.App) (team.Workspace, error) {
	w, _, err := a.Team.Operator().CreateWorkspace(ctx, team.SetUp{Email: "bench@example.org",
		Login: team.NewLogin{Name: "Bench", Password: app.UnknownPassword()}, Workspace: team.NewWorkspace{Name: "Bench", Zone: "UTC", Locale: "en"}})
	return w, err
}

// town is the account that everybody in the crowd speaks to.
func town() network.Account {
	return network.Account{Network: "mastodon", Instance: "https://town.example", RemoteID: "1", Handle: "town", Name: "Town"}
}

// crowd makes mentions such as a town gets: people come back, about half of the
// messages answer an earlier one, words follow Zipf's law. The same seed makes
// the same messages.
type crowd struct {
	r     *rand.Rand
	who   *rand.Zipf
	word  *rand.Zipf
	words []string
	n     int
	start time.Time
}

func newCrowd(messages int) *crowd {
	r := rand.New(rand.NewPCG(1, 2))
	c := &crowd{r: r, who: rand.NewZipf(r, 1.1, 20, uint64(max(50, messages/20))), word: rand.NewZipf(r, 1.05, 8, 29_999),
		start: time.Now().UTC().Add(-300 * 24 * time.Hour)}
	for range 30_000 {
		b := make([]byte, 3+r.IntN(8))
		for i := range b {
			b[i] = "etaoinshrdlucmfwypvbgk"[min(r.IntN(22), r.IntN(22))]
		}
		c.words = append(c.words, string(b))
	}
	return c
}

func (c *crowd) page(size int) []network.Event {
	es := make([]network.Event, 0, size)
	for range size {
		c.n++
		who := c.who.Uint64()
		handle := fmt.Sprintf("person%d@somewhere%d.example", who, who%97)
		at := c.start.Add(time.Duration(c.n) * 20 * time.Second)
		p := &network.Post{Ref: network.Ref{ID: fmt.Sprintf("11%016d", c.n), URL: fmt.Sprintf("https://somewhere%d.example/@person%d/11%016d", who%97, who, c.n)},
			Visibility: network.Public, Lang: "en", Created: at,
			Author: network.Person{RemoteID: fmt.Sprintf("10%014d", who), Handle: handle, Name: fmt.Sprintf("Person %d", who),
				URL: "https://somewhere.example/@person", Avatar: "https://somewhere.example/avatar.png"}}
		if c.n > 100 && c.r.IntN(2) == 0 {
			p.ParentID = fmt.Sprintf("11%016d", c.n-1-c.r.IntN(99))
		}
		var b strings.Builder
		b.WriteString("@town")
		for range 8 + c.r.IntN(35) {
			b.WriteByte(' ')
			b.WriteString(c.words[c.word.Uint64()])
		}
		p.Text = text.Text{Body: b.String(), Spans: []text.Span{{Start: 0, End: 5, Kind: text.Mention, Target: "1"}}}
		es = append(es, network.Event{Kind: network.KindMessage, Addressed: true, At: at, Post: p})
	}
	return es
}

// quantile is the value below which a share q of the sorted durations lies.
func quantile(ds []time.Duration, q float64) time.Duration {
	if len(ds) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(ds))
	return s[min(len(s)-1, int(q*float64(len(s))))]
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
