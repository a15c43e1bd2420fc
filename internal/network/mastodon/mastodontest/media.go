package mastodontest

import (
	"fmt"
	"io"
	"net/http"

	"parley/internal/network/mastodon"
	"parley/internal/network/networktest"
)

type media struct {
	id, alt, mime string
	size          int
	attached      bool
	processing    bool
}

func (m *media) render(base string) object {
	return object{
		"id": m.id, "type": "image", "url": base + "/media/" + m.id, "preview_url": base + "/media/" + m.id,
		"description": m.alt, "meta": object{"original": object{"width": 16, "height": 12}},
	}
}

// upload keeps media. It is ready at once, except that Mastodon works on it for
// a while, and says 202, when the suite wants to see that.
func (f *Fake) upload(w http.ResponseWriter, r *http.Request) {
	file, head, err := r.FormFile("file")
	if err != nil {
		f.refuse(w, http.StatusUnprocessableEntity, "Validation failed: File can't be blank")
		return
	}
	b, err := io.ReadAll(file)
	if err != nil || len(b) == 0 {
		f.refuse(w, http.StatusUnprocessableEntity, "Validation failed: File is empty")
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.serial++
	m := &media{id: fmt.Sprintf("m%d", f.serial), alt: r.FormValue("description"), mime: head.Header.Get("Content-Type"), size: len(b)}
	if f.dialect == mastodon.Snac {
		m.id = head.Filename // its ids are made from names
	}
	f.media[m.id] = m
	f.write(networktest.OpUpload, r.Header.Get("Idempotency-Key"), m.id, b)
	out := m.render(f.base)
	if f.dialect == mastodon.Mastodon && f.Armed(networktest.OpStatus) {
		m.processing, out["url"] = true, nil
		answer(w, http.StatusAccepted, out)
		return
	}
	answer(w, http.StatusOK, out)
}

// mediaStatus shows media that hangs on no post yet.
func (f *Fake) mediaStatus(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	m := f.media[r.PathValue("id")]
	if m == nil || m.attached {
		f.refuse(w, http.StatusNotFound, "Record not found")
		return
	}
	m.processing = false
	answer(w, http.StatusOK, m.render(f.base))
}

// Expire throws away all media that hangs on no post.
func (f *Fake) Expire() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for id, m := range f.media {
		if !m.attached {
			delete(f.media, id)
		}
	}
}

// attach hangs media on a new post.
func (f *Fake) attach(s *status, ids []string) (code int, msg string) {
	if len(ids) > 4 {
		return http.StatusUnprocessableEntity, "Validation failed: Cannot attach more than 4 files"
	}
	for _, id := range ids {
		m := f.media[id]
		switch {
		case m == nil:
			return http.StatusUnprocessableEntity, "Validation failed: Media " + id + " not found"
		case m.processing:
			return http.StatusUnprocessableEntity, "Cannot attach files that have not finished processing. Try again in a moment!"
		case m.attached && f.dialect == mastodon.GoToSocial:
			return http.StatusBadRequest, "Bad Request: media already attached to status"
		case m.attached && f.dialect != mastodon.Snac:
			return http.StatusUnprocessableEntity, "Validation failed: Media already attached"
		}
		s.media = append(s.media, m)
	}
	for _, m := range s.media {
		m.attached = true
	}
	return 0, ""
}
