package media

import (
	"context"
	"fmt"
	"time"

	"parley/internal/clock"
	"parley/internal/db"
	"parley/internal/id"
)

// chunk is how many bytes stand in one row: large enough that few rows make a
// picture, small enough that reading one does not hold up others.
const chunk = 256 << 10

// Store keeps files, separately for each workspace: two that have the same
// picture have two copies, so that neither can learn of the other's.
type Store struct {
	clock clock.Clock
}

// NewStore makes a store. It holds nothing but the clock; all state is in the
// database that each call names.
func NewStore(c clock.Clock) *Store { return &Store{clock: c} }

// Keep puts a file and its thumbnail, if it has one, and holds both for a
// subject.
func (s *Store) Keep(ctx context.Context, tx *db.Tx, workspace id.ID, p Prepared, kind string, subject id.ID) (whole, thumb Media, err error) {
	if p.Thumb != nil {
		if thumb, _, err = s.Keep(ctx, tx, workspace, *p.Thumb, kind, subject); err != nil {
			return Media{}, Media{}, err
		}
	}
	if whole, err = s.Put(ctx, tx, workspace, p); err != nil {
		return Media{}, Media{}, err
	}
	return whole, thumb, s.Hold(ctx, tx, workspace, whole.Digest, kind, subject)
}

// Put stores a file, without its thumbnail. Nothing holds it yet: call Hold in
// the same transaction, or Sweep removes it in time. A file that is there already
// stays as it is and counts as just put.
func (s *Store) Put(ctx context.Context, tx *db.Tx, workspace id.ID, p Prepared) (Media, error) {
	m := p.Media
	m.Created = s.clock.Now()
	// On a conflict the row is touched, not passed over: that locks it against a
	// Release that is about to delete it.
	const q = `
insert into media (workspace, digest, kind, mime, width, height, size, created, refs)
values ($1, $2, $3, $4, $5, $6, $7, $8, 0)
on conflict (workspace, digest) do update set created = excluded.created`
	if _, err := tx.Exec(ctx, q, workspace, m.Digest[:], m.Kind, m.MIME, m.Width, m.Height, m.Size, db.Micros(m.Created)); err != nil {
		return Media{}, fmt.Errorf("storing media: %w", err)
	}
	var there int64
	row := tx.Row(ctx, `select count(*) from media_chunk where workspace = $1 and digest = $2`, workspace, m.Digest[:])
	if err := row.Scan(&there); err != nil {
		return Media{}, fmt.Errorf("counting chunks: %w", err)
	}
	if there > 0 {
		return m, nil
	}
	for n := 0; n*chunk < len(p.Bytes); n++ {
		part := p.Bytes[n*chunk : min((n+1)*chunk, len(p.Bytes))]
		const q = `insert into media_chunk (workspace, digest, n, bytes) values ($1, $2, $3, $4)`
		if _, err := tx.Exec(ctx, q, workspace, m.Digest[:], n, part); err != nil {
			return Media{}, fmt.Errorf("storing chunk %d: %w", n, err)
		}
	}
	return m, nil
}

// Hold keeps a file for a subject: a message, a person, a draft. Holding twice
// is holding once. Problem media.not_found.
func (s *Store) Hold(ctx context.Context, tx *db.Tx, workspace id.ID, digest Digest, kind string, subject id.ID) error {
	const q = `
insert into media_ref (workspace, digest, kind, subject)
select workspace, digest, $3, cast($4 as bigint) from media where workspace = $1 and digest = $2
on conflict (workspace, digest, kind, subject) do nothing`
	added, err := tx.Exec(ctx, q, workspace, digest[:], kind, subject)
	if err != nil {
		return fmt.Errorf("holding media: %w", err)
	}
	if added == 0 {
		_, err := s.Stat(ctx, tx, workspace, digest)
		return err
	}
	const count = `update media set refs = refs + 1 where workspace = $1 and digest = $2`
	if _, err := tx.Exec(ctx, count, workspace, digest[:]); err != nil {
		return fmt.Errorf("counting holders: %w", err)
	}
	return nil
}

// Release lets go of a file. With the last holder its bytes go too. Letting go
// of what was not held does nothing.
func (s *Store) Release(ctx context.Context, tx *db.Tx, workspace id.ID, digest Digest, kind string, subject id.ID) error {
	const q = `delete from media_ref where workspace = $1 and digest = $2 and kind = $3 and subject = $4`
	gone, err := tx.Exec(ctx, q, workspace, digest[:], kind, subject)
	if err != nil || gone == 0 {
		return wrap("releasing media", err)
	}
	var refs int64
	const count = `update media set refs = refs - 1 where workspace = $1 and digest = $2 returning refs`
	if err := tx.Row(ctx, count, workspace, digest[:]).Scan(&refs); err != nil {
		return fmt.Errorf("counting holders: %w", err)
	}
	if refs > 0 {
		return nil
	}
	return s.delete(ctx, tx, workspace, digest)
}

// ReleaseAll lets go of everything a subject holds.
func (s *Store) ReleaseAll(ctx context.Context, tx *db.Tx, workspace id.ID, kind string, subject id.ID) error {
	held, err := digests(ctx, tx, `select digest from media_ref where workspace = $1 and kind = $2 and subject = $3 order by digest`, workspace, kind, subject)
	if err != nil {
		return fmt.Errorf("listing what is held: %w", err)
	}
	for _, d := range held {
		if err := s.Release(ctx, tx, workspace, d, kind, subject); err != nil {
			return err
		}
	}
	return nil
}

// Sweep deletes up to limit files of a workspace that were put before a time and
// that nothing holds, such as what was chosen for an answer never sent. It
// returns how many.
func (s *Store) Sweep(ctx context.Context, tx *db.Tx, workspace id.ID, before time.Time, limit int) (int, error) {
	const q = `select digest from media where workspace = $1 and refs = 0 and created < $2 order by created, digest limit $3`
	idle, err := digests(ctx, tx, q, workspace, db.Micros(before), limit)
	if err != nil {
		return 0, fmt.Errorf("listing idle media: %w", err)
	}
	n := 0
	for _, d := range idle {
		// Claimed before its chunks go: between the list and here somebody may have
		// begun to hold it.
		const claim = `update media set created = created where workspace = $1 and digest = $2 and refs = 0 and created < $3`
		ours, err := tx.Exec(ctx, claim, workspace, d[:], db.Micros(before))
		if err != nil {
			return n, fmt.Errorf("claiming idle media: %w", err)
		}
		if ours == 0 {
			continue
		}
		if err := s.delete(ctx, tx, workspace, d); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

func (s *Store) delete(ctx context.Context, tx *db.Tx, workspace id.ID, digest Digest) error {
	for _, q := range []string{
		`delete from media_chunk where workspace = $1 and digest = $2`,
		`delete from media where workspace = $1 and digest = $2`,
	} {
		if _, err := tx.Exec(ctx, q, workspace, digest[:]); err != nil {
			return fmt.Errorf("deleting media: %w", err)
		}
	}
	return nil
}

// Stat describes a stored file. Problem media.not_found.
func (s *Store) Stat(ctx context.Context, q db.Queryer, workspace id.ID, digest Digest) (Media, error) {
	m := Media{Digest: digest}
	row := q.Row(ctx, `select kind, mime, width, height, size, created from media where workspace = $1 and digest = $2`, workspace, digest[:])
	err := row.Scan(&m.Kind, &m.MIME, &m.Width, &m.Height, &m.Size, db.ScanTime(&m.Created))
	if db.NoRows(err) {
		return Media{}, notFound()
	}
	return m, wrap("reading media", err)
}

func digests(ctx context.Context, q db.Queryer, query string, args ...any) ([]Digest, error) {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Digest
	for rows.Next() {
		var b []byte
		if err := rows.Scan(&b); err != nil {
			return nil, err
		}
		var d Digest
		copy(d[:], b)
		out = append(out, d)
	}
	return out, rows.Err()
}

func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}
