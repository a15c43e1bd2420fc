package page

import (
	"context"
	"html"
	"io"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/a-h/templ"

	"parley/internal/text"
)

// TextWithSpans renders what somebody said: escaped text with links, mentions
// and tags as safe elements. Spans that do not fit the text, and addresses that
// are not http or https, are shown as plain words.
func TextWithSpans(t text.Text) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		var b strings.Builder
		writeSpans(&b, t.Body, t.Spans, 0, len(t.Body))
		_, err := io.WriteString(w, b.String())
		return err
	})
}

// writeSpans writes body[from:to]. Spans are sorted by Start; one that begins
// inside another is written inside it, if it also ends there.
func writeSpans(b *strings.Builder, body string, spans []text.Span, from, to int) {
	at := from
	for i, s := range spans {
		if s.Start < at || s.End > to || s.Start >= s.End || !onBorder(body, s.Start) || !onBorder(body, s.End) {
			continue
		}
		b.WriteString(html.EscapeString(body[at:s.Start]))
		open, end := tags(s, body[s.Start:s.End])
		b.WriteString(open)
		writeSpans(b, body, spans[i+1:], s.Start, s.End)
		b.WriteString(end)
		at = s.End
	}
	b.WriteString(html.EscapeString(body[at:to]))
}

func onBorder(s string, i int) bool {
	return i == len(s) || (i >= 0 && i < len(s) && utf8.RuneStart(s[i]))
}

// tags are what stands before and after a span.
func tags(s text.Span, words string) (open, end string) {
	switch s.Kind {
	case text.Link:
		href := webOnly(s.Target)
		if href == "" {
			return "", ""
		}
		return anchor("link", href), "</a>" + trueHost(href, words)
	case text.Mention:
		if href := webOnly(s.Target); href != "" {
			return anchor("mention", href), "</a>"
		}
		return `<span class="mention">`, "</span>"
	case text.Tag:
		return `<span class="hashtag">`, "</span>"
	case text.Quote:
		return `<span class="quote">`, "</span>"
	case text.Code:
		return "<code>", "</code>"
	case text.Strike:
		return "<s>", "</s>"
	}
	return "", ""
}

func anchor(class, href string) string {
	return `<a class="` + class + `" href="` + html.EscapeString(href) + `" rel="noopener noreferrer nofollow" target="_blank">`
}

// trueHost names where a link leads when its words say something else: a link
// that reads "your-bank.example" and leads elsewhere.
func trueHost(href, words string) string {
	u, err := url.Parse(href)
	if err != nil {
		return ""
	}
	host := strings.TrimPrefix(strings.ToLower(u.Hostname()), "www.")
	said := strings.ToLower(words)
	said = strings.TrimPrefix(strings.TrimPrefix(said, "https://"), "http://")
	said = strings.TrimPrefix(said, "www.")
	rest, same := strings.CutPrefix(said, host)
	if same && (rest == "" || strings.ContainsAny(rest[:1], "/?#:…")) {
		return ""
	}
	return `<span class="true-host"> (` + html.EscapeString(host) + `)</span>`
}
