package app

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The architecture, as docs and architecture tests know it: every package has a
// class, and a class says what it may import. Whoever draws a new line has to
// change this file, and say so in its review.

type class string

const (
	ground      class = "ground"      // knows no network and no capability
	contract    class = "contract"    // what a network is
	connector   class = "connector"   // one network
	capability  class = "capability"  // one folder of what Parley does
	composition class = "composition" // puts the others together
	apparatus   class = "apparatus"   // for tests only
)

// classes names the classes of the folders below internal, the longest match
// first; what stands below a folder has its class.
func classes() map[string]class {
	all := map[string]class{"network": contract, "network/networktest": apparatus, "db/dbtest": apparatus, "page/pagetest": apparatus, "page/gallery": apparatus}
	for _, name := range []string{"actor", "api", "chart", "clock", "crash", "db", "event", "hours", "i18n", "id", "job", "mail", "media", "outbound", "page",
		"problem", "secret", "stat", "text"} {
		all[name] = ground
	}
	for _, name := range []string{"account", "ask", "charter", "conversation", "crisis", "delivery", "drill", "experiment", "guard", "health", "idea",
		"initiative", "lesson", "listen", "notify", "outcome", "publish", "report", "team", "today", "webhook"} {
		all[name] = capability
	}
	for _, name := range []string{"app", "archive", "bench", "call", "licence"} {
		all[name] = composition
	}
	return all
}

// between lists the capabilities that may import each other: conversation shows
// what became of an answer, which only delivery knows; today is made of what the
// others know.
func between() map[string][]string {
	return map[string][]string{"conversation": {"delivery"}, "today": {"account", "conversation", "delivery"}}
}

// only narrows some packages further than their class does.
func only() map[string][]string {
	return map[string][]string{
		"archive": {"db"},                                                                  // a backup knows tables, not what they mean
		"network": {"text"},                                                                // the contract knows nothing of how we store or show
		"call":    {},                                                                      // knows a Parley by its address only
		"licence": {},                                                                      // runs before anything can be built
		"db":      {}, "text": {}, "clock": {}, "problem": {}, "crash": {}, "outbound": {}, // the bottom
	}
}

// classOf is the class of a package by its path below internal, and the name it
// has there: the folder that the table names, or the connector's.
func classOf(path string) (class, string, bool) {
	if strings.HasPrefix(path, "cmd/") {
		return composition, path, true
	}
	table := classes()
	parts := strings.Split(path, "/")
	if strings.HasSuffix(parts[len(parts)-1], "test") && len(parts) > 1 {
		return apparatus, path, true
	}
	if c, ok := table[path]; ok {
		return c, path, true
	}
	if parts[0] == "network" {
		return connector, strings.Join(parts[:2], "/"), true
	}
	for n := len(parts) - 1; n > 0; n-- {
		above := strings.Join(parts[:n], "/")
		if c, ok := table[above]; ok {
			return c, above, true
		}
	}
	return "", "", false
}

// refused says why a package may not import another; "" if it may.
func refused(from, to string) string {
	fc, fn, ok := classOf(from)
	if !ok {
		return "it has no class: say in import_test.go what it is"
	}
	tc, tn, ok := classOf(to)
	if !ok {
		return "what it imports has no class"
	}
	if list, narrow := only()[from]; narrow && !slices.Contains(list, tn) {
		return fmt.Sprintf("it may import %q only", list)
	}
	switch {
	case tc == apparatus && fc != apparatus:
		return "that is for tests"
	case tc == composition && fc != composition:
		return "only what puts the parts together may"
	case fc == composition || tc == ground || fn == tn:
		return ""
	case fc == ground:
		return "the ground knows no network and no capability"
	case fc == contract:
		return "the contract knows the ground only"
	case fc == connector && tc != contract:
		return "a network knows the ground and the contract only"
	case fc == capability && tc == connector:
		return "a capability knows networks by their contract only"
	case fc == capability && tc == capability && !slices.Contains(between()[fn], tn):
		return "capabilities reach each other through function types, events and jobs"
	case fc == apparatus && (tc == capability || tc == connector && !strings.HasPrefix(from, tn)):
		return "an apparatus serves its own folder"
	}
	return ""
}

// sources are the parsed files of a package that are part of the program.
type sources struct {
	path  string // below internal, or cmd/…
	files map[string]*ast.File
}

const root = "../.."

// parsePackages reads everything below internal and cmd but tests.
func parsePackages(t testing.TB, set *token.FileSet) []sources {
	t.Helper()
	byDir := map[string]*sources{}
	var all []*sources
	for _, top := range []string{"internal", "cmd"} {
		err := filepath.WalkDir(filepath.Join(root, top), func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
				return err
			}
			f, err := parser.ParseFile(set, name, nil, parser.ParseComments|parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			dir := filepath.Dir(name)
			if byDir[dir] == nil {
				rel, err := filepath.Rel(root, dir)
				if err != nil {
					return err
				}
				byDir[dir] = &sources{strings.TrimPrefix(filepath.ToSlash(rel), "internal/"), map[string]*ast.File{}}
				all = append(all, byDir[dir])
			}
			byDir[dir].files[filepath.Base(name)] = f
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	out := make([]sources, len(all))
	for i, s := range all {
		out[i] = *s
	}
	return out
}

func TestImportsPointDown(t *testing.T) {
	t.Parallel()
	set := token.NewFileSet()
	seen := map[class]int{}
	for _, p := range parsePackages(t, set) {
		c, _, ok := classOf(p.path)
		if !ok {
			t.Errorf("%s has no class: say in import_test.go what it is", p.path)
			continue
		}
		seen[c]++
		for _, f := range p.files {
			for _, spec := range f.Imports {
				to, err := strconv.Unquote(spec.Path.Value)
				if err != nil {
					t.Fatal(err)
				}
				to, ours := strings.CutPrefix(to, "parley/internal/")
				if !ours {
					continue
				}
				if why := refused(p.path, to); why != "" {
					t.Errorf("%s: %s imports %s: %s", set.Position(spec.Pos()), p.path, to, why)
				}
			}
		}
	}
	for _, c := range []class{ground, contract, connector, capability, composition, apparatus} {
		if seen[c] == 0 {
			t.Errorf("no package is %s", c)
		}
	}
}

// The drawing itself: what must be refused, and what must not.
func TestTheDrawing(t *testing.T) {
	t.Parallel()
	for _, one := range []struct {
		from, to string
		ok       bool
	}{
		{"page", "team", false}, {"api", "team", false}, {"event", "network", false}, {"media", "network/mastodon", false}, {"job", "app", false},
		{"page", "i18n", true}, {"api", "db", true}, {"problem", "id", false}, {"db", "id", false},
		{"network", "db", false}, {"network", "text", true}, {"network", "network/mastodon", false},
		{"network/mastodon", "network", true}, {"network/mastodon", "outbound", true}, {"network/mastodon", "network/bluesky", false},
		{"network/mastodon", "account", false}, {"network/bluesky", "network/bluesky/record", true}, {"network/bluesky/record", "network/mastodon", false},
		{"network/mastodon", "network/networktest", false}, {"network/mastodon/mastodontest", "network/networktest", true},
		{"network/mastodon/mastodontest", "network/mastodon", true}, {"network/mastodon/mastodontest", "network/bluesky", false},
		{"team", "account", false}, {"account", "team", false}, {"conversation", "delivery", true}, {"delivery", "conversation", false},
		{"conversation", "account", false}, {"conversation", "network", true}, {"conversation", "network/mastodon", false}, {"team", "app", false},
		{"app", "network/mastodon", true}, {"app", "team", true}, {"app", "db/dbtest", false}, {"cmd/parley", "app", true},
		{"archive", "db", true}, {"archive", "event", false}, {"licence", "app", false}, {"bench", "app", true},
		{"elsewhere", "db", false}, {"team", "elsewhere", false}, {"page/gallery", "page", true}, {"page", "page/gallery", false},
	} {
		if why := refused(one.from, one.to); (why == "") != one.ok {
			t.Errorf("%s imports %s: %q", one.from, one.to, why)
		}
	}
}
