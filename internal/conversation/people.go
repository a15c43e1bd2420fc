package conversation

import (
	"context"
	"sync"

	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/network"
	"parley/internal/text"
)

// people is an identity on its way to a row.
type people struct {
	network.Person
	identity id.ID
	person   id.ID
	stored   bool
	changed  bool
}

// sources remembers the numbers of networks and instances.
type sources struct {
	mu sync.Mutex
	m  map[sourceKey]id.ID
}

type sourceKey struct {
	workspace         id.ID
	network, instance string
}

// findSource finds or makes the source row, and holds it until the transaction
// ends: the intake reads what is there and writes what it makes of it, so two of
// one source must come one after the other.
func (k *intake) findSource(ctx context.Context) error {
	var err error
	k.source, err = k.d.sourceOf(ctx, k.tx, k.a.Workspace, k.in.Remote)
	return err
}

// sourceOf locks a source and tells its number. A number that is made here is
// remembered only after the commit. Making it locks it already; so does SQLite's
// single writer, which is asked nothing for a number that is known.
func (d *Desk) sourceOf(ctx context.Context, tx *db.Tx, workspace id.ID, a network.Account) (id.ID, error) {
	key := sourceKey{workspace, a.Network, a.Instance}
	d.sources.mu.Lock()
	s := d.sources.m[key]
	d.sources.mu.Unlock()
	if s != 0 && tx.Dialect() == db.SQLite {
		return s, nil
	}
	if s != 0 {
		// Rows that refer to it may still be added by others: no key changes. It is
		// looked for by its name, which another node may have changed (SourceMoved).
		const lock = `select id from source where workspace = $1 and network = $2 and instance = $3 for no key update`
		err := tx.Row(ctx, lock, workspace, a.Network, a.Instance).Scan(&s)
		if err == nil || !db.NoRows(err) {
			return s, err
		}
	}
	const insert = `insert into source (workspace, id, network, instance) values ($1, $2, $3, $4)
		on conflict (workspace, network, instance) do update set network = excluded.network returning id`
	if err := tx.Row(ctx, insert, workspace, d.ids.New(), a.Network, a.Instance).Scan(&s); err != nil {
		return 0, err
	}
	tx.AfterCommit(func() {
		d.sources.mu.Lock()
		defer d.sources.mu.Unlock()
		if d.sources.m == nil {
			d.sources.m = map[sourceKey]id.ID{}
		}
		d.sources.m[key] = s
	})
	return s, nil
}

// lockSources keeps new words out of a workspace until the transaction ends:
// whoever removes people must not meet what they are just saying.
func lockSources(ctx context.Context, tx *db.Tx, workspace id.ID) error {
	if tx.Dialect() == db.SQLite {
		return nil // one writer
	}
	_, err := tx.Exec(ctx, `select id from source where workspace = $1 order by id for no key update`, workspace)
	return err
}

// findPeople looks up the authors, and those our own direct messages went to.
func (k *intake) findPeople(ctx context.Context) error {
	k.people = make(map[string]*people, len(k.said))
	add := func(p network.Person) *people {
		have := k.people[p.RemoteID]
		if have == nil {
			have = &people{Person: p}
			k.people[p.RemoteID] = have
		}
		return have
	}
	for _, m := range k.said {
		m.author = add(m.Post.Author)
		if m.Own && m.Direct && len(m.Post.To) > 0 && m.Post.To[0].RemoteID != "" {
			add(m.Post.To[0])
		}
	}
	if len(k.people) == 0 {
		return nil
	}
	in, args := db.In(3, keys(k.people))
	rows, err := k.tx.Query(ctx, `select id, person, remote_id, handle, name, url, avatar, bot from identity
		where workspace = $1 and source = $2 and remote_id `+in, append([]any{k.a.Workspace, k.source}, args...)...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var was network.Person
		var identity, person, bot id.ID
		if err := rows.Scan(&identity, &person, &was.RemoteID, &was.Handle, &was.Name, &was.URL, &was.Avatar, &bot); err != nil {
			return err
		}
		p := k.people[was.RemoteID]
		p.identity, p.person, p.stored = identity, person, true
		p.changed = p.Handle != "" && !k.in.History &&
			(p.Handle != was.Handle || p.Name != was.Name || p.URL != was.URL || p.Avatar != was.Avatar || p.Bot != (bot != 0))
	}
	return rows.Err()
}

func (k *intake) storePeople(ctx context.Context) error {
	persons, identities := db.NewRows(4, len(k.people)), db.NewRows(13, len(k.people))
	for _, p := range k.people {
		switch {
		case !p.stored:
			p.identity, p.person = k.d.ids.New(), k.d.ids.New()
			persons.Add(k.a.Workspace, p.person, p.person, db.Micros(k.now))
			identities.Add(k.a.Workspace, p.identity, p.person, k.source, p.RemoteID, p.Handle, p.Name, p.URL, p.Avatar, flag(p.Bot), db.Micros(k.now),
				text.Fold(p.Handle), text.Fold(p.Name))
		case p.changed:
			if _, err := k.tx.Exec(ctx, `update identity set handle = $1, name = $2, url = $3, avatar = $4, bot = $5, folded = $6, called = $7
				where workspace = $8 and id = $9`, p.Handle, p.Name, p.URL, p.Avatar, flag(p.Bot), text.Fold(p.Handle), text.Fold(p.Name), k.a.Workspace, p.identity); err != nil {
				return err
			}
		}
	}
	if err := persons.Insert(ctx, k.tx, `insert into person (workspace, id, one, created)`, ""); err != nil {
		return err
	}
	return identities.Insert(ctx, k.tx,
		`insert into identity (workspace, id, person, source, remote_id, handle, name, url, avatar, bot, created, folded, called)`, "")
}
