package conversation

import (
	"context"
	"fmt"
	"strings"

	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/text"
)

// load reads those candidates that the actor may see and that are as the query
// says, newest first.
func (s *search) load(ctx context.Context, candidates []id.ID) ([]Hit, error) {
	if len(candidates) == 0 {
		return nil, nil
	}
	args := []any{s.actor.Workspace}
	query := s.loadQuery(candidates, &args)
	rows, err := s.desk.db.Read().Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []Hit
	for rows.Next() {
		var f Hit
		var own, direct, bot id.ID
		var media string
		p := &f.Author
		if err := rows.Scan(&f.Message, &f.Conversation, &direct, &f.Account, &f.Network, &f.Handle, &own, &f.By, &f.Body, &f.Lang, &f.Warning,
			&media, &f.URL, db.ScanTime(&f.At), &p.Identity, &p.Person, &p.RemoteID, &p.Handle, &p.Name, &p.URL, &p.Avatar, &bot); err != nil {
			return nil, err
		}
		f.Own, f.Direct, f.Media, p.Bot = own != 0, direct != 0, media != "", bot != 0
		if s.source != byWords && !s.says(f.Body) {
			continue
		}
		f.Marks = text.Find(f.Body, s.q.Words)
		all = append(all, f)
	}
	return all, rows.Err()
}

// says looks for the words where the index was not asked.
func (s *search) says(body string) bool {
	if len(s.q.Words)+len(s.q.Not) == 0 {
		return true
	}
	tokens := text.Tokens(body)
	for _, t := range s.q.Words {
		if !t.In(tokens) {
			return false
		}
	}
	for _, t := range s.q.Not {
		if t.In(tokens) {
			return false
		}
	}
	return true
}

// loadQuery finds for each message the conversation in which the actor reads it:
// one that it reached, where it is not gone; or, if it was said to everybody, one
// in its thread. What is in none is shown only if we said it.
func (s *search) loadQuery(candidates []id.ID, args *[]any) string {
	arg := func(v any) string {
		*args = append(*args, v)
		return fmt.Sprintf("$%d", len(*args))
	}
	in, more := db.In(len(*args)+1, candidates)
	*args = append(*args, more...)
	reached, heard, own := "", "", ""
	if s.within != nil {
		accounts, more := db.In(len(*args)+1, s.within)
		*args = append(*args, more...)
		reached, heard, own = " and r.account "+accounts, " and c.account "+accounts, " and x.own "+accounts
	}
	return `select x.id, x.conversation, x.direct, a.id, a.network, a.handle, x.own, x.by_member, x.body, x.lang, x.warning, x.media, x.url, x.at,
		i.id, i.person, i.remote_id, i.handle, i.name, i.url, i.avatar, i.bot
		from (select m.*, coalesce((select max(r.conversation) from reach r where r.workspace = m.workspace and r.message = m.id and r.gone = 0` + reached + `),
			(select c.id from conversation c where c.workspace = m.workspace and c.thread = m.thread and m.direct = 0 and m.visibility in ` + everybody + heard + `
				and not exists (select 1 from reach g where g.workspace = m.workspace and g.message = m.id and g.account = c.account and g.gone > 0)
				order by c.last_at desc, c.id desc limit 1), 0) as conversation
			from message m where m.workspace = $1 and m.id ` + in + ` and m.gone = 0` + s.conditions(arg) + `) x
		left join conversation c on c.workspace = x.workspace and c.id = x.conversation
		join account a on a.workspace = x.workspace and a.id = coalesce(c.account, x.own)
		join identity i on i.workspace = x.workspace and i.id = x.author
		where (x.conversation <> 0 or x.own <> 0` + own + `) order by x.id desc`
}

// conditions are what a query says of message m besides its words.
func (s *search) conditions(arg func(any) string) string {
	q, where := s.q, ""
	if len(s.authors) > 0 && s.source != byAuthor {
		var all []string
		for _, a := range s.authors {
			all = append(all, arg(a))
		}
		where += " and m.author in (" + strings.Join(all, ", ") + ")"
	}
	if q.Us {
		where += " and m.own <> 0"
	}
	if q.Kind != "" {
		where += " and m.direct = " + arg(flag(q.Kind == Direct))
	}
	if !q.Since.IsZero() {
		where += " and m.at >= " + arg(db.Micros(q.Since))
	}
	if !q.Until.IsZero() {
		where += " and m.at < " + arg(db.Micros(q.Until))
	}
	if q.Media {
		where += " and m.media <> ''"
	}
	if len(q.Langs) > 0 {
		var any []string
		for _, l := range q.Langs {
			any = append(any, "lower(m.lang) = "+arg(l), "lower(m.lang) like "+arg(l+"-%"))
		}
		where += " and (" + strings.Join(any, " or ") + ")"
	}
	return where
}
