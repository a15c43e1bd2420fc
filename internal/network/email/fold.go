package email

import (
	"regexp"
	"slices"
	"strings"

	"parley/internal/text"
)

// folded marks what an answer repeats below its own words, and a signature, so
// that a page can fold them away. It is careful: a mail that only passes something
// on keeps it all in sight, and so does one that answers between the lines. No
// word is ever taken out.
func (l letter) folded(t text.Text) text.Text {
	at := past(t, l.inReplyTo != "" && !forwardForm.MatchString(l.subject))
	if at >= len(t.Body) || strings.TrimSpace(t.Body[:at]) == "" {
		return t
	}
	for _, s := range t.Spans {
		if s.Start < at && s.End > at {
			return t
		}
	}
	i := slices.IndexFunc(t.Spans, func(s text.Span) bool { return s.Start >= at })
	if i < 0 {
		i = len(t.Spans)
	}
	t.Spans = slices.Insert(slices.Clone(t.Spans), i, text.Span{Start: at, End: len(t.Body), Kind: text.Past})
	return t
}

var forwardForm = regexp.MustCompile(`(?i)^\s*(?:fwd?|wg|tr|rv|i|doorst|vb|vs|fs)\s*:`)

// lines of a body, and where each begins.
type lines struct {
	text  []string
	start []int
}

func linesOf(body string) lines {
	var l lines
	at := 0
	for line := range strings.SplitSeq(body, "\n") {
		l.text, l.start = append(l.text, line), append(l.start, at)
		at += len(line) + 1
	}
	return l
}

func (l lines) blank(i int) bool  { return strings.TrimSpace(l.text[i]) == "" }
func (l lines) quoted(i int) bool { return strings.HasPrefix(l.text[i], ">") }

// past is where what was said before begins, the end of the body if nowhere.
func past(t text.Text, answer bool) int {
	l := linesOf(t.Body)
	end := l.signature()
	first := end
	if answer {
		first = min(l.quoteBelow(end), l.headBelow(end), l.blockBelow(t, end))
	}
	// A signature may stand between the words and what they answer.
	first = min(first, l.signatureAbove(first))
	if first >= len(l.text) {
		return len(t.Body)
	}
	return l.start[first]
}

// longSignature is how many lines one may have: what is longer is none.
const longSignature = 20

// signature is the line at which one begins that ends the mail (RFC 3676, section
// 4.3); the number of lines if there is none.
func (l lines) signature() int { return l.signatureAbove(len(l.text)) }

func (l lines) signatureAbove(end int) int {
	for i := end - 1; i > 0 && i >= end-longSignature; i-- {
		if l.text[i] == "-- " {
			return i
		}
	}
	return end
}

// quoteBelow is where lines that begin with > go on to the end, with the line that
// says whose they are.
func (l lines) quoteBelow(end int) int {
	first := end
	for i := end - 1; i >= 0 && (l.blank(i) || l.quoted(i)); i-- {
		if l.quoted(i) {
			first = i
		}
	}
	if first == end {
		return end
	}
	return l.attribution(first)
}

// attribution is the first line of what introduces a quote: at most three lines,
// the last of which ends in a colon, with a date or an address in them.
func (l lines) attribution(quote int) int {
	last := quote - 1
	for last >= 0 && l.blank(last) {
		last--
	}
	if last < 0 || !endsInColon(l.text[last]) {
		return quote
	}
	for i := last; i >= 0 && i > last-3 && !l.blank(i) && !l.quoted(i); i-- {
		joined := strings.Join(l.text[i:last+1], " ")
		if introduces.MatchString(joined) && (i == 0 || l.blank(i-1)) {
			return i
		}
	}
	return quote
}

func endsInColon(line string) bool {
	line = strings.TrimSpace(line)
	return strings.HasSuffix(line, ":") || strings.HasSuffix(line, "：")
}

// introduces is a line that says who wrote when.
var introduces = regexp.MustCompile(`(?i)(\d{1,4}[./\-年]\s?\d|\d{4}|\d{1,2}:\d{2}).*|[\w.+-]+@[\w-]+\.\w+`)

// headBelow is where the header of another mail stands below the words, as Outlook
// writes it, perhaps under a line of its own.
func (l lines) headBelow(end int) int {
	for i := 1; i < end; i++ {
		if original.MatchString(l.text[i]) {
			return i
		}
		if !headFrom.MatchString(l.text[i]) || !l.blank(i-1) && !rule.MatchString(l.text[i-1]) {
			continue
		}
		block := strings.Join(l.text[i:min(i+8, end)], "\n")
		if !headDate.MatchString(block) || !headSubject.MatchString(block) {
			continue
		}
		if rule.MatchString(l.text[i-1]) {
			i--
		}
		return i
	}
	return end
}

// What programs write above a mail that is answered, in the languages of Europe
// and some others.
var (
	original    = regexp.MustCompile(`(?i)^\s*-{2,}\s*(original message|original appointment|ursprüngliche nachricht|message d'origine|message original|mensaje original|mensagem original|messaggio originale|oorspronkelijk bericht|ursprungligt meddelande|oprindelig meddelelse|alkuperäinen viesti|wiadomość oryginalna)\s*-{2,}\s*$`)
	rule        = regexp.MustCompile(`^\s*[_-]{8,}\s*$`)
	headFrom    = regexp.MustCompile(`(?i)^\*?(from|von|de|da|van|från|fra|lähettäjä|od|差出人|发件人|寄件者)\*?\s*[:：]\*?\s*\S`)
	headDate    = regexp.MustCompile(`(?im)^\*?(sent|date|gesendet|datum|envoyé|enviado( el)?|fecha|data|inviato|verzonden|skickat|sendt|dato|lähetetty|wysłano|送信日時|日付|发送时间|時間)\*?\s*[:：]`)
	headSubject = regexp.MustCompile(`(?im)^\*?(subject|betreff|objet|asunto|assunto|oggetto|onderwerp|ämne|emne|aihe|temat|件名|主题|主旨)\*?\s*[:：]`)
)

// blockBelow is where a quoted passage of HTML goes on to the end.
func (l lines) blockBelow(t text.Text, end int) int {
	reach := len(strings.TrimRight(t.Body, " \n\u00a0"))
	for _, s := range t.Spans {
		if s.Kind != text.Quote || s.End < reach {
			continue
		}
		if i := slices.Index(l.start, s.Start); i > 0 && i < end {
			return l.attribution(i)
		}
	}
	return end
}
