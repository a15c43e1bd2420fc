package email

import (
	"bufio"
	"io"
	"net/textproto"
	"strings"

	"github.com/emersion/go-message"

	"parley/internal/text"
)

// reportPrefix begins the id of a report, so that an answer to it is known to be
// an answer to whom our mail did not reach.
const reportPrefix = "report:"

// maxReaders bounds how many readers of a report are looked at.
const maxReaders = 50

// report is a delivery status notification (RFC 3464): what became of a mail.
type report struct {
	original string // the Message-ID of what was sent
	readers  []failure
}

// failure is what became of it for one reader.
type failure struct {
	to     address
	action string // failed, delayed, delivered, relayed, expanded
	status string // RFC 3463
	said   string // the other server's words
}

// part takes what belongs to a report and reports whether it did.
func (r *report) part(kind string, e *message.Entity) bool {
	switch kind {
	case "message/delivery-status", "message/global-delivery-status":
		r.readers = readStatus(io.LimitReader(e.Body, 256<<10))
	case "message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers", "message/rfc822-headers":
		b, _ := io.ReadAll(io.LimitReader(e.Body, maxHeader)) // what is there is enough
		head, _ := split(b)
		if h, err := textproto.NewReader(bufio.NewReader(strings.NewReader(string(head) + "\r\n"))).ReadMIMEHeader(); err == nil || len(h) > 0 {
			r.original = firstID(h.Get("Message-Id"))
		}
	default:
		return false
	}
	return true
}

// readStatus reads the groups of fields: the first is about the mail, each
// further one about a reader (RFC 3464, section 2.1).
func readStatus(body io.Reader) []failure {
	in := textproto.NewReader(bufio.NewReader(body))
	var out []failure
	for range maxReaders + 1 {
		h, err := in.ReadMIMEHeader()
		if f, ok := failureOf(h); ok {
			out = append(out, f)
		}
		if err != nil {
			break
		}
	}
	return out
}

func failureOf(h textproto.MIMEHeader) (failure, bool) {
	to := h.Get("Original-Recipient")
	if to == "" {
		to = h.Get("Final-Recipient")
	}
	if _, after, ok := strings.Cut(to, ";"); ok {
		to = after
	}
	list := addresses(strings.TrimSpace(to))
	if len(list) == 0 {
		return failure{}, false
	}
	said := h.Get("Diagnostic-Code")
	if _, after, ok := strings.Cut(said, ";"); ok {
		said = after
	}
	return failure{to: list[0], action: strings.ToLower(strings.TrimSpace(h.Get("Action"))),
		status: text.CleanLine(h.Get("Status"), 20), said: text.CleanLine(legacy(said), 300)}, true
}

// failed is the reader whom a mail did not reach; ok is false for a report of
// anything else: that it did, or that it takes longer.
func (r *report) failed() (failure, bool) {
	if r == nil {
		return failure{}, false
	}
	for _, f := range r.readers {
		if f.action == "failed" || f.action == "" && strings.HasPrefix(f.status, "5") {
			return f, true
		}
	}
	return failure{}, false
}
