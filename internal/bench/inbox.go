package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"time"

	"parley/internal/actor"
	"parley/internal/app"
	"parley/internal/conversation"
	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/network"
	"parley/internal/team"
	"parley/internal/text"
)

const (
	// fewMessages is the size that growth is counted from.
	fewMessages = 10_000
	// of so many pages one belongs to the workspace that searches
	fillShare  = 100
	fillPage   = 200
	inboxTimes = 500
)

// Inbox fills two workspaces, one with a hundredth of the messages, and measures
// what a member waits for: a list with its counts, a conversation with its
// composer, the acceptance of a reply, each in the large workspace; and searches in
// the small one, of common, rare and two words, phrases, beginnings and Han
// characters in equal parts. List and open are measured at ten thousand messages
// too, and compared by their medians: between runs a hundredth part is mostly noise.
func Inbox(ctx context.Context, o Options) ([]Metric, error) {
	if o.Messages == 0 {
		o.Messages = 1_000_000
	}
	a, drop, err := open(ctx, o, "inbox")
	if err != nil {
		return nil, err
	}
	defer drop()
	b := &inboxBench{a: a, o: o, r: rand.New(rand.NewPCG(3, 4))}
	if err := b.furnish(ctx); err != nil {
		return nil, err
	}
	if err := b.fill(ctx, min(fewMessages, o.Messages)); err != nil {
		return nil, err
	}
	fewList, fewOpen, err := b.reads(ctx)
	if err != nil {
		return nil, err
	}
	if err := b.fill(ctx, o.Messages); err != nil {
		return nil, err
	}
	list, opened, err := b.reads(ctx)
	if err != nil {
		return nil, err
	}
	search, err := b.times(b.searches(ctx))
	if err != nil {
		return nil, err
	}
	at, err := b.places(ctx)
	if err != nil {
		return nil, err
	}
	reply, err := b.times(b.replies(ctx, at))
	if err != nil {
		return nil, err
	}
	p := func(ds []time.Duration, q float64) float64 { return ms(quantile(ds, q)) }
	metrics := []Metric{{"messages", float64(b.n), "messages"}}
	for _, m := range []struct {
		name string
		took []time.Duration
	}{{"list", list}, {"open", opened}, {"search", search}, {"reply", reply}} {
		metrics = append(metrics, Metric{m.name + "_p50_ms", p(m.took, 0.5), "ms"}, Metric{m.name + "_p99_ms", p(m.took, 0.99), "ms"})
	}
	for i, kind := range queryKinds() {
		var took []time.Duration
		for at := i; at < len(search); at += len(queryKinds()) {
			took = append(took, search[at])
		}
		metrics = append(metrics, Metric{"search_" + kind + "_p99_ms", p(took, 0.99), "ms"})
	}
	return append(metrics,
		Metric{"list_growth", p(list, 0.5) / p(fewList, 0.5), "ratio"},
		Metric{"open_growth", p(opened, 0.5) / p(fewOpen, 0.5), "ratio"}), nil
}

// inboxBench is an installation with a large workspace and a small one.
type inboxBench struct {
	a           *app.App
	o           Options
	r           *rand.Rand
	people      *crowd
	n, pages    int
	large, few  inboxDesk
	said        []string // words of the small workspace, to look for
	saidInHan   []string
	commonWords []string
}

type inboxDesk struct {
	account id.ID
	who     actor.Actor
}

// answering is a network on which everything can be answered.
type answering struct{ endless }

func (*answering) Describe(context.Context, network.Account) (network.Capabilities, error) {
	return network.Capabilities{Feeds: []network.Feed{network.Mentions}, Can: map[network.Ability]network.Grant{network.CanReply: {OK: true}},
		Text: text.Rule{Unit: text.Graphemes, Max: 500}, Visibilities: []network.Visibility{network.Public, network.Unlisted}}, nil
}

// furnish makes the two workspaces, with a member and an account each.
func (b *inboxBench) furnish(ctx context.Context) error {
	b.people = newCrowd(b.o.Messages)
	b.commonWords = b.people.words[:8]
	b.a.Accounts.Use(&answering{endless{remote: town()}})
	for i, d := range []*inboxDesk{&b.large, &b.few} {
		email := fmt.Sprintf("bench%d@example.org", i)
		w, login, err := b.a.Team.Operator().CreateWorkspace(ctx, team.SetUp{Email: email,
			Login: team.NewLogin{Name: "Bench", Password: app.UnknownPassword()}, Workspace: team.NewWorkspace{Name: "Bench", Zone: "UTC", Locale: "en"}})
		if err != nil {
			return err
		}
		s, err := b.a.Team.Operator().OpenSession(ctx, login, team.Place{Agent: "bench"})
		if err != nil {
			return err
		}
		v, err := b.a.Team.Authenticate(ctx, s.Secret)
		if err != nil {
			return err
		}
		d.who = v.Workspaces[0].Actor
		if d.account, err = b.a.Accounts.SignIn(ctx, actor.System(w.ID, "bench"), "mastodon", url.Values{}); err != nil {
			return err
		}
	}
	return nil
}

// fill brings messages in until there are as many.
func (b *inboxBench) fill(ctx context.Context, messages int) error {
	for ; b.n < messages; b.pages++ {
		d, size := &b.large, min(fillPage, messages-b.n)
		if b.pages%fillShare == fillShare/3 {
			d = &b.few
		}
		es := b.people.page(size)
		for i := range es {
			if i%20 == 7 {
				es[i].Post.Text = text.Text{Body: b.han()}
			}
			b.note(d, es[i].Post.Text.Body)
		}
		if err := arrive(ctx, b.a, d.who.Workspace, d.account, es, nil); err != nil {
			return err
		}
		b.n += size
		progress(b.o, "filling", b.n/fillPage-1, b.o.Messages/fillPage)
	}
	if b.a.DB.Dialect() == db.Postgres {
		// As it is an hour later, when the server has gathered statistics by itself.
		return statementIn(ctx, b.a.DB, "analyze")
	}
	return nil
}

func statementIn(ctx context.Context, d *db.DB, q string) error {
	return d.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.Exec(ctx, q)
		return err
	})
}

// han is a sentence of a few hundred characters that come as often as words do.
func (b *inboxBench) han() string {
	var s strings.Builder
	for range 12 + b.r.IntN(30) {
		s.WriteRune('一' + rune(min(b.r.IntN(2000), b.r.IntN(2000))))
	}
	return s.String()
}

// note keeps some of what the small workspace heard.
func (b *inboxBench) note(d *inboxDesk, body string) {
	switch {
	case d != &b.few:
	case body[0] != '@' && len(b.saidInHan) < 2000:
		b.saidInHan = append(b.saidInHan, body)
	case body[0] == '@' && len(b.said) < 20_000:
		b.said = append(b.said, body)
	}
}

// times measures what do does, after a few that warm up.
func (b *inboxBench) times(do func(i int) error) ([]time.Duration, error) {
	var took []time.Duration
	for i := range inboxTimes + inboxTimes/10 {
		began := time.Now()
		if err := do(i); err != nil {
			return nil, err
		}
		if i >= inboxTimes/10 {
			took = append(took, time.Since(began))
		}
	}
	return took, nil
}

// reads measures lists and conversations of the large workspace.
func (b *inboxBench) reads(ctx context.Context) (list, opened []time.Duration, err error) {
	boxes := []conversation.Box{conversation.Waiting, conversation.All, conversation.Closed, conversation.Mine}
	list, err = b.times(func(i int) error {
		if _, err := b.a.Desk.List(ctx, b.large.who, conversation.Filter{Box: boxes[i%len(boxes)]}); err != nil {
			return err
		}
		_, err := b.a.Desk.Counts(ctx, b.large.who)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	at, err := b.places(ctx)
	if err != nil {
		return nil, nil, err
	}
	opened, err = b.times(func(i int) error {
		if _, err := b.a.Desk.Open(ctx, b.large.who, at[i]); err != nil {
			return err
		}
		_, err = b.a.Desk.Compose(ctx, b.large.who, at[i], 0)
		return err
	})
	return list, opened, err
}

// places are conversations from anywhere among all there are, each once.
func (b *inboxBench) places(ctx context.Context) ([]id.ID, error) {
	rows, err := b.a.DB.Read().Query(ctx, `select id from conversation where workspace = $1`, b.large.who.Workspace)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []id.ID
	for rows.Next() {
		var c id.ID
		if err := rows.Scan(&c); err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	b.r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all, rows.Err()
}

// replies accepts an answer to one conversation after the other.
func (b *inboxBench) replies(ctx context.Context, at []id.ID) func(int) error {
	return func(i int) error {
		_, err := b.a.Desk.Reply(ctx, b.large.who, conversation.Answer{Conversation: at[i], Text: "It opens again on Monday.", Seen: -1, Key: fmt.Sprint("bench", i)})
		return err
	}
}

// queryKinds are what searches are of, in the order in which they are asked.
func queryKinds() []string { return []string{"common", "rare", "two", "phrase", "prefix", "han"} }

// searches asks one kind after the other, as a page of results does.
func (b *inboxBench) searches(ctx context.Context) func(int) error {
	return func(i int) error {
		q := b.query(queryKinds()[(i-inboxTimes/10+60*len(queryKinds()))%len(queryKinds())])
		_, err := b.a.Desk.Search(ctx, b.few.who, conversation.Query{Words: text.Query(q).Terms})
		return err
	}
}

func (b *inboxBench) query(kind string) string {
	words := strings.Fields(b.said[b.r.IntN(len(b.said))])[1:]
	at := b.r.IntN(len(words) - 1)
	switch kind {
	case "common":
		return b.commonWords[b.r.IntN(len(b.commonWords))]
	case "two":
		return words[at] + " " + words[len(words)-1]
	case "phrase":
		return `"` + words[at] + " " + words[at+1] + `"`
	case "prefix":
		return words[at][:3] + "*"
	case "han":
		s := []rune(b.saidInHan[b.r.IntN(len(b.saidInHan))])
		n := 2 + b.r.IntN(2)
		from := b.r.IntN(len(s) - n)
		return string(s[from : from+n])
	}
	return b.people.words[5000+b.r.IntN(25_000)]
}
