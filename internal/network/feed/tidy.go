package feed

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
)

// Limits of one document. A feed that means well stays far below; beyond them
// stands what is built to use up memory (nesting, attributes and elements in
// their millions, all within 10 MiB), and what never ends.
const (
	maxDepth    = 200     // open elements
	maxParts    = 100_000 // elements and attributes together
	maxPrefixes = 32      // namespace prefixes
	maxSections = 64      // CDATA sections in one run of text
	maxItems    = 5_000   // items; the rest is history, and Import's business
	maxName     = 256     // bytes of a name
)

var (
	errNoFeed   = errors.New("neither RSS nor Atom nor JSON Feed")
	errNoItem   = errors.New("it breaks off before the first item is complete")
	errTooBuilt = errors.New("it is built to use up memory")
)

// tidied is an XML document that is safe to give to a parser.
type tidied struct {
	root string // local name of the root element, lower case
	xml  []byte
	cut  bool // only the items before a limit, a fault or the end of the bytes are in it
}

// tidy writes the XML of a feed anew: well-formed, in limits, without comments,
// processing instructions and document type, so that no entity can be declared
// and nothing outside be referred to. What breaks off (a limit, a fault, bytes
// that end too soon) ends after its last complete item: those are as good as
// ever. src is valid UTF-8; truncated says that it was cut at the size limit.
func tidy(src []byte, truncated bool) (tidied, error) {
	w := &tidier{src: src, prefixes: map[string]bool{}}
	w.out.Grow(len(src))
	err := w.run()
	if !isFeed(w.root) {
		return tidied{}, errNoFeed
	}
	root := strings.ToLower(local(w.root))
	if err == nil && !truncated && len(w.open) == 0 {
		return tidied{root: root, xml: w.out.Bytes()}, nil
	}
	if w.items == 0 {
		if errors.Is(err, errTooBuilt) {
			return tidied{}, err
		}
		return tidied{}, errNoItem
	}
	w.out.Truncate(w.whole)
	w.open = w.wholeOpen
	w.closeTo(0)
	return tidied{root: root, xml: w.out.Bytes(), cut: true}, nil
}

// tidier walks a document once, from left to right.
type tidier struct {
	src []byte
	at  int
	out bytes.Buffer

	root     string
	open     []string // names of open elements, outermost first
	parts    int
	prefixes map[string]bool
	sections int // CDATA sections since the last tag

	items     int
	whole     int      // length of out after the last complete item
	wholeOpen []string // what was open there
}

// run returns nil at the end of the bytes, or of the root element.
func (w *tidier) run() error {
	for w.at < len(w.src) {
		next := bytes.IndexByte(w.src[w.at:], '<')
		if next < 0 {
			w.text(w.src[w.at:])
			w.at = len(w.src)
			return nil
		}
		w.text(w.src[w.at : w.at+next])
		w.at += next
		if err := w.markup(); err != nil {
			return err
		}
		switch {
		case w.root == "":
		case !isFeed(w.root):
			return errNoFeed
		case len(w.open) == 0 || w.items >= maxItems:
			return nil
		}
	}
	return nil
}

// markup handles what begins with the < at w.at.
func (w *tidier) markup() error {
	rest := w.src[w.at:]
	switch {
	case bytes.HasPrefix(rest, []byte("<!--")):
		return w.drop(4, "-->")
	case bytes.HasPrefix(rest, []byte("<![CDATA[")):
		return w.section()
	case bytes.HasPrefix(rest, []byte("<?")):
		return w.drop(2, "?>")
	case bytes.HasPrefix(rest, []byte("<!")):
		return w.directive()
	case len(rest) > 2 && rest[1] == '/' && nameStart(rest[2]):
		return w.endTag()
	case len(rest) > 1 && nameStart(rest[1]):
		return w.startTag()
	}
	w.at++ // a bare <, as in "5 < 6"
	w.raw("&lt;")
	return nil
}

// drop leaves out everything up to end.
func (w *tidier) drop(skip int, end string) error {
	i := bytes.Index(w.src[w.at+skip:], []byte(end))
	if i < 0 {
		return errNoItem
	}
	w.at += skip + i + len(end)
	return nil
}

// directive leaves out <!DOCTYPE …>, with whatever it declares in brackets.
func (w *tidier) directive() error {
	depth := 0
	for i := w.at; i < len(w.src); i++ {
		switch w.src[i] {
		case '<':
			depth++
		case '>':
			if depth--; depth == 0 {
				w.at = i + 1
				return nil
			}
		}
	}
	return errNoItem
}

// section copies a CDATA section. How many may follow each other is limited,
// because parsers join them in quadratic time.
func (w *tidier) section() error {
	const begin, end = "<![CDATA[", "]]>"
	i := bytes.Index(w.src[w.at+len(begin):], []byte(end))
	if i < 0 {
		return errNoItem
	}
	if w.sections++; w.sections > maxSections {
		return errTooBuilt
	}
	if len(w.open) > 0 {
		w.out.WriteString(begin)
		writeChars(&w.out, w.src[w.at+len(begin):w.at+len(begin)+i])
		w.out.WriteString(end)
	}
	w.at += len(begin) + i + len(end)
	return nil
}

// endTag closes its element and whatever was left open inside; one that closes
// nothing is left out.
func (w *tidier) endTag() error {
	end := bytes.IndexByte(w.src[w.at:], '>')
	if end < 0 {
		return errNoItem
	}
	name := string(bytes.TrimSpace(w.src[w.at+2 : w.at+end]))
	w.at += end + 1
	w.sections = 0
	for i := len(w.open) - 1; i >= 0; i-- {
		if w.open[i] == name {
			w.closeTo(i)
			return nil
		}
	}
	return nil
}

// closeTo writes end tags until n elements are open, and notes complete items.
func (w *tidier) closeTo(n int) {
	for len(w.open) > n {
		last := len(w.open) - 1
		name := w.open[last]
		w.out.WriteString("</" + name + ">")
		w.open = w.open[:last]
		if last > 0 && isItem(w.open[last-1], name) {
			w.items++
			w.whole = w.out.Len()
			w.wholeOpen = append(w.wholeOpen[:0:0], w.open...)
		}
	}
}

// startTag opens an element and writes its attributes in one fixed form.
func (w *tidier) startTag() error {
	w.at++
	name := w.name()
	if !goodName(name) {
		w.raw("&lt;" + name) // no element: words with a < before them
		return nil
	}
	if w.parts++; w.parts > maxParts || len(w.open) >= maxDepth {
		return errTooBuilt
	}
	w.sections = 0
	w.out.WriteString("<" + name)
	for {
		w.space()
		if w.at >= len(w.src) {
			return errNoItem
		}
		switch c := w.src[w.at]; {
		case c == '>':
			w.at++
			w.out.WriteByte('>')
			w.push(name)
			return nil
		case c == '/' && w.at+1 < len(w.src) && w.src[w.at+1] == '>':
			w.at += 2
			w.out.WriteByte('>')
			w.push(name)
			w.closeTo(len(w.open) - 1)
			return nil
		case nameStart(c):
			if err := w.attribute(); err != nil {
				return err
			}
		default:
			w.at++ // a stray quote or slash
		}
	}
}

// isFeed knows a feed by its root element.
func isFeed(root string) bool {
	switch strings.ToLower(local(root)) {
	case "rss", "rdf", "feed":
		return true
	}
	return false
}

// isItem reports an item by its name and its parent's.
func isItem(parent, name string) bool {
	switch strings.ToLower(local(name)) {
	case "item":
		p := strings.ToLower(local(parent))
		return p == "channel" || p == "rdf" || p == "rss"
	case "entry":
		return strings.EqualFold(local(parent), "feed")
	}
	return false
}

func (w *tidier) push(name string) {
	if w.root == "" {
		w.root = name
	}
	w.open = append(w.open, name)
}

// attribute copies one attribute: quoted, unquoted or without a value.
func (w *tidier) attribute() error {
	name := w.name()
	w.space()
	var value []byte
	if w.at < len(w.src) && w.src[w.at] == '=' {
		w.at++
		w.space()
		var ok bool
		if value, ok = w.value(); !ok {
			return errNoItem
		}
	}
	if w.parts++; w.parts > maxParts {
		return errTooBuilt
	}
	if !goodName(name) {
		return nil
	}
	if prefix, ok := strings.CutPrefix(name, "xmlns"); ok {
		if w.prefixes[prefix] = true; len(w.prefixes) > maxPrefixes {
			return errTooBuilt
		}
	}
	w.out.WriteString(" " + name + `="`)
	for _, c := range splitKeep(value) {
		switch c[0] {
		case '<':
			w.out.WriteString("&lt;")
		case '"':
			w.out.WriteString("&quot;")
		default:
			writeText(&w.out, c)
		}
	}
	w.out.WriteByte('"')
	return nil
}

// value reads an attribute's value; false where the bytes end inside it.
func (w *tidier) value() ([]byte, bool) {
	if w.at >= len(w.src) {
		return nil, false
	}
	if q := w.src[w.at]; q == '"' || q == '\'' {
		end := bytes.IndexByte(w.src[w.at+1:], q)
		if end < 0 {
			return nil, false
		}
		v := w.src[w.at+1 : w.at+1+end]
		w.at += end + 2
		return v, true
	}
	end := bytes.IndexAny(w.src[w.at:], " \t\r\n>")
	if end < 0 {
		return nil, false
	}
	v := w.src[w.at : w.at+end]
	w.at += end
	return v, true
}

// name reads a name at w.at.
func (w *tidier) name() string {
	i := w.at
	for i < len(w.src) && nameByte(w.src[i]) {
		i++
	}
	s := string(w.src[w.at:i])
	w.at = i
	return s
}

func (w *tidier) space() {
	for w.at < len(w.src) && strings.IndexByte(" \t\r\n", w.src[w.at]) >= 0 {
		w.at++
	}
}

// text copies character data; outside the root there can be none.
func (w *tidier) text(b []byte) {
	if len(w.open) > 0 && len(b) > 0 {
		writeText(&w.out, b)
	}
}

func (w *tidier) raw(s string) {
	if len(w.open) > 0 {
		w.out.WriteString(s)
	}
}

// splitKeep cuts b before and after each < and ", which stand alone.
func splitKeep(b []byte) [][]byte {
	var out [][]byte
	for len(b) > 0 {
		i := bytes.IndexAny(b, `<"`)
		if i < 0 {
			return append(out, b)
		}
		if i > 0 {
			out = append(out, b[:i])
		}
		out = append(out, b[i:i+1])
		b = b[i+1:]
	}
	return out
}

// writeText copies text without the characters that XML forbids, written as
// themselves or as references such as &#0;.
func writeText(out *bytes.Buffer, b []byte) {
	for {
		i := bytes.Index(b, []byte("&#"))
		if i < 0 {
			writeEscaped(out, b)
			return
		}
		writeEscaped(out, b[:i])
		end := bytes.IndexByte(b[i:min(len(b), i+14)], ';')
		switch {
		case end < 0:
			out.WriteString("&amp;#")
			b = b[i+2:]
		case allowedRef(string(b[i+2 : i+end])):
			out.Write(b[i : i+end+1])
			b = b[i+end+1:]
		default:
			b = b[i+end+1:]
		}
	}
}

// writeEscaped copies b with > escaped: after ]] a parser takes it for a fault.
func writeEscaped(out *bytes.Buffer, b []byte) {
	for {
		i := bytes.IndexByte(b, '>')
		if i < 0 {
			writeChars(out, b)
			return
		}
		writeChars(out, b[:i])
		out.WriteString("&gt;")
		b = b[i+1:]
	}
}

// writeChars copies b without the characters that XML forbids.
func writeChars(out *bytes.Buffer, b []byte) {
	clean := true
	for _, c := range b {
		// Control characters, and the first byte of U+FFFE and U+FFFF.
		if c < 0x20 && c != '\n' && c != '\t' && c != '\r' || c == 0xEF {
			clean = false
			break
		}
	}
	if clean {
		out.Write(b)
		return
	}
	for _, r := range string(b) {
		if allowed(r) {
			out.WriteRune(r)
		}
	}
}

// allowedRef reads "10" or "x0A" of a character reference.
func allowedRef(s string) bool {
	base := 10
	if len(s) > 0 && (s[0] == 'x' || s[0] == 'X') {
		s, base = s[1:], 16
	}
	n, err := strconv.ParseUint(s, base, 21)
	return err == nil && allowed(rune(n))
}

// allowed is XML 1.0, section 2.2, production 2.
func allowed(r rune) bool {
	return r == '\t' || r == '\n' || r == '\r' || r >= 0x20 && r <= 0xD7FF ||
		r >= 0xE000 && r <= 0xFFFD || r >= 0x10000 && r <= 0x10FFFF
}

// Names are kept to ASCII: every vocabulary of feeds is.
func nameStart(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func nameByte(c byte) bool {
	return nameStart(c) || c >= '0' && c <= '9' || c == '-' || c == '.' || c == ':'
}

func goodName(s string) bool {
	return s != "" && len(s) <= maxName && strings.Count(s, ":") <= 1 && !strings.HasSuffix(s, ":")
}

// local is a name without its prefix.
func local(name string) string {
	if _, l, ok := strings.Cut(name, ":"); ok {
		return l
	}
	return name
}
