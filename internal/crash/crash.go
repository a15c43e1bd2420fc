// Package crash lets a test kill the program at a named point, to prove that
// whatever it was doing is found whole, or honestly unknown, after a restart.
//
// A point is one line in production code: points.At(crash.IngestBeforeCommit).
// Nothing happens there unless PARLEY_CRASH_AT named that point when the program
// started. Then the process is killed the way a power cut kills it: no deferred
// call, no flush, no closing of connections.
//
// It is not for errors, panics or shutting down, and nothing in the program may
// depend on it.
package crash

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
)

// Variable is the environment variable that names the point: "name", or
// "name:3" for the third time it is reached.
const Variable = "PARLEY_CRASH_AT"

// The points. Each stands between two things that must not come apart.
const (
	// IngestBeforeStore: a page was fetched, nothing of it is stored. The next
	// poll fetches it again.
	IngestBeforeStore = "ingest.before-store"
	// IngestAfterStoreBeforeCursor: inside the transaction, messages written,
	// cursor not yet. Both must vanish together.
	IngestAfterStoreBeforeCursor = "ingest.after-store-before-cursor"
	// IngestBeforeCommit: messages and cursor written, not committed.
	IngestBeforeCommit = "ingest.before-commit"
	// IngestAfterCommit: stored, but nobody was told: live updates and
	// reactions must come from the event log.
	IngestAfterCommit = "ingest.after-commit"

	// DeliverBeforePlan: the member pressed send, nothing is planned.
	DeliverBeforePlan = "deliver.before-plan"
	// DeliverAfterPlan: the plan is stored, nothing has left.
	DeliverAfterPlan = "deliver.after-plan"
	// DeliverAfterOpen: the sending row is open, the request has not left.
	DeliverAfterOpen = "deliver.after-open"
	// DeliverDuringDo: the request went out and its answer is not stored. The
	// one place where only the network knows the truth.
	DeliverDuringDo = "deliver.during-do"
	// DeliverBeforeClose: the outcome is known, its transaction not begun.
	DeliverBeforeClose = "deliver.before-close"
	// DeliverAfterClose: the step is closed, the next one not begun.
	DeliverAfterClose = "deliver.after-close"

	// RefreshBeforeSave: the network gave a new token and may have ended the
	// old one; the new one is not stored.
	RefreshBeforeSave = "refresh.before-save"
	// RefreshAfterSave: the new token is stored and has never been used.
	RefreshAfterSave = "refresh.after-save"

	// ImportBetweenPages: one page of history is stored, the next not fetched.
	ImportBetweenPages = "import.between-pages"
)

// Names returns the closed list: no other point exists.
func Names() []string {
	return []string{
		IngestBeforeStore, IngestAfterStoreBeforeCursor, IngestBeforeCommit, IngestAfterCommit,
		DeliverBeforePlan, DeliverAfterPlan, DeliverAfterOpen, DeliverDuringDo, DeliverBeforeClose, DeliverAfterClose,
		RefreshBeforeSave, RefreshAfterSave,
		ImportBetweenPages,
	}
}

// Points is the armed point of one process. A nil *Points is fine and does
// nothing, so nobody has to ask whether there is one. Safe for concurrent use.
type Points struct {
	name string
	left atomic.Int64 // times the point may still be reached alive
}

// New reads the value of Variable. An empty one arms nothing and gives nil. A
// name that is not in the list is refused, so that a test with a misspelt point
// does not pass by never crashing.
func New(env string) (*Points, error) {
	if env == "" {
		return nil, nil
	}
	name, times, counted := strings.Cut(env, ":")
	if !slices.Contains(Names(), name) {
		return nil, fmt.Errorf("reading %s: no crash point is called %q; there are %s",
			Variable, name, strings.Join(Names(), ", "))
	}
	nth := 1
	if counted {
		var err error
		if nth, err = strconv.Atoi(times); err != nil || nth < 1 {
			return nil, fmt.Errorf("reading %s: %q is not a count of 1 or more", Variable, times)
		}
	}
	p := &Points{name: name}
	p.left.Store(int64(nth))
	return p, nil
}

// At is where the process may die. While any point is armed it panics for a name
// that is not in the list, so that every crash test finds a misspelt line.
func (p *Points) At(name string) {
	if p == nil {
		return
	}
	if !slices.Contains(Names(), name) {
		panic(fmt.Sprintf("crash: no point is called %q", name))
	}
	if name != p.name || p.left.Add(-1) != 0 {
		return
	}
	kill()
}

// kill ends the process with SIGKILL: no handler sees it. The goroutine then
// blocks, because the signal may be delivered a moment later and nothing after
// the point may run.
func kill() {
	self, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = self.Kill()
	}
	if err != nil {
		panic(fmt.Sprintf("crash: killing the own process: %v", err))
	}
	select {}
}
