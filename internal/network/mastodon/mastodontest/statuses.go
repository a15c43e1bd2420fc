package mastodontest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/rivo/uniseg"

	"parley/internal/network/mastodon"
	"parley/internal/network/networktest"
)

// wanted is the body of a create or an edit.
type wanted struct {
	Status     string   `json:"status"`
	Parent     string   `json:"in_reply_to_id"`
	Media      []string `json:"media_ids"`
	Spoiler    string   `json:"spoiler_text"`
	Visibility string   `json:"visibility"`
	Language   string   `json:"language"`
	MediaAttrs []struct {
		ID          string `json:"id"`
		Description string `json:"description"`
	} `json:"media_attributes"`
}

func read(r *http.Request, into any) []byte {
	b, _ := io.ReadAll(r.Body)
	_ = json.Unmarshal(b, into)
	return b
}

// create is POST /api/v1/statuses.
func (f *Fake) create(w http.ResponseWriter, r *http.Request) {
	var q wanted
	body := read(r, &q)
	key := r.Header.Get("Idempotency-Key")
	f.mu.Lock()
	defer f.mu.Unlock()
	if id, again := f.keys[key]; again && key != "" {
		switch f.dialect {
		case mastodon.Mastodon:
			answer(w, http.StatusOK, f.render(f.statuses[id]))
			return
		case mastodon.Pixelfed:
			f.refuse(w, http.StatusBadRequest, "Duplicate idempotency key.")
			return
		}
	}
	if f.dialect == mastodon.Pixelfed && key != "" {
		f.keys[key] = "" // before the work, whatever comes of it
	}
	s, code, msg := f.make(q)
	if code != 0 {
		f.refuse(w, code, msg)
		return
	}
	f.keep(s, "")
	f.keys[key] = f.lasting(s.id)
	f.write(networktest.OpCreate, key, f.ref(s).ID, body)
	for _, p := range s.mentions {
		if p != f.me {
			f.heard[p.id] = append(f.heard[p.id], f.ref(s))
		}
	}
	f.tell("update", f.render(s))
	answer(w, http.StatusOK, f.render(s))
}

// make checks a new post in the dialect's way.
func (f *Fake) make(q wanted) (s *status, code int, msg string) {
	s = &status{
		author: f.me, source: strings.TrimSpace(q.Status), spoiler: q.Spoiler, language: q.Language,
		visibility: q.Visibility, created: f.now(), mentions: f.mentionsIn(q.Status),
	}
	strict := f.dialect == mastodon.Mastodon || f.dialect == mastodon.GoToSocial
	if q.Parent != "" {
		if s.parent = f.find(q.Parent); s.parent == nil && strict {
			return nil, http.StatusNotFound, "The post you are trying to reply to does not appear to exist."
		}
	}
	switch {
	case f.dialect == mastodon.Pixelfed && len(q.Media) == 0 && q.Parent == "":
		return nil, http.StatusForbidden, "Empty statuses are not allowed"
	case s.source == "" && len(q.Media) == 0 && f.dialect != mastodon.Snac:
		return nil, http.StatusUnprocessableEntity, "Validation failed: Text can't be blank"
	case !slices.Contains([]string{"public", "unlisted", "private", "direct"}, q.Visibility):
		return nil, http.StatusUnprocessableEntity, "Validation failed: Visibility is not included in the list"
	case f.dialect == mastodon.Pixelfed && q.Visibility == "direct":
		return nil, http.StatusUnprocessableEntity, "The selected visibility is invalid."
	}
	if n := f.count(q.Status) + f.count(q.Spoiler); n > f.limit() {
		if f.dialect == mastodon.Mastodon {
			return nil, http.StatusUnprocessableEntity, fmt.Sprintf("Validation failed: Text character limit of %d exceeded", f.limit())
		}
		return nil, http.StatusBadRequest, fmt.Sprintf("Bad Request: provided status too long, %d characters exceed the limit of %d", n, f.limit())
	}
	code, msg = f.attach(s, q.Media)
	return s, code, msg
}

var (
	countedAddress = regexp.MustCompile(`https?://\S+`)
	countedMention = regexp.MustCompile(`(@[A-Za-z0-9_]+)@[A-Za-z0-9.-]+[A-Za-z0-9]`)
)

// count is the dialect's own way of counting, written apart from Parley's.
func (f *Fake) count(s string) int {
	if f.dialect == mastodon.Mastodon {
		s = countedAddress.ReplaceAllString(s, strings.Repeat("x", 23))
		s = countedMention.ReplaceAllString(s, "$1")
		return uniseg.GraphemeClusterCount(s)
	}
	return utf8.RuneCountInString(s)
}

func (f *Fake) show(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if s := f.find(r.PathValue("id")); s != nil {
		answer(w, http.StatusOK, f.render(s))
		return
	}
	f.refuse(w, http.StatusNotFound, "Record not found")
}

func (f *Fake) showMany(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	ids := r.URL.Query()["id[]"]
	if len(ids) > 20 {
		f.refuse(w, http.StatusUnprocessableEntity, "Validation failed")
		return
	}
	out := []object{}
	for _, id := range ids {
		if s := f.find(id); s != nil {
			out = append(out, f.render(s))
		}
	}
	answer(w, http.StatusOK, out)
}

func (f *Fake) source(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if s := f.find(r.PathValue("id")); s != nil && s.author == f.me {
		answer(w, http.StatusOK, object{"id": s.id, "text": s.source, "spoiler_text": s.spoiler})
		return
	}
	f.refuse(w, http.StatusNotFound, "Record not found")
}

func (f *Fake) context(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.find(r.PathValue("id"))
	if s == nil {
		f.refuse(w, http.StatusNotFound, "Record not found")
		return
	}
	above, below := []object{}, []object{}
	for p := s.parent; p != nil && !p.gone; p = p.parent {
		above = append([]object{f.render(p)}, above...)
	}
	for _, id := range f.order {
		other := f.statuses[id]
		for p := other.parent; p != nil; p = p.parent {
			if p == s && !other.gone {
				below = append(below, f.render(other))
			}
		}
	}
	answer(w, http.StatusOK, object{"ancestors": above, "descendants": below})
}

func (f *Fake) edit(w http.ResponseWriter, r *http.Request) {
	var q wanted
	body := read(r, &q)
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.find(r.PathValue("id"))
	if s == nil || s.author != f.me {
		f.refuse(w, http.StatusNotFound, "Record not found")
		return
	}
	if f.count(q.Status)+f.count(q.Spoiler) > f.limit() {
		f.refuse(w, http.StatusUnprocessableEntity, "Validation failed: Text character limit exceeded")
		return
	}
	s.source, s.spoiler, s.language = strings.TrimSpace(q.Status), q.Spoiler, q.Language
	s.mentions = f.mentionsIn(q.Status)
	s.media = slices.DeleteFunc(s.media, func(m *media) bool { return !slices.Contains(q.Media, m.id) })
	for _, c := range q.MediaAttrs {
		for _, m := range s.media {
			if m.id == c.ID {
				m.alt = c.Description
			}
		}
	}
	f.touch(s)
	f.write(networktest.OpEdit, "", f.ref(s).ID, body)
	answer(w, http.StatusOK, f.render(s))
}

func (f *Fake) remove(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.statuses[f.lasting(r.PathValue("id"))]
	switch {
	case s == nil || s.author != f.me || s.gone && f.dialect != mastodon.GoToSocial:
		f.refuse(w, http.StatusNotFound, "Record not found")
		return
	case !s.gone:
		f.write(networktest.OpDelete, "", f.ref(s).ID, nil)
		f.drop(s)
	}
	answer(w, http.StatusOK, f.render(s))
}

func (f *Fake) search(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	q := r.URL.Query()
	people, found := []object{}, []object{}
	for _, p := range f.people {
		if q.Get("type") == "accounts" && f.named(q.Get("q"), p) {
			people = append(people, f.renderPerson(p))
		}
	}
	for _, id := range f.order {
		s := f.statuses[id]
		if q.Get("type") == "statuses" && !s.gone && f.ref(s).URL == q.Get("q") {
			found = append(found, f.render(s))
		}
	}
	answer(w, http.StatusOK, object{"accounts": people, "statuses": found, "hashtags": []any{}})
}

func (f *Fake) actOnStatus(w http.ResponseWriter, r *http.Request) {
	verb := r.PathValue("verb")
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.find(r.PathValue("id"))
	if s == nil || !slices.Contains([]string{"favourite", "unfavourite", "reblog", "unreblog"}, verb) {
		f.refuse(w, http.StatusNotFound, "Record not found")
		return
	}
	switch verb {
	case "favourite":
		s.likes = 1
	case "unfavourite":
		s.likes = 0
	case "reblog":
		s.boosts = 1
	case "unreblog":
		s.boosts = 0
	}
	f.write(opAct, "", verb+" "+f.ref(s).ID, nil)
	answer(w, http.StatusOK, f.render(s))
}

func (f *Fake) actOnPerson(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	verb := strings.TrimPrefix(r.PathValue("verb"), "un")
	p := f.people[r.PathValue("id")]
	if p == nil || !slices.Contains([]string{"follow", "mute", "block"}, verb) {
		f.refuse(w, http.StatusNotFound, "Record not found")
		return
	}
	f.write(opAct, "", r.PathValue("verb")+" "+p.acct, nil)
	answer(w, http.StatusOK, object{"id": p.id})
}

func (f *Fake) report(w http.ResponseWriter, r *http.Request) {
	var q struct {
		Account  string   `json:"account_id"`
		Statuses []string `json:"status_ids"`
		Comment  string   `json:"comment"`
	}
	body := read(r, &q)
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.people[q.Account]
	if p == nil {
		f.refuse(w, http.StatusNotFound, "Record not found")
		return
	}
	f.write(opAct, "", "report "+p.acct, body)
	answer(w, http.StatusOK, object{"id": "1", "comment": q.Comment})
}
