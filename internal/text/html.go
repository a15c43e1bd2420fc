package text

import (
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// MaxHTML is how many bytes of remote HTML are read; the rest is passed over.
const MaxHTML = 4 << 20

const (
	maxDepth  = 200  // open elements; deeper ones count as if they were not there
	maxSpans  = 5000 // further ones are left as plain words
	maxTarget = 4096 // bytes of an address
)

// Hints is what a network tells about a post besides its HTML. Mentions and tags
// in the text are rebuilt from it, never from the words of a link, which may say
// anything.
type Hints struct {
	Mentions []MentionHint
	Tags     []TagHint
	Quoted   bool   // the post quotes another: its <p class="quote-inline"> only repeats the address
	Base     string // what relative links are relative to; "" leaves them as words
}

// MentionHint is one of those whom a post mentions.
type MentionHint struct {
	ID   string // the network's stable id; becomes the span's target
	Acct string // "user" or "user@host", without a leading @
	URL  string // where the link points
}

// TagHint is one of a post's tags.
type TagHint struct {
	Name string // without #
	URL  string
}

// HTML turns remote HTML into plain text with spans. Paragraphs, lines, lists,
// quotes, code and struck-out words keep their shape; what Mastodon marks
// invisible is left out and its shortened addresses end in an ellipsis; scripts,
// styles and everything else that is no text are dropped. Links lead to http(s)
// only; one whose words name another host than it leads to says so in brackets.
// Pictures are the caller's business, except that emoji become their alt text.
//
// It never fails: whatever the input, the result keeps the promises of Text and
// its body that of Clean, and is at most MaxBody bytes long.
func HTML(src string, hints Hints) Text {
	if len(src) > MaxHTML {
		src = src[:MaxHTML]
	}
	r := reader{hints: newIndex(hints)}
	z := html.NewTokenizer(strings.NewReader(Clean(src)))
	for !r.out.full {
		switch z.Next() {
		case html.ErrorToken: // the end: the tokenizer has no other error on a string
			return r.finish()
		case html.TextToken:
			r.text(z)
		case html.StartTagToken, html.SelfClosingTagToken:
			r.start(z)
		case html.EndTagToken:
			name, _ := z.TagName()
			r.end(atom.Lookup(name))
		}
	}
	return r.finish()
}

// element is an open tag.
type element struct {
	tag    atom.Atom
	start  int  // where its words begin in the body; -1 before the first
	hidden bool // its words are not shown
	more   bool // an ellipsis follows its words
	number int  // ol: of the next item; ul: -1
	link   anchor
}

// reader follows the tags and writes the words. It repairs as little as is
// needed for a sane result: what HTML's own algorithm would make of hopeless
// input is not its ambition.
type reader struct {
	out     writer
	hints   index
	stack   []element
	skip    atom.Atom // inside this tag everything is dropped
	skipped int       // how many of it are open
}

func (r *reader) finish() Text {
	r.closeTo(0)
	return r.out.result()
}

func (r *reader) text(z *html.Tokenizer) {
	if r.skipped > 0 || r.hiding() {
		return
	}
	r.out.write(Clean(string(z.Text())), r.in(atom.Pre), r.stack)
}

func (r *reader) start(z *html.Tokenizer) {
	name, more := z.TagName()
	tag := atom.Lookup(name)
	if r.skipped > 0 {
		if tag == r.skip {
			r.skipped++
		}
		return
	}
	attrs := map[string]string{}
	for more && len(attrs) < 50 {
		var k, v []byte
		k, v, more = z.TagAttr()
		if _, twice := attrs[string(k)]; !twice {
			attrs[string(k)] = string(v)
		}
	}
	r.open(tag, attrs)
}

func (r *reader) open(tag atom.Atom, attrs map[string]string) {
	switch shapeOf(tag) {
	case dropped:
		r.skip, r.skipped = tag, 1
		return
	case block, paragraph:
		r.endParagraph()
		r.breakLine(tag)
	}
	e := element{tag: tag, start: -1}
	switch tag {
	case atom.Br:
		r.out.newline()
		return
	case atom.Hr:
		return
	case atom.Img:
		if hasClass(attrs, "emoji", "emojione", "custom-emoji") && !r.hiding() {
			r.out.write(Clean(attrs["alt"]), r.in(atom.Pre), r.stack)
		}
		return
	case atom.Td, atom.Th:
		r.out.space()
		return
	case atom.Li:
		r.item()
	case atom.Ol:
		e.number = firstNumber(attrs["start"])
	case atom.Ul, atom.Menu:
		e.number = -1
	case atom.A:
		r.endTag(atom.A)
		e.link = r.hints.anchor(attrs)
	case atom.P:
		e.hidden = r.hints.quoted && hasClass(attrs, "quote-inline")
	case atom.Span:
		e.hidden = hasClass(attrs, "invisible") || r.hints.quoted && hasClass(attrs, "quote-inline")
		e.more = hasClass(attrs, "ellipsis")
	}
	if tracked(tag) && len(r.stack) < maxDepth {
		r.stack = append(r.stack, e)
	}
}

func (r *reader) end(tag atom.Atom) {
	if r.skipped > 0 {
		if tag == r.skip {
			r.skipped--
		}
		return
	}
	if tracked(tag) {
		r.endTag(tag)
	}
	if shape := shapeOf(tag); shape == block || shape == paragraph {
		r.breakLine(tag)
	}
}

// breakLine stands around blocks. Lists stay tight, whatever is in their items.
func (r *reader) breakLine(tag atom.Atom) {
	r.out.breakLine(shapeOf(tag) == paragraph && !r.in(atom.Li))
}

// endTag closes the innermost open tag of that name, and what is open inside it.
func (r *reader) endTag(tag atom.Atom) {
	for i := len(r.stack) - 1; i >= 0; i-- {
		if r.stack[i].tag == tag {
			r.closeTo(i)
			return
		}
	}
}

// endParagraph closes a paragraph whose end tag was left out: a block cannot
// stand inside one.
func (r *reader) endParagraph() {
	for i := len(r.stack) - 1; i >= 0; i-- {
		switch r.stack[i].tag {
		case atom.P:
			r.closeTo(i)
			return
		case atom.Blockquote, atom.Li, atom.Div:
			return
		}
	}
}

// closeTo closes all elements from position i of the stack on, inside out.
func (r *reader) closeTo(i int) {
	for len(r.stack) > i {
		last := len(r.stack) - 1
		e := r.stack[last]
		if e.more && e.start >= 0 {
			r.out.append(ellipsis)
		}
		r.stack = r.stack[:last]
		if !r.hiding() {
			r.out.close(e, r.stack)
		}
	}
}

// item begins a list item: its mark is written with its first word.
func (r *reader) item() {
	depth, at := 0, -1
	for i := range r.stack {
		if r.stack[i].number != 0 {
			depth, at = depth+1, i
		}
	}
	if at < 0 {
		return
	}
	// An item ends where the next begins, if its end tag was left out.
	for i := at + 1; i < len(r.stack); i++ {
		if r.stack[i].tag == atom.Li {
			r.closeTo(i)
			break
		}
	}
	list := &r.stack[at]
	r.out.mark = bullet(list.number, depth)
	if list.number > 0 {
		list.number++
	}
}

func (r *reader) in(tag atom.Atom) bool {
	for i := range r.stack {
		if r.stack[i].tag == tag {
			return true
		}
	}
	return false
}

func (r *reader) hiding() bool {
	for i := range r.stack {
		if r.stack[i].hidden {
			return true
		}
	}
	return false
}
