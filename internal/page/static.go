package page

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"slices"
	"strings"
)

//go:embed static
var staticFiles embed.FS

func staticRoot() (fs.FS, error) { return fs.Sub(staticFiles, "static") }

// assets are the static files, compressed once at start. Their address holds a
// hash over all of them, so that a browser keeps them for ever and modules can
// still import each other by relative name. All of them together are smaller
// than one photograph; changing one costs little.
type assets struct {
	prefix  string // "/static/<hash>/"
	files   map[string]asset
	modules []string // scripts to preload, by address: all but those that main.js fetches later
}

// lean leaves out of scripts and style sheets what only we read: comments that have
// their lines to themselves, and indentation. A template of several lines stays as
// it is.
func lean(name string, raw []byte) []byte {
	ext := path.Ext(name)
	if ext != ".js" && ext != ".css" {
		return raw
	}
	var out bytes.Buffer
	comment, template := false, false
	for line := range bytes.Lines(raw) {
		bare := bytes.TrimSpace(line)
		switch {
		case template:
			out.Write(line)
		case comment:
			comment = !bytes.HasSuffix(bare, []byte("*/"))
			continue
		case len(bare) == 0, ext == ".js" && bytes.HasPrefix(bare, []byte("//")):
			continue
		case bytes.HasPrefix(bare, []byte("/*")) && (bytes.HasSuffix(bare, []byte("*/")) || !bytes.Contains(bare, []byte("*/"))):
			comment = !bytes.HasSuffix(bare, []byte("*/"))
			continue
		default:
			out.Write(bare)
			out.WriteByte('\n')
		}
		if ext == ".js" && bytes.Count(line, []byte("`"))%2 == 1 {
			template = !template
		}
	}
	return out.Bytes()
}

// sheet is the one style sheet that is served: the file of this name, which says
// in which order the layers count, and then every other in its folder.
const sheet = "css/parley.css"

type asset struct {
	contentType string
	etag        string
	body        encoded
}

func newAssets(files fs.FS) (*assets, error) {
	a := &assets{files: map[string]asset{}}
	sum := sha256.New()
	add := func(name string, raw []byte) {
		fmt.Fprintf(sum, "%s %d\n", name, len(raw))
		sum.Write(raw)
		one := sha256.Sum256(raw)
		a.files[name] = asset{
			contentType: contentType(name),
			etag:        `"` + hex.EncodeToString(one[:8]) + `"`,
			body:        encodeBest(raw),
		}
		if strings.HasSuffix(name, ".js") && name != "js/main.js" && path.Dir(name) == "js" {
			a.modules = append(a.modules, name)
		}
	}
	var styles []byte
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.Contains(name, "_test.") {
			return err
		}
		raw, err := fs.ReadFile(files, name)
		raw = lean(name, raw)
		switch {
		case err != nil:
			return err
		case name == sheet:
			styles = append(slices.Clone(raw), styles...)
		case strings.HasSuffix(name, ".css"):
			styles = append(styles, raw...)
		default:
			add(name, raw)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading static files: %w", err)
	}
	add(sheet, styles)
	a.prefix = "/static/" + hex.EncodeToString(sum.Sum(nil)[:6]) + "/"
	return a, nil
}

// url is where a file is served.
func (a *assets) url(name string) string { return a.prefix + name }

func (a *assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, current := strings.CutPrefix(r.URL.Path, a.prefix)
	if !current {
		// An older address, from a page rendered before the program was
		// replaced: the file as it is now, kept by nobody.
		_, name, _ = strings.Cut(strings.TrimPrefix(r.URL.Path, "/static/"), "/")
	}
	f, ok := a.files[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", f.contentType)
	h.Set("Etag", f.etag)
	if current {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	} else {
		h.Set("Cache-Control", "no-cache")
	}
	writeEncoded(w, r, http.StatusOK, f.body)
}

func contentType(name string) string {
	switch path.Ext(name) {
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	}
	if t := mime.TypeByExtension(path.Ext(name)); t != "" {
		return t
	}
	return "application/octet-stream"
}
