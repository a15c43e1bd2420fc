package sandbox

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"parley/internal/network"
	"parley/internal/text"
)

// Connector speaks to a sandbox, wherever it runs. It knows nothing of the
// Server but its HTTP.
type Connector struct {
	env  network.Env
	base string
}

// NewConnector speaks to the sandbox at base (Address for the one in the
// program) through env.HTTP, which must reach nothing else.
func NewConnector(env network.Env, base string) *Connector {
	return &Connector{env: env, base: strings.TrimSuffix(base, "/")}
}

var (
	_ network.Network   = (*Connector)(nil)
	_ network.SignIner  = (*Connector)(nil)
	_ network.Refresher = (*Connector)(nil)
	_ network.Revoker   = (*Connector)(nil)
	_ network.Poller    = (*Connector)(nil)
	_ network.Importer  = (*Connector)(nil)
	_ network.Streamer  = (*Connector)(nil)
	_ network.Threader  = (*Connector)(nil)
	_ network.Watcher   = (*Connector)(nil)
	_ network.Publisher = (*Connector)(nil)
	_ network.Deleter   = (*Connector)(nil)
	_ network.Editor    = (*Connector)(nil)
	_ network.Actor     = (*Connector)(nil)
	_ network.Meter     = (*Connector)(nil)
)

// Info is what the connect page shows.
func (c *Connector) Info() network.Info {
	return network.Info{Name: Name, Title: "sandbox.title", Simulated: true, Fields: []network.Field{
		{Name: "handle", Label: "sandbox.handle", Help: "sandbox.handle.help"},
	}}
}

// SignIn takes any free handle: there are no passwords on a stage.
func (c *Connector) SignIn(ctx context.Context, fields url.Values) (network.Account, network.Secret, error) {
	a := network.Account{Network: Name, Instance: c.base}
	handle := strings.TrimSpace(fields.Get("handle"))
	t, err := c.grant(ctx, a, grant{Grant: "code", Code: handle}, handle)
	if err != nil {
		return network.Account{}, network.Secret{}, err
	}
	return t.account(c.base), t.secret(c.env.Now()), nil
}

// Refresh spends the refresh token. The old access token lives on until it
// expires, so that a lost answer leaves time to sign in again.
func (c *Connector) Refresh(ctx context.Context, a network.Account) (network.Secret, error) {
	k, err := keys(a)
	if err != nil {
		return network.Secret{}, err
	}
	t, err := c.grant(ctx, a, grant{Grant: "refresh", Code: k.Refresh}, k.Refresh)
	if err != nil {
		return network.Secret{}, err
	}
	if t.Refresh == "" {
		t.Refresh = k.Refresh
	}
	s := t.secret(c.env.Now())
	s.Generation = a.Secret.Generation
	return s, nil
}

func (c *Connector) grant(ctx context.Context, a network.Account, g grant, hidden string) (wireToken, error) {
	var t wireToken
	_, err := c.do(ctx, request{account: a, method: http.MethodPost, path: "/token", json: g, open: true, hidden: hidden}, &t)
	if err == nil && (t.Access == "" || t.Account.ID == "") {
		err = &network.Error{Kind: network.Transient, Native: "200", Message: "The answer holds no token."}
	}
	return t, err
}

// Revoke makes the sandbox forget the account's tokens.
func (c *Connector) Revoke(ctx context.Context, a network.Account) error {
	_, err := c.do(ctx, request{account: a, method: http.MethodDelete, path: "/token"}, nil)
	if k := network.KindOf(err); k == network.Auth || k == network.Gone {
		return nil
	}
	return err
}

// token is what Secret.Blob holds.
type token struct {
	Access  string `json:"access"`
	Refresh string `json:"refresh"`
}

func keys(a network.Account) (token, error) {
	var k token
	if err := json.Unmarshal(a.Secret.Blob, &k); err != nil || k.Access == "" {
		return token{}, &network.Error{Kind: network.Auth, Native: "no_token", Message: "The account has no token."}
	}
	return k, nil
}

func (t wireToken) secret(now time.Time) network.Secret {
	blob, _ := json.Marshal(token{t.Access, t.Refresh}) // two strings always marshal
	s := network.Secret{Blob: blob}
	if t.ExpiresIn > 0 {
		s.ExpiresAt = now.Add(time.Duration(t.ExpiresIn) * time.Second)
	}
	return s
}

func (t wireToken) account(base string) network.Account {
	p := person(t.Account, base)
	return network.Account{
		Network: Name, Instance: base, RemoteID: p.RemoteID, Handle: p.Handle, Name: p.Name, URL: p.URL, Avatar: p.Avatar,
	}
}

// Describe asks the network what it can do.
func (c *Connector) Describe(ctx context.Context, a network.Account) (network.Capabilities, error) {
	var d wireDescribe
	if _, err := c.do(ctx, request{account: a, method: http.MethodGet, path: "/describe"}, &d); err != nil {
		return network.Capabilities{}, err
	}
	yes := network.Grant{OK: true}
	only := func(ok bool, why string) network.Grant {
		if ok {
			return yes
		}
		return network.Grant{Why: why}
	}
	has := func(v network.Visibility) bool {
		for _, o := range d.Visibilities {
			if o == v {
				return true
			}
		}
		return false
	}
	return network.Capabilities{
		Can: map[network.Ability]network.Grant{
			network.CanPost: yes, network.CanReply: yes, network.CanThread: yes, network.CanDelete: yes,
			network.CanMedia: only(d.MediaMax > 0, "sandbox.no_media"), network.CanWarn: yes, network.CanLang: yes,
			network.CanLike: yes, network.CanRepost: yes, network.CanFollow: yes, network.CanMute: yes,
			network.CanBlock: yes, network.CanReport: yes, network.CanMentions: yes, network.CanImport: yes,
			network.CanDirect:  only(has(network.DirectTo), "sandbox.no_direct"),
			network.CanEdit:    only(d.Edits, "sandbox.no_edit"),
			network.CanStream:  only(d.Streams, "sandbox.no_stream"),
			network.CanMetrics: only(len(d.Counts) > 0, "sandbox.no_counts"),
		},
		Feeds: []network.Feed{network.Mentions, network.Own},
		Text:  d.Text,
		Media: []network.MediaRule{
			{Kind: "image", MIME: d.MIME, Max: d.MediaMax, AltMax: d.AltMax, Bytes: d.MediaBytes},
		},
		Visibilities: d.Visibilities, Proof: d.Proof, API: text.CleanLine(d.API, 80),
		Until: c.env.Now().Add(time.Hour), PollEvery: 10 * time.Second,
	}, nil
}
