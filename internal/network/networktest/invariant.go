package networktest

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"parley/internal/network"
)

// kinds is the closed list.
var kinds = []network.Kind{
	network.Auth, network.Scope, network.RateLimited, network.Paid, network.Duplicate, network.TooLong,
	network.BadMedia, network.BadInput, network.Gone, network.Policy, network.Suspended, network.Window,
	network.Version, network.Transient, network.Ambiguous,
}

// quiet runs a call that must not write (invariant 3).
func (r *rig) quiet(what string, call func()) {
	r.tb.Helper()
	before := len(r.fake.Ledger())
	call()
	if after := r.fake.Ledger(); len(after) != before {
		r.errorf("invariant 3: %s wrote to the network: %s %s", what, after[len(after)-1].Op, after[len(after)-1].ID)
	}
}

// checkError is invariant 7: an *Error of the list, naming no secret. Ambiguous
// is a word for writes only.
func (r *rig) checkError(what string, err error, write bool) {
	r.tb.Helper()
	var e *network.Error
	if !errors.As(err, &e) {
		r.errorf("invariant 7: %s returned %T, not *network.Error: %v", what, err, err)
		return
	}
	if !slices.Contains(kinds, e.Kind) {
		r.errorf("invariant 7: %s returned the unknown kind %q", what, e.Kind)
	}
	if e.Kind == network.Ambiguous && !write {
		r.errorf("%s only reads: its failure cannot be Ambiguous", what)
	}
	for _, s := range secrets(r.acct.Secret) {
		if strings.Contains(err.Error(), s) {
			r.errorf("invariant 7: the error of %s contains a secret", what)
		}
	}
}

// secrets lists the strings of a credential that must not appear anywhere.
func secrets(s network.Secret) []string {
	var out []string
	add := func(v string) {
		if len(v) >= 8 {
			out = append(out, v)
		}
	}
	add(string(s.Blob))
	var fields map[string]any
	if json.Unmarshal(s.Blob, &fields) == nil {
		for name, v := range fields {
			if t, ok := v.(string); ok && secretName(name) {
				add(t)
			}
		}
	}
	return out
}

// secretName reports a field of a credential that hides something: tokens,
// passwords, keys; not a handle or an address beside them.
func secretName(name string) bool {
	name = strings.ToLower(name)
	for _, w := range []string{"token", "access", "refresh", "secret", "pass", "key", "jwt"} {
		if strings.Contains(name, w) {
			return true
		}
	}
	return false
}

// creates is how many posts the ledger holds.
func (r *rig) creates() []Write {
	var out []Write
	for _, w := range r.fake.Ledger() {
		if w.Op == OpCreate {
			out = append(out, w)
		}
	}
	return out
}

// ledger checks invariants 1 and 2 at the end of a case: no key twice, and the
// state of every create step agrees with what the network kept.
func (s *sending) ledger() {
	s.tb.Helper()
	seen := map[string]bool{}
	ids := map[string]bool{}
	kept := s.creates()
	for _, w := range kept {
		if w.Key != "" && seen[w.Key] {
			s.errorf("invariant 1: key %q is in the ledger twice", w.Key)
		}
		seen[w.Key] = true
		ids[w.ID] = true
	}
	want, unknown := 0, 0
	for i, st := range s.plan.Steps {
		if st.Kind != network.Create {
			continue
		}
		n := max(1, len(st.Parts))
		switch s.state[i] {
		case network.Sent:
			want += n
			if st.Done != nil && !ids[st.Done.ID] {
				s.errorf("invariant 2: step %d is Sent as %q, which the ledger does not hold: %s", i, st.Done.ID, list(kept))
			}
		case network.Unknown:
			unknown += n
			if st.Proof != network.ProofNone {
				s.errorf("invariant 2: step %d ended Unknown although its proof is %q and the network can be read", i, st.Proof)
			}
		}
	}
	if len(kept) < want || len(kept) > want+unknown {
		s.errorf("invariant 2: the plan says %d sent and %d unknown, the ledger holds %d: %s", want, unknown, len(kept), list(kept))
	}
}

// list shows a ledger in a message.
func list(ws []Write) string {
	var b strings.Builder
	for _, w := range ws {
		b.WriteString("\n  " + w.Op + " id=" + w.ID + " key=" + w.Key)
	}
	return b.String()
}
