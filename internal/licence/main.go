// Command licence prints the modules that Parley's program is built from, with
// the licence each is under, as LICENSES.md. It reads the licence file of every
// module in the module cache and names what it recognises; a module whose
// licence it cannot name ends it with an error, so that none gets in unseen.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

type module struct {
	Path, Version, Dir string
	Main               bool
}

func main() {
	if err := run(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "licence:", err)
		os.Exit(1)
	}
}

func run(w io.Writer) error {
	modules, err := linked()
	if err != nil {
		return err
	}
	fmt.Fprint(w, "# Licences\n\nParley is under the Apache License 2.0 (LICENSE). Its program contains these modules; their licences travel with their source.\nMade by `go run ./internal/licence`; a check compares.\n\n| module | version | licence |\n|---|---|---|\n")
	for _, m := range modules {
		name, err := licenceOf(m.Dir)
		if err != nil {
			return fmt.Errorf("%s: %w", m.Path, err)
		}
		fmt.Fprintf(w, "| %s | %s | %s |\n", m.Path, m.Version, name)
	}
	return nil
}

// linked are the modules whose packages end up in the program.
func linked() ([]module, error) {
	out, err := exec.Command("go", "list", "-deps", "-json=Module", "./cmd/parley").Output()
	if err != nil {
		return nil, fmt.Errorf("listing the modules: %w", err)
	}
	seen := map[string]module{}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct{ Module *module }
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("reading the list of modules: %w", err)
		}
		if p.Module != nil && !p.Module.Main {
			seen[p.Module.Path] = *p.Module
		}
	}
	var ms []module
	for _, m := range seen {
		ms = append(ms, m)
	}
	slices.SortFunc(ms, func(a, b module) int { return strings.Compare(a.Path, b.Path) })
	return ms, nil
}

// marks are phrases that only one licence has.
var marks = []struct{ name, phrase string }{
	{"Apache-2.0", "Apache License"},
	{"MPL-2.0", "Mozilla Public License"},
	{"BSD-3-Clause", "Neither the name"},
	{"BSD-3-Clause", "names of its contributors may be used"},
	{"BSD-2-Clause", "Redistributions in binary form"},
	{"ISC", "Permission to use, copy, modify, and/or distribute"},
	{"ISC", "Permission to use, copy, modify, and distribute"},
	{"MIT", "Permission is hereby granted, free of charge"},
	{"Unlicense", "This is free and unencumbered software"},
	{"CC0-1.0", "CC0 1.0 Universal"},
}

func licenceOf(dir string) (string, error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	for _, f := range files {
		upper := strings.ToUpper(f.Name())
		if f.IsDir() || !(strings.HasPrefix(upper, "LICEN") || strings.HasPrefix(upper, "COPYING") || strings.HasPrefix(upper, "UNLICENSE")) {
			continue
		}
		b, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			return "", err
		}
		text := strings.Join(strings.Fields(string(b)), " ")
		for _, m := range marks {
			if strings.Contains(text, m.phrase) {
				return m.name, nil
			}
		}
	}
	return "", errors.New("its licence is not recognised; read it and add its mark")
}
