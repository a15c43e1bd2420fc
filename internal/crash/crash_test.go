package crash_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"parley/internal/crash"
)

// child tells the test binary to be the program that dies: it passes through
// every point twice and says so.
const child = "PARLEY_CRASH_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(child) != "" {
		os.Exit(walk())
	}
	os.Exit(m.Run())
}

func walk() int {
	points, err := crash.New(os.Getenv(crash.Variable))
	if err != nil {
		fmt.Println(err)
		return 2
	}
	defer fmt.Println("a deferred call ran")
	for round := 1; round <= 2; round++ {
		for _, name := range crash.Names() {
			fmt.Printf("reach %s:%d\n", name, round)
			points.At(name)
			fmt.Printf("alive %s:%d\n", name, round)
		}
	}
	return 0
}

// run starts the child with a point armed and returns what it printed and how it ended.
func run(t *testing.T, at string) (string, syscall.WaitStatus) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), child+"=1", crash.Variable+"="+at)
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("starting the child: %v", err)
	}
	return string(out), cmd.ProcessState.Sys().(syscall.WaitStatus)
}

func TestEachPointKillsThere(t *testing.T) {
	t.Parallel()
	for _, name := range crash.Names() {
		for _, nth := range []string{"1", "2"} {
			t.Run(name+":"+nth, func(t *testing.T) {
				t.Parallel()
				out, status := run(t, name+":"+nth)
				if !status.Signaled() || status.Signal() != syscall.SIGKILL {
					t.Fatalf("the child ended with %v, want SIGKILL; it printed\n%s", status, out)
				}
				if !strings.HasSuffix(out, "reach "+name+":"+nth+"\n") {
					t.Errorf("the child died elsewhere:\n%s", out)
				}
				if strings.Contains(out, "deferred") {
					t.Error("a deferred call ran: that is no power cut")
				}
			})
		}
	}
}

func TestNameAloneIsTheFirstTime(t *testing.T) {
	t.Parallel()
	out, status := run(t, crash.DeliverDuringDo)
	if !status.Signaled() || !strings.HasSuffix(out, "reach "+crash.DeliverDuringDo+":1\n") {
		t.Errorf("ended with %v after\n%s", status, out)
	}
}

func TestUnarmedLivesThrough(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"", crash.RefreshAfterSave + ":3"} {
		out, status := run(t, at)
		if status.ExitStatus() != 0 || !strings.Contains(out, "alive "+crash.ImportBetweenPages+":2") {
			t.Errorf("armed with %q the child ended with %v after\n%s", at, status, out)
		}
	}
}

func TestNewRefusesWhatWouldNeverCrash(t *testing.T) {
	t.Parallel()
	for _, env := range []string{
		"ingest", "ingest.before-stor", "INGEST.BEFORE-STORE", " ingest.before-store", ":1",
		"ingest.before-store:", "ingest.before-store:0", "ingest.before-store:-1",
		"ingest.before-store:x", "ingest.before-store:1:2", "ingest.before-store,deliver.after-plan",
	} {
		p, err := crash.New(env)
		if err == nil || p != nil {
			t.Errorf("New(%q) = %v, %v; want an error", env, p, err)
			continue
		}
		if !strings.Contains(err.Error(), crash.Variable) {
			t.Errorf("New(%q) does not name the variable: %v", env, err)
		}
	}
}

func TestNilDoesNothing(t *testing.T) {
	t.Parallel()
	p, err := crash.New("")
	if err != nil || p != nil {
		t.Fatalf("New(\"\") = %v, %v", p, err)
	}
	p.At(crash.IngestAfterCommit) // the test process lives on
}

func TestUnknownPointInCodeIsADefect(t *testing.T) {
	t.Parallel()
	p, err := crash.New(crash.IngestAfterCommit)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if recover() == nil {
			t.Error("At accepted a name that is not in the list")
		}
	}()
	p.At("ingest.after-comit")
}

func TestNamesAreDistinct(t *testing.T) {
	t.Parallel()
	names := slices.Sorted(slices.Values(crash.Names()))
	if len(slices.Compact(names)) != len(crash.Names()) {
		t.Error("a name stands in the list twice")
	}
}
