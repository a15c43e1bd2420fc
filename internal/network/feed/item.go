package feed

import (
	"net/url"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
	"golang.org/x/text/language"

	"parley/internal/text"
)

// item turns an entry into plain text, media and a version.
func (r raw) item(base *url.URL) item {
	it := item{
		link:      resolve(base, r.link),
		lang:      languageTag(r.lang),
		author:    r.author.clean(base),
		published: timeOf(r.published),
		updated:   timeOf(r.updated),
	}
	title := r.title
	if r.titleHTML {
		title = plainLine(title, maxTitle)
	} else {
		title = text.CleanLine(title, maxTitle)
	}
	// What stands in the content is relative to the item's own page.
	own := base
	if u, err := url.Parse(it.link); err == nil && it.link != "" {
		own = u
	}
	it.body = withTitle(title, r.words(own))
	pictures := collector{base: own, media: r.media}
	if r.html {
		pictures.images(r.content)
	}
	it.media = pictures.media
	if it.body.Body == "" {
		it.body = text.Linkify(it.link) // an entry that is nothing but a link
	}
	it.version = fingerprint(r, it.media)
	return it
}

// words is the content as text with spans.
func (r raw) words(base *url.URL) text.Text {
	if !r.html {
		return text.Linkify(text.Cut(strings.TrimSpace(text.Clean(r.content)), text.MaxBody))
	}
	var hints text.Hints
	if base != nil {
		hints.Base = base.String()
	}
	return text.HTML(r.content, hints)
}

// withTitle puts the title above the words, unless they begin with it anyway, as
// in feeds of short messages.
func withTitle(title string, words text.Text) text.Text {
	stem := strings.TrimRight(title, "….")
	if title == "" || stem != "" && strings.HasPrefix(strings.Join(strings.Fields(head(words.Body, len(stem)+200)), " "), stem) {
		return words
	}
	if words.Body == "" {
		return text.Text{Body: title}
	}
	above := title + "\n\n"
	out := text.Text{Body: above + words.Body, Spans: make([]text.Span, 0, len(words.Spans))}
	for _, s := range words.Spans {
		s.Start += len(above)
		s.End += len(above)
		out.Spans = append(out.Spans, s)
	}
	return cut(out, text.MaxBody)
}

// cut shortens a text and leaves out the spans that no longer fit.
func cut(t text.Text, maxBytes int) text.Text {
	if len(t.Body) <= maxBytes {
		return t
	}
	short := text.Cut(t.Body, maxBytes)
	whole := len(short) - len("…")
	out := text.Text{Body: short}
	for _, s := range t.Spans {
		if s.End <= whole {
			out.Spans = append(out.Spans, s)
		}
	}
	return out
}

// head is the first n bytes or a little less, at a border.
func head(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}

// plainLine makes one line of words that may contain markup or entities.
func plainLine(s string, maxBytes int) string {
	if strings.ContainsAny(s, "<&") {
		s = text.HTML(s, text.Hints{}).Body
	}
	return text.CleanLine(s, maxBytes)
}

// looksHTML reports words with a tag that HTML knows.
func looksHTML(s string) bool {
	if !strings.Contains(s, "<") || !strings.Contains(s, ">") {
		return false
	}
	z := html.NewTokenizer(strings.NewReader(head(s, text.MaxHTML)))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return false
		case html.StartTagToken, html.SelfClosingTagToken, html.EndTagToken:
			if name, _ := z.TagName(); atom.Lookup(name) != 0 {
				return true
			}
		}
	}
}

// languageTag is a BCP 47 tag, or "" for what is none: feeds write "en-us", "EN", and
// sometimes "English".
func languageTag(s string) string {
	s = strings.TrimSpace(s)
	if s == "" || len(s) > 35 {
		return ""
	}
	tag, err := language.Parse(s)
	if err != nil || tag == language.Und {
		return ""
	}
	return tag.String()
}
