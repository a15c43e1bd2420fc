package conversation

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/problem"
	"parley/internal/text"
)

// Known is somebody outside who was looked for by their name.
type Known struct {
	Person       Person
	Network      string
	Conversation id.ID // the newest with them that the actor may read
	Last         time.Time
}

const (
	// knownAtMost is how many people are shown: who means one of more writes on.
	knownAtMost = 6
	// namesAtMost is how many people of one name are looked at.
	namesAtMost = 200
)

// SearchPeople finds those who spoke with us and are called so, whoever spoke last
// first. All words must be in their handle or their name.
func (d *Desk) SearchPeople(ctx context.Context, a actor.Actor, q Query) ([]Known, error) {
	if !a.CanSomewhere(actor.ReadConversations) {
		return nil, a.Require(actor.ReadConversations)
	}
	if len(q.Words) == 0 || len(q.Not) > 0 || q.narrowed() {
		return nil, nil
	}
	args := []any{a.Workspace}
	here := ""
	if accounts, all := readable(a); !all {
		in, more := db.In(len(args)+1, append(accounts, 0))
		args = append(args, more...)
		here = " and c.account " + in
	}
	from := namesQuery(q.Words, &args)
	rows, err := d.db.Read().Query(ctx, `select i.id, i.person, i.remote_id, i.handle, i.name, i.url, i.avatar, i.bot, a.network, c.id, c.last_at
		from (select n.id, (select c.id from conversation c where c.workspace = $1 and c.identity = n.id`+here+` order by c.last_at desc, c.id desc limit 1) as conversation
			from (`+from+`) n) f
		join conversation c on c.workspace = $1 and c.id = f.conversation
		join account a on a.workspace = $1 and a.id = c.account
		join identity i on i.workspace = $1 and i.id = f.id
		order by c.last_at desc, i.id desc limit `+fmt.Sprint(knownAtMost), args...)
	if err != nil {
		return nil, fmt.Errorf("looking for people: %w", err)
	}
	defer rows.Close()
	var all []Known
	for rows.Next() {
		var k Known
		var bot int64
		p := &k.Person
		if err := rows.Scan(&p.Identity, &p.Person, &p.RemoteID, &p.Handle, &p.Name, &p.URL, &p.Avatar, &bot, &k.Network, &k.Conversation, db.ScanTime(&k.Last)); err != nil {
			return nil, fmt.Errorf("looking for people: %w", err)
		}
		p.Bot = bot != 0
		all = append(all, k)
	}
	return all, rows.Err()
}

// authors are those who are called by one of the names.
func (d *Desk) authors(ctx context.Context, workspace id.ID, names []text.Term) ([]id.ID, error) {
	var all []id.ID
	for _, name := range names {
		args := []any{workspace}
		some, err := ids(ctx, d.db.Read(), namesQuery([]text.Term{name}, &args), args...)
		if err != nil {
			return nil, fmt.Errorf("looking for who said it: %w", err)
		}
		if len(some) == namesAtMost {
			return nil, problem.New(problem.Invalid, "search.too_many", "value", strings.Join(name.Tokens, " ")).At("q")
		}
		all = append(all, some...)
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// namesQuery reads the ids of identities in workspace $1 of whom every token is a
// word, in any order. It begins with the longest, which the fewest have.
func namesQuery(names []text.Term, args *[]any) string {
	arg := func(v any) string {
		*args = append(*args, v)
		return fmt.Sprintf("$%d", len(*args))
	}
	type word struct {
		token  string
		prefix bool
	}
	var words []word
	for _, t := range names {
		for i, token := range t.Tokens {
			words = append(words, word{token, t.Prefix && i == len(t.Tokens)-1})
		}
	}
	slices.SortStableFunc(words, func(a, b word) int { return len(b.token) - len(a.token) })
	is := func(as string, w word) string {
		if w.prefix {
			return as + ".word >= " + arg(w.token) + " and " + as + ".word < " + arg(w.token+"\U0010FFFF")
		}
		return as + ".word = " + arg(w.token)
	}
	q := `select distinct w.identity as id from identity_word w where w.workspace = $1 and ` + is("w", words[0])
	for _, more := range words[1:min(len(words), 8)] {
		q += ` and exists (select 1 from identity_word o where o.workspace = $1 and o.identity = w.identity and ` + is("o", more) + `)`
	}
	return q + fmt.Sprintf(` order by w.identity desc limit %d`, namesAtMost)
}
