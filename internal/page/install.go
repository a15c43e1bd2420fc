package page

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
)

// What a browser wants to know to keep Parley among its programs: a manifest,
// icons, and a script of its own (sw.js), which says honestly that nobody answers.
// That script keeps one page, which says nothing of anybody, and never another.

// deskLight and deskDark are --desk of parley.css, for what stands around a page.
const (
	deskLight = "#f2f0eb"
	deskDark  = "#0e1213"
)

const offlinePath = "/offline"

type manifestIcon struct {
	Src     string `json:"src"`
	Sizes   string `json:"sizes"`
	Type    string `json:"type"`
	Purpose string `json:"purpose"`
}

type manifest struct {
	ID          string         `json:"id"`
	Name        string         `json:"name"`
	ShortName   string         `json:"short_name"`
	Description string         `json:"description"`
	Lang        string         `json:"lang"`
	Dir         string         `json:"dir"`
	Start       string         `json:"start_url"`
	Scope       string         `json:"scope"`
	Display     string         `json:"display"`
	Background  string         `json:"background_color"`
	Theme       string         `json:"theme_color"`
	Icons       []manifestIcon `json:"icons"`
}

// installable registers what makes an installation of Parley a program of its own.
func (k *Kernel) installable(files fs.FS) error {
	script, err := fs.ReadFile(files, "sw.js")
	if err != nil {
		return fmt.Errorf("reading static files: %w", err)
	}
	k.Handle("GET /manifest.webmanifest", k.manifest)
	k.Handle("GET "+offlinePath, func(_ http.ResponseWriter, r *Request) error { return r.Render(offlinePage()) })
	k.Mount("GET /sw.js", k.worker(script))
	k.Mount("GET /apple-touch-icon.png", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.URL.Path = k.assets.url("icon-touch-180.png") // where Apple's browsers look by themselves
		k.assets.ServeHTTP(w, r)
	}))
	return nil
}

func (k *Kernel) manifest(w http.ResponseWriter, r *Request) error {
	m := manifest{ID: "/", Name: "Parley", ShortName: "Parley", Description: r.T("page.install.text"), Lang: r.Locale.Name(), Dir: r.Locale.Dir(),
		Start: "/", Scope: "/", Display: "standalone", Background: deskLight, Theme: deskLight}
	for _, i := range []struct{ name, sizes, kind, purpose string }{
		{"parley.svg", "any", "image/svg+xml", "any"},
		{"icon-192.png", "192x192", "image/png", "any"},
		{"icon-512.png", "512x512", "image/png", "any"},
		{"icon-maskable-512.png", "512x512", "image/png", "maskable"},
	} {
		m.Icons = append(m.Icons, manifestIcon{Src: k.assets.url(i.name), Sizes: i.sizes, Type: i.kind, Purpose: i.purpose})
	}
	w.Header().Set("Content-Type", "application/manifest+json")
	w.Header().Set("Cache-Control", "no-cache")
	return json.NewEncoder(w).Encode(m)
}

// worker serves sw.js with the addresses of this version before it: where one
// changes, the browser takes the new script, and with it the new files.
func (k *Kernel) worker(script []byte) http.Handler {
	var b bytes.Buffer
	kept := []string{offlinePath, k.assets.url(sheet), k.assets.url("icons.svg"), k.assets.url("parley.svg")}
	list, err := json.Marshal(kept)
	if err != nil {
		panic(err) // strings are always JSON
	}
	fmt.Fprintf(&b, "const OFFLINE = %q;\nconst KEPT = %s;\n%s", offlinePath, list, script)
	body := encodeBest(b.Bytes())
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
		w.Header().Set("Cache-Control", "no-cache")
		writeEncoded(w, r, http.StatusOK, body)
	})
}
