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
	"parley/internal/problem"
	"parley/internal/text"
)

// Profile is what is known here of somebody outside, as far as the actor may read.
type Profile struct {
	Person     id.ID // the oldest of those that members say are one
	Identities []Identity
	Since      time.Time // when they first said something we have; zero: nothing is left
	Said       int       // how much of theirs we have, counted up to SaidMax
	Talks      []Talk    // their newest conversations, newest first
	Open       int       // how many of their newest talksMax are open
	With       []string  // names of members who answered in those, by the alphabet
	Marks      []Mark
	Notes      []PersonNote
	Joins      []Join
}

// Name is what to call them.
func (p Profile) Name() string {
	for _, i := range p.Identities {
		if i.Name != "" {
			return i.Name
		}
	}
	if len(p.Identities) > 0 {
		return "@" + p.Identities[0].Handle
	}
	return ""
}

// Identity is one handle of a person, with the network it is on.
type Identity struct {
	Person
	Network  string
	Instance string
	source   id.ID
}

// Talk is a conversation as its person's history shows it.
type Talk struct {
	ID      id.ID
	Account id.ID
	Network string
	Handle  string // our account's
	Kind    Kind
	State   State
	Waiting time.Time
	Last    time.Time
	LastOwn bool
	Snippet string
}

const (
	// SaidMax is where counting stops: beyond it "200+" says enough.
	SaidMax = 200
	// talksMax is how many of a person's conversations are looked at.
	talksMax = 100
	// talksShown is how many of them are shown.
	talksShown = 8
	// identitiesMax bounds how many handles one person may have.
	identitiesMax = 50
)

// somebody is a person with everybody members say they are: what verbs and reads
// of persons begin with.
type somebody struct {
	one        id.ID
	persons    []id.ID // of which it is made, oldest first
	identities []Identity
}

func (s somebody) identityIDs() []id.ID {
	var out []id.ID
	for _, i := range s.identities {
		out = append(out, i.Identity)
	}
	return out
}

// SQLite takes the tables of a cross join in the order they are written.
const (
	personsOfOne = `select p.id from person q cross join person p where q.workspace = $1 and q.id = $2
		and p.workspace = q.workspace and p.one = q.one`
	identitiesOfOne = `select i.id, i.person, i.source, s.network, s.instance, i.remote_id, i.handle, i.name, i.url, i.avatar, i.bot
		from person q cross join person p cross join identity i cross join source s
		where q.workspace = $1 and q.id = $2 and p.workspace = q.workspace and p.one = q.one
		and i.workspace = p.workspace and i.person = p.id and s.workspace = i.workspace and s.id = i.source order by i.id limit $3`
)

// whoIs reads a person by any of the persons they are made of. Nobody is a
// problem; whether the actor may see them is another question.
func whoIs(ctx context.Context, q db.Queryer, workspace, person id.ID) (somebody, error) {
	var s somebody
	var err error
	if s.persons, err = ids(ctx, q, personsOfOne, workspace, person); err != nil {
		return s, fmt.Errorf("reading a person: %w", err)
	}
	if len(s.persons) == 0 {
		return s, problem.New(problem.NotFound, "conversation.no_person")
	}
	slices.Sort(s.persons)
	s.one = s.persons[0]
	rows, err := q.Query(ctx, identitiesOfOne, workspace, person, identitiesMax)
	if err != nil {
		return s, fmt.Errorf("reading a person: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var i Identity
		var bot int64
		if err := rows.Scan(&i.Identity, &i.Person.Person, &i.source, &i.Network, &i.Instance, &i.RemoteID, &i.Handle, &i.Name, &i.URL, &i.Avatar, &bot); err != nil {
			return s, fmt.Errorf("reading a person: %w", err)
		}
		i.Bot = bot != 0
		s.identities = append(s.identities, i)
	}
	return s, rows.Err()
}

// see reads a person for who may: whoever reads an account they spoke to. right is
// asked for in the same places.
func (d *Desk) see(ctx context.Context, q db.Queryer, a actor.Actor, right actor.Right, person id.ID) (somebody, error) {
	nobody := problem.New(problem.NotFound, "conversation.no_person")
	if !a.CanSomewhere(actor.ReadConversations) {
		return somebody{}, nobody
	}
	s, err := whoIs(ctx, q, a.Workspace, person)
	if err != nil {
		return s, err
	}
	if _, all := readable(a); !all {
		seen, err := s.spokeTo(ctx, q, a, actor.ReadConversations)
		if err != nil {
			return s, err
		}
		if len(seen) == 0 {
			return somebody{}, nobody
		}
		s.identities = slices.DeleteFunc(s.identities, func(i Identity) bool { return !slices.Contains(seen, i.Identity) })
	}
	if a.Can(right) {
		return s, nil
	}
	there, err := s.spokeTo(ctx, q, a, right)
	if err == nil && len(there) == 0 {
		err = a.Require(right)
	}
	return s, err
}

// spokeTo are those of their identities that have a conversation with an account for
// which the actor holds a right.
func (s somebody) spokeTo(ctx context.Context, q db.Queryer, a actor.Actor, right actor.Right) ([]id.ID, error) {
	var accounts []id.ID
	scopes, _ := a.Scopes(right)
	for _, one := range scopes {
		if one.Kind == "account" {
			accounts = append(accounts, one.ID)
		}
	}
	if len(accounts) == 0 || len(s.identities) == 0 {
		return nil, nil
	}
	at, args := db.In(2, accounts)
	by, more := db.In(2+len(args), s.identityIDs())
	found, err := ids(ctx, q, `select distinct identity from conversation where workspace = $1 and account `+at+` and identity `+by,
		append(append([]any{a.Workspace}, args...), more...)...)
	if err != nil {
		return nil, fmt.Errorf("looking whom somebody spoke to: %w", err)
	}
	return found, nil
}

// Profile reads a person. What it costs does not grow with how much they said.
func (d *Desk) Profile(ctx context.Context, a actor.Actor, person id.ID) (Profile, error) {
	q := d.db.Read()
	s, err := d.see(ctx, q, a, actor.ReadConversations, person)
	if err != nil {
		return Profile{}, err
	}
	p := Profile{Person: s.one, Identities: s.identities}
	heads, err := p.read(ctx, q, a, s)
	if err != nil {
		return p, err
	}
	if p.Talks, err = d.talks(ctx, a.Workspace, heads[:min(len(heads), talksShown)]); err != nil {
		return p, err
	}
	if p.With, err = answerers(ctx, q, a.Workspace, heads); err != nil {
		return p, err
	}
	if p.Marks, err = marksOf(ctx, q, a.Workspace, s); err != nil {
		return p, err
	}
	if p.Notes, err = notesOf(ctx, q, a.Workspace, s); err != nil {
		return p, err
	}
	p.Joins, err = joinsOf(ctx, q, a.Workspace, s)
	return p, err
}

// talkHead is a conversation of somebody, before anything is read of it.
type talkHead struct {
	id      id.ID
	state   State
	last    time.Time
	account id.ID
}

const (
	saidBy  = `select m.at from message m where m.workspace = $1 and m.author = $2`
	talksBy = `select c.id, c.state, c.last_at, c.account from conversation c where c.workspace = $1 and c.identity = $2`
)

// read counts what the actor may read of what each identity said, and lists their
// newest conversations.
func (p *Profile) read(ctx context.Context, q db.Queryer, a actor.Actor, s somebody) ([]talkHead, error) {
	var heads []talkHead
	for _, i := range s.identities {
		args := []any{a.Workspace, i.Identity}
		within, of := "", ""
		if accounts, all := readable(a); !all {
			in, more := db.In(3, append(accounts, 0))
			within = ` and exists (select 1 from reach r where r.workspace = m.workspace and r.message = m.id and r.account ` + in + `)`
			of = ` and c.account ` + in
			args = append(args, more...)
		}
		var n int
		var since time.Time
		if err := q.Row(ctx, fmt.Sprintf(`select count(*), coalesce(min(x.at), 0) from (%s order by m.id limit %d) x`, saidBy+within, SaidMax), args...).
			Scan(&n, db.ScanTime(&since)); err != nil {
			return nil, fmt.Errorf("counting what somebody said: %w", err)
		}
		p.Said = min(p.Said+n, SaidMax)
		if !since.IsZero() && (p.Since.IsZero() || since.Before(p.Since)) {
			p.Since = since
		}
		rows, err := q.Query(ctx, fmt.Sprintf(`%s order by c.last_at desc, c.id desc limit %d`, talksBy+of, talksMax), args...)
		if err != nil {
			return nil, fmt.Errorf("reading somebody's conversations: %w", err)
		}
		for rows.Next() {
			var h talkHead
			if err := rows.Scan(&h.id, &h.state, db.ScanTime(&h.last), &h.account); err != nil {
				rows.Close()
				return nil, fmt.Errorf("reading somebody's conversations: %w", err)
			}
			heads = append(heads, h)
		}
		if err := rows.Close(); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(heads, func(a, b talkHead) int { return b.last.Compare(a.last) })
	heads = heads[:min(len(heads), talksMax)]
	for _, h := range heads {
		if h.state == Open {
			p.Open++
		}
	}
	return heads, nil
}

// talks reads what is shown of some conversations, in their order.
func (d *Desk) talks(ctx context.Context, workspace id.ID, heads []talkHead) ([]Talk, error) {
	if len(heads) == 0 {
		return nil, nil
	}
	place := map[id.ID]int{}
	var wanted []id.ID
	for i, h := range heads {
		place[h.id] = i
		wanted = append(wanted, h.id)
	}
	in, args := db.In(2, wanted)
	rows, err := d.db.Read().Query(ctx, `select c.id, c.account, a.network, a.handle, c.kind, c.state, c.waiting, c.last_at, m.own,
		case when m.gone > 0 or m.warning <> '' then '' else m.body end
		from conversation c join account a on a.workspace = c.workspace and a.id = c.account
		join message m on m.workspace = c.workspace and m.id = c.last_message where c.workspace = $1 and c.id `+in, append([]any{workspace}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("reading somebody's conversations: %w", err)
	}
	defer rows.Close()
	talks := make([]Talk, len(heads))
	for rows.Next() {
		var t Talk
		var own id.ID
		var body string
		if err := rows.Scan(&t.ID, &t.Account, &t.Network, &t.Handle, &t.Kind, &t.State, db.ScanTime(&t.Waiting), db.ScanTime(&t.Last), &own, &body); err != nil {
			return nil, fmt.Errorf("reading somebody's conversations: %w", err)
		}
		t.LastOwn, t.Snippet = own != 0, text.DisplaySafe(afterOurName(text.CleanLine(body, 160), t.Handle))
		talks[place[t.ID]] = t
	}
	return slices.DeleteFunc(talks, func(t Talk) bool { return t.ID == 0 }), rows.Err()
}

// answerers are the members who answered in some conversations: their names and
// nothing else, so that nobody is counted or ranked.
func answerers(ctx context.Context, q db.Queryer, workspace id.ID, heads []talkHead) ([]string, error) {
	if len(heads) == 0 {
		return nil, nil
	}
	var in []id.ID
	for _, h := range heads {
		in = append(in, h.id)
	}
	these, args := db.In(2, in)
	rows, err := q.Query(ctx, `select distinct m.name from answer x join member m on m.workspace = x.workspace and m.id = x.member
		where x.workspace = $1 and x.conversation `+these, append([]any{workspace}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("reading who talked with somebody: %w", err)
	}
	defer rows.Close()
	var names []string
	for rows.Next() {
		var n string
		if err := rows.Scan(&n); err != nil {
			return nil, fmt.Errorf("reading who talked with somebody: %w", err)
		}
		names = append(names, n)
	}
	slices.Sort(names)
	return names, rows.Err()
}

// about records what happened to a person. Details never hold words or names.
func (d *Desk) about(tx *db.Tx, a actor.Actor, verb string, person id.ID, details map[string]string) {
	d.log.Record(tx, a, event.Entry{Verb: verb, Kind: "person", Subject: person, Details: details})
}
