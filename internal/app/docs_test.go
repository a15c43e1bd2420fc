package app_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// The pages are checked as far as a program can: links lead somewhere, files and
// tests that are named exist. That what they say is true is for people to check.

const repository = "../.."

// pages lists every page of the project, from the repository's root.
func pages(t *testing.T) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(repository, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == ".git" || d.Name() == "node_modules" || d.Name() == "testdata"):
			return fs.SkipDir
		case filepath.Ext(path) == ".md":
			rel, err := filepath.Rel(repository, path)
			all = append(all, rel)
			return err
		}
		return nil
	})
	if err != nil || len(all) == 0 {
		t.Fatalf("finding the pages: %v (%d found)", err, len(all))
	}
	return all
}

func readPage(t *testing.T, page string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(repository, page))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

var (
	fence    = regexp.MustCompile("(?ms)^```.*?^```$")
	codeSpan = regexp.MustCompile("`[^`\n]+`")
	link     = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	headline = regexp.MustCompile(`(?m)^#{1,6} (.+)$`)
)

func TestLinksOfThePagesLeadSomewhere(t *testing.T) {
	t.Parallel()
	for _, page := range pages(t) {
		prose := codeSpan.ReplaceAllString(fence.ReplaceAllString(readPage(t, page), ""), "")
		for _, m := range link.FindAllStringSubmatch(prose, -1) {
			target, place, _ := strings.Cut(m[1], "#")
			if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			to := page
			if target != "" {
				to = filepath.Join(filepath.Dir(page), target)
			}
			if _, err := os.Stat(filepath.Join(repository, to)); err != nil {
				t.Errorf("%s: the link %s leads nowhere", page, m[1])
				continue
			}
			if place != "" && !slices.Contains(anchors(readPage(t, to)), place) {
				t.Errorf("%s: the link %s names no heading of %s", page, m[1], to)
			}
		}
	}
}

// anchors are the names of a page's headings, as the usual viewers of Markdown
// make them: small letters, spaces as dashes, punctuation left out.
func anchors(body string) []string {
	var names []string
	for _, m := range headline.FindAllStringSubmatch(fence.ReplaceAllString(body, ""), -1) {
		names = append(names, strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
				return unicode.ToLower(r)
			}
			return -1
		}, m[1]))
	}
	return names
}

// place is a file or folder of ours in backticks.
var place = regexp.MustCompile("`((?:internal|cmd|docs|interop|\\.ci)/[A-Za-z0-9_./-]+)`")

func TestFilesThatPagesNameExist(t *testing.T) {
	t.Parallel()
	for _, page := range pages(t) {
		for _, m := range place.FindAllStringSubmatch(readPage(t, page), -1) {
			if _, err := os.Stat(filepath.Join(repository, m[1])); err != nil {
				t.Errorf("%s names %s, which does not exist", page, m[1])
			}
		}
	}
}

// proof is a test as invariants.md names it: the package below internal, and the
// test.
var (
	proof = regexp.MustCompile("`([a-z/]+)\\.((?:Test|Fuzz)[A-Za-z0-9]+)`")
	row   = regexp.MustCompile(`(?m)^\|.+$`)
)

func TestInvariantsAreProvedByTestsThatExist(t *testing.T) {
	t.Parallel()
	body := readPage(t, "docs/invariants.md")
	rows := row.FindAllString(body, -1)
	proved := 0
	for _, r := range rows {
		if strings.HasPrefix(r, "|---") || strings.HasSuffix(r, "| proved by |") {
			continue
		}
		names := proof.FindAllStringSubmatch(r, -1)
		if len(names) == 0 {
			t.Errorf("nothing proves %.80s", r)
		}
		for _, m := range names {
			proved++
			if !hasTest(t, m[1], m[2]) {
				t.Errorf("there is no %s in internal/%s", m[2], m[1])
			}
		}
	}
	if proved < 20 {
		t.Errorf("only %d proofs were found: has the page's form changed?", proved)
	}
}

func hasTest(t *testing.T, folder, name string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(repository, "internal", folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(raw), "\nfunc "+name+"(") {
			return true
		}
	}
	return false
}
