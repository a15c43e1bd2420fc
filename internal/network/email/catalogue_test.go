package email

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every key used is in the catalogue, and nothing else is.
func TestCatalogue(t *testing.T) {
	t.Parallel()
	raw, err := Catalogue.ReadFile("catalogue/en.json")
	if err != nil {
		t.Fatal(err)
	}
	var have map[string]string
	if err := json.Unmarshal(raw, &have); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	key := regexp.MustCompile(`"(email\.[a-z_.]+)"`)
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range key.FindAllSubmatch(src, -1) {
			used[string(m[1])] = true
		}
	}
	for k := range used {
		if have[k] == "" {
			t.Errorf("%s is used and not in the catalogue", k)
		}
	}
	for k, v := range have {
		if !used[k] {
			t.Errorf("%s is in the catalogue and not used", k)
		}
		if strings.Contains(v, "!") || strings.Contains(strings.ToLower(v), "please") || strings.Contains(v, "Failed") {
			t.Errorf("%s: %q", k, v)
		}
	}
}
