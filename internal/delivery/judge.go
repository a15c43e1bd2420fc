package delivery

import (
	"errors"
	"time"

	"parley/internal/network"
	"parley/internal/problem"
)

// answer is what came back from a connector, or from With if it never got there.
type answer struct {
	called   bool // the connector was asked to do it
	delivery network.Delivery
	err      error
}

// finding is what an answer means.
type finding string

const (
	foundSent    finding = "sent"    // it stands on the network
	foundPending finding = "pending" // it was taken and is not ready
	foundAbsent  finding = "absent"  // it was not done, and may be tried again
	foundWait    finding = "wait"    // it was not done; the network says when to come back
	foundRefused finding = "refused" // it was not done, and trying again cannot help
	foundDoubt   finding = "doubt"   // it may have been done
	foundLook    finding = "look"    // proving: look again
	foundAgain   finding = "again"   // proving: only an identical request can tell, and it is safe
	foundNothing finding = "nothing" // proving: it cannot be told
)

type verdict struct {
	found     finding
	delivery  network.Delivery
	reason    reason
	until     time.Time // not before; zero: as usual
	duplicate bool      // doubt: the network says it has this already
	absent    bool      // look: this reading did not find it
	restart   bool      // look: the network made us wait, which does not count
}

// judge says what the answer to Do means. inDoubt says that an identical request
// went out before and its answer was lost: then a refusal of this one proves
// nothing about that one.
func judge(step network.Step, inDoubt bool, a answer) verdict {
	v := judgeOne(step, a)
	taken := v.found == foundSent || v.found == foundPending && v.delivery.Ref.ID != ""
	if inDoubt && !harmless(step) && !taken {
		v.found = foundDoubt
	}
	return v
}

// judgePlan says what an error of Plan means. Plan writes nothing, so it may be
// tried again after anything but a refusal.
func judgePlan(a answer) verdict {
	if network.KindOf(a.err) == network.Duplicate {
		return verdict{found: foundRefused, reason: reasonOf(a.err)}
	}
	return judgeOne(network.Step{Kind: network.Upload}, a)
}

func judgeOne(step network.Step, a answer) verdict {
	v := verdict{delivery: a.delivery, reason: reasonOf(a.err), until: retryAt(a.err)}
	var p *problem.Problem
	kind := kindOf(a)
	switch {
	case a.err == nil:
		v.found = judgeState(step, a.delivery.State)
	case !a.called && errors.As(a.err, &p):
		v.found = foundRefused
	case harmless(step) && (kind == network.Ambiguous || kind == network.Duplicate):
		v.found = foundAbsent
	case kind == network.Ambiguous:
		v.found = foundDoubt
	case kind == network.Duplicate:
		v.found, v.duplicate = foundDoubt, true
	case kind == network.RateLimited:
		v.found = foundWait
	case kind == network.Transient:
		v.found = foundAbsent
	default:
		v.found = foundRefused
	}
	return v
}

func judgeState(step network.Step, s network.State) finding {
	switch {
	case s == network.Sent:
		return foundSent
	case s == network.Pending:
		return foundPending
	case s == network.NotSent || harmless(step):
		return foundAbsent
	}
	return foundDoubt // Unknown, and what no connector should say
}

// kindOf is the kind of an error of Do. Without a kind (our deadline, a defect)
// it may have happened, unless the connector was never asked.
func kindOf(a answer) network.Kind {
	var e *network.Error
	switch {
	case errors.As(a.err, &e):
		return e.Kind
	case !a.called:
		return network.Transient
	}
	return network.Ambiguous
}

// judgeProof says what the answer to Prove means for an open attempt.
func judgeProof(step network.Step, a attempt, ans answer, now time.Time) verdict {
	v := verdict{delivery: ans.delivery, reason: reasonOf(ans.err), until: retryAt(ans.err)}
	if ans.err != nil {
		v.restart = network.KindOf(ans.err) == network.RateLimited
		v.found = foundLook
		if !v.restart && tired(a, now) {
			v.found = foundNothing
		}
		return v
	}
	if wait := ans.delivery.PollAfter; wait > 0 {
		v.until = now.Add(min(wait, longestPause))
	}
	switch state := ans.delivery.State; {
	case state == network.Sent:
		v.found = foundSent
	case state == network.NotSent && sureOfAbsence(step, a, now):
		v.found = foundAbsent
	case state == network.NotSent && repeatable(step, a.first, now):
		v.found, v.absent, v.until = foundLook, true, a.over()
	case state == network.NotSent:
		v.found, v.absent, v.until = foundLook, true, now.Add(confirm)
	case tired(a, now):
		v.found = foundNothing
	case state != network.Pending && repeatable(step, a.first, now):
		v.found = foundAgain
	default:
		v.found = foundLook
	}
	return v
}

// sureOfAbsence: what is absent is also called so to the member when a pause keeps
// it from being repeated, so a server must have had the time to keep it. Where a
// repeat would be a second post, one reading that does not find it is not enough
// even then: the server may not have shown it yet.
func sureOfAbsence(step network.Step, a attempt, now time.Time) bool {
	if repeatable(step, a.first, now) {
		return !now.Before(a.over())
	}
	return !a.absent.IsZero() && !now.Before(a.absent.Add(confirm))
}

// over is when a server has kept what it was sent, or never will.
func (a attempt) over() time.Time {
	if a.ended.IsZero() {
		return a.deadline.Add(margin)
	}
	return a.ended.Add(margin)
}

// tired reports that what was asked about for proveFor is for a member to decide.
func tired(a attempt, now time.Time) bool {
	return !a.looked.IsZero() && !now.Before(a.looked.Add(proveFor))
}

// retryAt is when the network says to come back; zero if it did not say.
func retryAt(err error) time.Time {
	var e *network.Error
	if errors.As(err, &e) {
		return e.RetryAt
	}
	return time.Time{}
}
