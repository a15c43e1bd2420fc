package email

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"parley/internal/network"
	"parley/internal/text"
)

// event makes of a mail what Parley stores. own says that it lay among the sent
// ones.
func (n *Network) event(a network.Account, it item, own bool) (network.Event, letter) {
	l := parse(it.raw)
	if f, ok := l.report.failed(); ok && !own {
		return n.reported(l, f, it), l
	}
	cut := it.size > int64(len(it.raw))
	if last := len(l.files) - 1; cut && last >= 0 {
		l.files[last].size = 0 // how much of it there is was not seen
	}
	at := l.written(it.came, n.now())
	p := &network.Post{
		Ref:        network.Ref{ID: l.id(own), ParentID: l.inReplyTo},
		Text:       l.text(a, own),
		Lang:       l.lang,
		Visibility: network.DirectTo,
		Media:      l.media(),
		Created:    at,
		Indexed:    l.came(it.came),
	}
	e := network.Event{Kind: network.KindMessage, Post: p, Direct: true, Own: own, Addressed: !own, At: at}
	if own {
		p.To = l.readers(a)
		// What a program sent in our name answers nobody.
		e.Quiet = l.automatic()
		return e, l
	}
	p.Author = l.writer(a).person()
	if p.Author.RemoteID == "" {
		p.Author = network.Person{Network: Name, Instance: Instance, RemoteID: "unknown", Name: l.from.name}
	}
	p.To = l.readers(network.Account{})
	e.Quiet = l.quiet(a)
	p.Author.Bot = e.Quiet && l.from.answersNobody()
	return e, l
}

// reported is a report that our mail did not arrive: it stands in the conversation
// with whom it did not reach, and they wait again.
func (n *Network) reported(l letter, f failure, it item) network.Event {
	at := l.written(it.came, n.now())
	said := f.to.addr + ": " + f.said
	if f.said == "" {
		// The server's words for people tell what its fields do not.
		said = text.Cut(l.body.Body, maxSaid)
	}
	words := text.Clean(l.subject + "\n\n" + said)
	author := f.to.person()
	author.Handle, author.Name = "", "" // they have not spoken: what is known of them stays
	parent := l.inReplyTo
	if l.report.original != "" {
		parent = l.report.original
	}
	return network.Event{Kind: network.KindMessage, Direct: true, Addressed: true, At: at, Post: &network.Post{
		Ref:  network.Ref{ID: reportPrefix + l.id(false), ParentID: parent},
		Text: text.Text{Body: strings.TrimSpace(words)}, Visibility: network.DirectTo, Author: author, Created: at, Indexed: l.came(it.came)}}
}

// maxSaid bounds, in bytes, what is shown of a server's explanation.
const maxSaid = 1500

// came is when our own server took the mail.
func (l letter) came(internal time.Time) time.Time {
	if !l.received.IsZero() {
		return l.received // INTERNALDATE is new where a mailbox was moved
	}
	return internal
}

// written is when it was written: its writer's word, unless it cannot be true.
func (l letter) written(internal, now time.Time) time.Time {
	came := l.came(internal)
	if came.IsZero() || came.After(now) {
		came = now
	}
	if l.date.IsZero() || l.date.After(came) || came.Sub(l.date) > longestWay {
		return came.UTC()
	}
	return l.date.UTC()
}

// longestWay is how long servers try to pass a mail on (RFC 5321, section 4.5.4.1).
const longestWay = 5 * 24 * time.Hour

// writer is whom an answer goes to in the reader's mind: who wrote, or, where a
// program passes on what somebody typed into a form, who typed it.
func (l letter) writer(a network.Account) address {
	form := l.from.answersNobody() || l.from.domain() == address{addr: a.RemoteID}.domain()
	if form && len(l.replyTo) == 1 && l.head.Get("List-Id") == "" && l.replyTo[0].key() != a.RemoteID {
		w := l.replyTo[0]
		if w.name == "" {
			w.name = l.from.name
		}
		return w
	}
	return l.from
}

// readers are those it was written to, ourselves left out; of ours whoever it was
// meant for stands first.
func (l letter) readers(us network.Account) []network.Person {
	var out []network.Person
	for _, list := range [][]address{l.to, l.cc, addresses(l.head.Get("Bcc"))} {
		for _, one := range list {
			same := func(p network.Person) bool { return p.RemoteID == one.key() }
			if one.key() != us.RemoteID && !slices.ContainsFunc(out, same) && len(out) < 100 {
				out = append(out, one.person())
			}
		}
	}
	return out
}

// replyForm is how programs mark the subject of an answer, in the languages of
// Europe.
var replyForm = regexp.MustCompile(`(?i)^\s*(?:re|aw|antw|sv|vs|odp|ref|rv|rif|回复|回覆|返信)\s*(?:\[\d+\])?\s*[:：]`)

// text is what is shown: what the mail is about, unless it goes on about what was
// said before; who else got it; where answers go; and its words.
func (l letter) text(a network.Account, own bool) text.Text {
	var head []string
	if l.subject != "" && !(l.inReplyTo != "" && replyForm.MatchString(l.subject)) {
		head = append(head, l.subject)
	}
	if line := l.others(a, own); line != "" {
		head = append(head, line)
	}
	if to := l.answersTo(a); !own && to.addr != "" && to.key() != l.writer(a).key() {
		head = append(head, "Reply-To: "+to.String())
	}
	top := text.Clean(strings.Join(head, "\n"))
	body := l.folded(shortened(l.body))
	if top == "" {
		return body
	}
	if body.Body == "" {
		return text.Text{Body: top}
	}
	out := text.Text{Body: top + "\n\n" + body.Body}
	for _, s := range body.Spans {
		s.Start, s.End = s.Start+len(top)+2, s.End+len(top)+2
		out.Spans = append(out.Spans, s)
	}
	return out
}

// mostWords bounds, in bytes, what is kept of a mail's words.
const mostWords = 48 << 10

// shortened is a text of at most that length; what is left out is shown to be.
func shortened(t text.Text) text.Text {
	body := text.Cut(t.Body, mostWords)
	if len(body) == len(t.Body) {
		return t
	}
	out := text.Text{Body: body}
	for _, s := range t.Spans {
		if s.End <= len(body)-len("…") {
			out.Spans = append(out.Spans, s)
		}
	}
	return out
}

// mostShown is how many other readers are named in a line.
const mostShown = 10

// others names those who got it besides the two who speak here.
func (l letter) others(a network.Account, own bool) string {
	skip := map[string]bool{a.RemoteID: true}
	if own {
		if to := l.readers(a); len(to) > 0 {
			skip[to[0].RemoteID] = true
		}
	}
	var names []string
	for _, list := range [][]address{l.to, l.cc} {
		for _, one := range list {
			if !skip[one.key()] {
				skip[one.key()] = true
				names = append(names, one.String())
			}
		}
	}
	if len(names) == 0 {
		return ""
	}
	if len(names) > mostShown {
		names = append(names[:mostShown], "…")
	}
	return "Cc: " + strings.Join(names, ", ")
}

// answersTo is where an answer goes (RFC 5322, section 3.6.2).
func (l letter) answersTo(a network.Account) address {
	if len(l.replyTo) == 1 && l.head.Get("List-Id") == "" && l.replyTo[0].key() != a.RemoteID {
		return l.replyTo[0]
	}
	return l.writer(a)
}

func (l letter) media() []network.Media {
	var out []network.Media
	for i, f := range l.files {
		m := network.Media{Kind: f.mediaKind(), MIME: f.mime, Alt: f.name, Size: f.size, URL: network.InPlace + strconv.Itoa(i+1)}
		if f.alt != "" {
			m.Alt = f.alt
		}
		out = append(out, m)
	}
	return out
}
