package delivery

import (
	"strings"
	"time"

	"parley/internal/id"
	"parley/internal/network"
	"parley/internal/problem"
)

// State of a delivery.
type State string

const (
	Accepted   State = "accepted"    // written down, not planned
	Planned    State = "planned"     // frozen; nothing has left
	Sending    State = "sending"     // a request was opened
	Sent       State = "sent"        // every part stands on the network; for good
	Failed     State = "failed"      // certainly not said, or only in part; a member may try again
	Unknown    State = "unknown"     // it may have been said; a member decides
	Discarded  State = "discarded"   // given up by a member; for good
	CalledBack State = "called_back" // taken back before anything left; for good
)

// Moving reports a state that Parley itself leaves.
func (s State) Moving() bool { return s == Accepted || s == Planned || s == Sending }

// Final reports a state that nothing leaves.
func (s State) Final() bool { return s == Sent || s == Discarded || s == CalledBack }

// Record is a delivery as it stands.
type Record struct {
	ID        id.ID
	Workspace id.ID
	Account   id.ID
	Kind      string
	Subject   id.ID
	State     State
	Draft     network.Draft // the approved words; once final without what they answered
	Hash      []byte        // of what was approved
	Member    id.ID         // who approved it; 0: Parley itself
	Accepted  time.Time
	At        time.Time // not before; zero: at once
	Changed   time.Time // when the state last changed
	Next      time.Time // when it goes on, if it waits; else zero
	Tried     time.Time // when the last request left; zero: none has
	// Reason is why it waits, failed or is unknown; nil if there is nothing to say.
	// Its Args have "said", the network's own words, and "help", the catalogue key
	// of a more precise sentence; either may be "".
	Reason   *problem.Problem
	Evidence string   // for the operator: what was asked and answered
	Parts    []Part   // what stands on the network, in order
	Warnings []string // catalogue keys
	May      Choices
}

// Choices are what a member may decide about a delivery now.
type Choices struct{ Retry, Discard, Settle, Check, CallBack bool }

// Part is one part of the draft as it stands on the network.
type Part struct {
	Index int         // into Draft.Parts
	Ref   network.Ref // ID is "" where only a member vouches for it
	At    time.Time
}

// Text is what was approved, parts separated by an empty line.
func (r Record) Text() string {
	parts := make([]string, len(r.Draft.Parts))
	for i, p := range r.Draft.Parts {
		parts[i] = p.Text
	}
	return strings.Join(parts, "\n\n")
}
