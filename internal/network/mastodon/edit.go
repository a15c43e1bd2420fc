package mastodon

import (
	"context"
	"net/http"
	"strings"

	"parley/internal/network"
	"parley/internal/text"
)

// change is the body of PUT /api/v1/statuses/:id. Every field is always sent:
// what is left out may be taken as removed.
type change struct {
	Status     string        `json:"status"`
	Spoiler    string        `json:"spoiler_text"`
	Sensitive  bool          `json:"sensitive"`
	Language   string        `json:"language,omitempty"`
	Media      []string      `json:"media_ids"`
	MediaAttrs []mediaChange `json:"media_attributes,omitempty"`
}

type mediaChange struct {
	ID          string `json:"id"`
	Description string `json:"description"`
}

// Edit replaces the words of one of our posts, and the alt texts of its media.
// Media itself can't be added. After a lost answer the same edit may be asked
// for again: a post that already says these words is Sent.
func (n *Network) Edit(ctx context.Context, a network.Account, r network.Ref, d network.Draft) (network.Delivery, error) {
	none := network.Delivery{}
	if len(d.Parts) != 1 {
		return none, &network.Error{Kind: network.BadInput, Native: "draft", Help: "mastodon.help.empty"}
	}
	s, err := n.server(ctx, a)
	if err != nil {
		return none, err
	}
	if !s.Dialect.traits().edits || s.Dialect == Mastodon && !s.since(3, 5) {
		return none, &network.Error{Kind: network.Policy, Native: "no_edit", Help: "mastodon.why.no_edit"}
	}
	st, _, err := n.status(ctx, a, r.ID)
	if err != nil {
		return none, err
	}
	c, err := s.change(a, st, d.Parts[0])
	if err != nil {
		return none, err
	}
	if ref(a, st).Version != r.Version {
		same, err := n.said(ctx, a, st, c.Status)
		if err != nil {
			return none, err
		}
		if !same || strings.TrimSpace(text.Clean(st.Spoiler)) != c.Spoiler {
			return none, &network.Error{Kind: network.Policy, Native: "changed", Help: "mastodon.help.changed"}
		}
		return network.Delivery{State: network.Sent, Ref: ref(a, st), At: n.env.Now(), Evidence: "read back: source"}, nil
	}
	q := post(statusPath(string(st.ID))).with(c)
	q.method, q.bare = http.MethodPut, dialect(a).traits().htmlMissing
	var after status
	if _, err := n.call(ctx, a, q, &after); err != nil {
		return none, err
	}
	if after.ID == "" {
		return none, &network.Error{Kind: network.Ambiguous, Native: "bad_json", Message: "edited, it seems, but the answer names no id"}
	}
	return network.Delivery{State: network.Sent, Ref: ref(a, after), At: n.env.Now(), Evidence: "PUT /api/v1/statuses"}, nil
}

// change is the edit of a post as it stands now.
func (s server) change(a network.Account, st status, part network.Part) (change, error) {
	switch {
	case !ours(a, st):
		return change{}, &network.Error{Kind: network.Policy, Native: "not_ours", Message: "somebody else wrote this"}
	case st.Poll != nil:
		return change{}, &network.Error{Kind: network.Policy, Native: "poll", Help: "mastodon.help.edit_poll"}
	}
	words := strings.TrimSpace(text.Clean(part.Text))
	if words == "" && len(st.Media) == 0 {
		return change{}, &network.Error{Kind: network.BadInput, Native: "empty", Help: "mastodon.help.empty"}
	}
	c := change{
		Status:   withMentions(a, words, part.Keep),
		Spoiler:  text.Clean(strings.TrimSpace(part.Warning)),
		Language: language(first(part.Lang, st.Language)),
		Media:    []string{},
	}
	c.Sensitive = st.Sensitive || c.Spoiler != ""
	if err := s.fits(c.Status, c.Spoiler); err != nil {
		return c, err
	}
	return c, c.media(st, part.Media)
}

// media keeps the media of the post; of a draft that lists it, the alt texts
// are taken over.
func (c *change) media(st status, wanted []network.Media) error {
	for _, m := range st.Media {
		c.Media = append(c.Media, string(m.ID))
	}
	if len(wanted) == 0 {
		return nil
	}
	if len(wanted) != len(st.Media) {
		return &network.Error{Kind: network.BadMedia, Native: "edit", Help: "mastodon.help.edit_media"}
	}
	for i, m := range wanted {
		if m.URL != picture(st.Media[i]).URL {
			return &network.Error{Kind: network.BadMedia, Native: "edit", Help: "mastodon.help.edit_media"}
		}
		c.MediaAttrs = append(c.MediaAttrs, mediaChange{string(st.Media[i].ID), text.Clean(m.Alt)})
	}
	return nil
}

// Delete removes one of our posts. What is gone is gone.
func (n *Network) Delete(ctx context.Context, a network.Account, r network.Ref) error {
	q := request{method: http.MethodDelete, path: statusPath(r.ID), effect: writes}
	q.bare = dialect(a).traits().htmlMissing
	_, err := n.call(ctx, a, q, nil)
	if network.KindOf(err) == network.Gone {
		return nil
	}
	return err
}
