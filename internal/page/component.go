package page

import (
	"hash/fnv"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/a-h/templ"

	"parley/internal/id"
	"parley/internal/problem"
	"parley/internal/text"
)

// Head is what a whole page needs besides its content.
type Head struct {
	Title   string // in the reader's language
	Current string // NavItem.Name; "" marks none
	Desk    bool   // the page fills the window and its panes scroll, not the page
}

// ButtonKind is how loud a button is. A screen has one Primary at most.
type ButtonKind string

const (
	Primary   ButtonKind = "primary"
	Secondary ButtonKind = "secondary"
	Quiet     ButtonKind = "quiet"
	Danger    ButtonKind = "danger"
)

// ButtonView is a button, or with Href a link that looks like one.
type ButtonView struct {
	Label    string
	Kind     ButtonKind // "" is Secondary
	Icon     string     // a symbol of the sprite; "" is none
	IconOnly bool       // Label is read out and shown as a tooltip only
	Href     string
	Name     string // of a submit button that says which it was
	Value    string
	Plain    bool   // type=button: does nothing without a script or command
	Key      string // keyboard: "r", "e", "Mod+Enter"
	Attrs    templ.Attributes
}

// FieldView is one input with its label, help and what is wrong with it.
type FieldView struct {
	Name         string
	Label        string
	Help         string
	Value        string
	Type         string // "" is text; also password, email, url, number, search, file
	Rows         int    // more than 0 makes it a text area
	Options      []Option
	Required     bool
	Autocomplete string
	Problem      *problem.Problem // shown here if its Field is Name
	Attrs        templ.Attributes
}

// Option is one choice of a select or a radio group.
type Option struct {
	Value, Label, Help string
	Chosen             bool
}

// CalloutKind is what a callout means.
type CalloutKind string

const (
	Info    CalloutKind = "info"
	Good    CalloutKind = "good"
	Warning CalloutKind = "warning"
	Bad     CalloutKind = "bad"
)

// CalloutView is a sentence that matters now, and what to do about it.
type CalloutView struct {
	Kind  CalloutKind
	What  string
	Next  string
	Alert bool // read out at once
}

// EmptyView teaches where nothing is yet.
type EmptyView struct {
	Picture string // a drawing of the sprite: "empty-inbox", "empty-desk", "empty-accounts", "empty-search"
	Title   string
	Text    string
}

// Person is somebody outside, as shown.
type Person struct {
	Key     string // stable: the colour of the initials follows it
	Name    string
	Handle  string // without a leading @
	Avatar  string // same-origin path; "" shows initials
	Network string
	URL     string // their profile on the network
	Bot     bool
}

// shown is what to call them when a network told no name.
func (p Person) shown() string {
	if strings.TrimSpace(p.Name) != "" {
		return p.Name
	}
	if p.Handle != "" {
		return at(p.Network, p.Handle)
	}
	return p.Key
}

// at is a handle as people of a network write it. An address of mail has its @ in
// it already.
func at(network, handle string) string {
	if network == "email" {
		return handle
	}
	return "@" + handle
}

// State is how something stands: a send, or the health of an account.
type State string

const (
	Sending State = "sending"
	Sent    State = "sent"
	Failed  State = "failed"
	Unknown State = "unknown"

	Fine   State = "fine"
	Soon   State = "soon"   // will stop working
	Broken State = "broken" // has stopped working
	Paused State = "paused"
)

// icon of a state: never colour alone.
func (s State) icon() string {
	switch s {
	case Sending:
		return "clock"
	case Sent, Fine:
		return "check"
	case Failed, Broken:
		return "alert"
	case Unknown:
		return "question"
	case Soon:
		return "clock"
	default:
		return "pause"
	}
}

// Visibility is who can see a message, widest first.
type Visibility string

const (
	Public    Visibility = "public"
	Unlisted  Visibility = "unlisted"
	Followers Visibility = "followers"
	Direct    Visibility = "direct"
)

func (v Visibility) icon() string {
	switch v {
	case Followers:
		return "people"
	case Direct:
		return "lock"
	case Unlisted:
		return "dim"
	default:
		return "globe"
	}
}

// private reports that not everybody can read it.
func (v Visibility) private() bool { return v == Followers || v == Direct }

// Row is one conversation in the list.
type Row struct {
	ID      id.ID
	Href    string
	Person  Person
	Excerpt string // the newest words
	By      string // who of us said them; "" is the person
	Warning string // shown instead of the excerpt
	At      time.Time
	Waiting time.Time // unanswered since; zero: nobody waits
	Due     time.Time // promised until then; zero: nothing is promised
	Until   time.Time // it rests until then; zero: it does not
	Urgent  string    // why, in a word; "": it is not
	Private bool
	Claimed string // the member who answers; "" is nobody
	Claimer id.ID  // their member id, so that they read "you" there
	State   State  // of our newest answer, where it needs eyes: Sending, Failed, Unknown
	Handed  string // to whom it was given, or by whom to the reader
	Account string // which of our accounts it reached, where there are several
	Gone    bool   // the newest message was deleted
	Labels  []LabelView
	Marks   []string // what somebody is to us: "Press"
	// In is the workspace it is of, in a list over several. It opens with that
	// workspace's whole page, so that what stands around it is of there too.
	In *Workspace
}

// Tab is one of a few views of the same thing.
type Tab struct {
	Label   string
	Href    string
	Count   int // 0 shows none
	Current bool
}

// DeskView is the two-pane desk.
type DeskView struct {
	List   PaneView
	Thread PaneView
}

// PaneView is one half of the desk, and a live region of its own. On narrow
// screens one pane shows: the thread if it is Open, else the list.
type PaneView struct {
	Content templ.Component
	Live    string // data-live; "" never refreshes
	Src     string // data-src: an address whose answer holds this pane
	// Everywhere refreshes it for what happens in any workspace of the visitor.
	Everywhere bool
	Open       bool   // of the thread: a conversation is open
	With       Person // of the thread: with whom
}

// ThreadView is an open conversation: who, what was said, and an answer.
type ThreadView struct {
	Head     ThreadHead
	Messages []Message
	Before   templ.Component // above the messages: a link to older ones, a note
	Foot     templ.Component // below: claim bar and composer
}

// Message is one thing somebody said.
type Message struct {
	ID         string // unique on the page
	Author     Person
	Ours       bool   // our account said it
	By         string // the member who wrote it; "" when it was written outside Parley
	Text       text.Text
	Lang       string // BCP 47; "" is not told
	At         time.Time
	Edited     time.Time // zero: never
	Gone       bool      // deleted on the network; Text is not shown
	Warning    string
	Visibility Visibility
	Media      []Media
	URL        string        // on the network
	Context    bool          // said around us, not to us: shown quieter
	Delivery   *DeliveryView // of our answer
	Note       *NoteView     // it is none: a colleague wrote this beside the talk; only ID and At count besides
}

// Media is an attachment. Src is a same-origin path; without one only a link to
// URL is shown.
type Media struct {
	Kind          string // image, video, gifv, audio, file
	Src, URL      string
	File          string // where it can be had from us, to be kept as a file
	Size          int64  // of a File; 0: not known
	MIME          string
	Alt           string
	Width, Height int
}

// DeliveryView says how an answer of ours stands. Actions holds forms: try
// again, it did arrive, write anew.
type DeliveryView struct {
	State   State
	Why     string
	Next    string
	Leaves  time.Time // when it leaves, where it can still be called back
	Actions templ.Component
}

// ThreadHead stands above the messages: who it is, on which network, to which
// of our accounts.
type ThreadHead struct {
	Person  Person
	Account string // our handle
	About   string // to all that is known of them; "" leads nowhere
	Back    string // to the list, on narrow screens
	Private bool
	Labels  []LabelView
	Tools   templ.Component // buttons and menus at the end
}

// ClaimView says who answers. Actions are paths that forms post to; an empty
// one is not offered.
type ClaimView struct {
	By      string // "" nobody
	Mine    bool
	Since   time.Time
	Take    string
	Release string
	Force   string // take over from By
	Tools   templ.Component
	Ask     string      // ask By for it
	Asked   *AskView    // somebody asks for it
	Handed  *HandedView // nobody answers yet, but it was given to somebody
}

// AskView is that a colleague asks for a conversation: to its holder, who gives or
// keeps it, and to who asks, who may take it where nobody reacts.
type AskView struct {
	By    string // who asks; "" is who reads
	Since time.Time
	Give  string
	Keep  string
	Take  string // "" not yet
}

// HandedView says to whom a conversation was given, and by whom.
type HandedView struct {
	To     string
	By     string // "" is Parley itself
	Mine   bool   // to who reads
	Since  time.Time
	Back   bool            // given back
	Return templ.Component // a form that gives it back
}

// ComposerView is the answer being written.
type ComposerView struct {
	ID         string // of the element; also names the draft kept in the browser
	Action     string
	As         string // the member whose name stands under it
	Account    string // our handle that says it
	Network    string
	To         []string // those who are told, as handles
	Visibility Visibility
	Choices    []Option // visibilities no wider than the message's; fewer than two show none
	Body       string
	Warning    string
	CanWarn    bool
	Rule       text.Rule
	Left       int // what remains of Rule.Max for Body, counted here
	Media      *MediaView
	Blocked    *CalloutView // why nothing can be said, instead of the form
	Problem    *problem.Problem
	Hidden     map[string]string // further fields
	Draft      string            // where a script keeps what is being written; "" keeps it in the browser only
	Version    string            // of what is kept there
}

// MediaView says what may be attached.
type MediaView struct {
	Accept string // MIME types for the file input
	Max    int
	AltMax int // in code points; 0 is no limit
}

// hues of initials. The style sheet has a class for each.
const hues = 8

func hue(key string) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(key))
	return "hue-" + strconv.Itoa(int(h.Sum32()%hues))
}

// initials are the first letters of the first and last word of a name.
func initials(name string) string {
	words := strings.FieldsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	if len(words) == 0 {
		return "?"
	}
	out := firstLetter(words[0])
	if len(words) > 1 {
		out += firstLetter(words[len(words)-1])
	}
	return out
}

func firstLetter(word string) string {
	for _, r := range word {
		return string(unicode.ToUpper(r))
	}
	return ""
}
