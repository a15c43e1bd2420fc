package team_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"parley/internal/actor"
	"parley/internal/i18n"
	"parley/internal/page"
	"parley/internal/team"
)

var update = flag.Bool("update", false, "write docs/rights.md anew")

func words(t *testing.T) *i18n.Bundle {
	t.Helper()
	b, err := i18n.NewBundle(page.Catalogue, team.Catalogue)
	must(t, err)
	return b.Strict()
}

// sources is the text of the package without its tests.
func sources(t *testing.T, patterns ...string) string {
	t.Helper()
	var b strings.Builder
	for _, p := range patterns {
		files, err := filepath.Glob(p)
		must(t, err)
		for _, f := range files {
			if strings.HasSuffix(f, "_test.go") || strings.HasSuffix(f, "_templ.go") {
				continue
			}
			text, err := os.ReadFile(f)
			must(t, err)
			b.Write(text)
		}
	}
	return b.String()
}

func TestEveryProblemHasItsTwoSentences(t *testing.T) {
	t.Parallel()
	b := words(t)
	found := regexp.MustCompile(`problem\.New\(problem\.\w+,\s*"([^"]+)"`).FindAllStringSubmatch(sources(t, "*.go"), -1)
	if len(found) < 30 {
		t.Fatalf("only %d problems found", len(found))
	}
	known := map[string]bool{}
	for _, m := range found {
		known["problem."+m[1]], known["problem."+m[1]+".next"] = true, true
	}
	for key := range known {
		if !b.Has(key) {
			t.Errorf("%s is missing", key)
		}
	}
	for _, key := range b.Keys("en") {
		if strings.HasPrefix(key, "problem.team.") && !known[key] {
			t.Errorf("%s is said nowhere", key)
		}
	}
}

func TestEveryWordIsSaidSomewhere(t *testing.T) {
	t.Parallel()
	b := words(t)
	text := sources(t, "*.go", "*.templ")
	for _, m := range regexp.MustCompile(`(?:page\.T\(ctx|Flash\(|done\(r, [^,]+), "(team\.[a-z_.]+)"`).FindAllStringSubmatch(text, -1) {
		if !b.Has(m[1]) && !strings.HasSuffix(m[1], ".") {
			t.Errorf("%s is missing", m[1])
		}
	}
	for _, key := range b.Keys("en") {
		stem := strings.TrimSuffix(strings.TrimRight(key, "0123456789"), ".whom")
		if strings.HasPrefix(key, "team.") && !strings.Contains(text, `"`+key+`"`) && !strings.Contains(text, `"`+stem+`"`) {
			t.Errorf("%s is said nowhere", key)
		}
	}
}

// rightsDoc is what docs/rights.md has to say.
func rightsDoc(b *i18n.Bundle) string {
	l := b.Locale("en", nil)
	var s strings.Builder
	s.WriteString(`# Rights: what each role may do

Rights come with roles. A role is given to a member as a grant: for the whole workspace, for one team or for one
account; with a reason, by somebody, until a day or without an end. Whoever holds several roles may do what any of them
may. Grants are read again at every request: what ends, ends at once. Nobody gives a role for longer than they hold the
one that lets them. Who is removed from a workspace loses its streams and tokens with it, and is signed out everywhere
if it was their last.

Only owners make and unmake owners. An owner is one in the whole workspace and without an end, and the last one can
neither leave nor be removed nor stop being an owner.

`)
	for _, r := range team.Roles() {
		fmt.Fprintf(&s, "- **%s**: %s\n", l.T("role."+string(r)), l.T("role."+string(r)+".may"))
	}
	s.WriteString("\n| may |")
	for _, r := range team.Roles() {
		fmt.Fprintf(&s, " %s |", l.T("role."+string(r)))
	}
	s.WriteString("\n|---|" + strings.Repeat(":-:|", len(team.Roles())) + "\n")
	for _, right := range team.Owner.Rights() {
		fmt.Fprintf(&s, "| %s (`%s`) |", l.T("right."+string(right)), right)
		for _, r := range team.Roles() {
			s.WriteString(mark(r, right))
		}
		s.WriteString("\n")
	}
	fmt.Fprintf(&s, "| %s (`%s`) |%s\n", l.T("right."+string(actor.Self)), actor.Self, strings.Repeat(" ✓ |", len(team.Roles())))
	s.WriteString(`
The last line holds for every member, whatever their roles, and for browsers only: an API token carries some of its
member's rights, never ` + "`self`" + `, and never does more than the member may do at that moment.

This page is made from the table in ` + "`internal/team/role.go`" + ` by ` + "`go test ./internal/team -run RightsDoc -update`" + `.
`)
	return s.String()
}

func mark(r team.Role, right actor.Right) string {
	for _, has := range r.Rights() {
		if has == right {
			return " ✓ |"
		}
	}
	return "  |"
}

func TestRightsDoc(t *testing.T) {
	t.Parallel()
	const path = "../../docs/rights.md"
	want := rightsDoc(words(t))
	if *update {
		must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		must(t, os.WriteFile(path, []byte(want), 0o644))
	}
	got, err := os.ReadFile(path)
	must(t, err)
	if string(got) != want {
		t.Errorf("%s does not say what the table of roles says; run this test with -update", path)
	}
}

// No right may be forgotten by the table: an owner has them all.
func TestAnOwnerMayDoEverything(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../actor/actor.go")
	must(t, err)
	owner := actor.Actor{Workspace: 1, Member: 1}
	for _, r := range team.Owner.Rights() {
		owner.Grants = append(owner.Grants, actor.Grant{Right: r})
	}
	found := regexp.MustCompile(`(?m)^\t\w+\s+Right = "([^"]+)"`).FindAllStringSubmatch(string(text), -1)
	if len(found) < 12 {
		t.Fatalf("only %d rights found", len(found))
	}
	b := words(t)
	for _, m := range found {
		if right := actor.Right(m[1]); !owner.Can(right) && right != actor.Self {
			t.Errorf("an owner may not %s", right)
		}
		if !b.Has("right." + m[1]) {
			t.Errorf("right.%s has no words", m[1])
		}
	}
}
