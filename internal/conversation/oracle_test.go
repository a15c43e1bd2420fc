package conversation_test

import (
	"context"
	"slices"
	"strings"

	"parley/internal/actor"
	"parley/internal/conversation"
	"parley/internal/id"
	"parley/internal/text"
)

// said is a message as it is stored, with all that decides who finds it.
type said struct {
	id, own, author, thread       id.ID
	visibility, body, lang, media string
	direct, at, gone              int64
	handle, name                  string
	reached, readers              []id.ID // accounts: it reached and where it is not gone; with a conversation in its thread
	goneFor                       []id.ID
}

// everything reads a workspace without any of the desk's own queries.
func (b *bundle) everything(w id.ID) []said {
	b.Helper()
	ctx := context.Background()
	var all []said
	rows, err := b.db.Read().Query(ctx, `select m.id, m.own, m.author, m.thread, m.visibility, m.body, m.lang, m.media, m.direct, m.at, m.gone, i.handle, i.name
		from message m, identity i where m.workspace = $1 and i.workspace = m.workspace and i.id = m.author order by m.id desc`, w)
	if err != nil {
		b.Fatal(err)
	}
	for rows.Next() {
		var s said
		if err := rows.Scan(&s.id, &s.own, &s.author, &s.thread, &s.visibility, &s.body, &s.lang, &s.media, &s.direct, &s.at, &s.gone, &s.handle, &s.name); err != nil {
			b.Fatal(err)
		}
		all = append(all, s)
	}
	rows.Close()
	for i := range all {
		for into, q := range map[*[]id.ID]string{
			&all[i].reached: `select account from reach where workspace = $1 and message = $2 and gone = 0`,
			&all[i].goneFor: `select account from reach where workspace = $1 and message = $2 and gone > 0`,
			&all[i].readers: `select distinct c.account from conversation c, message m where m.workspace = $1 and m.id = $2 and c.workspace = m.workspace and c.thread = m.thread and c.thread > 0`,
		} {
			rows, err := b.db.Read().Query(ctx, q, w, all[i].id)
			if err != nil {
				b.Fatal(err)
			}
			for rows.Next() {
				var a id.ID
				if err := rows.Scan(&a); err != nil {
					b.Fatal(err)
				}
				*into = append(*into, a)
			}
			rows.Close()
		}
	}
	return all
}

// expects is what a search must find, by looking at every message there is.
func expects(all []said, a actor.Actor, q conversation.Query, named map[string]id.ID) (found []id.ID) {
	may := func(account id.ID) bool {
		if len(q.Accounts) > 0 && !slices.ContainsFunc(q.Accounts, func(n string) bool { return named[n] == account }) {
			return false
		}
		return a.Can(actor.ReadConversations, actor.Scope{Kind: "account", ID: account})
	}
	for _, s := range all {
		if s.gone == 0 && s.shown(may) && s.is(q) {
			found = append(found, s.id)
		}
	}
	return found
}

func (s said) shown(may func(id.ID) bool) bool {
	if slices.ContainsFunc(s.reached, may) || s.own != 0 && may(s.own) {
		return true
	}
	return s.direct == 0 && slices.Contains([]string{"", "public", "unlisted"}, s.visibility) &&
		slices.ContainsFunc(s.readers, func(r id.ID) bool { return may(r) && !slices.Contains(s.goneFor, r) })
}

func (s said) is(q conversation.Query) bool {
	switch {
	case q.Us && s.own == 0,
		q.Kind == conversation.Direct && s.direct == 0, q.Kind == conversation.Public && s.direct == 1,
		!q.Since.IsZero() && s.at < q.Since.UnixMicro(), !q.Until.IsZero() && s.at >= q.Until.UnixMicro(),
		q.Media && s.media == "",
		len(q.Langs) > 0 && !slices.ContainsFunc(q.Langs, func(l string) bool { return s.lang == l || strings.HasPrefix(s.lang, l+"-") }),
		len(q.From) > 0 && !slices.ContainsFunc(q.From, s.isCalled):
		return false
	}
	body := " " + strings.Join(text.Tokens(s.body), " ") + " "
	has := func(t text.Term) bool {
		words := " " + strings.Join(t.Tokens, " ")
		if !t.Prefix {
			words += " "
		}
		return strings.Contains(body, words)
	}
	return !slices.ContainsFunc(q.Words, func(t text.Term) bool { return !has(t) }) && !slices.ContainsFunc(q.Not, has)
}

func (s said) isCalled(name text.Term) bool {
	words := append(text.Tokens(s.handle), text.Tokens(s.name)...)
	for i, token := range name.Tokens {
		if !slices.ContainsFunc(words, func(w string) bool {
			return w == token || name.Prefix && i == len(name.Tokens)-1 && strings.HasPrefix(w, token)
		}) {
			return false
		}
	}
	return true
}
