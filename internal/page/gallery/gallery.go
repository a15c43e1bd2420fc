// Package gallery shows every component in every state: the style guide, what a
// designer looks at, and what the tests render. The demo mounts it at /gallery.
//
// Not its business: the words of real pages. Its own headings are the names of
// components in the code and are not translated.
package gallery

import (
	"io"
	"net/http"

	"parley/internal/page"
	"parley/internal/problem"
)

// Pages mounts the gallery. ?theme=light or dark forces a theme.
func Pages(k *page.Kernel) {
	k.Handle("GET /gallery", func(_ http.ResponseWriter, r *page.Request) error {
		dress(r)
		return r.Render(partsPage())
	})
	k.Handle("GET /gallery/desk", func(_ http.ResponseWriter, r *page.Request) error {
		dress(r)
		return r.Render(deskPage(rows(r.Now()), page.PaneView{Content: page.NothingOpen()}))
	})
	k.Handle("GET /gallery/desk/{conversation}", func(_ http.ResponseWriter, r *page.Request) error {
		dress(r)
		thread, ok := threads(r.Now())[r.PathValue("conversation")]
		if !ok {
			return page.NotFound()
		}
		return r.Render(deskPage(rows(r.Now()), page.PaneView{Open: true, Content: page.Thread(thread)}))
	})
	k.Handle("GET /gallery/empty", func(_ http.ResponseWriter, r *page.Request) error {
		dress(r)
		return r.Render(emptyPage())
	})
	k.Handle("GET /gallery/answering", func(_ http.ResponseWriter, r *page.Request) error {
		dress(r)
		return r.Render(deskPage(rows(r.Now()), page.PaneView{Open: true, Content: page.Thread(answering(r.Now()))}))
	})
	k.Handle("GET /gallery/form", func(_ http.ResponseWriter, r *page.Request) error {
		return r.Render(formPage())
	})
	k.Handle("GET /gallery/broken", func(http.ResponseWriter, *page.Request) error {
		return io.ErrUnexpectedEOF
	})
	k.Handle("GET /gallery/refused", func(http.ResponseWriter, *page.Request) error {
		return problem.New(problem.Forbidden, "forbidden", "right", "team.manage")
	})
	k.Handle("GET /gallery/leave", func(_ http.ResponseWriter, r *page.Request) error {
		return r.Leave("https://mastodon.example/oauth/authorize")
	})
	k.Handle("GET /gallery/picture", func(w http.ResponseWriter, _ *page.Request) error {
		w.Header().Set("Content-Type", "image/svg+xml")
		_, err := io.WriteString(w, picture)
		return err
	})
}
