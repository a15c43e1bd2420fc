package conversation

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"

	"parley/internal/db"
	"parley/internal/id"
)

// marks are a workspace's tombstones: what must not come back. Their keys are
// HMACs under a random salt of the workspace, so that a list of known ids cannot
// be tried on a stolen file without the salt, and the salt alone tells nothing.
type marks struct {
	workspace id.ID
	salt      []byte
	now       time.Time
}

func (m marks) empty() bool { return m.salt == nil }

func (m marks) key(source id.ID, remote string) []byte {
	h := hmac.New(sha256.New, m.salt)
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(source))
	h.Write(b[:])
	h.Write([]byte(remote))
	return h.Sum(nil)
}

// author is the key of a person. It begins with a byte that no source begins
// with, so it is never the key of a message.
func (m marks) author(source id.ID, remote string) []byte {
	h := hmac.New(sha256.New, m.salt)
	h.Write([]byte{0xff})
	h.Write(m.key(source, remote))
	return h.Sum(nil)
}

// to is the key of a message as one of our accounts sees it.
func (m marks) to(source, account id.ID, remote string) []byte {
	h := hmac.New(sha256.New, m.salt)
	h.Write([]byte{0xfe})
	h.Write(m.key(source, remote))
	h.Write([]byte(account.String()))
	return h.Sum(nil)
}

// find tells which of the messages are marked, for good or for the account that
// sees them, or come from somebody who was erased after they were written.
func (m marks) find(ctx context.Context, q db.Queryer, source, account id.ID, said []*incoming) (map[string]bool, error) {
	byKey := make(map[string][]*incoming, 3*len(said))
	for _, s := range said {
		key := string(m.key(source, s.Post.ID))
		byKey[key] = append(byKey[key], s)
		key = string(m.to(source, account, s.Post.ID))
		byKey[key] = append(byKey[key], s)
		if !s.Own {
			key = string(m.author(source, s.Post.Author.RemoteID))
			byKey[key] = append(byKey[key], s)
		}
	}
	ks := make([][]byte, 0, len(byKey))
	for key := range byKey {
		ks = append(ks, []byte(key))
	}
	in, args := db.In(3, ks)
	rows, err := q.Query(ctx, `select key, before from tombstone where workspace = $1 and (until = 0 or until >= $2) and key `+in,
		append([]any{m.workspace, db.Micros(m.now)}, args...)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	found := map[string]bool{}
	for rows.Next() {
		var key []byte
		var before time.Time
		if err := rows.Scan(&key, db.ScanTime(&before)); err != nil {
			return nil, err
		}
		for _, s := range byKey[string(key)] {
			if before.IsZero() || !s.Post.Created.After(before) {
				found[s.Post.ID] = true
			}
		}
	}
	return found, rows.Err()
}

func saltName(workspace id.ID) string { return "tombstone." + workspace.String() }

// tombstones reads the workspace's salt; none means that nothing was ever marked.
func (d *Desk) tombstones(ctx context.Context, q db.Queryer, workspace id.ID) (marks, error) {
	m := marks{workspace: workspace, now: d.clock.Now()}
	err := q.Row(ctx, `select value from setting where name = $1`, saltName(workspace)).Scan(&m.salt)
	if err != nil && !db.NoRows(err) {
		return m, fmt.Errorf("reading the marks of what was erased: %w", err)
	}
	return m, nil
}

// salted is tombstones with a salt, made at the first need.
func (d *Desk) salted(ctx context.Context, tx *db.Tx, workspace id.ID) (marks, error) {
	salt := make([]byte, 32)
	if _, err := rand.Read(salt); err != nil {
		return marks{}, fmt.Errorf("salting: %w", err)
	}
	if _, err := tx.Exec(ctx, `insert into setting (name, value) values ($1, $2) on conflict (name) do nothing`, saltName(workspace), salt); err != nil {
		return marks{}, fmt.Errorf("keeping a salt: %w", err)
	}
	return d.tombstones(ctx, tx, workspace)
}

// add keeps a message from coming back until a time, the zero time for good.
func (m marks) add(ctx context.Context, tx *db.Tx, source id.ID, remote string, until time.Time) error {
	return m.put(ctx, tx, m.key(source, remote), until)
}

// addTo is add for one of our accounts: the others may still get it.
func (m marks) addTo(ctx context.Context, tx *db.Tx, source, account id.ID, remote string, until time.Time) error {
	return m.put(ctx, tx, m.to(source, account, remote), until)
}

func (m marks) put(ctx context.Context, tx *db.Tx, key []byte, until time.Time) error {
	_, err := tx.Exec(ctx, `insert into tombstone (workspace, key, until) values ($1, $2, $3) on conflict (workspace, key) do update
		set until = case when excluded.until = 0 or tombstone.until = 0 then 0 else excluded.until end`,
		m.workspace, key, db.Micros(until))
	if err != nil {
		return fmt.Errorf("marking what must not come back: %w", err)
	}
	return nil
}

// silence keeps from coming what somebody wrote until a time, whether or not it
// was ever stored here.
func (m marks) silence(ctx context.Context, tx *db.Tx, source id.ID, remote string, before time.Time) error {
	_, err := tx.Exec(ctx, `insert into tombstone (workspace, key, until, before) values ($1, $2, 0, $3)
		on conflict (workspace, key) do update set before = excluded.before`, m.workspace, m.author(source, remote), db.Micros(before))
	if err != nil {
		return fmt.Errorf("marking whose words must not come back: %w", err)
	}
	return nil
}

// anyOldMark reports that there is something for forgetMarks.
func (d *Desk) anyOldMark(ctx context.Context, workspace id.ID) (bool, error) {
	var one int
	err := d.db.Read().Row(ctx, oldMark, workspace, db.Micros(d.clock.Now())).Scan(&one)
	if err != nil && !db.NoRows(err) {
		return false, fmt.Errorf("looking for old deletions: %w", err)
	}
	return err == nil, nil
}

// oldMark uses the index of marks that end; see overKept for the plus.
const oldMark = `select 1 from tombstone where +workspace = $1 and until > 0 and until < $2 limit 1`

// forgetMarks removes the marks whose time is over.
func (d *Desk) forgetMarks(ctx context.Context, tx *db.Tx, workspace id.ID) error {
	if _, err := tx.Exec(ctx, `delete from tombstone where +workspace = $1 and until > 0 and until < $2`, workspace, db.Micros(d.clock.Now())); err != nil {
		return fmt.Errorf("forgetting old deletions: %w", err)
	}
	return nil
}
