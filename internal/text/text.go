// Package text holds what people say: plain text with spans, never HTML.
//
// Remote HTML is turned into a Text at the edge (HTML), counted by the rules of
// the network it is meant for (Count), and cut into search tokens (Tokens). The
// package knows no network; a connector describes its network with a Rule.
package text

// SpanKind says what a span marks.
type SpanKind string

const (
	Mention SpanKind = "mention" // Target: the person's remote id or profile address
	Link    SpanKind = "link"    // Target: the absolute http(s) address
	Tag     SpanKind = "tag"     // Target: the tag without its #
	Quote   SpanKind = "quote"   // a quoted passage (blockquote)
	Code    SpanKind = "code"
	Strike  SpanKind = "strike"
	Past    SpanKind = "past" // to the end: what a mail repeats below its own words, and its signature
)

// Span marks a part of a text. Start and End are byte offsets into the UTF-8
// text, End exclusive, both at the border of a code point.
type Span struct {
	Start  int      `json:"s"`
	End    int      `json:"e"`
	Kind   SpanKind `json:"k"`
	Target string   `json:"t,omitempty"`
}

// Text is plain text and what its parts are. Spans are sorted by Start, the
// longer first, and overlap only by lying wholly inside one another: a quote, a
// struck-out passage, code or what is past may hold others, a mention, link or tag
// holds none, and no kind lies inside its own.
type Text struct {
	Body  string `json:"body"`
	Spans []Span `json:"spans,omitempty"`
}

// Unit is what a network's limit counts.
type Unit string

const (
	Graphemes  Unit = "graphemes" // user-perceived characters, UAX #29
	CodePoints Unit = "runes"
	UTF16      Unit = "utf16"
	Weighted   Unit = "weighted" // twitter-text v3
)

// Rule is how one account's network counts and limits a post. The browser reads
// the same rule as JSON.
type Rule struct {
	Unit              Unit `json:"unit"`
	Max               int  `json:"max,omitempty"`                 // in Unit; 0 is no limit
	MaxBytes          int  `json:"max_bytes,omitempty"`           // in UTF-8 bytes, besides Max; 0 is no limit
	URLWeight         int  `json:"url_weight,omitempty"`          // each http(s) address counts as this many; 0 counts it in full
	MaxLinks          int  `json:"max_links,omitempty"`           // different addresses; 0 is no limit
	CWCounts          bool `json:"cw_counts,omitempty"`           // the content warning counts too
	MentionDomainFree bool `json:"mention_domain_free,omitempty"` // @user@host counts as @user
}
