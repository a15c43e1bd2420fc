package conversation

import (
	"archive/zip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"slices"
	"strings"
	"time"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/network"
)

// Held is a picture from outside that is stored here already; ok is false if none is.
type Held func(ctx context.Context, workspace id.ID, address string) (body []byte, mime string, ok bool, err error)

// Exported is everything that is held about somebody: the rows as they are stored,
// and what was said as one reads it.
type Exported struct {
	Workspace id.ID
	Person    id.ID
	Records   map[string][]map[string]any
	said      []spoken
	pictures  []network.Media
}

// spoken is one thing said, by them or by us.
type spoken struct {
	at      time.Time
	who     string
	body    string
	warning string
}

// What is held about somebody, by table. The number is the list of persons; the
// words in braces are what else is reached through them.
var held = []struct{ table, where string }{
	{"person", `id in {persons}`},
	{"person_join", `(person in {persons} or other in {persons})`},
	{"person_mark", `person in {persons}`},
	{"person_note", `person in {persons}`},
	{"identity", `person in {persons}`},
	{"conversation", `identity in {identities}`},
	{"reach", `conversation in {conversations}`},
	{"message", `id in {messages}`},
	{"message_version", `message in {messages}`},
	{"answer", `conversation in {conversations}`},
	{"claim", `conversation in {conversations}`},
	{"claim_ask", `conversation in {conversations}`},
	{"labelling", `conversation in {conversations}`},
	{"snooze", `conversation in {conversations}`},
	{"handover", `conversation in {conversations}`},
	{"response", `conversation in {conversations}`},
	{"urgent", `conversation in {conversations}`},
	{"note", `conversation in {conversations}`},
	{"note_version", `note in {notes}`},
	{"note_mention", `note in {notes}`},
	{"delivery", `kind = 'reply' and subject in {conversations}`},
	{"delivery_part", `delivery in {deliveries}`},
	{"delivery_attempt", `delivery in {deliveries}`},
}

// within reads a condition of held: parameter 1 is the workspace, the persons are in.
func within(where, in string) string {
	const of = ` from %s where workspace = $1 and `
	identities := fmt.Sprintf(`(select id`+of+`person %s)`, "identity", in)
	conversations := fmt.Sprintf(`(select id`+of+`identity in %s)`, "conversation", identities)
	return strings.NewReplacer(
		`in {persons}`, in, `{identities}`, identities, `{conversations}`, conversations,
		`{messages}`, fmt.Sprintf(`(select id`+of+`author in %s union select message`+of+`conversation in %s)`, "message", identities, "reach", conversations),
		`{notes}`, fmt.Sprintf(`(select id`+of+`conversation in %s)`, "note", conversations),
		`{deliveries}`, fmt.Sprintf(`(select id`+of+`kind = 'reply' and subject in %s)`, "delivery", conversations),
	).Replace(where)
}

// Export gathers everything that is held about somebody, for them. It takes the
// right to erase people or to manage the workspace: it shows what every account of
// ours was told. The log keeps that it was done, not what it held.
func (d *Desk) Export(ctx context.Context, a actor.Actor, person id.ID) (Exported, error) {
	if !a.Can(actor.ErasePerson) {
		if err := a.Require(actor.ManageWorkspace); err != nil {
			return Exported{}, err
		}
	}
	out := Exported{Workspace: a.Workspace, Records: map[string][]map[string]any{}}
	err := d.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		s, err := whoIs(ctx, tx, a.Workspace, person)
		if err != nil {
			return err
		}
		out.Person = s.one
		in, args := db.In(2, s.persons)
		args = append([]any{a.Workspace}, args...)
		for _, h := range held {
			rows, err := d.records(ctx, tx, h.table, within(h.where, in), args)
			if err != nil {
				return fmt.Errorf("gathering what is held in %s: %w", h.table, err)
			}
			out.Records[h.table] = rows
		}
		if err := out.read(ctx, tx, within(`m.id in {messages}`, in), args); err != nil {
			return err
		}
		d.about(tx, a, "person.exported", s.one, nil)
		return nil
	})
	return out, err
}

// records are the rows of a table, column by column.
func (d *Desk) records(ctx context.Context, q db.Queryer, table, where string, args []any) ([]map[string]any, error) {
	columns, err := d.db.Columns(ctx, q, table)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, c := range columns {
		names = append(names, c.Name)
	}
	rows, err := q.Query(ctx, `select `+strings.Join(names, ", ")+` from `+table+` where workspace = $1 and `+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := []map[string]any{}
	for rows.Next() {
		values, into := make([]any, len(names)), make([]any, len(names))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		one := make(map[string]any, len(names))
		for i, name := range names {
			if b, ok := values[i].([]byte); ok && json.Valid(b) {
				values[i] = json.RawMessage(slices.Clone(b))
			}
			one[name] = values[i]
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

// read gathers what was said in the order in which it was said, and which pictures
// belong to it.
func (e *Exported) read(ctx context.Context, q db.Queryer, where string, args []any) error {
	rows, err := q.Query(ctx, `select m.at, i.name, i.handle, i.avatar, m.own, m.body, m.warning, m.media from message m
		join identity i on i.workspace = m.workspace and i.id = m.author where m.workspace = $1 and `+where+` order by m.at, m.id`, args...)
	if err != nil {
		return fmt.Errorf("gathering what somebody said: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var s spoken
		var handle, avatar, media string
		var own id.ID
		if err := rows.Scan(db.ScanTime(&s.at), &s.who, &handle, &avatar, &own, &s.body, &s.warning, &media); err != nil {
			return fmt.Errorf("gathering what somebody said: %w", err)
		}
		s.who = strings.TrimSpace(s.who + " @" + handle)
		e.said = append(e.said, s)
		more, err := decode[network.Media](media)
		if err != nil {
			return fmt.Errorf("gathering what somebody said: %w", err)
		}
		if own == 0 && avatar != "" {
			more = append(more, network.Media{Kind: "image", URL: avatar})
		}
		e.pictures = append(e.pictures, more...)
	}
	return rows.Err()
}

// Write writes a ZIP archive: records.json, messages.txt and the pictures that are
// stored here.
func (e Exported) Write(ctx context.Context, w io.Writer, pictures Held, own Own) error {
	z := zip.NewWriter(w)
	files, err := e.writePictures(ctx, z, pictures, own)
	if err != nil {
		return err
	}
	f, err := z.Create("records.json")
	if err != nil {
		return err
	}
	enc := json.NewEncoder(f)
	enc.SetIndent("", "  ")
	if err := enc.Encode(map[string]any{"person": e.Person, "records": e.Records, "pictures": files}); err != nil {
		return fmt.Errorf("writing what is held about somebody: %w", err)
	}
	if f, err = z.Create("messages.txt"); err != nil {
		return err
	}
	for _, s := range e.said {
		if s.warning != "" {
			s.body = "[" + s.warning + "]\n" + s.body
		}
		if _, err := fmt.Fprintf(f, "%s  %s\n%s\n\n", s.at.UTC().Format(time.DateTime), s.who, s.body); err != nil {
			return err
		}
	}
	return z.Close()
}

// writePictures writes each picture once, and tells which file is which address.
func (e Exported) writePictures(ctx context.Context, z *zip.Writer, pictures Held, own Own) (map[string]string, error) {
	files := map[string]string{}
	done := map[string]bool{}
	for _, m := range e.pictures {
		key := m.URL + string(m.Digest[:])
		if done[key] {
			continue
		}
		done[key] = true
		body, kind, ok, err := []byte(nil), "", false, error(nil)
		if m.Digest != [32]byte{} {
			body, kind, err = own(ctx, e.Workspace, m.Digest)
			ok = err == nil
		} else if m.URL != "" {
			body, kind, ok, err = pictures(ctx, e.Workspace, m.URL)
		}
		if err != nil || !ok {
			continue // it was never fetched, or is gone: the rows say where it stood
		}
		name := fmt.Sprintf("pictures/%d%s", len(files)+1, fileEnding(kind))
		f, err := z.Create(name)
		if err != nil {
			return nil, err
		}
		if _, err := f.Write(body); err != nil {
			return nil, err
		}
		files[name] = m.URL
	}
	return files, nil
}

// fileEnding is that of a file of a kind, "" if none is known. The system's own list differs
// from machine to machine, so that of pictures is written out.
func fileEnding(kind string) string {
	switch kind {
	case "image/jpeg":
		return ".jpg"
	case "image/png":
		return ".png"
	}
	if all, err := mime.ExtensionsByType(kind); err == nil && len(all) > 0 {
		return all[0]
	}
	return ""
}
