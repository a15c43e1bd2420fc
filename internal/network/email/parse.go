package email

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"mime"
	"net/mail"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/emersion/go-message"
	"github.com/emersion/go-message/charset"
	"golang.org/x/text/encoding/charmap"

	"parley/internal/text"
)

// Bounds on what a mail may cost, whatever it claims to be.
const (
	maxHeader = 256 << 10
	maxParts  = 200
	maxNested = 12
	maxWords  = 1 << 20 // bytes of one part's text, decoded
)

// letter is what was read out of a mail.
type letter struct {
	messageID  string // without brackets; "" if it has none that can be used
	inReplyTo  string
	references []string
	from       address
	replyTo    []address
	to, cc     []address
	subject    string
	date       time.Time // the writer's word; zero if it cannot be read
	received   time.Time // by our own server; zero if not told
	lang       string
	body       text.Text
	files      []file
	report     *report // of mail that did not arrive
	head       message.Header
	mark       string // tells two mails apart that bear the same Message-ID
}

// file is something attached.
type file struct {
	name string
	mime string
	size int64
	alt  string // what its sender says it is
}

// parse reads a mail, or its beginning. It never fails: whoever wrote it waits,
// however broken it is.
func parse(raw []byte) letter {
	head, rest := split(raw)
	e, err := message.ReadWithOptions(io.MultiReader(bytes.NewReader(head), strings.NewReader("\r\n"), bytes.NewReader(rest)),
		&message.ReadOptions{MaxHeaderBytes: maxHeader * 2})
	var l letter
	if e == nil {
		l.body = text.Linkify(text.Cut(text.Clean(legacy(string(raw))), text.MaxBody))
		l.mark = markOf(raw)
		_ = err // there is no header at all: what is left are words
		return l
	}
	l.readHead(e.Header)
	w := walker{left: maxParts}
	w.entity(e, 0)
	l.body, l.files, l.report = w.words(), w.files, w.report
	if l.body.Body == "" && len(l.files) == 0 && e.MultipartReader() != nil {
		// The parts cannot be told from each other; somebody wrote them all the same.
		l.body = text.Linkify(text.Cut(text.Clean(legacy(string(rest))), 8<<10))
	}
	if l.messageID == "" {
		l.mark = markOf(raw[:min(len(raw), 16<<10)])
	}
	return l
}

// split parts a mail at its first empty line and leaves out lines of the header
// that are none, which a strict reader would stop at.
func split(raw []byte) (head, rest []byte) {
	var out bytes.Buffer
	kept := false
	for len(raw) > 0 && out.Len() < maxHeader {
		line, after, _ := bytes.Cut(raw, []byte("\n"))
		raw = after
		line = bytes.TrimSuffix(line, []byte("\r"))
		if len(line) == 0 {
			break
		}
		switch {
		case line[0] == ' ' || line[0] == '\t':
			if !kept || len(bytes.TrimSpace(line)) == 0 {
				continue
			}
		default:
			colon := bytes.IndexByte(line, ':')
			if kept = colon > 0 && validField(line[:colon]); !kept {
				continue
			}
		}
		out.Write(line)
		out.WriteString("\r\n")
	}
	return out.Bytes(), raw
}

// validField follows RFC 5322, section 2.2.
func validField(b []byte) bool {
	b = bytes.TrimRight(b, " \t")
	for _, c := range b {
		if c <= ' ' || c > '~' {
			return false
		}
	}
	return len(b) > 0
}

func (l *letter) readHead(h message.Header) {
	l.head = h
	l.messageID = firstID(h.Get("Message-Id"))
	l.references = ids(h.Get("References"))
	if l.inReplyTo = firstID(h.Get("In-Reply-To")); l.inReplyTo == "" && len(l.references) > 0 {
		l.inReplyTo = l.references[len(l.references)-1]
	}
	for _, key := range []string{"From", "Sender", "Return-Path"} {
		if from := addresses(h.Get(key)); len(from) > 0 {
			l.from = from[0]
			break
		}
	}
	l.replyTo = addresses(h.Get("Reply-To"))
	l.to, l.cc = addresses(h.Get("To")), addresses(h.Get("Cc"))
	l.subject = decode(h.Get("Subject"), 500)
	if t, err := mail.ParseDate(h.Get("Date")); err == nil {
		l.date = t
	}
	if at := h.Get("Received"); at != "" {
		if t, err := mail.ParseDate(strings.TrimSpace(at[strings.LastIndexByte(at, ';')+1:])); err == nil {
			l.received = t
		}
	}
	if lang := text.CleanLine(h.Get("Content-Language"), 35); langForm.MatchString(lang) {
		l.lang = lang
	}
	l.mark = markOf([]byte(l.from.key() + "\n" + h.Get("Date") + "\n" + l.subject))
}

var langForm = regexp.MustCompile(`^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$`)

func markOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:5])
}

// id names the mail. Somebody else, or a form on a website, can give another mail
// the same Message-ID; what comes from outside also bears a mark of who wrote when
// about what, so that it cannot take the place of one we have.
func (l letter) id(own bool) string {
	if own && l.messageID != "" {
		return l.messageID
	}
	return l.messageID + "#" + l.mark
}

// messageIDOf is the Message-ID in an id that id made.
func messageIDOf(id string) string {
	id = strings.TrimPrefix(id, reportPrefix)
	if i := strings.LastIndexByte(id, '#'); i >= 0 {
		return id[:i]
	}
	return id
}

// idForm is a Message-ID. More is allowed on paper (RFC 5322, section 3.6.4) and
// less is kept to in practice.
var idForm = regexp.MustCompile(`<([^<>\s]{1,400})>`)

// ids reads the Message-IDs of a header.
func ids(v string) []string {
	var out []string
	for _, m := range idForm.FindAllStringSubmatch(v, 100) {
		if id := text.CleanLine(m[1], 400); id == m[1] {
			out = append(out, id)
		}
	}
	return out
}

func firstID(v string) string {
	if list := ids(v); len(list) > 0 {
		return list[0]
	}
	// Some programs leave the brackets out.
	if v = strings.TrimSpace(v); !strings.ContainsAny(v, " \t<>#") && strings.Contains(v, "@") && len(v) <= 400 && text.CleanLine(v, 400) == v {
		return v
	}
	return ""
}

// legacy turns text of which no charset was told, and which is no UTF-8, into what
// it most likely is.
func legacy(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	out, err := charmap.Windows1252.NewDecoder().String(s)
	if err != nil {
		return s
	}
	return out
}

// filename of a part, from either of the two places it may stand in, in either of
// the two ways it may be encoded (RFC 2231; RFC 2047, which is forbidden there and
// common).
func filename(h message.Header) string {
	_, params, _ := mime.ParseMediaType(h.Get("Content-Disposition"))
	name := params["filename"]
	if name == "" {
		_, params, _ = mime.ParseMediaType(h.Get("Content-Type"))
		name = params["name"]
	}
	return decode(name, 200)
}

// readText reads a part's words as UTF-8.
func readText(e *message.Entity) string {
	b, err := io.ReadAll(io.LimitReader(e.Body, maxWords))
	if err != nil && len(b) == 0 {
		return ""
	}
	return legacy(string(b))
}

var _ = charset.Reader // go-message decodes charsets once this package is linked in
