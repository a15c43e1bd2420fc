package mastodon

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"

	"parley/internal/network"
	"parley/internal/text"
)

// frozen is the Body of a create step: the request, and what is needed to
// recognise its result later.
type frozen struct {
	Form  form     `json:"form"`
	Chain bool     `json:"chain,omitempty"` // answers the part before it, whose id Do fills in
	At    int64    `json:"at"`              // when it was planned, in Unix seconds
	Base  string   `json:"base"`            // our newest post then
	Known []string `json:"known,omitempty"` // our posts then, where ids do not sort or lists are incomplete
}

// form is the body of POST /api/v1/statuses.
type form struct {
	Status     string   `json:"status"`
	Parent     string   `json:"in_reply_to_id,omitempty"`
	Media      []string `json:"media_ids,omitempty"`
	Sensitive  bool     `json:"sensitive,omitempty"`
	Spoiler    string   `json:"spoiler_text,omitempty"`
	Visibility string   `json:"visibility"`
	Language   string   `json:"language,omitempty"`
}

// upload is the Body of an upload step.
type upload struct {
	Digest string `json:"digest"` // hex of the SHA-256
	MIME   string `json:"mime"`
	Alt    string `json:"alt,omitempty"`
}

// Plan looks up what is answered and what we posted last, and freezes the rest:
// all uploads first, so that a picture that is refused leaves no half thread.
func (n *Network) Plan(ctx context.Context, a network.Account, d network.Draft) (network.Plan, error) {
	none := network.Plan{}
	if d.Key == "" || len(d.Parts) == 0 {
		return none, &network.Error{Kind: network.BadInput, Native: "draft", Help: "mastodon.help.empty"}
	}
	s, err := n.server(ctx, a)
	if err != nil {
		return none, err
	}
	w := planner{n: n, a: a, s: s, draft: d, plan: network.Plan{Key: d.Key}}
	if err := w.lookUp(ctx); err != nil {
		return none, err
	}
	for i := range d.Parts {
		if err := w.freeze(i); err != nil {
			return none, err
		}
	}
	if err := w.steps(); err != nil {
		return none, err
	}
	return w.plan, nil
}

// planner gathers one plan.
type planner struct {
	n     *Network
	a     network.Account
	s     server
	draft network.Draft
	plan  network.Plan

	parent *status // what is answered, as it stands now
	base   string
	known  []string
	forms  []form
}

// lookUp asks for what is answered and what we posted last.
func (w *planner) lookUp(ctx context.Context) error {
	if d := w.draft.ReplyTo; d != nil {
		st, err := w.n.parent(ctx, w.a, d)
		if err != nil {
			return err
		}
		w.parent = &st
		if ref(w.a, st).Version != d.Version {
			w.warn("mastodon.warn.parent_edited")
		}
	}
	var err error
	w.base, w.known, err = w.n.before(ctx, w.a, w.parent)
	return err
}

func (w *planner) warn(key string) { w.plan.Warnings = append(w.plan.Warnings, key) }

// parent is what is answered, by its id on our own server. Something read by an
// account elsewhere is found by its address.
func (n *Network) parent(ctx context.Context, a network.Account, p *network.Post) (status, error) {
	if p.Author.Instance == "" || p.Author.Instance == a.Instance {
		st, _, err := n.status(ctx, a, p.ID)
		return st, err
	}
	var found struct {
		Statuses []json.RawMessage `json:"statuses"`
	}
	q := url.Values{"q": {p.URL}, "resolve": {"true"}, "type": {"statuses"}}
	if _, err := n.call(ctx, a, get("/api/v2/search", q), &found); err != nil {
		return status{}, err
	}
	if len(found.Statuses) == 0 {
		return status{}, &network.Error{Kind: network.Gone, Native: "not_found", Message: "our server does not know this post"}
	}
	return parseStatus(found.Statuses[0])
}

// freeze makes part i's request, or says why it cannot be sent.
func (w *planner) freeze(i int) error {
	part := w.draft.Parts[i]
	t := w.s.Dialect.traits()
	if i > 0 && !t.threads {
		return &network.Error{Kind: network.Policy, Native: "thread", Help: "mastodon.why.software"}
	}
	f := form{
		Spoiler:  text.Clean(strings.TrimSpace(part.Warning)),
		Language: language(first(part.Lang, w.a.Extra[extraLanguage])),
	}
	words := strings.TrimSpace(text.Clean(part.Text))
	if words == "" && len(part.Media) == 0 {
		return &network.Error{Kind: network.BadInput, Native: "empty", Help: "mastodon.help.empty"}
	}
	f.Status = withMentions(w.a, words, part.Keep)
	f.Sensitive = f.Spoiler != ""
	v, err := w.visible(part)
	if err != nil {
		return err
	}
	f.Visibility = visibility(v)
	if i == 0 && w.parent != nil {
		f.Parent = string(w.parent.ID)
	}
	heardBy := mentioned(w.a, f.Status)
	delete(heardBy, strings.ToLower(w.a.Handle))
	switch {
	case len(heardBy) > 0:
	case v == network.DirectTo:
		return &network.Error{Kind: network.BadInput, Native: "nobody", Help: "mastodon.help.direct_nobody"}
	case i == 0 && w.parent != nil && !ours(w.a, *w.parent):
		w.warn("mastodon.warn.notifies_nobody")
	}
	if !t.posts && f.Parent == "" && len(part.Media) == 0 {
		return &network.Error{Kind: network.Policy, Native: "needs_picture", Help: "mastodon.why.needs_picture"}
	}
	if err := w.s.fits(f.Status, f.Spoiler); err != nil {
		return err
	}
	if err := w.s.attachable(part.Media); err != nil {
		return err
	}
	w.forms = append(w.forms, f)
	return nil
}

// visible is who will see a part: as wanted, but never more than saw what is
// answered, and in a thread never more than saw its beginning.
func (w *planner) visible(part network.Part) (network.Visibility, error) {
	v := part.Visibility
	limit := network.Public
	if w.parent != nil {
		limit = heard(w.parent.Visibility)
	}
	if len(w.forms) > 0 {
		limit = heard(w.forms[0].Visibility)
	}
	if v == "" {
		v = network.Visibility(first(w.a.Extra[extraPrivacy], string(network.Public)))
		if width(v) < width(limit) {
			v = limit
		}
	}
	switch v {
	case network.Public, network.Unlisted, network.Followers, network.DirectTo:
	default:
		return "", &network.Error{Kind: network.BadInput, Native: "visibility", Message: string(v)}
	}
	if width(v) < width(limit) {
		v = limit
		w.warn("mastodon.warn.narrowed")
	}
	if v == network.DirectTo && !w.s.Dialect.traits().directs {
		return "", &network.Error{Kind: network.Policy, Native: "direct", Help: "mastodon.why.no_direct"}
	}
	return v, nil
}

// fits counts as the server will. Where nobody knows how it counts, both ways
// must fit.
func (s server) fits(body, warning string) error {
	rules := []text.Rule{s.rule()}
	if s.Dialect == Unknown {
		like := s
		like.Dialect = Mastodon
		rules = append(rules, like.rule())
	}
	for _, r := range rules {
		if c := text.Count(r, body, warning); !c.Fits {
			return &network.Error{Kind: network.TooLong, Native: "plan", Message: fmt.Sprintf("%d of %d", c.Used, r.Max)}
		}
	}
	return nil
}

// attachable checks media against what the server told.
func (s server) attachable(media []network.Media) error {
	refuse := func(help, what string) error {
		return &network.Error{Kind: network.BadMedia, Native: "plan", Help: "mastodon.help." + help, Message: what}
	}
	if len(media) > s.MaxMedia {
		return refuse("media_many", fmt.Sprintf("%d of %d", len(media), s.MaxMedia))
	}
	rules := map[string]network.MediaRule{}
	for _, r := range s.media() {
		rules[r.Kind] = r
	}
	for _, m := range media {
		kind := m.Kind
		if kind == "gifv" {
			kind = "video"
		}
		r, ok := rules[kind]
		switch {
		case !ok:
			return refuse("media_kind", text.CleanLine(m.Kind+" "+m.MIME, 60))
		case len(media) > 1 && r.Max == 1:
			return refuse("media_mixed", kind)
		case r.Bytes > 0 && m.Size > r.Bytes:
			return refuse("media_size", fmt.Sprintf("%d of %d bytes", m.Size, r.Bytes))
		case r.AltMax > 0 && utf8.RuneCountInString(m.Alt) > r.AltMax:
			return refuse("alt_long", fmt.Sprintf("%d of %d", utf8.RuneCountInString(m.Alt), r.AltMax))
		}
	}
	return nil
}

// steps lays out the plan: every upload, then one create for each part.
func (w *planner) steps() error {
	add := func(kind network.StepKind, proof network.Proof, body any, key ...any) error {
		b, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("freezing the plan: %w", err)
		}
		w.plan.Steps = append(w.plan.Steps, network.Step{Kind: kind, Key: w.key(key...), Proof: proof, Body: b})
		return nil
	}
	after := make([][]int, len(w.forms))
	for i, part := range w.draft.Parts {
		for j, m := range part.Media {
			after[i] = append(after[i], len(w.plan.Steps))
			u := upload{Digest: hex.EncodeToString(m.Digest[:]), MIME: m.MIME, Alt: text.Clean(m.Alt)}
			if err := add(network.Upload, network.ProofReadback, u, "media", i, j); err != nil {
				return err
			}
		}
	}
	last := -1
	for i, f := range w.forms {
		z := frozen{Form: f, Chain: i > 0, At: w.n.env.Now().Unix(), Base: w.base, Known: w.known}
		if err := add(network.Create, w.proof(f), z, "post", i); err != nil {
			return err
		}
		step := &w.plan.Steps[len(w.plan.Steps)-1]
		step.Parts = []int{i}
		step.After = after[i]
		if last >= 0 {
			step.After = append(step.After, last)
		}
		last = len(w.plan.Steps) - 1
	}
	return nil
}

// proof is how a lost answer can be settled. Some servers do not list what was
// not said in public, unless it answers something: then nobody can tell.
func (w *planner) proof(f form) network.Proof {
	t := w.s.Dialect.traits()
	hidden := f.Visibility == "direct" && !t.ownDirect || f.Visibility == "private" && t.whole
	switch {
	case t.keyed:
		return network.ProofKey
	case hidden && f.Parent == "":
		return network.ProofNone
	default:
		return network.ProofReadback
	}
}

// key is stable for the draft and the step, and tells nothing about either.
func (w *planner) key(of ...any) string {
	sum := sha256.Sum256([]byte(fmt.Sprint(append([]any{w.draft.Key, "/"}, of...)...)))
	return hex.EncodeToString(sum[:16])
}

// language keeps what can be a BCP 47 tag.
func language(tag string) string {
	if len(tag) < 2 || len(tag) > 35 {
		return ""
	}
	for _, r := range tag {
		if !(r == '-' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z') {
			return ""
		}
	}
	return tag
}
