package mastodon

import (
	"context"
	"net/url"
	"strings"

	"parley/internal/network"
	"parley/internal/text"
)

// maxReason is how long a report's comment may be, in bytes (Mastodon: 1,000
// characters).
const maxReason = 1000

// Act performs a small act. All but a report change nothing when repeated.
func (n *Network) Act(ctx context.Context, a network.Account, act network.Act) error {
	switch act.Kind {
	case network.Like:
		return n.onStatus(ctx, a, act, "favourite")
	case network.Repost:
		return n.onStatus(ctx, a, act, "reblog")
	case network.Follow, network.Mute, network.Block:
		return n.onPerson(ctx, a, act, string(act.Kind))
	case network.Report:
		return n.report(ctx, a, act)
	default:
		return &network.Error{Kind: network.Policy, Native: "act", Message: "no such act here: " + string(act.Kind)}
	}
}

func (n *Network) onStatus(ctx context.Context, a network.Account, act network.Act, verb string) error {
	if act.Undo {
		verb = "un" + verb
	}
	q := post(statusPath(act.On.ID) + "/" + verb)
	q.bare = dialect(a).traits().htmlMissing
	q = q.with(struct{}{})
	_, err := n.call(ctx, a, q, nil)
	if act.Undo && network.KindOf(err) == network.Gone {
		return nil // what is gone is liked by nobody
	}
	return err
}

func (n *Network) onPerson(ctx context.Context, a network.Account, act network.Act, verb string) error {
	if act.Kind == network.Mute && !dialect(a).traits().mutes {
		return &network.Error{Kind: network.Policy, Native: "mute", Help: "mastodon.why.software"}
	}
	id, err := n.personID(ctx, a, act.Person)
	if err != nil {
		return err
	}
	if act.Undo {
		verb = "un" + verb
	}
	q := post("/api/v1/accounts/" + url.PathEscape(id) + "/" + verb).with(struct{}{})
	q.bare = dialect(a).traits().htmlMissing
	_, err = n.call(ctx, a, q, nil)
	if act.Undo && network.KindOf(err) == network.Gone {
		return nil // nothing there to take back; snac says so
	}
	return err
}

// personID is somebody's id on our server: known if they were met there, else
// looked up by address.
func (n *Network) personID(ctx context.Context, a network.Account, p network.Person) (string, error) {
	if p.RemoteID != "" && (p.Instance == "" || p.Instance == a.Instance) {
		return p.RemoteID, nil
	}
	var found struct {
		Accounts []account `json:"accounts"`
	}
	q := url.Values{"q": {"@" + strings.TrimPrefix(p.Handle, "@")}, "resolve": {"true"}, "type": {"accounts"}}
	if _, err := n.call(ctx, a, get("/api/v2/search", q), &found); err != nil {
		return "", err
	}
	for _, acc := range found.Accounts {
		if acc.ID != "" && strings.EqualFold(handle(a, acc.Acct), strings.TrimPrefix(p.Handle, "@")) {
			return string(acc.ID), nil
		}
	}
	return "", &network.Error{Kind: network.Gone, Native: "not_found", Message: "our server does not know this person"}
}

// report tells the server's moderators. It is not forwarded to the person's own
// server: whom to tell there is not ours to decide.
func (n *Network) report(ctx context.Context, a network.Account, act network.Act) error {
	if act.Undo || !dialect(a).traits().reports {
		return &network.Error{Kind: network.Policy, Native: "report", Help: "mastodon.why.software"}
	}
	id, err := n.personID(ctx, a, act.Person)
	if err != nil {
		return err
	}
	body := map[string]any{"account_id": id, "comment": text.Cut(text.Clean(act.Reason), maxReason), "category": "other", "forward": false}
	if act.On.ID != "" {
		body["status_ids"] = []string{act.On.ID}
	}
	_, err = n.call(ctx, a, post("/api/v1/reports").with(body), nil)
	return err
}
