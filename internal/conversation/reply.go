package conversation

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/id"
	"parley/internal/network"
	"parley/internal/problem"
	"parley/internal/text"
)

// Answer is what a member wants to say in a conversation.
type Answer struct {
	Conversation id.ID
	To           id.ID // the message it answers; 0: the last one said to us
	Text         string
	Lang         string
	Warning      string
	Visibility   network.Visibility // "": like what it answers; never wider
	Media        []network.Media
	Key          string // the composer's own: the same key and words are the same answer
	// Seen is how many answers of other members stood in the conversation when
	// this one was begun. If there are more now, it is refused: whoever wrote it
	// has not read what a colleague said meanwhile. Negative: not told.
	Seen int
	// Patient gives its writer the workspace's few seconds to call it back.
	Patient bool
}

// Reply accepts an answer in the member's own name. It claims the conversation
// if nobody has, so two members can never both send. The answer leaves after the
// transaction, through delivery; the returned id is the delivery's.
func (d *Desk) Reply(ctx context.Context, a actor.Actor, in Answer) (id.ID, error) {
	c, err := d.Compose(ctx, a, in.Conversation, in.To)
	if err != nil {
		return 0, err
	}
	draft, err := c.draft(a, in)
	if err != nil {
		return 0, err
	}
	var delivery id.ID
	err = d.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		h, err := d.load(ctx, tx, a, actor.Reply, in.Conversation)
		if err != nil {
			return err
		}
		key := in.key(a)
		if key != "" {
			err := tx.Row(ctx, `select delivery from answer where workspace = $1 and key = $2`, a.Workspace, key).Scan(&delivery)
			if !db.NoRows(err) {
				return err // nil: this very answer was accepted before
			}
		}
		if err := d.claim(ctx, tx, a, h); err != nil {
			return err
		}
		if err := d.answeredMeanwhile(ctx, tx, a, h.ID, in.Seen); err != nil {
			return err
		}
		at, err := d.leaves(ctx, tx, a.Workspace, in)
		if err != nil {
			return err
		}
		if delivery, err = d.send(ctx, tx, a, Outgoing{Account: h.Account, Conversation: h.ID, Draft: draft, At: at}); err != nil {
			return err
		}
		if err := d.active(ctx, tx, a, h.ID); err != nil {
			return err
		}
		if key == "" {
			key = delivery.String()
		}
		if _, err := tx.Exec(ctx, `insert into answer (workspace, delivery, conversation, message, member, key, at)
			values ($1, $2, $3, $4, $5, $6, $7)`, a.Workspace, delivery, h.ID, c.To.ID, a.Member, key, db.Micros(d.clock.Now())); err != nil {
			return fmt.Errorf("storing an answer: %w", err)
		}
		if err := dropDraft(ctx, tx, a, h.ID); err != nil {
			return err
		}
		d.log.Record(tx, a, event.Entry{Verb: "conversation.replied", Kind: "conversation", Subject: h.ID,
			Details: map[string]string{"delivery": delivery.String(), "message": c.To.ID.String(), "account": h.Account.String()}})
		return nil
	})
	return delivery, err
}

// key makes the composer's key this member's and these words': a second answer
// from a composer that was left open is another answer.
func (in Answer) key(a actor.Actor) string {
	if in.Key == "" {
		return ""
	}
	h := sha256.New()
	fmt.Fprintf(h, "%d\n%q\n%q\n%q", a.Member, in.Key, in.Text, in.Warning)
	for _, m := range in.Media {
		h.Write(m.Digest[:])
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// answersOfOthers counts the answers that other members have given here.
func (d *Desk) answersOfOthers(ctx context.Context, q db.Queryer, a actor.Actor, conversation id.ID) (n int, err error) {
	err = q.Row(ctx, `select count(*) from answer where workspace = $1 and conversation = $2 and member <> $3`, a.Workspace, conversation, a.Member).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("counting answers: %w", err)
	}
	return n, nil
}

func (d *Desk) answeredMeanwhile(ctx context.Context, tx *db.Tx, a actor.Actor, conversation id.ID, seen int) error {
	if seen < 0 {
		return nil
	}
	n, err := d.answersOfOthers(ctx, tx, a, conversation)
	if err != nil || n <= seen {
		return err
	}
	var name string
	if err := tx.Row(ctx, `select m.name from answer x join member m on m.workspace = x.workspace and m.id = x.member
		where x.workspace = $1 and x.conversation = $2 and x.member <> $3 order by x.at desc limit 1`, a.Workspace, conversation, a.Member).Scan(&name); err != nil {
		return fmt.Errorf("reading who answered: %w", err)
	}
	return problem.New(problem.Conflict, "conversation.answered_meanwhile", "name", name)
}

// Composer is everything needed to write an answer: what it answers, who will
// see it, what fits.
type Composer struct {
	Conversation id.ID
	Account      AccountView
	To           Message
	Audience     []Person             // who is addressed
	Visibility   network.Visibility   // what it will have
	Choices      []network.Visibility // none of them wider than what it answers
	Rule         text.Rule
	Prefix       string // what is put in front so that everyone addressed is told
	Suffix       string // who signs it
	Why          string // catalogue key of why an answer is not possible; "" if it is
	Seen         int    // goes back with the Answer
	Alone        bool   // they asked to be left alone
}

// Compose prepares an answer to a message of a conversation; to 0 is the last
// one said to us.
func (d *Desk) Compose(ctx context.Context, a actor.Actor, conversation, to id.ID) (Composer, error) {
	h, err := d.load(ctx, d.db.Read(), a, actor.ReadConversations, conversation)
	if err != nil {
		return Composer{}, err
	}
	account, err := d.describe(ctx, a.Workspace, h.Account)
	if err != nil {
		return Composer{}, fmt.Errorf("asking what is possible here: %w", err)
	}
	c := Composer{Conversation: h.ID, Account: account, Rule: account.Capabilities.Text}
	if c.Seen, err = d.answersOfOthers(ctx, d.db.Read(), a, h.ID); err != nil {
		return c, err
	}
	if c.To, err = d.answerable(ctx, a, h, to); err != nil {
		return c, err
	}
	c.Suffix = signature(account, a.Name)
	c.Audience = []Person{c.To.Author}
	c.Visibility = c.To.Visibility
	c.Choices = narrower(c.To.Visibility, account.Capabilities.Visibilities)
	if c.To.Author.Handle != "" && len(account.Capabilities.Visibilities) > 0 {
		// Where replies notify by being mentioned, the mention counts.
		c.Prefix = "@" + c.To.Author.Handle + " "
	}
	if c.Alone, err = d.alone(ctx, a.Workspace, c.To.Author.Person); err != nil {
		return c, err
	}
	c.Why = whyNot(account, h.Kind, c.To)
	return c, nil
}

// newestSaid picks what was said last in a conversation. The plus keeps SQLite from
// walking through the workspace by age until it meets the conversation.
const newestSaid = `r.conversation = $3 and +m.own = 0 order by m.at desc, m.id desc limit 1`

// answerable finds the message to answer.
func (d *Desk) answerable(ctx context.Context, a actor.Actor, h head, to id.ID) (Message, error) {
	where, args := newestSaid, []any{h.ID}
	if to != 0 {
		where, args = `r.conversation = $3 and m.own = 0 and m.id = $4`, []any{h.ID, to}
	}
	ms, err := d.messages(ctx, a.Workspace, h.Account, where, args...)
	if err != nil {
		return Message{}, err
	}
	if len(ms) == 0 {
		return Message{}, problem.New(problem.NotFound, "conversation.nothing_to_answer")
	}
	return ms[0], nil
}

func whyNot(account AccountView, kind Kind, to Message) string {
	if !account.Working {
		return "conversation.why.account"
	}
	if !to.Gone.IsZero() {
		return "conversation.why.gone"
	}
	ability := network.CanReply
	if kind == Direct {
		ability = network.CanDirect
	}
	if g, told := account.Capabilities.Can[ability]; !g.OK {
		if told && g.Why != "" {
			return g.Why
		}
		return "conversation.why.not_told"
	}
	return ""
}

// draft checks a member's words and freezes them for delivery.
func (c Composer) draft(a actor.Actor, in Answer) (network.Draft, error) {
	var none network.Draft
	if c.Why != "" {
		return none, problem.New(problem.Conflict, "conversation.cannot_answer", "why", c.Why)
	}
	body := strings.TrimSpace(text.Clean(in.Text))
	if body == "" && len(in.Media) == 0 {
		return none, problem.New(problem.Invalid, "conversation.empty_answer").At("text")
	}
	warning := text.CleanLine(in.Warning, maxLine)
	body += c.Suffix
	if r := text.Count(c.Rule, c.Prefix+body, warning); !r.Fits {
		return none, problem.New(problem.Invalid, "conversation.too_long", "n", -r.Left, "limit", c.Rule.Max).At("text")
	}
	visibility := c.Visibility
	if in.Visibility != "" {
		visibility = in.Visibility
	}
	if wider(visibility, c.To.Visibility) {
		return none, problem.New(problem.Invalid, "conversation.wider").At("visibility")
	}
	part := network.Part{Text: body, Lang: in.Lang, Warning: warning, Visibility: visibility, Media: in.Media}
	for _, p := range c.Audience {
		part.Keep = append(part.Keep, p.network(c.Account))
	}
	return network.Draft{Parts: []network.Part{part}, ReplyTo: c.To.network(c.Account), ByHuman: a.Token == 0}, nil
}

// order of visibilities, widest first.
var order = []network.Visibility{network.Public, network.Unlisted, network.Followers, network.DirectTo}

func rank(v network.Visibility) int {
	for i, o := range order {
		if o == v {
			return i
		}
	}
	return 0 // a network without visibilities: everything is public
}

// wider reports whether more people see v than saw what it answers.
func wider(v, than network.Visibility) bool { return rank(v) < rank(than) }

// narrower are the instance's visibilities that do not show an answer to more
// people than saw the question.
func narrower(than network.Visibility, all []network.Visibility) []network.Visibility {
	var ok []network.Visibility
	for _, v := range all {
		if !wider(v, than) {
			ok = append(ok, v)
		}
	}
	return ok
}

// signature is what shows who wrote an answer.
func signature(account AccountView, name string) string {
	switch {
	case account.Signature != "caret" || name == "":
		return ""
	case account.Capabilities.Letters:
		return "\n\n" + name
	}
	return " ^" + firstName(name)
}

func firstName(name string) string {
	first, _, _ := strings.Cut(strings.TrimSpace(name), " ")
	return first
}

func (p Person) network(a AccountView) network.Person {
	return network.Person{Network: a.Network, Instance: a.Instance, RemoteID: p.RemoteID, Handle: p.Handle, Name: p.Name, URL: p.URL, Avatar: p.Avatar, Bot: p.Bot}
}

// network is the message as connectors know it.
func (m Message) network(a AccountView) *network.Post {
	return &network.Post{
		Ref:  network.Ref{ID: m.RemoteID, URL: m.URL, Version: m.Version, ParentID: m.Parent},
		Text: m.Text, Lang: m.Lang, Warning: m.Warning, Visibility: m.Visibility, Author: m.Author.network(a),
		Media: m.Media, QuoteID: m.QuoteID, Created: m.At, Edited: m.Edited,
	}
}

// Sent says that an answer of ours stands on the network.
type Sent struct {
	Delivery     id.ID
	Account      id.ID
	Conversation id.ID
	Remote       network.Account
	ReplyTo      *network.Post
	Part         network.Part
	Ref          network.Ref
	Feed         network.Feed
}

// Sent stores our own words once they stand on the network, in the transaction
// that closes the delivery. If the network's echo came first, it is the same row.
func (d *Desk) Sent(ctx context.Context, tx *db.Tx, a actor.Actor, in Sent) error {
	post := &network.Post{Ref: in.Ref, Text: text.Linkify(in.Part.Text), Lang: in.Part.Lang, Warning: in.Part.Warning,
		Visibility: in.Part.Visibility, To: in.Part.Keep, Media: in.Part.Media, Created: d.clock.Now()}
	if in.ReplyTo != nil && post.ParentID == "" {
		post.ParentID = in.ReplyTo.ID
	}
	direct := in.Part.Visibility == network.DirectTo
	if _, err := d.Ingest(ctx, tx, a, Arrival{Account: in.Account, Remote: in.Remote, Feed: network.Own, Events: []network.Event{
		{Kind: network.KindMessage, Post: post, Own: true, Direct: direct, At: post.Created}}}); err != nil {
		return err
	}
	source, err := d.sourceOf(ctx, tx, a.Workspace, in.Remote)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `update message set delivery = $1, by_member = coalesce((select member from answer where workspace = $2 and delivery = $1), 0)
		where workspace = $2 and source = $3 and remote_id = $4`, in.Delivery, a.Workspace, source, in.Ref.ID); err != nil {
		return fmt.Errorf("storing a sent answer: %w", err)
	}
	if err := sentFromHere(ctx, tx, a.Workspace, source, in.Ref.ID); err != nil {
		return err
	}
	return d.answered(ctx, tx, a, in)
}

// answered closes the conversation that was answered, wherever it is by now: it
// may have become part of another one, or its person was erased.
func (d *Desk) answered(ctx context.Context, tx *db.Tx, a actor.Actor, in Sent) error {
	conversation, member := in.Conversation, id.ID(0)
	err := tx.Row(ctx, `select conversation, member from answer where workspace = $1 and delivery = $2`, a.Workspace, in.Delivery).Scan(&conversation, &member)
	if err != nil && !db.NoRows(err) {
		return fmt.Errorf("reading what was answered: %w", err)
	}
	h, err := d.load(ctx, tx, a, actor.Reply, conversation)
	if problem.Is(err, "conversation.not_found") {
		return nil
	}
	if err != nil {
		return err
	}
	if h.ClaimedBy == member { // a colleague who took it over is answering still
		if err := d.unclaim(ctx, tx, a, h, "answered"); err != nil {
			return err
		}
	}
	if err := d.endSnooze(ctx, tx, a, h.ID, "answered"); err != nil {
		return err
	}
	if h.Waiting.IsZero() {
		// What came while the answer was on its way was not read by who wrote it.
		if err := d.rewait(ctx, tx, a.Workspace, h.ID, h.Changed.Add(time.Microsecond)); err != nil {
			return err
		}
	}
	closed, err := tx.Exec(ctx, `update conversation set state = 'done', changed = $1 where workspace = $2 and id = $3 and waiting = 0`,
		db.Micros(d.clock.Now()), a.Workspace, h.ID)
	if err != nil {
		return fmt.Errorf("closing an answered conversation: %w", err)
	}
	if closed > 0 {
		if _, err := d.calm(ctx, tx, a, h.ID); err != nil {
			return err
		}
	}
	d.record(tx, a, "conversation.answered", h.ID, h.Account)
	return nil
}
