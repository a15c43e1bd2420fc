package conversation

import (
	"context"
	"fmt"
	"time"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/network"
	"parley/internal/problem"
	"parley/internal/text"
)

// Box is a part of the inbox.
type Box string

const (
	Waiting Box = "waiting" // somebody waits for us, urgent ones and then the longest first
	Mine    Box = "mine"    // I am answering these, or they were given to me
	All     Box = "all"     // everything open, newest first
	Later   Box = "later"   // rests until a time, the soonest first
	Closed  Box = "done"    // needs no answer, or was answered
	Reading Box = "reading" // entries of feeds
)

// Boxes in the order they are shown.
var Boxes = []Box{Waiting, Mine, All, Later, Closed, Reading}

// Filter picks conversations.
type Filter struct {
	Box     Box
	Account id.ID // 0: all that the actor may see
	Narrow
	After Place // the last row of the page before
	Limit int   // 0: 40; at most 200

	atMost int // how many are looked at for a page that is narrowed
}

// Place is where a page ended.
type Place struct {
	At time.Time
	ID id.ID
}

// Row is a conversation in the list.
type Row struct {
	ID         id.ID
	Account    id.ID
	Network    string
	AccountURL string
	Handle     string // our account's
	Kind       Kind
	State      State
	Person     Person
	Waiting    time.Time
	Due        time.Time // when our promise to them falls due; zero: nothing is promised
	Snoozed    time.Time // until when it rests; zero: it does not
	Urgent     []Urgency // why it is urgent, the most serious first
	urgent     bool
	Last       time.Time
	LastOwn    bool
	Snippet    string
	Warning    string
	Gone       bool
	Messages   int64
	ClaimedBy  id.ID
	Claimer    string
	Labels     []Label
	Handed     *Handover // to whom it was given; nil: to nobody
}

// Page is one page of the list. A narrowed list may have a next page although this
// one is not full: looking for more ended before the list did.
type Page struct {
	Rows []Row
	Next Place // zero: there are no more
}

const pageSize = 40

// List reads one page of a box. Its cost does not grow with the number of
// messages: every box is the head of an index, and what is narrowed further looks
// at a bounded part of one.
func (d *Desk) List(ctx context.Context, a actor.Actor, f Filter) (Page, error) {
	if !a.CanSomewhere(actor.ReadConversations) {
		return Page{}, a.Require(actor.ReadConversations)
	}
	if f.Limit <= 0 {
		f.Limit = pageSize
	}
	f.Limit = min(f.Limit, 200)
	args := []any{a.Workspace}
	where, order := f.conditions(a, &args)
	var cut Place
	if f.Account != 0 || !f.Narrow.None() {
		found, at, err := d.narrowed(ctx, a, f)
		if err != nil || len(found) == 0 {
			return Page{Next: at}, err
		}
		cut = at
		where, args = oneOf(a.Workspace, found)
	}
	page := Page{Next: cut}
	var err error
	if page.Rows, err = d.rows(ctx, a, where, order.String(), append(args, f.Limit+1)); err != nil {
		return Page{}, err
	}
	if len(page.Rows) > f.Limit {
		page.Rows = page.Rows[:f.Limit]
		last := page.Rows[f.Limit-1]
		page.Next = Place{At: last.Last, ID: last.ID}
		switch f.Box {
		case Waiting:
			page.Next.At = last.turn()
		case Later:
			page.Next.At = last.Snoozed
		}
	}
	return page, nil
}

// rows reads conversations as a list shows them; the last of args bounds how many.
func (d *Desk) rows(ctx context.Context, a actor.Actor, where, order string, args []any) (found []Row, err error) {
	rows, err := d.db.Read().Query(ctx, listQuery(where, order, len(args)), args...)
	if err != nil {
		return nil, fmt.Errorf("reading the inbox: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var r Row
		var own, bot id.ID
		var gone, urgent int64
		var body string
		p := &r.Person
		if err := rows.Scan(&r.ID, &r.Account, &r.Network, &r.AccountURL, &r.Handle, &r.Kind, &r.State, db.ScanTime(&r.Waiting),
			&urgent, db.ScanTime(&r.Last), &r.Messages, &r.ClaimedBy, &r.Claimer, &p.Identity, &p.Person, &p.RemoteID, &p.Handle, &p.Name,
			&p.URL, &p.Avatar, &bot, &own, &body, &r.Warning, &gone, db.ScanTime(&r.Snoozed)); err != nil {
			return nil, fmt.Errorf("reading the inbox: %w", err)
		}
		p.Bot, r.LastOwn, r.Gone = bot != 0, own != 0, gone != 0
		r.urgent = urgent != 0
		r.Snippet = text.DisplaySafe(text.CleanLine(body, 240))
		found = append(found, r)
	}
	if err := rows.Close(); err != nil {
		return nil, fmt.Errorf("reading the inbox: %w", err)
	}
	if err := d.dueRows(ctx, a.Workspace, found); err != nil {
		return nil, err
	}
	if err := d.urgentRows(ctx, a.Workspace, found); err != nil {
		return nil, err
	}
	if err := d.handRows(ctx, a.Workspace, found); err != nil {
		return nil, err
	}
	return found, d.labelRows(ctx, a.Workspace, found)
}

// listQuery reads a box; limit is the number of the parameter that bounds it.
func listQuery(where, order string, limit int) string {
	return fmt.Sprintf(`select c.id, c.account, a.network, a.url, a.handle, c.kind, c.state, c.waiting, c.urgent, c.last_at, c.messages,
		c.claimed_by, coalesce(mm.name, ''), i.id, i.person, i.remote_id, i.handle, i.name, i.url, i.avatar, i.bot,
		m.own, m.body, m.warning, m.gone + coalesce(r.gone, 0), c.snoozed
		from conversation c
		join account a on a.workspace = c.workspace and a.id = c.account
		join identity i on i.workspace = c.workspace and i.id = c.identity
		join message m on m.workspace = c.workspace and m.id = c.last_message
		left join reach r on r.workspace = m.workspace and r.message = m.id and r.account = c.account
		left join member mm on mm.workspace = c.workspace and mm.id = c.claimed_by
		where c.workspace = $1 and %s order by %s limit $%d`, where, order, limit)
}

func countQuery(where string) string {
	return `select count(*) from (select 1 from conversation c where c.workspace = $1 and ` + where + ` limit 100) x`
}

// conditions are the where and order of a box, over the rows the actor may see.
func (f Filter) conditions(a actor.Actor, args *[]any) (where string, order ordering) {
	arg := func(v any) string {
		*args = append(*args, v)
		return fmt.Sprintf("$%d", len(*args))
	}
	by := ordering{"c.last_at", true}
	switch f.Box {
	case Mine:
		where = "c.snoozed = 0 and " + fmt.Sprintf(inHand, arg(a.Member))
	case All:
		where = "c.state = 'open' and c.snoozed = 0 and c.kind <> 'item'"
	case Later:
		where, by = "c.snoozed > 0", ordering{"c.snoozed", false}
	case Closed:
		where = "c.state = 'done' and c.kind <> 'item'"
	case Reading:
		where = "c.state = 'open' and c.snoozed = 0 and c.kind = 'item'"
	default:
		where, by = "c.state = 'open' and c.waiting > 0 and c.snoozed = 0", ordering{byTurn, false}
	}
	account := "c.account"
	if f.Box == Mine {
		account = "+c.account" // SQLite would read all conversations of an account rather than the few that are mine
	}
	if f.Account != 0 {
		where += " and " + account + " = " + arg(f.Account)
	}
	if accounts, all := readable(a); !all {
		in, more := db.In(len(*args)+1, append(accounts, 0))
		*args = append(*args, more...)
		where += " and +c.account " + in // the plus keeps it from the index of one account
	}
	if f.After.ID != 0 {
		than := ">"
		if by.newest {
			than = "<"
		}
		where += fmt.Sprintf(" and (%s, c.id) %s (%s, %s)", by.column, than, arg(db.Micros(f.After.At)), arg(f.After.ID))
	}
	return where, by
}

// Counts is how many conversations wait, are mine, are open: the numbers beside
// the boxes. They stop at 100: beyond, "99+" says it.
func (d *Desk) Counts(ctx context.Context, a actor.Actor) (map[Box]int, error) {
	counts := map[Box]int{}
	for _, b := range []Box{Waiting, Mine, Later, Reading} {
		args := []any{a.Workspace}
		where, _ := Filter{Box: b}.conditions(a, &args)
		var n int
		if err := d.db.Read().Row(ctx, countQuery(where), args...).Scan(&n); err != nil {
			return nil, fmt.Errorf("counting the inbox: %w", err)
		}
		counts[b] = n
	}
	return counts, nil
}

// View is a conversation as it is shown: the thread it stands in, with what
// belongs to it marked as Mine, and who else speaks in the same thread.
type View struct {
	ID        id.ID
	Account   id.ID
	Kind      Kind
	State     State
	Person    Person
	Waiting   time.Time
	Due       time.Time // when our promise to them falls due; zero: nothing is promised
	Snoozed   time.Time // until when it rests; zero: it does not
	Urgent    []Urgency // why it is urgent, the most serious first
	ClaimedBy id.ID
	Claimer   string
	ClaimedAt time.Time
	Labels    []Label
	Handed    *Handover
	Asked     *Ask // who asks the holder for it
	Messages  []Message
	Others    []Row // other people's conversations in the same thread
	Post      id.ID // our post that began the thread; 0: somebody else's did
	More      bool  // the thread is longer than what is shown
	Later     bool  // and goes on after it
}

// shown is how many messages of a thread are read at once.
const shown = 200

// Open reads a conversation with its thread, oldest message first.
func (d *Desk) Open(ctx context.Context, a actor.Actor, conversation id.ID) (View, error) {
	h, err := d.load(ctx, d.db.Read(), a, actor.ReadConversations, conversation)
	if err != nil {
		return View{}, err
	}
	v := View{ID: h.ID, Account: h.Account, Kind: h.Kind, State: h.State, Waiting: h.Waiting, Snoozed: h.Snoozed, ClaimedBy: h.ClaimedBy, ClaimedAt: h.ClaimedAt}
	if v.Person, err = d.identity(ctx, a.Workspace, h.Identity); err != nil {
		return v, err
	}
	if h.ClaimedBy != 0 {
		if err := d.db.Read().Row(ctx, `select name from member where workspace = $1 and id = $2`, a.Workspace, h.ClaimedBy).Scan(&v.Claimer); err != nil {
			return v, fmt.Errorf("reading who answers: %w", err)
		}
	}
	if v.Handed, err = d.handedTo(ctx, a, h.ID); err != nil {
		return v, err
	}
	if v.Asked, err = d.asked(ctx, d.db.Read(), a.Workspace, h.ID); err != nil {
		return v, err
	}
	on, err := d.labelsOf(ctx, d.db.Read(), a.Workspace, []id.ID{h.ID})
	if err != nil {
		return v, err
	}
	v.Labels = on[h.ID]
	urgent, err := d.urgencies(ctx, a.Workspace, []id.ID{h.ID})
	if err != nil {
		return v, err
	}
	v.Urgent = urgent[h.ID]
	if v.Due, err = d.due(ctx, a.Workspace, h.Waiting); err != nil {
		return v, err
	}
	if v.Messages, err = d.thread(ctx, a, h); err != nil {
		return v, err
	}
	if len(v.Messages) > shown {
		v.Messages, v.More = v.Messages[:shown], true
	}
	for i, j := 0, len(v.Messages)-1; i < j; i, j = i+1, j-1 {
		v.Messages[i], v.Messages[j] = v.Messages[j], v.Messages[i]
	}
	if err := d.markMine(ctx, a.Workspace, &v); err != nil {
		return v, err
	}
	if h.Kind == Public {
		if v.Post, err = d.postAbove(ctx, a.Workspace, h.Thread); err == nil {
			v.Others, err = d.others(ctx, a, h)
		}
	}
	return v, err
}

// thread reads the newest messages around a conversation, newest first, and one
// more than are shown. A direct one is only itself; private words in a public
// thread belong to their own conversation.
func (d *Desk) thread(ctx context.Context, a actor.Actor, h head) ([]Message, error) {
	newest := fmt.Sprintf(` order by m.at desc, m.id desc limit %d`, shown+1)
	if h.Kind == Direct {
		return d.messages(ctx, a.Workspace, h.Account, `r.conversation = $3`+newest, h.ID)
	}
	args := []any{a.Workspace, h.Account, h.Thread}
	where := `m.thread = $3 and m.direct = 0` + shownTo(a, h.Account, &args)
	return d.messages(ctx, a.Workspace, h.Account, where+newest, args[2:]...)
}

func (d *Desk) identity(ctx context.Context, workspace, identity id.ID) (Person, error) {
	var p Person
	var bot int64
	err := d.db.Read().Row(ctx, `select id, person, remote_id, handle, name, url, avatar, bot from identity where workspace = $1 and id = $2`,
		workspace, identity).Scan(&p.Identity, &p.Person, &p.RemoteID, &p.Handle, &p.Name, &p.URL, &p.Avatar, &bot)
	if db.NoRows(err) {
		return p, problem.New(problem.NotFound, "conversation.not_found")
	}
	if err != nil {
		return p, fmt.Errorf("reading a person: %w", err)
	}
	p.Bot = bot != 0
	return p, nil
}

// messages reads messages m as an account sees them, with their authors and
// earlier versions; r is how a message reached it. Parameters begin at $3.
func (d *Desk) messages(ctx context.Context, workspace, account id.ID, where string, args ...any) ([]Message, error) {
	rows, err := d.db.Read().Query(ctx, `select m.id, m.remote_id, m.version, m.parent, m.thread, m.own, m.delivery, m.by_member, m.visibility,
		m.body, m.spans, m.lang, m.warning, m.media, m.quote, m.url, m.at, m.seen, m.edited,
		case when m.gone > 0 then m.gone else coalesce(r.gone, 0) end, m.direct,
		i.id, i.person, i.remote_id, i.handle, i.name, i.url, i.avatar, i.bot
		from message m join identity i on i.workspace = m.workspace and i.id = m.author
		left join reach r on r.workspace = m.workspace and r.message = m.id and r.account = $2
		where m.workspace = $1 and `+where, append([]any{workspace, account}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("reading messages: %w", err)
	}
	defer rows.Close()
	var ms []Message
	edited := map[id.ID]int{}
	for rows.Next() {
		m, err := scanMessage(rows.Scan)
		if err != nil {
			return nil, fmt.Errorf("reading a message: %w", err)
		}
		if !m.Edited.IsZero() {
			edited[m.ID] = len(ms)
		}
		ms = append(ms, m)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("reading messages: %w", err)
	}
	return ms, d.versions(ctx, workspace, ms, edited)
}

func scanMessage(scan func(...any) error) (Message, error) {
	var m Message
	var spans, media string
	var bot, direct int64
	var visibility string
	a := &m.Author
	if err := scan(&m.ID, &m.RemoteID, &m.Version, &m.Parent, &m.Thread, &m.Own, &m.Delivery, &m.By, &visibility,
		&m.Text.Body, &spans, &m.Lang, &m.Warning, &media, &m.QuoteID, &m.URL, db.ScanTime(&m.At), db.ScanTime(&m.Seen),
		db.ScanTime(&m.Edited), db.ScanTime(&m.Gone), &direct,
		&a.Identity, &a.Person, &a.RemoteID, &a.Handle, &a.Name, &a.URL, &a.Avatar, &bot); err != nil {
		return m, err
	}
	m.Visibility, m.Direct, a.Bot = network.Visibility(visibility), direct != 0, bot != 0
	var err error
	if m.Text.Spans, err = decode[text.Span](spans); err != nil {
		return m, fmt.Errorf("spans: %w", err)
	}
	if m.Media, err = decode[network.Media](media); err != nil {
		return m, fmt.Errorf("media: %w", err)
	}
	return m, nil
}

func (d *Desk) versions(ctx context.Context, workspace id.ID, ms []Message, edited map[id.ID]int) error {
	if len(edited) == 0 {
		return nil
	}
	ids := make([]id.ID, 0, len(edited))
	for m := range edited {
		ids = append(ids, m)
	}
	in, args := db.In(2, ids)
	rows, err := d.db.Read().Query(ctx, `select message, body, spans, warning, at, until from message_version
		where workspace = $1 and message `+in+` order by at`, append([]any{workspace}, args...)...)
	if err != nil {
		return fmt.Errorf("reading earlier versions: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var m id.ID
		var v Version
		var spans string
		if err := rows.Scan(&m, &v.Text.Body, &spans, &v.Warning, db.ScanTime(&v.At), db.ScanTime(&v.Until)); err != nil {
			return fmt.Errorf("reading an earlier version: %w", err)
		}
		if v.Text.Spans, err = decode[text.Span](spans); err != nil {
			return fmt.Errorf("reading an earlier version: %w", err)
		}
		i := edited[m]
		ms[i].Versions = append(ms[i].Versions, v)
	}
	return rows.Err()
}

func (d *Desk) markMine(ctx context.Context, workspace id.ID, v *View) error {
	rows, err := d.db.Read().Query(ctx, `select message from reach where workspace = $1 and conversation = $2 order by message desc limit 1000`, workspace, v.ID)
	if err != nil {
		return fmt.Errorf("reading a conversation: %w", err)
	}
	defer rows.Close()
	mine := map[id.ID]bool{}
	for rows.Next() {
		var m id.ID
		if err := rows.Scan(&m); err != nil {
			return fmt.Errorf("reading a conversation: %w", err)
		}
		mine[m] = true
	}
	for i := range v.Messages {
		v.Messages[i].Mine = mine[v.Messages[i].ID]
	}
	return rows.Err()
}

// others are the other conversations of the same thread and account.
func (d *Desk) others(ctx context.Context, a actor.Actor, h head) ([]Row, error) {
	rows, err := d.db.Read().Query(ctx, `select c.id, c.state, c.waiting, c.last_at, c.messages, i.handle, i.name, i.avatar
		from conversation c join identity i on i.workspace = c.workspace and i.id = c.identity
		where c.workspace = $1 and c.thread = $2 and c.account = $3 and c.id <> $4 order by c.last_at desc limit 50`,
		a.Workspace, h.Thread, h.Account, h.ID)
	if err != nil {
		return nil, fmt.Errorf("reading who else speaks here: %w", err)
	}
	defer rows.Close()
	var rs []Row
	for rows.Next() {
		r := Row{Account: h.Account, Kind: Public}
		if err := rows.Scan(&r.ID, &r.State, db.ScanTime(&r.Waiting), db.ScanTime(&r.Last), &r.Messages, &r.Person.Handle, &r.Person.Name, &r.Person.Avatar); err != nil {
			return nil, fmt.Errorf("reading who else speaks here: %w", err)
		}
		rs = append(rs, r)
	}
	return rs, rows.Err()
}
