package delivery

import (
	"time"

	"parley/internal/network"
)

// Times that bound a delivery.
const (
	// doLimit ends a request that may write. It is stored before the request
	// leaves, because it is what other nodes wait for.
	doLimit = time.Minute
	// margin is how long after that a request counts as under way: clocks differ,
	// and a server may still be keeping what it was sent.
	margin = 30 * time.Second
	// readLimit ends planning and proving, which write nothing.
	readLimit = time.Minute
	// confirm lies between the two readings that must both not find a post
	// before it counts as absent (networks.md, "Prove").
	confirm = time.Minute
	// firstLook is how soon after a lost answer it is asked for.
	firstLook = 2 * time.Second
	// proveFor is how long an answer is asked for before a member must decide.
	proveFor = 30 * time.Minute
	// keyLife is how long after the first request a repeat with its key is safe:
	// less than the hour for which networks keep keys (networks.md 1.5).
	keyLife = 45 * time.Minute
	// retryFor is how long a reply is tried that certainly did not leave.
	retryFor = 6 * time.Hour
	// pendingFor is how long media may take to be ready.
	pendingFor = time.Hour
	// longestPause lies between two tries, or two looks.
	longestPause = 10 * time.Minute
)

// moveKind is what a delivery needs next.
type moveKind string

const (
	moveNone    moveKind = "none"    // nothing: it is settled, or a member decides
	moveWait    moveKind = "wait"    // come back at move.at
	movePlan    moveKind = "plan"    //
	moveDo      moveKind = "do"      // step move.step
	moveProve   moveKind = "prove"   // step move.step
	moveUnknown moveKind = "unknown" // nobody can tell what became of step move.step
	moveStop    moveKind = "stop"    // nothing more leaves before a member says so
	moveTell    moveKind = "tell"    // the capability it belongs to, and be done if that was all
)

type move struct {
	kind moveKind
	step int
	at   time.Time
}

// next is the move after r, by what is stored alone: whichever node asks, and
// however often, the answer is the same.
func next(r row, now time.Time) move {
	switch {
	case !r.state.Moving():
		return move{kind: moveNone}
	case r.untold > 0:
		return move{kind: moveTell}
	case now.Before(r.due):
		return move{kind: moveWait, at: r.due}
	case r.open != nil:
		return nextOpen(r, *r.open, now)
	case r.state == Accepted && r.looking:
		return move{kind: moveStop}
	case r.state == Accepted:
		return move{kind: movePlan}
	}
	for i, p := range r.progress {
		switch {
		case p == done:
		case r.looking && !reads(r.plan.Steps[i]):
			return move{kind: moveStop}
		default:
			return move{kind: moveDo, step: i}
		}
	}
	return move{kind: moveTell}
}

// nextOpen settles an attempt of which nobody knows what became of it.
func nextOpen(r row, a attempt, now time.Time) move {
	if over := a.over(); a.ended.IsZero() && now.Before(over) {
		return move{kind: moveWait, at: over}
	}
	step := r.plan.Steps[a.step]
	switch {
	case harmless(step) || a.again && !r.looking && repeatable(step, a.first, now):
		return move{kind: moveDo, step: a.step}
	case !provable(step):
		// Whoever looks for it next is a member: a server that is slow to keep what
		// it was sent must have done so by then.
		if over := a.over(); now.Before(over) {
			return move{kind: moveWait, at: over}
		}
		return move{kind: moveUnknown, step: a.step}
	}
	return move{kind: moveProve, step: a.step}
}

// harmless reports a step that may be done again whatever became of it: an
// upload, or a create whose connector then only reads (see network.Publisher).
func harmless(s network.Step) bool { return s.Kind == network.Upload || reads(s) }

// reads reports a create that the network took already: its connector only asks
// whether it is out.
func reads(s network.Step) bool { return s.Kind == network.Create && s.Done != nil }

// provable reports a step whose fate can be found out. A proof this program does
// not know is none.
func provable(s network.Step) bool {
	switch s.Proof {
	case network.ProofKey, network.ProofID, network.ProofReadback, network.ProofContainer:
		return true
	}
	return false
}

// repeatable reports that an identical request cannot make a second post: the
// network takes ids of our choice, or still knows the key.
func repeatable(s network.Step, first, now time.Time) bool {
	switch s.Proof {
	case network.ProofID:
		return true
	case network.ProofKey:
		return now.Before(first.Add(keyLife))
	}
	return false
}

// pause before try n (from 1): 2 s, doubling to longestPause, with up to a
// quarter more by spread, so that what failed together does not come back together.
func pause(n int, spread int64) time.Duration {
	d := firstLook
	for i := 1; i < n && d < longestPause; i++ {
		d *= 2
	}
	d = min(d, longestPause)
	return d + d/4*time.Duration(spread&63)/64
}
