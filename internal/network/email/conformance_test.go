package email_test

import (
	"testing"

	"parley/internal/network"
	"parley/internal/network/email"
	"parley/internal/network/email/emailtest"
	"parley/internal/network/networktest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	for name, opt := range map[string]emailtest.Options{
		"keeps what it sends": {Saves: true},
		"keeps nothing":       {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			networktest.Run(t,
				func(env networktest.Env) network.Network { return email.New(env.Env, email.Options{}) },
				func(env networktest.Env) networktest.Fake { return emailtest.New(env, opt) })
		})
	}
}
