package sandbox_test

import (
	"testing"

	"parley/internal/network/networktest"
	"parley/internal/network/sandbox"
	"parley/internal/network/sandbox/sandboxtest"
)

// The connector passes the kit on every personality, the server being its own
// Fake: what one of them gets wrong, the other's ledger shows.
func TestConformance(t *testing.T) {
	t.Parallel()
	for _, p := range sandbox.Personalities() {
		t.Run(p.Name, func(t *testing.T) {
			t.Parallel()
			networktest.Run(t, sandboxtest.Connector, func(env networktest.Env) networktest.Fake {
				return sandboxtest.New(t, env, p.Name)
			})
		})
	}
}
