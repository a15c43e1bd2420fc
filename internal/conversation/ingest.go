package conversation

import (
	"context"
	"fmt"
	"slices"
	"time"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/id"
	"parley/internal/network"
	"parley/internal/problem"
)

// Arrival is one page of what happened on a network, as one of our accounts sees it.
type Arrival struct {
	Account id.ID
	Remote  network.Account
	Feed    network.Feed
	// History marks the import of the past: nobody is made to wait for an answer
	// to what was said a year ago.
	History bool
	Events  []network.Event
}

// Ingest stores a page in the caller's transaction, together with the caller's
// bookmark, and returns how many messages were new to this account. Storing a
// page again changes nothing: a message is one row by source and remote id,
// however often and whichever way it comes.
//
// The order inside a page does not matter: a reply may come before what it
// answers, a deletion before the message (then the message never appears).
func (d *Desk) Ingest(ctx context.Context, tx *db.Tx, a actor.Actor, in Arrival) (int, error) {
	if a.System == "" || a.Workspace == 0 {
		return 0, problem.New(problem.Forbidden, "forbidden", "right", "ingest")
	}
	d.crash.At("ingest.before-store")
	k := &intake{d: d, tx: tx, a: a, in: in, now: d.clock.Now()}
	k.sort()
	if len(k.said)+len(k.gone) == 0 {
		return 0, nil
	}
	for _, step := range []func(context.Context) error{
		k.findSource, k.findMessages, k.dropErased, k.findPeople, k.thread, k.storePeople, k.storeWords,
		k.storeThreads, k.storeMessages, k.storeEdits, k.converse, k.restore, k.bury,
	} {
		if err := step(ctx); err != nil {
			return 0, fmt.Errorf("storing what arrived: %w", err)
		}
	}
	d.crash.At("ingest.after-store-before-cursor")
	return k.fresh, nil
}

// intake is one call of Ingest.
type intake struct {
	d   *Desk
	tx  *db.Tx
	a   actor.Actor
	in  Arrival
	now time.Time

	said   []*incoming // by time, each remote id once
	gone   []network.Ref
	source id.ID
	known  map[string]*row    // messages stored or about to be, by remote id
	people map[string]*people // by remote id
	roots  map[string]id.ID   // threads by root
	alias  map[id.ID]id.ID    // threads that turned out to be part of another
	newThr []newThread
	fresh  int

	answered map[string]bool // what words of ours answer, by remote id
	back     []*incoming     // seen again long after we were told that they are gone
}

// incoming is an event on its way to a row.
type incoming struct {
	network.Event
	id     id.ID // of a new message
	row    *row
	author *people
	thanks bool // it only says thank you
}

// row is what the intake knows of a stored message.
type row struct {
	id       id.ID
	version  string
	thread   id.ID
	author   id.ID
	own      id.ID
	delivery id.ID
	at       time.Time
	seen     time.Time
	edited   time.Time
	gone     time.Time
	stored   bool
}

type newThread struct {
	id   id.ID
	root string
}

// sort cleans the events, brings the messages into the order they were said in
// and folds several copies of one into its newest version.
func (k *intake) sort() {
	at := map[string]int{}
	for _, e := range k.in.Events {
		if e.Kind != network.KindMessage && e.Kind != network.KindEdit && e.Kind != network.KindGone {
			continue
		}
		if e.Post != nil { // the caller's page is left as it was
			p := *e.Post
			p.To, p.Media = slices.Clone(p.To), slices.Clone(p.Media)
			e.Post = &p
		}
		if !clean(&e, k.now) {
			k.d.out.Info("left out an event that cannot be stored", "workspace", k.a.Workspace, "account", k.in.Account, "kind", e.Kind)
			continue
		}
		if e.Kind == network.KindGone {
			k.gone = append(k.gone, *e.Gone)
			continue
		}
		if e.Own {
			e.Post.Author = ourselves(k.in.Remote)
		}
		i, twice := at[e.Post.ID]
		if !twice {
			at[e.Post.ID] = len(k.said)
			k.said = append(k.said, &incoming{Event: e})
			continue
		}
		first := k.said[i]
		e.Quiet = e.Quiet && first.Quiet
		e.Addressed, e.Own, e.Direct = e.Addressed || first.Addressed, e.Own || first.Own, e.Direct || first.Direct
		if e.Post.Edited.Before(first.Post.Edited) {
			e.Post = first.Post
		}
		first.Event = e
	}
	slices.SortStableFunc(k.said, func(a, b *incoming) int { return a.Post.Created.Compare(b.Post.Created) })
}

func ourselves(a network.Account) network.Person {
	p := network.Person{Network: a.Network, Instance: a.Instance, RemoteID: a.RemoteID, Handle: a.Handle, Name: a.Name, URL: a.URL, Avatar: a.Avatar}
	cleanPerson(&p)
	return p
}

// findMessages looks up every message the page speaks of: those in it, what
// they answer, and those that are gone.
func (k *intake) findMessages(ctx context.Context) error {
	ids := map[string]bool{}
	for _, m := range k.said {
		ids[m.Post.ID] = true
		if m.Post.ParentID != "" {
			ids[m.Post.ParentID] = true
		}
	}
	for _, g := range k.gone {
		ids[g.ID] = true
	}
	in, args := db.In(3, keys(ids))
	rows, err := k.tx.Query(ctx, `select id, remote_id, version, thread, author, own, delivery, at, seen, edited, gone from message
		where workspace = $1 and source = $2 and remote_id `+in, append([]any{k.a.Workspace, k.source}, args...)...)
	if err != nil {
		return err
	}
	defer rows.Close()
	k.known = make(map[string]*row, len(ids))
	for rows.Next() {
		r := &row{stored: true}
		var remote string
		if err := rows.Scan(&r.id, &remote, &r.version, &r.thread, &r.author, &r.own, &r.delivery,
			db.ScanTime(&r.at), db.ScanTime(&r.seen), db.ScanTime(&r.edited), db.ScanTime(&r.gone)); err != nil {
			return err
		}
		k.known[remote] = r
	}
	for _, m := range k.said {
		m.row = k.known[m.Post.ID]
	}
	return rows.Err()
}

// dropErased leaves out messages that were erased or have passed their time,
// and messages whose deletion arrived before them.
func (k *intake) dropErased(ctx context.Context) error {
	var fresh []*incoming
	for _, m := range k.said {
		if m.row == nil {
			fresh = append(fresh, m)
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	marks, err := k.d.tombstones(ctx, k.tx, k.a.Workspace)
	if err != nil || marks.empty() {
		return err
	}
	buried, err := marks.find(ctx, k.tx, k.source, k.in.Account, fresh)
	if err != nil {
		return err
	}
	k.said = slices.DeleteFunc(k.said, func(m *incoming) bool { return m.row == nil && buried[m.Post.ID] })
	return nil
}

// thread gives every new message its thread. Where the network names the root,
// that is the thread; else it is the parent's; else, with the parent unknown, the
// thread the parent will open when it comes.
func (k *intake) thread(ctx context.Context) error {
	if err := k.findThreads(ctx); err != nil {
		return err
	}
	if err := k.number(ctx); err != nil {
		return err
	}
	k.alias = map[id.ID]id.ID{}
	for _, m := range k.said {
		if m.row != nil {
			continue
		}
		p := m.Post
		root := p.RootID
		var in id.ID
		if root == "" && p.ParentID != "" {
			root = p.ParentID
			if parent := k.known[p.ParentID]; parent != nil {
				in = k.real(parent.thread)
			}
		}
		if root == "" {
			root = p.ID
		}
		if in == 0 {
			in = k.threadOf(root)
		}
		// Replies that came first had opened a thread under this message's name.
		if waiting, ok := k.roots[p.ID]; ok && k.real(waiting) != in {
			k.alias[k.real(waiting)] = in
		}
		k.roots[p.ID] = in
		m.row = &row{id: m.id, version: p.Version, thread: in, at: p.Created, edited: p.Edited}
		k.known[p.ID] = m.row
		k.fresh++
	}
	return nil
}

func (k *intake) findThreads(ctx context.Context) error {
	roots := map[string]bool{}
	for _, m := range k.said {
		if m.row == nil {
			for _, r := range []string{m.Post.ID, m.Post.ParentID, m.Post.RootID} {
				if r != "" {
					roots[r] = true
				}
			}
		}
	}
	k.roots = make(map[string]id.ID, len(roots))
	if len(roots) == 0 {
		return nil
	}
	in, args := db.In(3, keys(roots))
	rows, err := k.tx.Query(ctx, `select id, root from thread where workspace = $1 and source = $2 and root `+in,
		append([]any{k.a.Workspace, k.source}, args...)...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var t id.ID
		var root string
		if err := rows.Scan(&t, &root); err != nil {
			return err
		}
		k.roots[root] = t
	}
	return rows.Err()
}

func (k *intake) threadOf(root string) id.ID {
	if t, ok := k.roots[root]; ok {
		return k.real(t)
	}
	t := k.d.ids.New()
	k.roots[root] = t
	k.newThr = append(k.newThr, newThread{t, root})
	return t
}

// real follows the merges made in this page.
func (k *intake) real(t id.ID) id.ID {
	for n := 0; n <= len(k.alias); n++ {
		to, moved := k.alias[t]
		if !moved {
			return t
		}
		t = to
	}
	return t // a circle of threads that answer each other: any of them will do
}

func (k *intake) storeThreads(ctx context.Context) error {
	rows := db.NewRows(4, len(k.newThr))
	for _, t := range k.newThr {
		rows.Add(t.id, k.a.Workspace, k.source, t.root)
	}
	if err := rows.Insert(ctx, k.tx, `insert into thread (id, workspace, source, root)`, ""); err != nil {
		return err
	}
	for from := range k.alias {
		if err := k.d.mergeThreads(ctx, k.tx, k.a.Workspace, from, k.real(from)); err != nil {
			return err
		}
	}
	return nil
}

func (k *intake) storeMessages(ctx context.Context) error {
	rows := db.NewRows(26, len(k.said))
	index := k.d.newIndex(k.tx, k.a.Workspace, len(k.said))
	for _, m := range k.said {
		if m.row.stored {
			continue
		}
		p := m.Post
		own := id.ID(0)
		if m.Own {
			own = k.in.Account
		}
		m.row.author, m.row.own = m.author.identity, own
		rows.Add(m.row.id, k.a.Workspace, k.source, p.ID, p.Version, p.ParentID, k.real(m.row.thread), m.author.identity, own, id.ID(0), id.ID(0),
			string(p.Visibility), p.Text.Body, encodeSpans(p.Text.Spans), p.Lang, p.Warning, encodeMedia(p.Media), p.QuoteID, p.URL,
			db.Micros(p.Created), db.Micros(k.now), db.Micros(p.Edited), int64(0), db.Micros(p.KeepUntil), direct(m.Direct), flag(m.Quiet))
		index.add(m.row.id, searchable(p))
	}
	const head = `insert into message (id, workspace, source, remote_id, version, parent, thread, author, own, delivery, by_member,
		visibility, body, spans, lang, warning, media, quote, url, at, seen, edited, gone, keep_until, direct, quiet)`
	if err := rows.Insert(ctx, k.tx, head, ""); err != nil {
		return err
	}
	return index.flush(ctx)
}

// storeEdits keeps the words that were there before and puts the new ones in
// their place. A version older than what is stored came late and is left.
func (k *intake) storeEdits(ctx context.Context) error {
	for _, m := range k.said {
		p := m.Post
		if !m.row.stored || m.row.version == p.Version || p.Version == "" || p.Edited.Before(m.row.edited) {
			continue
		}
		changed, err := k.d.revise(ctx, k.tx, k.a.Workspace, m.row, p, k.now)
		if err != nil {
			return err
		}
		if changed {
			if err := k.reconsider(ctx, m); err != nil {
				return err
			}
			k.d.log.Record(k.tx, k.a, event.Entry{Verb: "message.edited", Kind: "thread", Subject: k.real(m.row.thread),
				Details: map[string]string{"message": m.row.id.String(), "account": k.in.Account.String()}})
		}
	}
	return nil
}
