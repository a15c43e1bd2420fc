package mastodontest

import (
	"encoding/json"
	"html"
	"net/http"
	"regexp"
	"strings"
	"time"

	"parley/internal/network/mastodon"
)

type object = map[string]any

const stampLayout = "2006-01-02T15:04:05.000000Z"

func stamp(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format(stampLayout)
}

// answer writes JSON.
func answer(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(v)
}

// refuse writes an error the way the dialect does.
func (f *Fake) refuse(w http.ResponseWriter, code int, msg string) {
	if f.dialect == mastodon.Snac {
		if code == http.StatusUnauthorized {
			w.WriteHeader(code)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(code)
		_, _ = w.Write([]byte("<h1>" + http.StatusText(code) + "</h1>"))
		return
	}
	answer(w, code, object{"error": msg})
}

func (f *Fake) renderPerson(p *person) object {
	acct := p.acct
	if p.local && f.dialect != mastodon.Snac {
		acct = p.username
	}
	return object{
		"id": p.id, "username": p.username, "acct": acct, "display_name": p.name, "url": p.url,
		"avatar": p.url + "/avatar.png", "avatar_static": p.url + "/avatar.png", "bot": p.bot, "locked": false,
		"created_at": "2020-01-01T00:00:00.000Z", "note": "", "fields": []any{}, "emojis": []any{},
	}
}

func (f *Fake) render(s *status) object {
	var parent, parentAuthor any
	if s.parent != nil && !s.parent.gone {
		parent, parentAuthor = s.parent.id, s.parent.author.id
	}
	mentions := []object{}
	for _, p := range s.mentions {
		m := f.renderPerson(p)
		mentions = append(mentions, object{"id": p.id, "username": p.username, "url": p.url, "acct": m["acct"]})
		if f.dialect == mastodon.Snac && s.parent != nil && p == s.parent.author {
			mentions = append(mentions, mentions[len(mentions)-1])
		}
	}
	attached := []object{}
	for _, m := range s.media {
		attached = append(attached, m.render(f.base))
	}
	replies := 0
	for _, id := range f.order {
		if other := f.statuses[id]; other.parent == s && !other.gone {
			replies++
		}
	}
	out := object{
		"id": s.id, "uri": s.author.url + "/statuses/" + f.lasting(s.id), "url": f.ref(s).URL,
		"created_at": stamp(s.created), "account": f.renderPerson(s.author), "content": f.markup(s),
		"visibility": s.visibility, "sensitive": s.spoiler != "", "spoiler_text": s.spoiler, "language": s.language,
		"in_reply_to_id": parent, "in_reply_to_account_id": parentAuthor, "mentions": mentions, "tags": []any{},
		"media_attachments": attached, "emojis": []any{}, "poll": nil, "reblog": nil, "card": nil,
		"favourites_count": s.likes, "reblogs_count": s.boosts, "replies_count": replies,
	}
	if f.dialect != mastodon.Snac {
		out["edited_at"] = stamp(s.edited)
	}
	if f.dialect == mastodon.Mastodon {
		out["quotes_count"], out["quote"] = 0, nil
	}
	return out
}

func (f *Fake) renderNote(n *note) object {
	return object{
		"id": n.id, "type": n.kind, "created_at": stamp(n.at),
		"account": f.renderPerson(n.status.author), "status": f.render(n.status),
	}
}

var (
	mentionRE = regexp.MustCompile(`@([A-Za-z0-9_]+(?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?)(?:@([A-Za-z0-9.:-]+[A-Za-z0-9]))?`)
	entityRE  = regexp.MustCompile(`https?://[^\s<]+|` + mentionRE.String())
)

// markup is the HTML a server of the family makes of the words.
func (f *Fake) markup(s *status) string {
	var b strings.Builder
	for _, para := range strings.Split(s.source, "\n\n") {
		lines := strings.ReplaceAll(html.EscapeString(para), "\n", "<br />")
		lines = entityRE.ReplaceAllStringFunc(lines, func(m string) string {
			if m[0] != '@' {
				scheme, rest, _ := strings.Cut(m, "://")
				return `<a href="` + m + `" rel="nofollow noopener"><span class="invisible">` + scheme + `://</span><span class="">` + rest + `</span></a>`
			}
			for _, p := range s.mentions {
				if f.named(m, p) {
					return `<span class="h-card"><a href="` + p.url + `" class="u-url mention">@<span>` + p.username + `</span></a></span>`
				}
			}
			return m
		})
		b.WriteString("<p>" + lines + "</p>")
	}
	return b.String()
}

// named reports whether an @name in a text means somebody.
func (f *Fake) named(at string, p *person) bool {
	h := strings.TrimPrefix(at, "@")
	return strings.EqualFold(h, p.acct) || p.local && strings.EqualFold(h, p.username)
}

// mentionsIn finds those whom a text mentions.
func (f *Fake) mentionsIn(text string) []*person {
	var out []*person
	for _, at := range mentionRE.FindAllString(text, -1) {
		for _, p := range f.people {
			if f.named(at, p) {
				out = append(out, p)
			}
		}
	}
	return out
}
