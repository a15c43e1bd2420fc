package mastodon_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"parley/internal/network/mastodon"
)

// TestCatalogue: every sentence the package names exists, and none is left over.
func TestCatalogue(t *testing.T) {
	t.Parallel()
	b, err := mastodon.Catalogue.ReadFile("catalogue/en.json")
	if err != nil {
		t.Fatal(err)
	}
	var entries map[string]string
	if err := json.Unmarshal(b, &entries); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var src strings.Builder
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		src.Write(b)
	}
	used := map[string]bool{}
	for _, m := range regexp.MustCompile(`"(mastodon\.(?:title|[a-z]+\.[a-z_]+))"`).FindAllStringSubmatch(src.String(), -1) {
		used[m[1]] = true
	}
	// Two families of keys are put together from a word.
	for prefix, word := range map[string]string{
		"mastodon.why.":  `(?:no|scoped|unless)\([^\n]*"([a-z_]+)"\)`,
		"mastodon.help.": `refuse\("([a-z_]+)"`,
	} {
		for _, m := range regexp.MustCompile(word).FindAllStringSubmatch(src.String(), -1) {
			used[prefix+m[1]] = true
		}
	}
	for key := range used {
		if entries[key] == "" {
			t.Errorf("%q has no sentence", key)
		}
	}
	for key := range entries {
		if !used[key] {
			t.Errorf("%q is said nowhere", key)
		}
	}
}
