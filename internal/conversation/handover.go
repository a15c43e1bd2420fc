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
)

// Receiver is to whom a conversation is given: a member or a team, not both.
type Receiver struct {
	Member id.ID
	Team   id.ID
}

// Handover is a conversation that was given to somebody who has not taken it on yet.
type Handover struct {
	Conversation id.ID
	From         id.ID // 0: Parley itself
	By           string
	To           Receiver
	Name         string // of the receiver
	Words        string // what was said about it, in a line
	At           time.Time
	Back         bool // given back by who had been given it
	Mine         bool // of an open conversation: it was given to who reads
}

// HandOver gives a conversation to a member or a team who may answer there, with a
// note if words are not empty. It ends one's own claim; a steward also hands over
// what somebody else left lying. Whoever claims it next takes it on.
func (d *Desk) HandOver(ctx context.Context, a actor.Actor, conversation id.ID, to Receiver, words NoteIn) error {
	return d.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		h, err := d.load(ctx, tx, a, actor.Claim, conversation)
		if err != nil {
			return err
		}
		how := "handed"
		if h.ClaimedBy != 0 && h.ClaimedBy != a.Member {
			if !a.Can(actor.ManageTeam) {
				return d.claimedByOther(ctx, tx, a, h)
			}
			how = "taken"
		}
		if err := d.mayReceive(ctx, tx, a, h, to); err != nil {
			return err
		}
		if err := d.unclaim(ctx, tx, a, h, how); err != nil {
			return err
		}
		if h.State == Done {
			if _, err := tx.Exec(ctx, `update conversation set state = 'open', changed = $1 where workspace = $2 and id = $3`,
				db.Micros(d.clock.Now()), a.Workspace, h.ID); err != nil {
				return fmt.Errorf("opening what is handed over: %w", err)
			}
		}
		if err := d.endSnooze(ctx, tx, a, h.ID, "woken"); err != nil {
			return err
		}
		return d.give(ctx, tx, a, h, to, words, false)
	})
}

// give records a hand-over in a transaction that has loaded h and authorised.
func (d *Desk) give(ctx context.Context, tx *db.Tx, a actor.Actor, h head, to Receiver, words NoteIn, back bool) error {
	how, was := "again", 0
	if back {
		how, was = "returned", 1
	}
	if err := d.endHandover(ctx, tx, a, h.ID, how); err != nil {
		return err
	}
	var note id.ID
	if words.Text != "" {
		if err := a.Require(actor.Note, scope(h.Account)); err != nil {
			return err
		}
		var err error
		if note, err = d.addNote(ctx, tx, a, h, words); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(ctx, `insert into handover (workspace, id, conversation, by_member, to_member, to_team, note, back, at, ended, ended_by, how)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, 0, '')`, a.Workspace, d.ids.New(), h.ID, a.Member, to.Member, to.Team, note, was,
		db.Micros(d.clock.Now())); err != nil {
		return fmt.Errorf("handing over: %w", err)
	}
	details := map[string]string{"account": h.Account.String()}
	if to.Member != 0 {
		details["member"] = to.Member.String()
	} else {
		details["team"] = to.Team.String()
	}
	d.log.Record(tx, a, event.Entry{Verb: "conversation.handed_over", Kind: "conversation", Subject: h.ID, Details: details})
	return nil
}

// mayReceive refuses whoever could not answer there.
func (d *Desk) mayReceive(ctx context.Context, tx *db.Tx, a actor.Actor, h head, to Receiver) error {
	all, err := d.colleagues(ctx, tx, a.Workspace)
	if err != nil {
		return err
	}
	if to.Team != 0 && to.Member == 0 {
		var name string
		err := tx.Row(ctx, `select name from team where workspace = $1 and id = $2 and closed = 0`, a.Workspace, to.Team).Scan(&name)
		if db.NoRows(err) {
			return problem.New(problem.Invalid, "conversation.no_receiver").At("to")
		}
		if err != nil {
			return fmt.Errorf("reading a team: %w", err)
		}
		if len(ofTeam(able(all, actor.Reply, h.Account), to.Team)) == 0 {
			return problem.New(problem.Invalid, "conversation.team_cannot_answer", "name", name).At("to")
		}
		return nil
	}
	switch c := found(all, to.Member); {
	case c == nil || to.Team != 0:
		return problem.New(problem.Invalid, "conversation.no_receiver").At("to")
	case to.Member == a.Member:
		return problem.New(problem.Invalid, "conversation.handed_to_self").At("to")
	case !c.Actor.Can(actor.Reply, scope(h.Account)):
		return problem.New(problem.Invalid, "conversation.cannot_answer_there", "name", c.Actor.Name).At("to")
	}
	return nil
}

// ofTeam are those of a team.
func ofTeam(all []Colleague, team id.ID) []Colleague {
	return slices.DeleteFunc(slices.Clone(all), func(c Colleague) bool { return !slices.Contains(c.Teams, team) })
}

// HandBack says that one cannot take on what one was given. It goes back to who
// gave it, if they can still take it; else it is everybody's again.
func (d *Desk) HandBack(ctx context.Context, a actor.Actor, conversation id.ID, words NoteIn) error {
	return d.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		h, err := d.load(ctx, tx, a, actor.Claim, conversation)
		if err != nil {
			return err
		}
		open, err := d.handed(ctx, tx, a.Workspace, []id.ID{h.ID})
		if err != nil {
			return err
		}
		all, err := d.colleagues(ctx, tx, a.Workspace)
		if err != nil {
			return err
		}
		given, ok := open[h.ID]
		me := found(all, a.Member)
		if !ok || me == nil || given.To.Member != a.Member && !slices.Contains(me.Teams, given.To.Team) {
			return problem.New(problem.Conflict, "conversation.not_handed")
		}
		giver := found(all, given.From)
		if giver != nil && given.From != a.Member && giver.Actor.Can(actor.Claim, scope(h.Account)) {
			return d.give(ctx, tx, a, h, Receiver{Member: given.From}, words, true)
		}
		if err := d.endHandover(ctx, tx, a, h.ID, "returned"); err != nil {
			return err
		}
		d.record(tx, a, "conversation.handed_back", h.ID, h.Account)
		return nil
	})
}

// endHandover ends the open hand-over of a conversation, if there is one.
func (d *Desk) endHandover(ctx context.Context, tx *db.Tx, a actor.Actor, conversation id.ID, how string) error {
	if _, err := tx.Exec(ctx, `update handover set ended = $1, ended_by = $2, how = $3 where workspace = $4 and conversation = $5 and ended = 0`,
		db.Micros(d.clock.Now()), a.Member, how, a.Workspace, conversation); err != nil {
		return fmt.Errorf("ending a hand-over: %w", err)
	}
	return nil
}

// handed reads the open hand-overs of some conversations.
func (d *Desk) handed(ctx context.Context, q db.Queryer, workspace id.ID, conversations []id.ID) (map[id.ID]Handover, error) {
	if len(conversations) == 0 {
		return nil, nil
	}
	in, args := db.In(2, conversations)
	rows, err := q.Query(ctx, `select h.conversation, h.by_member, coalesce(b.name, ''), h.to_member, h.to_team, coalesce(m.name, t.name, ''),
		coalesce(n.body, ''), h.at, h.back from handover h
		left join member b on b.workspace = h.workspace and b.id = h.by_member
		left join member m on m.workspace = h.workspace and m.id = h.to_member
		left join team t on t.workspace = h.workspace and t.id = h.to_team
		left join note n on n.workspace = h.workspace and n.id = h.note
		where h.workspace = $1 and h.ended = 0 and h.conversation `+in, append([]any{workspace}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("reading what was handed over: %w", err)
	}
	defer rows.Close()
	all := map[id.ID]Handover{}
	for rows.Next() {
		var h Handover
		var body string
		var back int64
		if err := rows.Scan(&h.Conversation, &h.From, &h.By, &h.To.Member, &h.To.Team, &h.Name, &body, db.ScanTime(&h.At), &back); err != nil {
			return nil, fmt.Errorf("reading what was handed over: %w", err)
		}
		h.Back = back != 0
		h.Words = body
		all[h.Conversation] = h
	}
	if err := rows.Close(); err != nil {
		return nil, fmt.Errorf("reading what was handed over: %w", err)
	}
	return all, d.nameHanded(ctx, workspace, all)
}

// nameHanded makes one line of what was said about hand-overs, with colleagues by name.
func (d *Desk) nameHanded(ctx context.Context, workspace id.ID, all map[id.ID]Handover) error {
	var mentioned []id.ID
	for _, h := range all {
		_, members := addressed(h.Words, tagAt)
		mentioned = append(mentioned, members...)
	}
	names, err := d.names(ctx, workspace, mentioned)
	if err != nil {
		return err
	}
	for c, h := range all {
		h.Words = inLine(h.Words, names)
		all[c] = h
	}
	return nil
}

// handRows says of rows to whom they were given.
func (d *Desk) handRows(ctx context.Context, workspace id.ID, rows []Row) error {
	listed := make([]id.ID, len(rows))
	for i, r := range rows {
		listed[i] = r.ID
	}
	all, err := d.handed(ctx, d.db.Read(), workspace, listed)
	for i, r := range rows {
		if h, ok := all[r.ID]; ok {
			rows[i].Handed = &h
		}
	}
	return err
}

// Receivers are to whom a conversation can be given: who may answer there, and the
// teams with somebody who may.
func (d *Desk) Receivers(ctx context.Context, a actor.Actor, conversation id.ID) ([]Colleague, []Group, error) {
	h, err := d.load(ctx, d.db.Read(), a, actor.Claim, conversation)
	if err != nil {
		return nil, nil, err
	}
	all, err := d.colleagues(ctx, d.db.Read(), a.Workspace)
	if err != nil {
		return nil, nil, err
	}
	teams, err := groups(ctx, d.db.Read(), a.Workspace)
	if err != nil {
		return nil, nil, err
	}
	may := able(all, actor.Reply, h.Account)
	teams = slices.DeleteFunc(teams, func(g Group) bool { return len(ofTeam(may, g.ID)) == 0 })
	return slices.DeleteFunc(may, func(c Colleague) bool { return c.Actor.Member == a.Member }), teams, nil
}

// inHand are the conversations that are a member's: those they answer, and those
// that were given to them or to a team of theirs. They are few: each part
// is read by its index, and the plus before an account keeps SQLite from all of its.
const inHand = `c.id in (select m.id from conversation m where m.workspace = $1 and m.claimed_by > 0 and m.claimed_by = %[1]s
	union all select h.conversation from handover h where h.workspace = $1 and h.ended = 0 and h.to_member > 0 and h.to_member = %[1]s
	union all select h.conversation from team_member t cross join handover h where h.workspace = t.workspace and h.ended = 0 and h.to_team > 0
		and h.to_team = t.team and t.workspace = $1 and t.member = %[1]s and t.removed = 0)`

// endDeparted ends what was given to somebody who left, or to a team that is closed.
func (d *Desk) endDeparted(ctx context.Context, tx *db.Tx, a actor.Actor) error {
	rows, err := tx.Query(ctx, `select h.conversation, c.account from handover h
		join conversation c on c.workspace = h.workspace and c.id = h.conversation
		left join member m on m.workspace = h.workspace and m.id = h.to_member
		left join team t on t.workspace = h.workspace and t.id = h.to_team
		where h.workspace = $1 and h.ended = 0 and (m.departed > 0 or t.closed > 0)`, a.Workspace)
	if err != nil {
		return fmt.Errorf("reading what was given to who left: %w", err)
	}
	var left []head
	for rows.Next() {
		var h head
		if err := rows.Scan(&h.ID, &h.Account); err != nil {
			rows.Close()
			return fmt.Errorf("reading what was given to who left: %w", err)
		}
		left = append(left, h)
	}
	if err := rows.Close(); err != nil {
		return err
	}
	for _, h := range left {
		if err := d.endHandover(ctx, tx, a, h.ID, "left"); err != nil {
			return err
		}
		d.record(tx, a, "conversation.handed_back", h.ID, h.Account)
	}
	return nil
}

// handedTo is the open hand-over of a conversation as the actor sees it; nil: none.
func (d *Desk) handedTo(ctx context.Context, a actor.Actor, conversation id.ID) (*Handover, error) {
	all, err := d.handed(ctx, d.db.Read(), a.Workspace, []id.ID{conversation})
	h, ok := all[conversation]
	if err != nil || !ok {
		return nil, err
	}
	h.Mine = h.To.Member == a.Member && a.Member != 0
	if h.To.Team != 0 {
		in, err := ids(ctx, d.db.Read(), `select member from team_member where workspace = $1 and team = $2 and member = $3 and removed = 0`,
			a.Workspace, h.To.Team, a.Member)
		if err != nil {
			return nil, fmt.Errorf("reading a team: %w", err)
		}
		h.Mine = len(in) > 0
	}
	return &h, nil
}
