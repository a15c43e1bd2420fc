package delivery

import (
	"bytes"
	"encoding/json"
	"fmt"

	"parley/internal/network"
	"parley/internal/problem"
	"parley/internal/text"
)

// approved is the draft to plan, if it is still exactly what was approved. A new
// round plans with a new key: what was refused under the old one may be
// remembered there.
func (r row) approved() (network.Draft, error) {
	if !bytes.Equal(r.hash, hash(r.account, r.notBefore, r.draft)) {
		return network.Draft{}, problem.New(problem.Conflict, whyChanged)
	}
	draft, err := r.words()
	if err != nil {
		return draft, problem.New(problem.Conflict, whyChanged).Because(err)
	}
	if r.round > 1 {
		draft.Key = fmt.Sprintf("%s.%d", draft.Key, r.round)
	}
	return draft, nil
}

// words is the draft as it is stored; empty once it is erased.
func (r row) words() (network.Draft, error) {
	var draft network.Draft
	if len(r.draft) == 0 {
		return draft, nil
	}
	if err := json.Unmarshal(r.draft, &draft); err != nil {
		return draft, fmt.Errorf("reading the draft of delivery %s: %w", r.id, err)
	}
	return draft, nil
}

// strip leaves our own words, and of those answered only the reference: their
// words and names are kept where they belong, and erased there.
func (r *row) strip() error {
	if len(r.draft) == 0 {
		return nil
	}
	draft, err := r.words()
	if err != nil {
		return err
	}
	if draft.ReplyTo != nil {
		draft.ReplyTo = &network.Post{Ref: draft.ReplyTo.Ref}
	}
	for i := range draft.Parts {
		draft.Parts[i].Keep = nil
	}
	if r.draft, err = json.Marshal(draft); err != nil {
		return fmt.Errorf("writing a draft: %w", err)
	}
	return nil
}

// record is r for everybody else.
func (r row) record(parts []Part) (Record, error) {
	draft, err := r.words()
	if err != nil {
		return Record{}, err
	}
	rec := Record{ID: r.id, Workspace: r.workspace, Account: r.account, Kind: r.kind, Subject: r.subject, State: r.state,
		Draft: draft, Hash: r.hash, Member: r.member, Accepted: r.accepted, At: r.notBefore, Changed: r.changed,
		Tried: r.tried, Reason: r.reason.problem(), Evidence: r.reason.evidence, Parts: parts, Warnings: r.plan.Warnings}
	if r.state.Moving() {
		rec.Next = r.due
	}
	rec.May = Choices{
		Retry:    r.state == Failed && r.continuable(),
		Discard:  r.state == Failed || r.state == Unknown,
		Settle:   r.state == Unknown,
		Check:    r.checkable(),
		CallBack: r.recallable(),
	}
	return rec, nil
}

// begun reports that something of it is public, or was taken by the network.
func (r row) begun() bool {
	for i, p := range r.progress {
		if r.plan.Steps[i].Kind == network.Create && p != todo {
			return true
		}
	}
	return false
}

// recallable reports that nothing of it is public and no request is under way.
func (r row) recallable() bool {
	return r.state.Moving() && r.open == nil && !r.begun()
}

// checkable reports that an unknown one can be asked about again.
func (r row) checkable() bool {
	return r.state == Unknown && r.open != nil && provable(r.plan.Steps[r.open.step])
}

// continuable reports that what is left can still be sent. The rest of a thread
// cannot be where a member vouched for a part whose id nobody knows: it would
// stand beside the thread instead of in it.
func (r row) continuable() bool {
	for i, p := range r.progress {
		if p != done {
			continue
		}
		if s := r.plan.Steps[i]; s.Kind == network.Create && (s.Done == nil || s.Done.ID == "") {
			return false
		}
	}
	return true
}

// cleaned makes a connector's evidence fit to be stored.
func cleaned(s string) string { return text.CleanLine(s, evidenceMax) }
