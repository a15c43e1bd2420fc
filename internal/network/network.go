// Package network is the contract between Parley and a social network.
//
// The core is one method, Connector.Describe. Every other ability is a small
// optional interface, found by type assertion and granted or refused, with the
// reason, by Describe: per account and instance, never per network.
//
// A connector turns a network's bytes into Events on the way in, and plans,
// does and proves one write at a time on the way out. It never retries, never
// sleeps, keeps no state between calls beyond caches it can lose, and never
// touches a database: callers own schedules, locks and storage. All its
// requests go through Env.HTTP or Env.Dial, all its time comes from Env.Now.
//
// Not its business: who may do something (team), what is shown (conversation),
// when a send is repeated (delivery), when an account is polled (account).
package network

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"parley/internal/text"
)

// Network is what a network package registers with the application.
type Network interface {
	Connector
	Info() Info
}

// Info is what the connect page needs before any account exists.
type Info struct {
	Name      string  // "mastodon": in rows, addresses and catalogue keys; never changes
	Title     string  // catalogue key of what members call it
	Fields    []Field // what a member fills in to connect
	Simulated bool    // a rehearsal stage: never mixed with live accounts in one draft
}

// Field is one input of the connect form.
type Field struct {
	Name     string // key in the url.Values given to SignIn, or "hint" for Authorizer.Begin
	Label    string // catalogue key
	Help     string // catalogue key
	Secret   bool
	Optional bool // may be left empty
}

// Env is all a connector may use of the world.
type Env struct {
	HTTP *http.Client // guarded: size cap, deadline, no private addresses unless the operator allows them
	// Dial is for networks that do not speak HTTP, and guarded like it. The caller
	// bounds time and size.
	Dial  func(ctx context.Context, network, address string) (net.Conn, error)
	Now   func() time.Time
	Rand  io.Reader
	Apps  AppStore
	Media func(ctx context.Context, a Account, digest [32]byte) ([]byte, error) // bytes of Draft media
}

// App is our registration at one instance of a network (OAuth client).
type App struct {
	ID     string
	Secret []byte // sealed at rest by the store
}

// AppStore remembers registrations, once per network, instance and redirect address.
type AppStore interface {
	App(ctx context.Context, network, instance, redirect string) (App, bool, error)
	SaveApp(ctx context.Context, network, instance, redirect string, app App) error
}

// Connector is the only mandatory ability. The answer is cached until Capabilities.Until.
type Connector interface {
	Describe(context.Context, Account) (Capabilities, error)
}

// SignIner connects with what a member typed: an app password, a feed's address.
type SignIner interface {
	SignIn(ctx context.Context, fields url.Values) (Account, Secret, error)
}

// Authorizer connects by sending the member to the network's own consent page.
// state returns as a query parameter of the callback; blob is kept by the caller
// until Finish and may hold a PKCE verifier.
type Authorizer interface {
	Begin(ctx context.Context, hint, redirect, state string) (authURL string, blob []byte, err error)
	Finish(ctx context.Context, blob []byte, q url.Values) (Account, Secret, error)
}

// Refresher renews a Secret. The caller holds a per-account lock and saves the
// result before using it; an empty result never overwrites.
type Refresher interface {
	Refresh(context.Context, Account) (Secret, error)
}

// Revoker makes the network forget the token. Already forgotten is nil.
type Revoker interface {
	Revoke(context.Context, Account) error
}

// Poller reads what is new, oldest first, without gaps. Poll is complete by itself.
// A zero Cursor starts at now: the newest page, older history is Importer's.
type Poller interface {
	Poll(context.Context, Account, Feed, Cursor) (Page, error)
}

// Importer walks backwards through history until since. A zero Cursor starts at the newest.
type Importer interface {
	Import(ctx context.Context, a Account, f Feed, since time.Time, c Cursor) (Page, error)
}

// Streamer only shortens the delay of Poll. It calls ready once the stream is
// open (the caller then polls to the end), then got for each event, until ctx
// ends or the stream breaks. An Event of kind KindHint says only: poll now.
type Streamer interface {
	Stream(ctx context.Context, a Account, ready func(), got func(Event) error) error
}

// Threader reads the whole thread around a message, oldest first: what was said
// before we were mentioned, and replies that do not mention us.
type Threader interface {
	Thread(context.Context, Account, Ref) ([]Event, error)
}

// Watcher re-reads messages we hold and reports those that were edited or are
// gone; unchanged ones are left out.
type Watcher interface {
	Watch(context.Context, Account, []Ref) ([]Event, error)
}

// Fetcher brings what is attached to a message and stands at no address: its
// Media.URL is a name of the connector's own, which begins with InPlace. At most
// FetchMost bytes; what is larger is BadMedia.
type Fetcher interface {
	Fetch(ctx context.Context, a Account, ref Ref, m Media) ([]byte, error)
}

const (
	// InPlace begins the Media.URL of what only a Fetcher can bring.
	InPlace = "inplace:"
	// FetchMost is the largest attachment that is fetched.
	FetchMost = 25 << 20
)

// Publisher sends. Plan freezes everything; Do makes at most one irreversible
// request; Prove is read-only.
type Publisher interface {
	// Plan writes nothing (look-ups allowed) and freezes split, facets, keys,
	// timestamps and bytes. The caller stores it before any Do.
	Plan(context.Context, Account, Draft) (Plan, error)
	// Do performs step i. A nil error with State Sent carries the Ref; Pending
	// asks to be called again after PollAfter (async media), its Ref, if it has
	// one, saved as the step's Done until then. A create step whose Done is set
	// is never sent again: Do answers Sent from it alone. An *Error of kind
	// Ambiguous means the write may or may not have happened; any other *Error
	// means that it did not.
	Do(ctx context.Context, a Account, p Plan, i int) (Delivery, error)
	// Prove says Sent, NotSent or, honestly, Unknown. On a step with ProofKey,
	// Unknown means that only a repeat with the key can tell, while the key
	// lives (at least 45 minutes from the first request); NotSent of a step
	// that is read back is believed after a second reading a minute later.
	Prove(ctx context.Context, a Account, p Plan, i int) (Delivery, error)
}

// Deleter removes one of our posts. Already gone is nil.
type Deleter interface {
	Delete(context.Context, Account, Ref) error
}

// Editor replaces the words of one of our posts.
type Editor interface {
	Edit(context.Context, Account, Ref, Draft) (Delivery, error)
}

// Actor performs the small acts: like, repost, follow, mute, block, report.
// All are idempotent on the network, or made so by the connector.
type Actor interface {
	Act(context.Context, Account, Act) error
}

// Meter reads counts, keyed by Ref.ID.
type Meter interface {
	Metrics(context.Context, Account, []Ref) (map[string]Counts, error)
}

// Account is a handle on a network. Instance is the base address without a
// trailing slash ("https://mastodon.example"), for a feed its final address.
type Account struct {
	ID       string // ours, for log lines
	Network  string
	Instance string
	RemoteID string // the network's stable id: DID, numeric id
	Handle   string // as people write it, without a leading @
	Name     string
	URL      string
	Avatar   string
	AppID    string
	Scopes   []string
	Extra    map[string]string // connector's own facts from sign-in: dialect, PDS address
	Secret   Secret
}

// Secret is a credential. It prints as nothing.
type Secret struct {
	Blob       []byte    // connector's own format
	ExpiresAt  time.Time // zero: not told
	RefreshBy  time.Time // after this only a human can reconnect; zero: not told
	Generation int64     // compare-and-swap in the store
}

func (Secret) String() string   { return "[secret]" }
func (Secret) GoString() string { return "[secret]" }

// Ref holds opaque ids. Version is a cid, edit time or etag.
type Ref struct {
	ID             string `json:"id"`
	URL            string `json:"url,omitempty"`
	Version        string `json:"version,omitempty"`
	ParentID       string `json:"parent,omitempty"`
	RootID         string `json:"root,omitempty"`
	ConversationID string `json:"conversation,omitempty"`
}

// Person is somebody outside. RemoteID is the key; handles move.
type Person struct {
	Network, Instance, RemoteID string
	Handle, Name, URL, Avatar   string
	Bot                         bool
}

// Cursor is a connector's own bookmark; V lets it change the format.
type Cursor struct {
	V      int    `json:"v"`
	Opaque []byte `json:"o"`
}

// IsZero reports a bookmark that was never set.
func (c Cursor) IsZero() bool { return c.V == 0 && len(c.Opaque) == 0 }

// Feed is one stream of things to read from an account.
type Feed string

const (
	Mentions Feed = "mentions" // mentions, replies to us, and where the network has no separate box, direct messages
	Direct   Feed = "direct"
	Own      Feed = "own"   // our account's own posts, wherever they were written
	Items    Feed = "items" // entries of an RSS, Atom or JSON feed
)

// Visibility of a post, widest first. An answer is never wider than what it answers.
type Visibility string

const (
	Public    Visibility = "public"
	Unlisted  Visibility = "unlisted"
	Followers Visibility = "followers"
	DirectTo  Visibility = "direct" // only those mentioned or written to
)

// Media is an attachment. URL is set on the way in, Digest on the way out.
type Media struct {
	Kind   string   `json:"kind"` // image|video|gifv|audio|file
	MIME   string   `json:"mime,omitempty"`
	URL    string   `json:"url,omitempty"`
	Alt    string   `json:"alt,omitempty"`
	Width  int      `json:"w,omitempty"`
	Height int      `json:"h,omitempty"`
	Size   int64    `json:"size,omitempty"`
	Digest [32]byte `json:"digest,omitzero"`
}

// Post is what somebody said.
type Post struct {
	Ref
	Text       text.Text
	Lang       string // BCP 47; "" is not told
	Warning    string
	Visibility Visibility
	Author     Person
	To         []Person // those addressed: mentions, recipients
	Media      []Media
	QuoteID    string    // remote id of the quoted post
	Created    time.Time // the author's word
	Indexed    time.Time // the server's word; zero: not told
	Edited     time.Time // zero: never
	Raw        []byte    // as received, for repair; kept no longer than KeepUntil
	KeepUntil  time.Time // the network's retention duty; zero: none
}

// EventKind says what happened.
type EventKind string

const (
	KindMessage EventKind = "message" // new, or seen again; storing decides
	KindEdit    EventKind = "edit"    // a new version of something said
	KindGone    EventKind = "gone"    // deleted or hidden from us
	KindGap     EventKind = "gap"     // some may have been lost before this point; Note says why (catalogue key)
	KindHint    EventKind = "hint"    // poll now
)

// Event is one thing that happened on a network. Direct marks a private
// message; Own one that our account wrote. Addressed says it speaks to our
// account (a mention, a reply, a direct message) rather than being context.
// Quiet marks what nobody waits for an answer to, though it speaks to us: an
// automatic reply, a newsletter.
type Event struct {
	Kind      EventKind
	Post      *Post // message, edit
	Gone      *Ref
	Direct    bool
	Own       bool
	Addressed bool
	Quiet     bool
	Note      string
	At        time.Time
}

// Page is one answer of Poll or Import, oldest event first for Poll, newest
// first for Import. Next is where to go on, valid only once Events are stored.
type Page struct {
	Events []Event
	Next   Cursor
	More   bool          // call again at once
	Wait   time.Duration // the network asks for at least this long until the next call; 0: as configured
	Rate   Rate
	Moved  string // permanent new address (feeds); "" if none
}

// Draft is what a member means to say. More than one part is a thread.
type Draft struct {
	Parts   []Part
	ReplyTo *Post  // what is answered, as stored
	Key     string // stable for this send: makes Plan's keys
	At      time.Time
	ByHuman bool
}

// Part is one post of a draft. Keep lists those whose mention must stand in the
// text so that they are notified; Plan puts missing ones in front.
type Part struct {
	Text       string
	Lang       string
	Warning    string
	Visibility Visibility
	Media      []Media
	Keep       []Person
}

// StepKind is what one step of a plan does.
type StepKind string

const (
	Upload StepKind = "upload" // media; harmless to repeat
	Create StepKind = "create" // the irreversible one
)

// Plan is a frozen send: stored as JSON before the first request, so that a
// fresh process can go on from it alone.
type Plan struct {
	Key      string   `json:"key"`
	Steps    []Step   `json:"steps"`
	Warnings []string `json:"warnings,omitempty"` // catalogue keys
}

// Step is one request. Key is the Idempotency-Key; WantID an id we chose
// (record key, event id, Message-ID). Done is what Do returned, filled in and
// saved by the caller before the next step.
type Step struct {
	Kind   StepKind `json:"kind"`
	Key    string   `json:"key,omitempty"`
	WantID string   `json:"want,omitempty"`
	Proof  Proof    `json:"proof"`
	Body   []byte   `json:"body,omitempty"`
	After  []int    `json:"after,omitempty"` // steps whose Done this one needs
	Done   *Ref     `json:"done,omitempty"`
	Parts  []int    `json:"parts,omitempty"` // indices of Draft.Parts that this step makes public
}

// Proof is how a lost answer is settled.
type Proof string

const (
	ProofKey       Proof = "key"       // repeat with the same key while it lives, then read back
	ProofID        Proof = "id"        // ask for the id we chose
	ProofReadback  Proof = "readback"  // read our newest posts and compare
	ProofContainer Proof = "container" // ask for the state of what was prepared
	ProofNone      Proof = "none"      // cannot be known: a human decides
)

// State of one step, or of a whole send.
type State string

const (
	NotSent State = "not_sent"
	Pending State = "pending"
	Sent    State = "sent"
	Unknown State = "unknown" // never retried without proof or a human
)

// Delivery is what is known after Do or Prove. Evidence is for the operator:
// which request said so.
type Delivery struct {
	State     State
	Ref       Ref
	At        time.Time
	Evidence  string
	PollAfter time.Duration
	Parts     []Ref // one for each part a single step made public, in order
}

// ActKind is a small act towards a post or a person.
type ActKind string

const (
	Like   ActKind = "like"
	Repost ActKind = "repost"
	Follow ActKind = "follow"
	Mute   ActKind = "mute"
	Block  ActKind = "block"
	Report ActKind = "report"
)

// Act is one small act. Undo takes it back (not for Report).
type Act struct {
	Kind   ActKind
	Undo   bool
	On     Ref    // like, repost, report
	Person Person // follow, mute, block, report
	Reason string // report
}

// Counts: views, likes, reposts, quotes, replies, clicks, saves. Absent means
// "not told", never 0.
type Counts map[string]int64

// Rate is the budget the network last told us of.
type Rate struct {
	Limit, Left int
	Reset       time.Time // zero: not told
}

// Ability names what Capabilities.Can grants.
type Ability string

const (
	CanPost     Ability = "post"
	CanReply    Ability = "reply"
	CanDirect   Ability = "direct"
	CanThread   Ability = "thread"
	CanMedia    Ability = "media"
	CanEdit     Ability = "edit"
	CanDelete   Ability = "delete"
	CanWarn     Ability = "warning"
	CanLang     Ability = "language"
	CanLike     Ability = "like"
	CanRepost   Ability = "repost"
	CanFollow   Ability = "follow"
	CanMute     Ability = "mute"
	CanBlock    Ability = "block"
	CanReport   Ability = "report"
	CanStream   Ability = "stream"
	CanMentions Ability = "mentions"
	CanImport   Ability = "import"
	CanMetrics  Ability = "metrics"
)

// Capabilities is what is possible for one account on one instance, now.
type Capabilities struct {
	Can          map[Ability]Grant
	Feeds        []Feed
	Text         text.Rule
	Media        []MediaRule
	Visibilities []Visibility // empty: the network has none
	Proof        Proof
	API          string // "Mastodon 4.5.1 (api 7)"
	Until        time.Time
	Retention    time.Duration // 0: as long as we like
	PollEvery    time.Duration // what suits the network; 0: the default
	Letters      bool          // answers are letters: who signs one does so in a line of its own
}

// Grant is a yes, or a no with its reason.
type Grant struct {
	OK  bool
	Why string // catalogue key, shown to the member; required when not OK
}

// MediaRule is what may be attached.
type MediaRule struct {
	Kind   string
	MIME   []string
	Max    int // how many in one post
	AltMax int // in code points; 0 is no limit
	Bytes  int64
}
