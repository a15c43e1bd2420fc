package conversation

import (
	"context"
	"strconv"
	"time"

	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/id"
	"parley/internal/network"
)

func itoa(n int) string { return strconv.Itoa(n) }

// place is what makes two messages part of the same conversation.
type place struct {
	identity id.ID
	thread   id.ID // 0 for direct messages
	kind     Kind
}

// talk is a conversation while a page is stored.
type talk struct {
	id       id.ID
	place    place
	stored   bool
	touched  bool
	state    State
	waiting  time.Time
	answered time.Time
	given    time.Time // lastGiven, for what findGiven needs it
	last     time.Time
	lastID   id.ID
	count    int64
	recount  bool // who waits is read from what is stored
	lang     string
	ended    []ended
	rests    bool // until a time
	woken    bool // they wrote again
	urgent   []urgentMark
}

// converse puts what speaks to us, and what we answered elsewhere, into
// conversations: a message that several of our accounts see is one message with
// a conversation for each.
func (k *intake) converse(ctx context.Context) error {
	reached, err := k.reached(ctx)
	if err != nil {
		return err
	}
	var ours []*incoming
	for _, m := range k.said {
		gone, here := reached[m.row.id]
		joins := !here && (m.Own || m.Addressed)
		if joins {
			ours = append(ours, m)
		}
		if k.seenAgain(m, gone, here, joins) {
			k.back = append(k.back, m)
		}
	}
	if len(ours) == 0 {
		return nil
	}
	answers, err := k.findAnswers(ctx, ours)
	if err != nil {
		return err
	}
	ours = append(ours, answers...)
	talks, err := k.findTalks(ctx, ours)
	if err != nil {
		return err
	}
	if err := k.findGiven(ctx, talks, ours); err != nil {
		return err
	}
	reach := db.NewRows(5, len(ours))
	// Clocks differ: words of ours may be dated before what they answer.
	k.place(talks, k.place(talks, ours, reach), reach)
	if err := k.storeTalks(ctx, talks); err != nil {
		return err
	}
	if err := reach.Insert(ctx, k.tx, `insert into reach (workspace, message, account, conversation, thanks)`, ""); err != nil {
		return err
	}
	for _, t := range talks {
		if t.recount {
			if t.waiting, err = k.d.recount(ctx, k.tx, k.a.Workspace, t.id); err != nil {
				return err
			}
		}
	}
	for _, t := range talks {
		if err := k.storeUrgent(ctx, t); err != nil {
			return err
		}
	}
	return k.storeResponses(ctx, talks)
}

// place puts messages into their conversations, and returns our own that found
// none.
func (k *intake) place(talks map[place]*talk, ours []*incoming, reach *db.Rows) (left []*incoming) {
	for _, m := range ours {
		t := k.join(talks, m)
		if t == nil {
			left = append(left, m)
			continue
		}
		reach.Add(k.a.Workspace, m.row.id, k.in.Account, t.id, flag(m.thanks))
		verb := "message.arrived"
		if m.Own {
			verb = "message.echoed"
		}
		k.d.log.Record(k.tx, k.a, event.Entry{Verb: verb, Kind: "conversation", Subject: t.id,
			Details: map[string]string{"message": m.row.id.String(), "account": k.in.Account.String()}})
	}
	return left
}

// findAnswers looks for words of ours that came before what they answer, and
// returns those that so belonged nowhere; private ones went to whom they name. Such
// an answer stands in the thread of what it answers, so threads that begin in this
// page have none.
func (k *intake) findAnswers(ctx context.Context, ours []*incoming) ([]*incoming, error) {
	k.answered = map[string]bool{}
	begun := k.begun()
	var asked []string
	for _, m := range ours {
		switch {
		case m.Own && m.Quiet:
		case m.Own:
			k.answered[m.Post.ParentID] = true
		case !begun[k.real(m.row.thread)]:
			asked = append(asked, m.Post.ID)
		}
	}
	if len(asked) == 0 {
		return nil, nil
	}
	in, args := db.In(4, asked)
	rows, err := k.tx.Query(ctx, `select m.id, m.remote_id, m.parent, m.thread, m.at, case when m.direct = 1 or exists (
			select 1 from reach r where r.workspace = m.workspace and r.message = m.id and r.account = m.own) then 1 else 0 end
		from message m where m.workspace = $1 and m.source = $2 and m.own = $3 and m.quiet = 0 and m.parent <> '' and m.parent `+in,
		append([]any{k.a.Workspace, k.source, k.in.Account}, args...)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []*incoming
	here := make(map[id.ID]bool, len(ours))
	for _, m := range ours {
		here[m.row.id] = true
	}
	for rows.Next() {
		m := &incoming{Event: network.Event{Own: true, Post: &network.Post{}}, row: &row{stored: true}}
		var placed int
		if err := rows.Scan(&m.row.id, &m.Post.ID, &m.Post.ParentID, &m.row.thread, db.ScanTime(&m.Post.Created), &placed); err != nil {
			return nil, err
		}
		k.answered[m.Post.ParentID] = true
		if placed == 0 && !here[m.row.id] {
			found = append(found, m)
		}
	}
	return found, rows.Err()
}

// begun are the threads that begin in this page, unless an older one was merged
// into them: nothing of them was stored before.
func (k *intake) begun() map[id.ID]bool {
	begun := make(map[id.ID]bool, len(k.newThr))
	for _, t := range k.newThr {
		begun[t.id] = true
	}
	for from := range k.alias {
		delete(begun, k.real(from))
	}
	return begun
}

// reached are the messages that already have their conversation with this account,
// and when it was told that they are gone.
func (k *intake) reached(ctx context.Context) (map[id.ID]time.Time, error) {
	var stored []id.ID
	for _, m := range k.said {
		if m.row.stored {
			stored = append(stored, m.row.id)
		}
	}
	if len(stored) == 0 {
		return nil, nil
	}
	in, args := db.In(3, stored)
	rows, err := k.tx.Query(ctx, `select message, gone from reach where workspace = $1 and account = $2 and message `+in,
		append([]any{k.a.Workspace, k.in.Account}, args...)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	reached := map[id.ID]time.Time{}
	for rows.Next() {
		var m id.ID
		var gone time.Time
		if err := rows.Scan(&m, db.ScanTime(&gone)); err != nil {
			return nil, err
		}
		reached[m] = gone
	}
	return reached, rows.Err()
}

// placeOf says where a message belongs; ok is false for one of ours that answers
// nobody we know.
func (k *intake) placeOf(m *incoming) (place, bool) {
	thread := k.real(m.row.thread)
	if !m.Own {
		switch {
		case m.Direct:
			return place{m.author.identity, 0, Direct}, true
		case k.in.Feed == network.Items:
			return place{m.author.identity, thread, Item}, true
		}
		return place{m.author.identity, thread, Public}, true
	}
	if m.Direct {
		if len(m.Post.To) == 0 || k.people[m.Post.To[0].RemoteID] == nil {
			return place{}, false
		}
		return place{k.people[m.Post.To[0].RemoteID].identity, 0, Direct}, true
	}
	parent := k.known[m.Post.ParentID]
	if parent == nil || parent.own != 0 || parent.author == 0 {
		return place{}, false
	}
	return place{parent.author, thread, Public}, true
}

// talksOf looks up every pair of k. SQLite takes tables of a cross join in the order
// they are written; in another it reads all conversations of the account.
const talksOf = ` select c.id, c.identity, c.thread, c.kind, c.state, c.waiting, c.answered, c.last_at, c.last_message, c.messages, c.lang, case when c.snoozed > 0 then 1 else 0 end
	from k cross join conversation c where c.workspace = $1 and c.account = $2 and c.identity = k.identity and c.thread = k.thread`

// findTalks looks up the conversations these messages continue.
func (k *intake) findTalks(ctx context.Context, ours []*incoming) (map[place]*talk, error) {
	begun := k.begun()
	var identities, threads []id.ID
	for _, m := range ours {
		if p, ok := k.placeOf(m); ok && !begun[p.thread] {
			identities, threads = append(identities, p.identity), append(threads, p.thread)
		}
	}
	talks := make(map[place]*talk, len(ours))
	if len(identities) == 0 {
		return talks, nil
	}
	// A member may finish one just now; on SQLite there is one writer, and no "for update".
	lock := ""
	if k.tx.Dialect() == db.Postgres {
		lock = ` for update of c`
	}
	pairs, args := db.Pairs(3, identities, threads)
	rows, err := k.tx.Query(ctx, `with k (identity, thread) as (`+pairs+`)`+talksOf+lock, append([]any{k.a.Workspace, k.in.Account}, args...)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		t := &talk{stored: true}
		var rests int
		if err := rows.Scan(&t.id, &t.place.identity, &t.place.thread, &t.place.kind, &t.state, db.ScanTime(&t.waiting),
			db.ScanTime(&t.answered), db.ScanTime(&t.last), &t.lastID, &t.count, &t.lang, &rests); err != nil {
			return nil, err
		}
		t.rests = rests != 0
		talks[t.place] = t
	}
	return talks, rows.Err()
}

// findGiven looks when our last words were given, where somebody speaks to us with
// words that were stored before, as part of a thread: whether those words are
// older decides if anybody waits, and nothing opens before that.
func (k *intake) findGiven(ctx context.Context, talks map[place]*talk, ours []*incoming) error {
	for _, m := range ours {
		p, _ := k.placeOf(m)
		t := talks[p]
		if t == nil || m.Own || !m.row.stored || m.Post.Created.After(t.answered) || !t.given.IsZero() {
			continue
		}
		given, err := k.d.lastGiven(ctx, k.tx, k.a.Workspace, t.id)
		if err != nil {
			return err
		}
		t.given = given
	}
	return nil
}

// join adds a message to its conversation, opening one where somebody speaks to
// us for the first time. A public post of ours opens none: it is answered first.
func (k *intake) join(talks map[place]*talk, m *incoming) *talk {
	p, ok := k.placeOf(m)
	if !ok {
		return nil
	}
	t := talks[p]
	if t == nil {
		if m.Own && p.kind != Direct {
			return nil
		}
		t = &talk{id: k.d.ids.New(), place: p, state: Open}
		if k.past(m) || m.Own || m.Quiet {
			t.state = Done
		}
		talks[p] = t
	}
	late := !m.Post.Created.After(t.answered)
	switch {
	case m.Quiet: // nobody waits for an answer to a program, and what one sends for us is none
	case m.Own:
		t.measured(m)
		t.spoke(m)
	case k.past(m) || p.kind == Item || k.answered[m.Post.ID] || late && k.in.History:
	case late && m.row.stored: // as part of a thread
		if m.row.seen.After(t.given) {
			k.waits(t, m, m.row.seen)
		}
	case late: // whoever said our last words had not read it
		k.waits(t, m, k.now)
	default:
		k.waits(t, m, m.Post.Created)
	}
	t.woken = t.woken || t.rests && !m.Own && !k.past(m)
	t.add(m)
	return t
}

// recent is how old a message may be to make somebody wait although an import
// found it: who connects an account on Monday finds the weekend's questions. The
// import and the first poll read the same days, and whichever comes first must
// leave the desk the same.
const recent = 72 * time.Hour

// past reports a message that is history: nobody waits for an answer to it.
func (k *intake) past(m *incoming) bool {
	return k.in.History && m.Post.Created.Before(k.now.Add(-recent))
}

// add counts a message into what the list shows.
func (t *talk) add(m *incoming) {
	t.touched = true
	t.count++
	if !m.Post.Created.Before(t.last) {
		t.last, t.lastID = m.Post.Created, m.row.id
		if spoken := primary(m.Post.Lang); spoken != "" && !m.Own {
			t.lang = spoken
		}
	}
}

func (t *talk) waits(since time.Time) {
	t.state = Open
	if t.waiting.IsZero() || since.Before(t.waiting) {
		t.waiting = since
	}
}

// spoke is called before add. Who had spoken by then waits no longer; if more
// was said since, the stored messages tell whether anybody still does.
func (t *talk) spoke(m *incoming) {
	at := m.Post.Created
	if at.After(t.answered) {
		t.answered = at
	}
	if t.waiting.After(at) || t.last.After(at) {
		t.recount = true
	} else {
		t.waiting = time.Time{}
	}
}

func (k *intake) storeTalks(ctx context.Context, talks map[place]*talk) error {
	rows := db.NewRows(17, len(talks))
	for _, t := range talks {
		switch {
		case !t.touched:
		case !t.stored:
			rows.Add(k.a.Workspace, t.id, k.in.Account, t.place.identity, t.place.thread, string(t.place.kind), string(t.state),
				db.Micros(t.waiting), db.Micros(t.answered), db.Micros(t.last), t.lastID, t.count, id.ID(0), int64(0), db.Micros(k.now), int64(0), t.lang)
		default:
			if _, err := k.tx.Exec(ctx, `update conversation set state = $1, waiting = $2, answered = $3, last_at = $4, last_message = $5, messages = $6,
				lang = $7 where workspace = $8 and id = $9`, string(t.state), db.Micros(t.waiting), db.Micros(t.answered), db.Micros(t.last), t.lastID,
				t.count, t.lang, k.a.Workspace, t.id); err != nil {
				return err
			}
			if t.woken {
				if err := k.d.endSnooze(ctx, k.tx, k.a, t.id, "said"); err != nil {
					return err
				}
			}
		}
	}
	const head = `insert into conversation (workspace, id, account, identity, thread, kind, state, waiting, answered, last_at, last_message,
		messages, claimed_by, claimed_at, created, changed, lang)`
	return rows.Insert(ctx, k.tx, head, "")
}
