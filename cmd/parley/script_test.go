package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// The scripts in testdata/script are what an operator types, with what must be
// shown and what must not. "parley" runs the program inside the test. $FIXTURE is
// an archive of a demo; $PARLEY_POSTGRES is never set: how the program works on
// PostgreSQL is tried elsewhere.
func TestScripts(t *testing.T) {
	t.Parallel()
	fixture, err := filepath.Abs("../../internal/archive/testdata/v0.1.zip")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("FIXTURE", fixture)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"parley": parley, "mode": mode},
	})
}

// parley runs the program. Paths that begin with ./ are in the script's folder; what it
// writes stands afterwards in the files out and err.
func parley(ts *testscript.TestScript, neg bool, args []string) {
	for i, a := range args {
		if strings.HasPrefix(a, "./") {
			args[i] = ts.MkAbs(a)
		}
	}
	var out, errs bytes.Buffer
	code := run(context.Background(), args, &out, &errs)
	ts.Check(os.WriteFile(ts.MkAbs("out"), out.Bytes(), 0o600))
	ts.Check(os.WriteFile(ts.MkAbs("err"), errs.Bytes(), 0o600))
	if (code != 0) != neg {
		ts.Fatalf("parley %s: status %d\n%s%s", strings.Join(args, " "), code, out.String(), errs.String())
	}
}

// mode compares the permissions of a file: mode 0600 FILE.
func mode(ts *testscript.TestScript, neg bool, args []string) {
	info, err := os.Stat(ts.MkAbs(args[1]))
	ts.Check(err)
	if same := info.Mode().Perm().String() == args[0]; same == neg {
		ts.Fatalf("%s has mode %s", args[1], info.Mode().Perm())
	}
}
