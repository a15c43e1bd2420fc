package email

import (
	"context"

	"github.com/emersion/go-imap/v2"

	"parley/internal/network"
)

// Stream waits for the server to say that INBOX has grown (RFC 2177), and says
// "poll now" for each time.
func (n *Network) Stream(ctx context.Context, a network.Account, ready func(), got func(network.Event) error) error {
	m, err := n.open(ctx, a)
	if err != nil {
		return err
	}
	defer m.close()
	if !m.c.Caps().Has(imap.CapIdle) && !m.c.Caps().Has(imap.CapIMAP4rev2) {
		return &network.Error{Kind: network.Version, Native: "idle", Help: "email.why.no_idle"}
	}
	if _, err := m.look("INBOX"); err != nil {
		return err
	}
	idle, err := m.c.Idle()
	if err != nil {
		return m.wrong(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- idle.Wait() }()
	ready()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-m.arrived:
			if err := got(network.Event{Kind: network.KindHint, At: n.now()}); err != nil {
				return err
			}
		case err := <-ended:
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				return m.wrong(err)
			}
			return &network.Error{Kind: network.Transient, Native: "idle", Help: "email.help.broken_off"}
		}
	}
}
