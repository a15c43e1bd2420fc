package delivery

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/id"
)

// Redact takes somebody's names out of every delivery of the workspace, inside
// the transaction that erases them: what we said to others may speak of them, or
// stand below what they wrote. cut returns a text without the names.
//
// What has left keeps its other words, and no hash: it is no longer exactly what
// was approved, and must not look as if it were. What has not left cannot be
// sent in words that nobody approved, so it is given up, as Erase does.
func (d *Delivery) Redact(ctx context.Context, tx *db.Tx, a actor.Actor, cut func(string) string) error {
	if err := a.Require(actor.ErasePerson); err != nil {
		return err
	}
	named, err := naming(ctx, tx, a.Workspace, cut)
	if err != nil {
		return err
	}
	for _, one := range named {
		r, err := lock(ctx, tx, a.Workspace, one)
		if err != nil {
			return err
		}
		if !r.state.Final() {
			err = d.erase(ctx, tx, a, &r)
		} else {
			err = d.redact(ctx, tx, a, &r, cut)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// naming lists the deliveries in which cut finds something, by reading them all:
// a search for bytes would miss what JSON writes in another way.
func naming(ctx context.Context, tx *db.Tx, workspace id.ID, cut func(string) string) ([]id.ID, error) {
	var named []id.ID
	seen := map[id.ID]bool{}
	for _, q := range []string{
		`select id, draft, reason_args, said, evidence from delivery where workspace = $1 order by id`,
		`select delivery, ref, '', '', '' from delivery_part where workspace = $1`,
		`select delivery, null, detail, '', '' from delivery_attempt where workspace = $1 and detail <> ''`,
	} {
		rows, err := tx.Query(ctx, q, workspace)
		if err != nil {
			return nil, fmt.Errorf("looking for deliveries that name somebody: %w", err)
		}
		defer rows.Close()
		for rows.Next() {
			var one id.ID
			var written []byte
			var said [3]string
			if err := rows.Scan(&one, &written, &said[0], &said[1], &said[2]); err != nil {
				return nil, fmt.Errorf("looking for deliveries that name somebody: %w", err)
			}
			_, found, err := cutJSON(written, cut)
			if err != nil {
				return nil, err
			}
			for _, s := range said {
				found = found || cut(s) != s
			}
			if found && !seen[one] {
				seen[one] = true
				named = append(named, one)
			}
		}
		if err := rows.Close(); err != nil {
			return nil, fmt.Errorf("looking for deliveries that name somebody: %w", err)
		}
	}
	return named, nil
}

func (d *Delivery) redact(ctx context.Context, tx *db.Tx, a actor.Actor, r *row, cut func(string) string) error {
	draft, found, err := cutJSON(r.draft, cut)
	if err != nil {
		return err
	}
	if found {
		r.draft, r.hash = draft, []byte{}
	}
	r.reason = reason{}
	if _, err := tx.Exec(ctx, `update delivery_attempt set detail = '' where workspace = $1 and delivery = $2`, r.workspace, r.id); err != nil {
		return fmt.Errorf("taking a name out of a delivery: %w", err)
	}
	if err := eraseParts(ctx, tx, *r); err != nil {
		return err
	}
	d.record(tx, a, "delivery.erased", *r)
	return save(ctx, tx, *r)
}

// cutJSON cuts every text in a JSON value, and tells whether that changed any.
func cutJSON(raw []byte, cut func(string) string) ([]byte, bool, error) {
	if len(raw) == 0 {
		return raw, false, nil
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, false, fmt.Errorf("reading what a delivery says: %w", err)
	}
	found := false
	v = cutAll(v, func(s string) string {
		out := cut(s)
		found = found || out != s
		return out
	})
	if !found {
		return raw, false, nil
	}
	out, err := json.Marshal(v)
	if err != nil {
		return nil, false, fmt.Errorf("writing what a delivery says: %w", err)
	}
	return out, true, nil
}

func cutAll(v any, cut func(string) string) any {
	switch v := v.(type) {
	case string:
		return cut(v)
	case []any:
		for i := range v {
			v[i] = cutAll(v[i], cut)
		}
	case map[string]any:
		for k := range v {
			v[k] = cutAll(v[k], cut)
		}
	}
	return v
}
