package mastodon

import (
	"context"

	"parley/internal/network"
)

// Known is the account behind a token that was made elsewhere: what Finish
// returns, without the consent page.
func (n *Network) Known(ctx context.Context, base, token string) (network.Account, error) {
	base, s, err := n.inspect(ctx, base)
	if err != nil {
		return network.Account{}, err
	}
	blob, err := credential{Access: token}.seal()
	if err != nil {
		return network.Account{}, err
	}
	return n.whoami(ctx, pending{Instance: base, Server: s}, network.App{}, "", network.Secret{Blob: blob})
}
