package main

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// docs/operations.md lists every flag of every command with its environment
// variable. A section belongs to the command its heading names; "data flags" in
// it stands for the rows of the section of that name.

const (
	operations = "../../docs/operations.md"
	dataFlags  = "Data flags"
)

// option is one flag as people write it.
type option struct{ flag, variable, otherwise string }

func TestEveryFlagIsDocumented(t *testing.T) {
	t.Parallel()
	documented := documentedOptions(t)
	real := map[string]map[string]option{}
	for _, leaf := range commandLine(t).Leaves(false) {
		options := map[string]option{}
		for _, f := range leaf.Flags {
			if f.Name == "help" {
				continue
			}
			if len(f.Envs) != 1 {
				t.Errorf("--%s of %s has the variables %v, want one", f.Name, leaf.FullPath(), f.Envs)
				continue
			}
			options[f.Name] = option{f.Name, f.Envs[0], f.Default}
		}
		real[leaf.FullPath()] = options
	}
	for _, command := range slices.Sorted(maps.Keys(real)) {
		listed, ok := documented[command]
		if !ok {
			t.Errorf("%s has no section ### `%s`", operations, command)
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(real[command])) {
			o := real[command][name]
			row, ok := listed[name]
			switch {
			case !ok:
				t.Errorf("%s: --%s (%s) is not documented", command, name, o.variable)
			case row.variable != o.variable:
				t.Errorf("%s: --%s is documented with %s, its variable is %s", command, name, row.variable, o.variable)
			case o.otherwise != "" && !strings.Contains(row.otherwise, "`"+o.otherwise+"`"):
				t.Errorf("%s: --%s is documented as %q if not given, it is %q", command, name, row.otherwise, o.otherwise)
			}
		}
		for _, name := range slices.Sorted(maps.Keys(listed)) {
			if _, ok := real[command][name]; !ok {
				t.Errorf("%s: --%s is documented and does not exist", command, name)
			}
		}
	}
	for _, command := range slices.Sorted(maps.Keys(documented)) {
		if real[command] == nil {
			t.Errorf("%s documents %s, which does not exist", operations, command)
		}
	}
}

// commandLine is the model of the command line, as run makes it.
func commandLine(t *testing.T) *kong.Application {
	t.Helper()
	var c cli
	parser, err := kong.New(&c, kong.Name("parley"), kong.DefaultEnvars("PARLEY"), kong.Vars{"version": ""})
	if err != nil {
		t.Fatal(err)
	}
	return parser.Model
}

var (
	heading = regexp.MustCompile("(?m)^#{2,} .*$")
	flagRow = regexp.MustCompile("(?m)^\\| `--([a-z-]+)`[^|]* \\| `(PARLEY_[A-Z_]+)` \\| ([^|]*) \\|")
)

// documentedOptions reads the sections, by command and flag.
func documentedOptions(t *testing.T) map[string]map[string]option {
	t.Helper()
	raw, err := os.ReadFile(operations)
	if err != nil {
		t.Fatal(err)
	}
	page := string(raw)
	sections, shares := map[string]map[string]option{}, []string{}
	starts := heading.FindAllStringIndex(page, -1)
	for n, at := range starts {
		end := len(page)
		if n+1 < len(starts) {
			end = starts[n+1][0]
		}
		name, body := strings.Trim(page[at[0]:at[1]], "# `"), page[at[1]:end]
		options := map[string]option{}
		for _, m := range flagRow.FindAllStringSubmatch(body, -1) {
			options[m[1]] = option{m[1], m[2], m[3]}
		}
		if name == dataFlags || strings.HasPrefix(name, "parley ") {
			sections[name] = options
		}
		if strings.Contains(strings.Join(strings.Fields(body), " "), "the data flags") {
			shares = append(shares, name)
		}
	}
	for _, name := range shares {
		maps.Copy(sections[name], sections[dataFlags])
	}
	delete(sections, dataFlags)
	return sections
}

var (
	variable = regexp.MustCompile(`PARLEY_[A-Z_]*[A-Z]`)
	command  = regexp.MustCompile("(?m)(?:^|`|cmd/|bin/)parley ([a-z]+)")
)

// Whatever the pages tell people to set or to type is there.
func TestPagesNameOnlyWhatExists(t *testing.T) {
	t.Parallel()
	known, commands := map[string]bool{}, map[string]bool{}
	for _, leaf := range commandLine(t).Leaves(false) {
		commands[strings.Fields(leaf.FullPath())[1]] = true
		for _, f := range leaf.Flags {
			for _, v := range f.Envs {
				known[v] = true
			}
		}
	}
	inCode := map[string]bool{}
	eachFile(t, []string{".go", ".sh", ".mjs"}, func(path, body string) {
		for _, v := range variable.FindAllString(body, -1) {
			inCode[v] = true
		}
	})
	told := map[string]bool{}
	eachFile(t, []string{".md"}, func(path, body string) {
		for _, v := range variable.FindAllString(body, -1) {
			told[v] = true
			if !known[v] && !inCode[v] && !begun(inCode, v) {
				t.Errorf("%s names %s, which nothing reads", path, v)
			}
		}
		for _, m := range command.FindAllStringSubmatch(body, -1) {
			if !commands[m[1]] {
				t.Errorf("%s says %q, and there is no such command", path, "parley "+m[1])
			}
		}
	})
	for _, v := range slices.Sorted(maps.Keys(inCode)) {
		if !told[v] && !strings.HasSuffix(v, "_CHILD") { // a test talks to itself with those
			t.Errorf("%s is read and no page says so", v)
		}
	}
}

// begun reports a variable of which the code holds the first part only.
func begun(inCode map[string]bool, v string) bool {
	for i := strings.LastIndexByte(v, '_'); i > len("PARLEY"); i = strings.LastIndexByte(v[:i], '_') {
		if inCode[v[:i]] {
			return true
		}
	}
	return false
}

// eachFile calls fn with the files of the project that end in one of ends.
func eachFile(t *testing.T, ends []string, fn func(path, body string)) {
	t.Helper()
	const root = "../.."
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == ".git" || d.Name() == "node_modules") {
			return fs.SkipDir
		}
		if d.IsDir() || !slices.Contains(ends, filepath.Ext(path)) {
			return nil
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("reading a page: %w", err)
		}
		fn(strings.TrimPrefix(path, root+"/"), string(raw))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
