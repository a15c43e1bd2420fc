package bluesky

import (
	"context"
	"encoding/json"
	"fmt"

	"parley/internal/network"
	"parley/internal/network/bluesky/record"
)

// Delete removes one of our posts. A record that is not there is deleted
// already; the PDS says so itself (200 without a commit).
func (n *Network) Delete(ctx context.Context, a network.Account, ref network.Ref) error {
	if _, _, ok := directParts(ref.ID); ok {
		// The chat deletes a message for its sender only; the other still reads it.
		return &network.Error{Kind: network.Policy, Native: "deleteMessageForSelf", Help: "bluesky.help.direct_stays"}
	}
	u, err := record.ParseURI(ref.ID)
	if err != nil || u.DID != a.RemoteID {
		return &network.Error{Kind: network.Policy, Native: "NotOurs", Err: fmt.Errorf("%.100q is not in our repository", ref.ID)}
	}
	return n.deleteRecord(ctx, a, u)
}

func (n *Network) deleteRecord(ctx context.Context, a network.Account, u record.URI) error {
	body, err := json.Marshal(map[string]string{"repo": u.DID, "collection": u.Collection, "rkey": u.Key})
	if err != nil {
		return err
	}
	err = n.procedure(ctx, a, call{method: "com.atproto.repo.deleteRecord", body: body}, nil)
	if network.KindOf(err) == network.Gone {
		return nil
	}
	return err
}
