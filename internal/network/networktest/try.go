package networktest

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"parley/internal/network"
)

// Try runs the suite without a test and returns what it found wrong, each
// finding led by its case. It is for tests of the suite itself, which must be
// able to fail. only names one case by its letter, "" runs all; wait bounds
// each rig in real time.
func Try(only string, wait time.Duration, newConnector func(Env) network.Network, newFake func(Env) Fake) []string {
	var all []string
	for _, c := range cases {
		if !strings.HasPrefix(c.name, only) {
			continue
		}
		rec := &recorder{name: c.name}
		var wg sync.WaitGroup
		wg.Go(func() {
			defer rec.end()
			c.run(&suite{tb: rec, patience: wait, newConnector: newConnector, newFake: newFake})
		})
		wg.Wait()
		all = append(all, rec.said...)
	}
	return all
}

// recorder is a testing.TB that only remembers. The embedded interface is nil:
// a method the suite does not use has no business here.
type recorder struct {
	testing.TB
	name string

	mu       sync.Mutex
	said     []string
	cleanups []func()
}

func (r *recorder) Helper()             {}
func (r *recorder) Logf(string, ...any) {}

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.said = append(r.said, r.name+": "+fmt.Sprintf(format, args...))
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}

func (r *recorder) Cleanup(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cleanups = append(r.cleanups, f)
}

// end runs the cleanups, last first.
func (r *recorder) end() {
	for len(r.cleanups) > 0 {
		f := r.cleanups[len(r.cleanups)-1]
		r.cleanups = r.cleanups[:len(r.cleanups)-1]
		f()
	}
}
