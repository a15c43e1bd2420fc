package sandbox

import (
	"time"

	"parley/internal/network"
	"parley/internal/text"
)

// The network's JSON. Server and connector share these shapes, but not a byte
// of memory: everything passes through HTTP.

// wirePerson is somebody, or one of our accounts.
type wirePerson struct {
	ID     string `json:"id"`
	Handle string `json:"handle"`
	Name   string `json:"name"`
	URL    string `json:"url,omitempty"`
	Avatar string `json:"avatar,omitempty"`
	Bot    bool   `json:"bot,omitempty"`
}

// wireMedia is an attachment, or an upload on its way to become one.
type wireMedia struct {
	ID     string `json:"id"`
	Kind   string `json:"kind,omitempty"`
	MIME   string `json:"mime,omitempty"`
	URL    string `json:"url,omitempty"`
	Alt    string `json:"alt,omitempty"`
	Width  int    `json:"width,omitempty"`
	Height int    `json:"height,omitempty"`
	Size   int64  `json:"size,omitempty"`
}

// wirePost is what was said.
type wirePost struct {
	ID         string       `json:"id"`
	Seq        int64        `json:"seq"` // place in the network's order
	URL        string       `json:"url,omitempty"`
	Version    string       `json:"version"`
	InReplyTo  string       `json:"in_reply_to,omitempty"`
	Root       string       `json:"root,omitempty"`
	Quote      string       `json:"quote,omitempty"`
	Author     wirePerson   `json:"author"`
	To         []wirePerson `json:"to,omitempty"`
	Text       string       `json:"text"`
	Spans      []text.Span  `json:"spans,omitempty"` // byte offsets
	Lang       string       `json:"lang,omitempty"`
	Warning    string       `json:"warning,omitempty"`
	Visibility string       `json:"visibility,omitempty"`
	Media      []wireMedia  `json:"media,omitempty"`
	Created    time.Time    `json:"created"`
	Indexed    time.Time    `json:"indexed"`
	Edited     time.Time    `json:"edited,omitzero"`
}

// Kinds of wireEvent.
const (
	eventMention = "mention"
	eventReply   = "reply"
	eventDM      = "dm"
	eventQuote   = "quote"
	eventEdit    = "edit"
	eventDelete  = "delete"
	eventEcho    = "echo"
)

// wireEvent is one entry of an account's log. Seq is gapless within a feed.
type wireEvent struct {
	Seq  int64        `json:"seq"`
	Feed network.Feed `json:"feed,omitempty"`
	Kind string       `json:"kind"`
	At   time.Time    `json:"at"`
	Own  bool         `json:"own,omitempty"`
	Post *wirePost    `json:"post,omitempty"`
	Gone string       `json:"gone,omitempty"`
}

// wirePage is a page of a log. Next is the last seq in it; First the oldest seq
// the server still has.
type wirePage struct {
	Events []wireEvent `json:"events"`
	Next   int64       `json:"next"`
	First  int64       `json:"first"`
	More   bool        `json:"more,omitempty"`
}

// wirePosts is a list of posts, oldest first. Gone lists those asked for that
// do not exist.
type wirePosts struct {
	Posts []wirePost `json:"posts"`
	Gone  []string   `json:"gone,omitempty"`
}

// wireNew is a post to be made, the same bytes at every attempt.
type wireNew struct {
	Text       string   `json:"text"`
	Lang       string   `json:"lang,omitempty"`
	Warning    string   `json:"warning,omitempty"`
	Visibility string   `json:"visibility,omitempty"`
	InReplyTo  string   `json:"in_reply_to,omitempty"`
	To         []string `json:"to,omitempty"` // person ids
	Media      []string `json:"media,omitempty"`
	Alts       []string `json:"alts,omitempty"` // edits only: one for each medium
}

// wireContainer is a post prepared but not public.
type wireContainer struct {
	ID    string    `json:"id"`
	State string    `json:"state"` // finished|published|expired
	Post  *wirePost `json:"post,omitempty"`
}

// wireAct is a small act.
type wireAct struct {
	Kind   network.ActKind `json:"kind"`
	Undo   bool            `json:"undo,omitempty"`
	Post   string          `json:"post,omitempty"`
	Person string          `json:"person,omitempty"`
	Reason string          `json:"reason,omitempty"`
}

// wireToken answers a grant.
type wireToken struct {
	Access    string     `json:"access"`
	Refresh   string     `json:"refresh"`
	ExpiresIn int64      `json:"expires_in"` // seconds
	Account   wirePerson `json:"account"`
}

// wireDescribe is what the network can do for one account.
type wireDescribe struct {
	Personality  string               `json:"personality"`
	API          string               `json:"api"`
	Proof        network.Proof        `json:"proof"`
	Text         text.Rule            `json:"text"`
	Visibilities []network.Visibility `json:"visibilities"`
	MediaMax     int                  `json:"media_max"`
	MediaBytes   int64                `json:"media_bytes"`
	AltMax       int                  `json:"alt_max"`
	MIME         []string             `json:"mime"`
	Edits        bool                 `json:"edits"`
	Streams      bool                 `json:"streams"`
	KeyLife      int64                `json:"key_life"` // seconds
	Counts       []string             `json:"counts"`
}

// wireError is every refusal.
type wireError struct {
	Kind    network.Kind `json:"kind"`
	Native  string       `json:"native"`
	Message string       `json:"message"`
	RetryAt time.Time    `json:"retry_at,omitzero"`
	Resets  string       `json:"resets,omitempty"` // time zone whose next midnight ends a limit

	Parameters *wireRetry `json:"parameters,omitempty"`
	Extras     *wireRetry `json:"extras,omitempty"`
}

// wireRetry carries the two forms of seconds left that live in bodies.
type wireRetry struct {
	RetryAfter  int64 `json:"retry_after,omitempty"`
	WaitSeconds int64 `json:"wait_seconds,omitempty"`
}
