package email

import (
	"io"
	"strings"

	"github.com/emersion/go-message"

	"parley/internal/network"
	"parley/internal/text"
)

// walker goes through a mail's parts and gathers its words and what is attached.
type walker struct {
	left   int // parts that may still be looked at
	want   int // the file whose bytes are wanted, from 1; 0: none
	bytes  []byte
	said   []text.Text
	files  []file
	report *report
}

// entity looks at one part. The words of what is nested too deeply are not read.
func (w *walker) entity(e *message.Entity, depth int) {
	if w.left--; w.left < 0 || depth > maxNested {
		return
	}
	kind, params, err := e.Header.ContentType()
	if err != nil || kind == "" {
		kind = looseType(e.Header.Get("Content-Type"))
	}
	kind = strings.ToLower(kind)
	if parts := e.MultipartReader(); parts != nil {
		w.multipart(kind, strings.ToLower(params["report-type"]), parts, depth)
		return
	}
	disposition, _, _ := e.Header.ContentDisposition()
	named := filename(e.Header)
	attached := strings.EqualFold(disposition, "attachment") || named != "" && !strings.EqualFold(disposition, "inline")
	switch {
	case kind == "text/html" && !attached:
		w.say(text.HTML(readText(e), text.Hints{}))
	case (kind == "text/plain" || kind == "text/enriched" || kind == "") && !attached:
		w.say(text.Linkify(unflow(text.Clean(readText(e)), params)))
	case w.report != nil && w.report.part(kind, e):
	default:
		w.attach(kind, named, e)
	}
}

// multipart goes through the parts of one. Of alternatives the plain one is taken
// if it says anything: it is what its writer meant to be read as text.
func (w *walker) multipart(kind, reportType string, parts message.MultipartReader, depth int) {
	alternative := kind == "multipart/alternative"
	if kind == "multipart/report" && reportType == "delivery-status" {
		w.report = &report{}
	}
	before := len(w.said)
	for {
		part, err := parts.NextPart()
		if part == nil {
			return // the end, or what is broken from here on
		}
		if err != nil && !message.IsUnknownCharset(err) && !message.IsUnknownEncoding(err) {
			return
		}
		said := len(w.said)
		again := alternative && said > before // the same words once more
		if again && isText(part) {
			continue
		}
		w.entity(part, depth+1)
		if again {
			w.said = w.said[:said]
		}
		if w.left < 0 {
			return
		}
	}
}

func isText(e *message.Entity) bool {
	kind, _, _ := e.Header.ContentType()
	return strings.HasPrefix(strings.ToLower(kind), "text/") && !strings.EqualFold(kind, "text/calendar")
}

// looseType is the type in a Content-Type that breaks the rules.
func looseType(v string) string {
	kind, _, _ := strings.Cut(v, ";")
	kind = strings.TrimSpace(kind)
	if !strings.Contains(kind, "/") || strings.ContainsAny(kind, " \t") {
		return ""
	}
	return kind
}

func (w *walker) say(t text.Text) {
	if strings.TrimSpace(t.Body) != "" {
		w.said = append(w.said, t)
	}
}

// words joins what was said in several parts.
func (w *walker) words() text.Text {
	var all text.Text
	for _, t := range w.said {
		if all.Body != "" {
			all.Body = strings.TrimRight(all.Body, "\n") + "\n\n"
		}
		for _, s := range t.Spans {
			s.Start, s.End = s.Start+len(all.Body), s.End+len(all.Body)
			all.Spans = append(all.Spans, s)
		}
		all.Body += t.Body
	}
	return trimmed(all)
}

// attach notes something attached. Its bytes stay where they are; of what is cut
// off only the beginning is counted.
func (w *walker) attach(kind, name string, e *message.Entity) {
	if len(w.files) >= 40 {
		return
	}
	if w.want == len(w.files)+1 {
		w.bytes, _ = io.ReadAll(io.LimitReader(e.Body, network.FetchMost+1))
	}
	size, _ := io.Copy(io.Discard, io.LimitReader(e.Body, 64<<20)) // broken encoding: what was readable counts
	f := file{name: name, mime: text.CleanLine(kind, 100), size: size, alt: decode(e.Header.Get("Content-Description"), 500)}
	if f.name == "" {
		f.name = usualName(kind)
	}
	w.files = append(w.files, f)
}

// usualName names what its sender gave no name.
func usualName(kind string) string {
	switch {
	case kind == "text/calendar":
		return "invite.ics"
	case kind == "message/rfc822":
		return "message.eml"
	case kind == "application/ms-tnef":
		return "winmail.dat"
	case kind == "application/pgp-encrypted", kind == "application/pkcs7-mime":
		return "encrypted.asc"
	case strings.HasPrefix(kind, "image/"):
		return "image." + strings.TrimPrefix(kind, "image/")
	}
	return "attachment"
}

// mediaKind is what a page may do with a file.
func (f file) mediaKind() string {
	for _, k := range []string{"image", "video", "audio"} {
		if strings.HasPrefix(f.mime, k+"/") {
			return k
		}
	}
	return "file"
}

// unflow joins the lines that a format=flowed writer parted (RFC 3676, section 4).
func unflow(body string, params map[string]string) string {
	if !strings.EqualFold(params["format"], "flowed") {
		return body
	}
	drop := strings.EqualFold(params["delsp"], "yes")
	var out strings.Builder
	lines := strings.Split(body, "\n")
	for i, l := range lines {
		depth := len(l) - len(strings.TrimLeft(l, ">"))
		soft := strings.HasSuffix(l, " ") && l != "-- "
		if depth == 0 && strings.HasPrefix(l, " ") {
			l = l[1:] // space-stuffed
		}
		if i == len(lines)-1 {
			out.WriteString(l)
			break
		}
		next := lines[i+1]
		same := len(next)-len(strings.TrimLeft(next, ">")) == depth
		switch {
		case !soft || depth > 0 || !same || next == "-- " || strings.TrimSpace(next) == "":
			out.WriteString(l + "\n")
		case drop:
			out.WriteString(strings.TrimSuffix(l, " "))
		default:
			out.WriteString(l)
		}
	}
	return out.String()
}

// trimmed is a text without the empty lines around it.
func trimmed(t text.Text) text.Text {
	start := len(t.Body) - len(strings.TrimLeft(t.Body, "\n \t\u00a0"))
	body := strings.TrimRight(t.Body[start:], "\n \t\u00a0")
	out := text.Text{Body: body}
	for _, s := range t.Spans {
		s.Start, s.End = s.Start-start, min(s.End-start, len(body))
		if s.Start >= 0 && s.Start < s.End {
			out.Spans = append(out.Spans, s)
		}
	}
	return out
}
