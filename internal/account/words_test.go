package account

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"parley/internal/i18n"
	"parley/internal/network"
	"parley/internal/page"
)

func words(t testing.TB) *i18n.Bundle {
	t.Helper()
	b, err := i18n.NewBundle(page.Catalogue, Catalogue)
	must(t, err)
	return b.Strict()
}

// read is the text of Go and templ files without tests and what is generated.
func read(t testing.TB, patterns ...string) string {
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

// constants are the values of the constants of a type in Go source.
func constants(t testing.TB, file, kind string) []string {
	t.Helper()
	var all []string
	for _, m := range regexp.MustCompile(`(?m)^\t\w+\s+(\w+ )?= "([^"]+)"`).FindAllStringSubmatch(block(read(t, file), kind), -1) {
		all = append(all, m[2])
	}
	if len(all) < 10 {
		t.Fatalf("only %d constants of %s found", len(all), kind)
	}
	return all
}

// block is the const block whose first constant has a type.
func block(source, kind string) string {
	for _, b := range strings.Split(source, "const (")[1:] {
		b, _, _ = strings.Cut(b, "\n)")
		if regexp.MustCompile(`^\n\t\w+\s+` + kind + `\s+=`).MatchString(b) {
			return b
		}
	}
	return ""
}

func kinds(t testing.TB) []network.Kind {
	var all []network.Kind
	for _, k := range constants(t, "../network/error.go", "Kind") {
		all = append(all, network.Kind(k))
	}
	return all
}

// Every code that this package and the connectors can produce has its two
// sentences, and none is said nowhere.
func TestEveryCodeHasItsWords(t *testing.T) {
	t.Parallel()
	b := words(t)
	want := map[string]bool{"problem.network.help": true, "problem.network.help.next": true}
	both := func(key string) { want[key], want[key+".next"] = true, true }
	found := regexp.MustCompile(`problem\.New\(problem\.\w+,\s*"(account\.[^"]+)"`).FindAllStringSubmatch(read(t, "*.go"), -1)
	if len(found) < 12 {
		t.Fatalf("only %d problems found", len(found))
	}
	for _, m := range found {
		both("problem." + m[1])
	}
	for _, k := range kinds(t) {
		both("problem.network." + string(k))
	}
	for _, code := range SignCodes() {
		both("account.sign." + code)
	}
	for _, a := range constants(t, "../network/network.go", "Ability") {
		want["account.can."+a] = true
		if !contains(abilities(), network.Ability(a)) {
			t.Errorf("the ability %s is not shown", a)
		}
	}
	for key := range want {
		if !b.Has(key) {
			t.Errorf("%s is missing", key)
		}
	}
	for _, key := range b.Keys("en") {
		for _, of := range []string{"problem.account.", "problem.network.", "account.sign.", "account.can."} {
			if strings.HasPrefix(key, of) && !want[key] {
				t.Errorf("%s is said nowhere", key)
			}
		}
	}
}

func contains[T comparable](all []T, one T) bool {
	for _, v := range all {
		if v == one {
			return true
		}
	}
	return false
}

func TestEveryWordIsSaidSomewhere(t *testing.T) {
	t.Parallel()
	b := words(t)
	source := read(t, "*.go", "*.templ")
	for _, m := range regexp.MustCompile(`(?:page\.T\(ctx|p\.verb\([^,]+|p\.done\([^)]*), "(account\.[a-z_.]+[a-z])"`).FindAllStringSubmatch(source, -1) {
		if !b.Has(m[1]) {
			t.Errorf("%s is missing", m[1])
		}
	}
	made := regexp.MustCompile(`^account\.(sign|can|level|feed|signature|help)\.`) // keys that are put together
	for _, key := range b.Keys("en") {
		if strings.HasPrefix(key, "account.") && !made.MatchString(key) && !strings.Contains(source, `"`+key+`"`) {
			t.Errorf("%s is said nowhere", key)
		}
	}
	for _, l := range []Level{Fine, Soon, Bad, Off} {
		if !b.Has("account.level." + string(l)) {
			t.Errorf("%s has no word", l)
		}
	}
	for _, f := range []network.Feed{network.Mentions, network.Direct, network.Own, network.Items, feedStream, feedWatch, "comets"} {
		if !b.Has("account.feed." + feedKeyOf(f)) {
			t.Errorf("%s has no word", f)
		}
	}
	for _, s := range []State{Broken, Disconnected} {
		if !b.Has("account.help." + string(s)) {
			t.Errorf("%s has no help", s)
		}
	}
}

// A connector's Help is said through problem.network.help, so it must be a key of
// a whole sentence in that connector's own catalogue.
func TestConnectorsSayWhatTheyPromise(t *testing.T) {
	t.Parallel()
	folders, err := filepath.Glob("../network/*/catalogue")
	must(t, err)
	if len(folders) < 3 {
		t.Fatalf("only %d connectors found", len(folders))
	}
	for _, folder := range folders {
		dir := filepath.Dir(folder)
		b, err := i18n.NewBundle(os.DirFS(dir))
		must(t, err)
		for _, m := range regexp.MustCompile(`Help:\s+"([a-z_.]+)"`).FindAllStringSubmatch(read(t, dir+"/*.go"), -1) {
			if key := m[1]; !strings.HasSuffix(key, ".") && !b.Has(key) {
				t.Errorf("%s: %s is missing", dir, key)
			}
		}
	}
}
