package conversation

import (
	"context"
	"fmt"
	"slices"

	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/text"
)

// wordsOf are the words by which somebody is found: those of their handle and of
// their name, each once.
func wordsOf(handle, name string) []string {
	words := append(text.Tokens(handle), text.Tokens(name)...)
	slices.Sort(words)
	words = slices.Compact(words)
	return words[:min(len(words), maxNameWords)]
}

// maxNameWords bounds what one person can put into the index by their name.
const maxNameWords = 40

// storeWords makes the new and the changed people of a page findable.
func (k *intake) storeWords(ctx context.Context) error {
	rows := db.NewRows(3, 6*len(k.people))
	for _, p := range k.people {
		if p.stored && !p.changed {
			continue
		}
		if p.changed {
			if _, err := k.tx.Exec(ctx, `delete from identity_word where workspace = $1 and identity = $2`, k.a.Workspace, p.identity); err != nil {
				return err
			}
		}
		for _, w := range wordsOf(p.Handle, p.Name) {
			rows.Add(k.a.Workspace, w, p.identity)
		}
	}
	return rows.Insert(ctx, k.tx, insertWords, "")
}

const insertWords = `insert into identity_word (workspace, word, identity)`

// peopleIndexed is the setting that says that everybody who was known before
// people had words has them.
const peopleIndexed = "search.people"

// IndexPeople makes those findable who were stored before there was a search for
// people. Once that is done it does nothing.
func (d *Desk) IndexPeople(ctx context.Context) error {
	var done []byte
	err := d.db.Read().Row(ctx, `select value from setting where name = $1`, peopleIndexed).Scan(&done)
	if err == nil || !db.NoRows(err) {
		return err
	}
	for after, more := id.ID(0), true; more; {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := d.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
			after, more, err = indexSome(ctx, tx, after)
			return err
		})
		if err != nil {
			return fmt.Errorf("indexing people: %w", err)
		}
	}
	return d.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.Exec(ctx, `insert into setting (name, value) values ($1, $2) on conflict (name) do nothing`, peopleIndexed, []byte("1"))
		return err
	})
}

// indexSome takes the identities after one, in the order of their ids. What a poll
// has made findable meanwhile stays as it is.
func indexSome(ctx context.Context, tx *db.Tx, after id.ID) (id.ID, bool, error) {
	rows, err := tx.Query(ctx, `select workspace, id, handle, name from identity where id > $1 order by id limit $2`, after, reindexAtOnce)
	if err != nil {
		return after, false, err
	}
	defer rows.Close()
	words, n := db.NewRows(3, 6*reindexAtOnce), 0
	for rows.Next() {
		var w id.ID
		var handle, name string
		if err := rows.Scan(&w, &after, &handle, &name); err != nil {
			return after, false, err
		}
		for _, word := range wordsOf(handle, name) {
			words.Add(w, word, after)
		}
		n++
	}
	// The connection answers one question at a time.
	if err := rows.Close(); err != nil {
		return after, false, err
	}
	return after, n == reindexAtOnce, words.Insert(ctx, tx, insertWords, " on conflict (workspace, word, identity) do nothing")
}
