package conversation

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"parley/internal/actor"
	"parley/internal/api"
	"parley/internal/id"
	"parley/internal/network"
	"parley/internal/problem"
	"parley/internal/text"
)

// Attached finds a file that was uploaded before, by its digest.
type Attached func(ctx context.Context, workspace id.ID, digest [32]byte) (network.Media, error)

// API are the operations of the desk.
type API struct {
	Desk     *Desk
	Attached Attached
	Scrub    func(context.Context) error // after an erasure
	Held     Held
	Own      Own
	Also     []EraseAlso
}

// uploadLimit bounds one uploaded file, before it is made safe.
const uploadLimit = 16 << 20

// Register adds the operations.
func (o API) Register(a *api.API) {
	read, claim := api.Needs(actor.ReadConversations), api.Needs(actor.Claim)

	o.registerPeople(a)
	o.registerPromise(a)

	g := a.Section("conversations", "What people say to us. A conversation is one person, one account of ours and one thread.")
	o.registerUrgent(g)
	api.Get(g, "/conversations", "listConversations", "List the conversations of a box", o.list, read)
	api.Get(g, "/conversations/counts", "countConversations", "Count what waits", o.counts, read, api.About("Counting stops at 100."))
	api.Get(g, "/conversations/{conversation}", "openConversation", "Read a conversation with the thread it stands in", o.open, read,
		api.About("The newest 200 messages of the thread, oldest first."))
	o.registerSearch(g)
	api.Get(g, "/conversations/{conversation}/composer", "composeReply", "Read what an answer can be", o.compose, read)
	api.Post(g, "/conversations/{conversation}/claim", "claimConversation", "Say that one is answering", o.verb(o.Desk.Claim), claim)
	api.Post(g, "/conversations/{conversation}/release", "releaseConversation", "Hand a claim back", o.verb(o.Desk.Release), claim)
	api.Post(g, "/conversations/{conversation}/finish", "finishConversation", "Say that it needs no answer, or no more", o.verb(o.Desk.Finish), claim)
	api.Post(g, "/conversations/{conversation}/reopen", "reopenConversation", "Open it again", o.verb(o.Desk.Reopen), claim)
	api.Post(g, "/conversations/{conversation}/reply", "replyToConversation", "Answer in the token's member's name", o.reply, api.Needs(actor.Reply),
		api.Created, api.KeyRequired, api.About("Claims the conversation if nobody has. The answer leaves a moment later; the delivery says what became of it."))
	o.registerNotes(g)
	o.registerHandovers(g)
	o.registerDrafts(g)
	o.registerAsking(g)
	api.Post(g, "/media", "uploadMedia", "Upload a picture for an answer", o.upload, api.Needs(actor.Reply), api.Created, api.MaxBody(uploadLimit),
		api.About("The body is the file itself. It is encoded anew, without what it tells of where it was taken, and kept for a day unless an answer holds it."))
	api.Delete(g, "/people/{person}", "erasePerson", "Erase somebody outside: their words, their name and their pictures", o.erase, api.Needs(actor.ErasePerson),
		api.About("Cannot be taken back. What they said does not come in again."))
	o.registerLabels(a)
	o.registerViews(a)
	o.registerSnooze(g)
	o.registerUnder(g)
}

type personJSON struct {
	Person   id.ID  `json:"person" doc:"Somebody outside; to erase them."`
	Identity id.ID  `json:"identity" doc:"One handle of theirs."`
	RemoteID string `json:"remote_id"`
	Handle   string `json:"handle"`
	Name     string `json:"name"`
	URL      string `json:"url,omitempty"`
	Bot      bool   `json:"bot"`
}

func personOut(p Person) personJSON {
	return personJSON{Person: p.Person, Identity: p.Identity, RemoteID: p.RemoteID, Handle: p.Handle, Name: p.Name, URL: p.URL, Bot: p.Bot}
}

type conversationRowJSON struct {
	ID        id.ID        `json:"id"`
	Account   id.ID        `json:"account"`
	Network   string       `json:"network" example:"mastodon"`
	Handle    string       `json:"handle" doc:"Our account's."`
	Kind      Kind         `json:"kind" enum:"public,direct,item"`
	State     State        `json:"state" enum:"open,done"`
	Person    personJSON   `json:"person"`
	Waiting   time.Time    `json:"waiting,omitzero" doc:"Since when they wait for us; absent: they do not."`
	Last      time.Time    `json:"last" doc:"When something was last said."`
	Due       time.Time    `json:"due,omitzero" doc:"When our promise to them falls due; absent: nothing is promised."`
	Snoozed   time.Time    `json:"snoozed,omitzero" doc:"Until when it rests; absent: it does not."`
	Urgent    []urgentJSON `json:"urgent" doc:"Why it is urgent, the most serious first."`
	LastOwn   bool         `json:"last_own" doc:"It was said by us."`
	Snippet   string       `json:"snippet"`
	Warning   string       `json:"warning,omitempty"`
	Gone      bool         `json:"gone" doc:"It is no longer on the network, or its author hides it from us."`
	Messages  int64        `json:"messages"`
	ClaimedBy id.ID        `json:"claimed_by,omitzero"`
	Claimer   string       `json:"claimer,omitempty"`
	Handed    *handedJSON  `json:"handed,omitempty" doc:"To whom it was given; absent: to nobody."`
	Labels    []onJSON     `json:"labels" doc:"What it is about, in the workspace's own words."`
}

func rowOut(r Row) conversationRowJSON {
	return conversationRowJSON{ID: r.ID, Account: r.Account, Network: r.Network, Handle: r.Handle, Kind: r.Kind, State: r.State, Person: personOut(r.Person),
		Waiting: r.Waiting, Due: r.Due, Urgent: urgentOut(r.Urgent), Snoozed: r.Snoozed, Last: r.Last, LastOwn: r.LastOwn, Snippet: r.Snippet, Warning: r.Warning, Gone: r.Gone, Messages: r.Messages,
		ClaimedBy: r.ClaimedBy, Claimer: r.Claimer, Labels: labelsOut(r.Labels), Handed: handedOut(r.Handed)}
}

type countsJSON struct {
	Waiting int `json:"waiting"`
	Mine    int `json:"mine"`
	Later   int `json:"later" doc:"That rest until a time."`
	Reading int `json:"reading"`
}

func (o API) counts(ctx context.Context, a actor.Actor, _ *struct{}) (*countsJSON, error) {
	n, err := o.Desk.Counts(ctx, a)
	return &countsJSON{n[Waiting], n[Mine], n[Later], n[Reading]}, err
}

type conversationIn struct {
	Conversation api.ID `path:"conversation"`
}

type conversationJSON struct {
	ID        id.ID                   `json:"id"`
	Account   id.ID                   `json:"account"`
	Kind      Kind                    `json:"kind" enum:"public,direct,item"`
	State     State                   `json:"state" enum:"open,done"`
	Person    personJSON              `json:"person"`
	Waiting   time.Time               `json:"waiting,omitzero" doc:"Since when they wait for us; absent: they do not."`
	Due       time.Time               `json:"due,omitzero" doc:"When our promise to them falls due; absent: nothing is promised."`
	Urgent    []urgentJSON            `json:"urgent" doc:"Why it is urgent, the most serious first."`
	ClaimedBy id.ID                   `json:"claimed_by,omitzero"`
	Claimer   string                  `json:"claimer,omitempty"`
	ClaimedAt time.Time               `json:"claimed_at,omitzero"`
	Labels    []onJSON                `json:"labels" doc:"What it is about, in the workspace's own words."`
	Handed    *handedJSON             `json:"handed,omitempty" doc:"To whom it was given; absent: to nobody."`
	Asked     *askedJSON              `json:"asked,omitempty" doc:"Who asks the holder for it."`
	Messages  []messageJSON           `json:"messages" doc:"The thread, oldest first."`
	More      bool                    `json:"more" doc:"The thread is longer than what is told."`
	Others    []otherConversationJSON `json:"others" doc:"Other people's conversations in the same thread."`
}

type messageJSON struct {
	ID         id.ID                `json:"id"`
	RemoteID   string               `json:"remote_id"`
	Parent     string               `json:"parent,omitempty" doc:"The remote id of what it answers."`
	Author     personJSON           `json:"author"`
	Own        id.ID                `json:"own,omitzero" doc:"The account of ours that said it; absent: somebody outside."`
	By         id.ID                `json:"by,omitzero" doc:"The member who wrote it, if that is known."`
	Delivery   id.ID                `json:"delivery,omitzero" doc:"What sent it."`
	Mine       bool                 `json:"mine" doc:"It belongs to this conversation; else it only stands in the same thread."`
	Direct     bool                 `json:"direct"`
	Visibility network.Visibility   `json:"visibility,omitempty"`
	Text       string               `json:"text"`
	Spans      []spanJSON           `json:"spans" doc:"What parts of the text are, by byte."`
	Lang       string               `json:"lang,omitempty"`
	Warning    string               `json:"warning,omitempty"`
	Media      []mediaJSON          `json:"media"`
	Quote      string               `json:"quote,omitempty" doc:"The remote id of what it quotes."`
	URL        string               `json:"url,omitempty"`
	At         time.Time            `json:"at"`
	Seen       time.Time            `json:"seen" doc:"When it reached us."`
	Edited     time.Time            `json:"edited,omitzero"`
	Gone       time.Time            `json:"gone,omitzero"`
	Versions   []earlierVersionJSON `json:"versions" doc:"What it said before it was edited, oldest first."`
}

type spanJSON struct {
	Start  int           `json:"start"`
	End    int           `json:"end"`
	Kind   text.SpanKind `json:"kind" enum:"mention,link,tag,quote,code,strike"`
	Target string        `json:"target,omitempty"`
}

type mediaJSON struct {
	Kind   string `json:"kind" example:"image"`
	MIME   string `json:"mime,omitempty"`
	URL    string `json:"url,omitempty" doc:"Where its network keeps it."`
	Alt    string `json:"alt,omitempty"`
	Width  int    `json:"width,omitempty"`
	Height int    `json:"height,omitempty"`
}

type earlierVersionJSON struct {
	Text    string    `json:"text"`
	Warning string    `json:"warning,omitempty"`
	At      time.Time `json:"at"`
	Until   time.Time `json:"until"`
}

type otherConversationJSON struct {
	ID       id.ID     `json:"id"`
	State    State     `json:"state" enum:"open,done"`
	Handle   string    `json:"handle"`
	Name     string    `json:"name"`
	Waiting  time.Time `json:"waiting,omitzero"`
	Last     time.Time `json:"last"`
	Messages int64     `json:"messages"`
}

func messageOut(m Message) messageJSON {
	return messageJSON{ID: m.ID, RemoteID: m.RemoteID, Parent: m.Parent, Author: personOut(m.Author), Own: m.Own, By: m.By, Delivery: m.Delivery,
		Mine: m.Mine, Direct: m.Direct, Visibility: m.Visibility, Text: m.Text.Body, Lang: m.Lang, Warning: m.Warning, Quote: m.QuoteID, URL: m.URL,
		At: m.At, Seen: m.Seen, Edited: m.Edited, Gone: m.Gone,
		Spans: api.ListOf(m.Text.Spans, func(s text.Span) spanJSON { return spanJSON(s) }).Items,
		Media: api.ListOf(m.Media, func(x network.Media) mediaJSON {
			return mediaJSON{Kind: x.Kind, MIME: x.MIME, URL: x.URL, Alt: x.Alt, Width: x.Width, Height: x.Height}
		}).Items,
		Versions: api.ListOf(m.Versions, func(v Version) earlierVersionJSON { return earlierVersionJSON{v.Text.Body, v.Warning, v.At, v.Until} }).Items}
}

func (o API) open(ctx context.Context, a actor.Actor, in *conversationIn) (*conversationJSON, error) {
	v, err := o.Desk.Open(ctx, a, in.Conversation.ID)
	if err != nil {
		return nil, err
	}
	return &conversationJSON{ID: v.ID, Account: v.Account, Kind: v.Kind, State: v.State, Person: personOut(v.Person), Waiting: v.Waiting, Due: v.Due, Urgent: urgentOut(v.Urgent),
		ClaimedBy: v.ClaimedBy, Claimer: v.Claimer, ClaimedAt: v.ClaimedAt, Labels: labelsOut(v.Labels), Handed: handedOut(v.Handed), Asked: askedOut(v.Asked), More: v.More,
		Messages: api.ListOf(v.Messages, messageOut).Items,
		Others: api.ListOf(v.Others, func(r Row) otherConversationJSON {
			return otherConversationJSON{r.ID, r.State, r.Person.Handle, r.Person.Name, r.Waiting, r.Last, r.Messages}
		}).Items}, nil
}

type composerJSON struct {
	To         id.ID                `json:"to" doc:"The message that is answered."`
	Audience   []personJSON         `json:"audience" doc:"Who is addressed."`
	Visibility network.Visibility   `json:"visibility,omitempty" doc:"What an answer will have unless it says otherwise."`
	Choices    []network.Visibility `json:"choices" doc:"What it can have: never wider than what it answers."`
	Rule       text.Rule            `json:"rule" doc:"How its length is counted and limited."`
	Prefix     string               `json:"prefix,omitempty" doc:"Put in front, so that everyone addressed is told; counts."`
	Suffix     string               `json:"suffix,omitempty" doc:"Put at the end, to say who writes; counts."`
	Why        *api.Reason          `json:"why,omitempty" doc:"Why an answer is not possible; absent: it is."`
	Alone      bool                 `json:"alone" doc:"They asked to be left alone: answer only what they ask."`
}

type composeIn struct {
	Conversation api.ID `path:"conversation"`
	To           api.ID `query:"to" doc:"The message to answer; without it the last one said to us."`
}

func (o API) compose(ctx context.Context, a actor.Actor, in *composeIn) (*composerJSON, error) {
	c, err := o.Desk.Compose(ctx, a, in.Conversation.ID, in.To.ID)
	if err != nil {
		return nil, err
	}
	return &composerJSON{To: c.To.ID, Audience: api.ListOf(c.Audience, personOut).Items, Visibility: c.Visibility,
		Choices: append([]network.Visibility{}, c.Choices...), Rule: c.Rule, Prefix: c.Prefix, Suffix: c.Suffix, Why: api.Why(ctx, c.Why), Alone: c.Alone}, nil
}

// verb is an operation that does one thing to a conversation.
func (o API) verb(do func(context.Context, actor.Actor, id.ID) error) api.Handler[conversationIn, api.None] {
	return func(ctx context.Context, a actor.Actor, in *conversationIn) (*api.None, error) {
		return nil, do(ctx, a, in.Conversation.ID)
	}
}

type uploadedJSON struct {
	ID     string `json:"id" doc:"To name it in an answer."`
	Kind   string `json:"kind" example:"image"`
	MIME   string `json:"mime"`
	Width  int    `json:"width,omitempty"`
	Height int    `json:"height,omitempty"`
	Size   int64  `json:"size" doc:"In bytes, after it was made safe."`
}

func (o API) upload(ctx context.Context, a actor.Actor, in *struct{ RawBody []byte }) (*uploadedJSON, error) {
	m, err := o.Desk.upload(ctx, a, bytes.NewReader(in.RawBody))
	if err != nil {
		return nil, err
	}
	return &uploadedJSON{ID: hex.EncodeToString(m.Digest[:]), Kind: m.Kind, MIME: m.MIME, Width: m.Width, Height: m.Height, Size: m.Size}, nil
}

type replyIn struct {
	Conversation api.ID `path:"conversation"`
	Key          string `header:"Idempotency-Key" required:"true" maxLength:"200" doc:"A random text of yours. The same request under the same key is said once."`
	Body         struct {
		Text       string         `json:"text"`
		To         id.ID          `json:"to,omitzero" doc:"The message to answer; absent: the last one said to us."`
		Lang       string         `json:"lang,omitempty" maxLength:"35" example:"en"`
		Warning    string         `json:"warning,omitempty"`
		Visibility string         `json:"visibility,omitempty" enum:"public,unlisted,followers,direct" doc:"Never wider than what it answers; absent: the same."`
		Media      []attachedJSON `json:"media,omitempty" maxItems:"20"`
	}
}

type attachedJSON struct {
	ID  string `json:"id" pattern:"^[0-9a-f]{64}$" doc:"What the upload answered."`
	Alt string `json:"alt,omitempty" doc:"What it shows, for who cannot see it."`
}

type repliedJSON struct {
	Delivery id.ID `json:"delivery" doc:"Says what becomes of the answer."`
}

func (o API) reply(ctx context.Context, a actor.Actor, in *replyIn) (*repliedJSON, error) {
	b := in.Body
	// A program says nothing about what it has read of others: Seen is not told.
	answer := Answer{Conversation: in.Conversation.ID, To: b.To, Seen: -1, Text: b.Text, Lang: b.Lang, Warning: b.Warning,
		Visibility: network.Visibility(b.Visibility), Key: replyKey(a, in)}
	for _, one := range b.Media {
		m, err := o.attached(ctx, a, one)
		if err != nil {
			return nil, err
		}
		answer.Media = append(answer.Media, m)
	}
	delivery, err := o.Desk.Reply(ctx, a, answer)
	return &repliedJSON{delivery}, err
}

func (o API) attached(ctx context.Context, a actor.Actor, one attachedJSON) (network.Media, error) {
	digest, err := hex.DecodeString(one.ID)
	if err != nil || len(digest) != sha256.Size {
		return network.Media{}, problem.New(problem.NotFound, "media.not_found").At("media")
	}
	m, err := o.Attached(ctx, a.Workspace, [sha256.Size]byte(digest))
	m.Alt = one.Alt
	return m, err
}

// replyKey is the composer's key for a request: the desk takes the same key for
// the same answer for good, long after the kernel has forgotten it. It is bound to
// the token and the conversation, so that a key met again elsewhere is another.
func replyKey(a actor.Actor, in *replyIn) string {
	sum := sha256.Sum256([]byte(a.Token.String() + in.Conversation.String() + in.Key))
	return "api." + hex.EncodeToString(sum[:16])
}

type personIn struct {
	Person api.ID `path:"person"`
}

func (o API) erase(ctx context.Context, a actor.Actor, in *personIn) (*api.None, error) {
	if err := o.Desk.Erase(ctx, a, in.Person.ID, o.Also...); err != nil {
		return nil, err
	}
	return nil, o.Scrub(ctx)
}
