package conversation

import (
	"bytes"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"

	"parley/internal/id"
	plain "parley/internal/text"
)

// Notes are Markdown. In what is stored a colleague stands as <@id>, so that they
// are found again after they changed their name; what people write and read is
// @Name. Both are read by the parser of the rest, so that an @ in code is an @.

// mentionKind is how a mention stands in a parsed note.
var mentionKind = ast.NewNodeKind("Mention")

type mention struct {
	ast.BaseInline
	member      id.ID
	start, stop int // in the source
}

func (*mention) Kind() ast.NodeKind { return mentionKind }

func (m *mention) Dump(source []byte, level int) { ast.DumpHelper(m, source, level, nil, nil) }

// tagLength is that of <@id>.
const tagLength = 2 + 13 + 1

func tag(member id.ID) string { return "<@" + member.String() + ">" }

// tagAt reads a mention as it is stored.
func tagAt(s []byte) (id.ID, int) {
	if len(s) < tagLength || s[1] != '@' || s[tagLength-1] != '>' {
		return 0, 0
	}
	member, err := id.Parse(string(s[2 : tagLength-1]))
	if err != nil {
		return 0, 0
	}
	return member, tagLength
}

// mentions parses what begins with < or @ and read knows.
type mentions struct {
	read func(rest []byte) (member id.ID, length int)
}

func (mentions) Trigger() []byte { return []byte("<@") }

func (p mentions) Parse(_ ast.Node, block text.Reader, _ parser.Context) ast.Node {
	line, segment := block.PeekLine()
	if before := block.PrecendingCharacter(); line[0] == '@' && (unicode.IsLetter(before) || unicode.IsDigit(before)) {
		return nil // an e-mail address
	}
	member, n := p.read(line)
	if n == 0 {
		return nil
	}
	block.Advance(n)
	return &mention{member: member, start: segment.Start, stop: segment.Start + n}
}

// markdown is a parser and renderer of notes in which read knows colleagues.
func markdown(read func([]byte) (id.ID, int), names map[id.ID]string) goldmark.Markdown {
	return goldmark.New(goldmark.WithExtensions(extension.Linkify, extension.Strikethrough),
		goldmark.WithParserOptions(parser.WithInlineParsers(util.Prioritized(mentions{read}, 50))),
		goldmark.WithRendererOptions(renderer.WithNodeRenderers(util.Prioritized(plainer{names}, 50))))
}

// plainer renders what a note has in another way: colleagues by name, headings as
// strong lines, since a note is no page, and pictures as links to them.
type plainer struct{ names map[id.ID]string }

func (p plainer) RegisterFuncs(reg renderer.NodeRendererFuncRegisterer) {
	reg.Register(mentionKind, p.mention)
	reg.Register(ast.KindHeading, p.heading)
	reg.Register(ast.KindImage, p.image)
}

func (p plainer) mention(w util.BufWriter, _ []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if m := n.(*mention); entering {
		if name := p.names[m.member]; name != "" {
			w.WriteString(`<span class="note-mention">@` + html.EscapeString(name) + `</span>`)
		}
	}
	return ast.WalkContinue, nil
}

func (plainer) heading(w util.BufWriter, _ []byte, _ ast.Node, entering bool) (ast.WalkStatus, error) {
	if entering {
		w.WriteString("<p><strong>")
	} else {
		w.WriteString("</strong></p>\n")
	}
	return ast.WalkContinue, nil
}

func (plainer) image(w util.BufWriter, _ []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if entering {
		w.WriteString(`<a href="` + html.EscapeString(string(n.(*ast.Image).Destination)) + `">`)
	} else {
		w.WriteString("</a>")
	}
	return ast.WalkContinue, nil
}

// allowed is all that may stand in a rendered note. What is written here is
// written by members; the policy holds whatever the parser makes of it.
var allowed = strict()

func strict() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "br", "strong", "em", "del", "code", "pre", "blockquote", "ul", "li", "hr")
	p.AllowAttrs("start").Matching(regexp.MustCompile(`^[0-9]{1,9}$`)).OnElements("ol")
	p.AllowElements("ol")
	p.AllowAttrs("class").Matching(regexp.MustCompile(`^note-mention$`)).OnElements("span")
	p.AllowAttrs("href").OnElements("a")
	p.AllowURLSchemes("mailto")
	for _, scheme := range []string{"http", "https"} {
		p.AllowURLSchemeWithCustomPolicy(scheme, func(u *url.URL) bool { return u.Host != "" })
	}
	p.RequireParseableURLs(true)
	p.AllowRelativeURLs(false)
	p.RequireNoFollowOnLinks(true)
	p.RequireNoReferrerOnLinks(true)
	p.AddTargetBlankToFullyQualifiedLinks(true)
	return p
}

// rendered is a note as HTML that is safe to show.
func rendered(body string, names map[id.ID]string) string {
	var b bytes.Buffer
	if err := markdown(tagAt, names).Convert([]byte(body), &b); err != nil {
		return "<p>" + html.EscapeString(body) + "</p>" // a buffer takes everything, so this never happens
	}
	return string(allowed.SanitizeBytes(b.Bytes()))
}

// addressed is a note as it is stored, and whom it mentions, each once, in order.
func addressed(written string, read func([]byte) (id.ID, int)) (body string, members []id.ID) {
	source := []byte(written)
	at := 0
	var b strings.Builder
	var places []*mention
	// The walk never fails: its function never does.
	_ = ast.Walk(markdown(read, nil).Parser().Parse(text.NewReader(source)), func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if m, ok := n.(*mention); ok && entering {
			places = append(places, m)
		}
		return ast.WalkContinue, nil
	})
	slices.SortFunc(places, func(x, y *mention) int { return x.start - y.start })
	for _, m := range places {
		b.WriteString(written[at:m.start] + tag(m.member))
		at = m.stop
		if !slices.Contains(members, m.member) {
			members = append(members, m.member)
		}
	}
	return b.String() + written[at:], members
}

// longestName is in bytes, the @ and what follows the name included.
const longestName = 1 + 200*utf8.UTFMax + utf8.UTFMax

// byName reads a colleague where somebody wrote @Name, or @First where only one is
// called so. Who was chosen comes before others of the same name.
func byName(all []Colleague, chosen []id.ID) func([]byte) (id.ID, int) {
	return func(rest []byte) (id.ID, int) {
		if rest[0] == '<' {
			return tagAt(rest)
		}
		var best id.ID
		length, several := 0, false
		after := string(rest[1:min(len(rest), longestName)])
		for _, c := range all {
			n, first := called(after, c.Actor.Name), called(after, firstName(c.Actor.Name))
			switch n = max(n, first); {
			case n == 0 || n < length:
			case n > length:
				best, length, several = c.Actor.Member, n, false
			case slices.Contains(chosen, c.Actor.Member):
				best, several = c.Actor.Member, false
			default:
				several = several || !slices.Contains(chosen, best)
			}
		}
		if length == 0 || several {
			return 0, 0
		}
		return best, 1 + length
	}
}

// called is how many bytes of s are a name at its beginning, whatever its case.
func called(s, name string) int {
	if name == "" {
		return 0
	}
	rest := s
	for _, r := range name {
		c, n := utf8.DecodeRuneInString(rest)
		if unicode.ToLower(c) != unicode.ToLower(r) {
			return 0
		}
		rest = rest[n:]
	}
	if next, _ := utf8.DecodeRuneInString(rest); unicode.IsLetter(next) || unicode.IsDigit(next) || next == '@' {
		return 0
	}
	return len(s) - len(rest)
}

// written is a stored note as its writer sees it in the form: @Name.
func written(body string, names map[id.ID]string) string {
	var b strings.Builder
	for i := 0; i < len(body); i++ {
		if body[i] == '<' {
			if member, n := tagAt([]byte(body[i:])); n > 0 && names[member] != "" {
				b.WriteString("@" + names[member])
				i += n - 1
				continue
			}
		}
		b.WriteByte(body[i])
	}
	return b.String()
}

// inLine is the words of a note in one line, without their form.
func inLine(body string, names map[id.ID]string) string {
	return plain.DisplaySafe(plain.CleanLine(html.UnescapeString(bare.Sanitize(rendered(body, names))), 240))
}

// bare lets nothing stand but words.
var bare = bluemonday.StrictPolicy()
