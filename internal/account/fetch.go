package account

import (
	"context"

	"parley/internal/id"
	"parley/internal/network"
)

// Fetch brings what is attached to a message out of the place where the network
// keeps it. Whether somebody may have it is for who asks to know.
func (s *Accounts) Fetch(ctx context.Context, workspace, account id.ID, ref network.Ref, m network.Media) ([]byte, error) {
	var body []byte
	err := s.With(ctx, workspace, account, func(ctx context.Context, n network.Network, a network.Account) error {
		f, ok := n.(network.Fetcher)
		if !ok {
			return &network.Error{Kind: network.Version, Message: "this network brings no attachments"}
		}
		ctx, cancel := context.WithTimeout(ctx, callTimeout)
		defer cancel()
		var err error
		body, err = f.Fetch(ctx, a, ref, m)
		return err
	})
	if err != nil {
		return nil, explain(err)
	}
	return body, nil
}
