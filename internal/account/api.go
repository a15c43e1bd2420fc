package account

import (
	"context"
	"net/url"
	"slices"
	"time"

	"parley/internal/actor"
	"parley/internal/api"
	"parley/internal/i18n"
	"parley/internal/id"
	"parley/internal/network"
)

// API registers the package's operations.
func (s *Accounts) API(a *api.API) {
	o := operations{s}
	manage, look := api.Needs(actor.ManageAccounts), api.Needs(actor.ReadHealth, actor.ManageAccounts)

	g := a.Section("accounts", "Our handles on the networks, and how they are.")
	api.Get(g, "/accounts", "listAccounts", "List the accounts", o.list, api.Needs(actor.ReadConversations, actor.ReadHealth))
	api.Get(g, "/accounts/health", "listHealth", "List how the accounts are", o.health, look, api.About("Those that need somebody come first."))
	api.Get(g, "/accounts/{account}/health", "readHealth", "Read how an account is", o.healthOf, look)
	api.Put(g, "/accounts/{account}/signature", "setSignature", "Choose how answers show who wrote them", o.signature, manage)
	api.Post(g, "/accounts/{account}/disconnect", "disconnectAccount", "Disconnect an account", o.disconnect, manage,
		api.About("Nothing is read or sent there any more. What was said stays."))
	api.Post(g, "/accounts/{account}/checked", "checkedGap", "Say that somebody has looked for what may be missing", o.checked, manage)
	api.Post(g, "/accounts/{account}/import", "resumeImport", "Have another go at reading the past", o.resumeImport, manage)

	g = a.Section("connecting", "Connecting accounts. Some networks take what a member typed, some lead over a page of their own.")
	api.Get(g, "/networks", "listNetworks", "List the networks and what each asks for", o.networks, manage)
	api.Post(g, "/networks/{network}/connect", "connectAccount", "Connect an account with what its network asks for", o.connect, manage, api.Created)
	api.Post(g, "/accounts/{account}/reconnect", "reconnectAccount", "Give an account a new credential", o.reconnect, manage)
	api.Post(g, "/networks/{network}/consent", "beginConsent", "Begin to connect an account over its network's page", o.begin, manage, api.About(consentAbout))
	api.Post(g, "/accounts/{account}/consent", "beginConsentAgain", "Begin to reconnect an account over its network's page", o.beginAgain, manage, api.About(consentAbout))
}

const consentAbout = "The member whose token it is opens the address in a browser in which they are signed in here, within half an hour."

type operations struct{ s *Accounts }

type accountIn struct {
	Account api.ID `path:"account"`
}

type accountJSON struct {
	ID        id.ID     `json:"id"`
	Network   string    `json:"network" example:"mastodon"`
	Instance  string    `json:"instance"`
	RemoteID  string    `json:"remote_id" doc:"Its id on the network; handles move."`
	Handle    string    `json:"handle"`
	Name      string    `json:"name"`
	URL       string    `json:"url,omitempty"`
	State     State     `json:"state" enum:"connected,broken,disconnected"`
	Since     time.Time `json:"since" doc:"Since when it is in this state."`
	Signature string    `json:"signature" enum:"none,caret" doc:"How answers show who wrote them; caret: ^Name at their end."`
	Simulated bool      `json:"simulated" doc:"A rehearsal: nothing leaves for a real network."`
	Created   time.Time `json:"created"`
}

func accountOut(a Account) accountJSON {
	r := a.Remote
	out := accountJSON{ID: a.ID, Network: r.Network, Instance: r.Instance, RemoteID: r.RemoteID, Handle: r.Handle, Name: r.Name, URL: r.URL,
		State: a.State, Since: a.Since, Signature: a.Signature, Simulated: a.Simulated, Created: a.Created}
	if out.Signature == "" {
		out.Signature = noSignature
	}
	return out
}

// noSignature is the empty signature in words.
const noSignature = "none"

func (o operations) list(ctx context.Context, a actor.Actor, _ *struct{}) (*api.List[accountJSON], error) {
	all, err := o.s.List(ctx, a)
	return api.ListOf(all, accountOut), err
}

type healthJSON struct {
	Account accountJSON          `json:"account"`
	Level   Level                `json:"level" enum:"fine,soon,broken,off"`
	Signs   []signJSON           `json:"signs" doc:"Why it is not fine."`
	Can     []string             `json:"can" doc:"What is possible there."`
	Cannot  []missingAbilityJSON `json:"cannot" doc:"What is not, and why."`
	Feeds   []feedJSON           `json:"feeds"`
	Imports []importJSON         `json:"imports"`
}

type signJSON struct {
	Level  Level        `json:"level" enum:"fine,soon,broken,off"`
	Code   string       `json:"code" example:"token_ends"`
	Title  string       `json:"title" doc:"What is the matter, in the language of Accept-Language."`
	Detail string       `json:"detail,omitempty" doc:"What to do about it."`
	At     time.Time    `json:"at,omitzero"`
	Feed   network.Feed `json:"feed,omitempty"`
	Said   string       `json:"said,omitempty" doc:"The network's own words."`
}

type missingAbilityJSON struct {
	Ability string      `json:"ability"`
	Why     *api.Reason `json:"why,omitempty"`
}

type feedJSON struct {
	Feed     network.Feed `json:"feed" example:"mentions"`
	Worked   time.Time    `json:"worked,omitzero" doc:"When it was last read."`
	Due      time.Time    `json:"due,omitzero"`
	Failures int          `json:"failures"`
	Gap      time.Time    `json:"gap,omitzero" doc:"Something may be missing before this."`
	Rate     *rateJSON    `json:"rate,omitempty" doc:"The request budget the network last told."`
}

type rateJSON struct {
	Limit int       `json:"limit"`
	Left  int       `json:"left"`
	Reset time.Time `json:"reset,omitzero"`
}

type importJSON struct {
	Feed     network.Feed `json:"feed"`
	Since    time.Time    `json:"since" doc:"How far back it is meant to go."`
	Oldest   time.Time    `json:"oldest,omitzero" doc:"How far back it has come."`
	Found    int          `json:"found"`
	Share    float64      `json:"share" doc:"How much of it is read, 0 to 1."`
	Finished time.Time    `json:"finished,omitzero"`
}

func (o operations) health(ctx context.Context, a actor.Actor, _ *struct{}) (*api.List[healthJSON], error) {
	all, err := o.s.Health(ctx, a)
	return api.ListOf(all, func(h Health) healthJSON { return healthOut(ctx, h) }), err
}

func (o operations) healthOf(ctx context.Context, a actor.Actor, in *accountIn) (*healthJSON, error) {
	all, err := o.s.Health(ctx, a)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(h Health) bool { return h.Account.ID == in.Account.ID })
	if i < 0 {
		return nil, notFound()
	}
	h := healthOut(ctx, all[i])
	return &h, nil
}

func healthOut(ctx context.Context, h Health) healthJSON {
	out := healthJSON{Account: accountOut(h.Account), Level: h.Level, Can: []string{}, Cannot: []missingAbilityJSON{}, Feeds: []feedJSON{}}
	out.Signs = api.ListOf(h.Signs, func(s Sign) signJSON { return signOut(ctx, h, s) }).Items
	can, cannot := possible(h)
	for _, one := range can {
		out.Can = append(out.Can, string(one.Name))
	}
	for _, one := range cannot {
		out.Cannot = append(out.Cannot, missingAbilityJSON{string(one.Name), api.Why(ctx, one.Why)})
	}
	for _, f := range h.Feeds {
		if !f.ours() {
			out.Feeds = append(out.Feeds, feedOut(f))
		}
	}
	out.Imports = api.ListOf(h.Imports, func(i Import) importJSON {
		return importJSON{Feed: i.Feed, Since: i.Since, Oldest: i.Oldest, Found: i.Found, Share: i.Share(), Finished: i.Finished}
	}).Items
	return out
}

func signOut(ctx context.Context, h Health, s Sign) signJSON {
	l, key := api.Locale(ctx), "account.sign."+s.Code
	when, feed := l.T("account.never"), s.Feed
	if !s.At.IsZero() {
		when = l.Exact(s.At)
	}
	if feed == "" {
		feed = network.Mentions
	}
	args := []any{"when", when, "feed", i18n.Key("account.feed." + feedKeyOf(feed)), "left", s.Rate.Left, "limit", s.Rate.Limit, "name", h.Account.Name()}
	return signJSON{Level: s.Level, Code: s.Code, Title: l.T(key, args...), Detail: l.T(key+".next", args...), At: s.At, Feed: s.Feed, Said: s.Said}
}

func feedOut(f FeedHealth) feedJSON {
	out := feedJSON{Feed: f.Feed, Worked: f.Worked, Due: f.Due, Failures: f.Failures, Gap: f.Gap}
	if f.Rate.Limit > 0 {
		out.Rate = &rateJSON{f.Rate.Limit, f.Rate.Left, f.Rate.Reset}
	}
	return out
}

type signatureIn struct {
	Account api.ID `path:"account"`
	Body    struct {
		Signature string `json:"signature" enum:"none,caret"`
	}
}

func (o operations) signature(ctx context.Context, a actor.Actor, in *signatureIn) (*api.None, error) {
	signature := in.Body.Signature
	if signature == noSignature {
		signature = ""
	}
	return nil, o.s.SetSignature(ctx, a, in.Account.ID, signature)
}

func (o operations) disconnect(ctx context.Context, a actor.Actor, in *accountIn) (*api.None, error) {
	return nil, o.s.Disconnect(ctx, a, in.Account.ID)
}

func (o operations) checked(ctx context.Context, a actor.Actor, in *accountIn) (*api.None, error) {
	return nil, o.s.CheckedGap(ctx, a, in.Account.ID)
}

func (o operations) resumeImport(ctx context.Context, a actor.Actor, in *accountIn) (*api.None, error) {
	return nil, o.s.ResumeImport(ctx, a, in.Account.ID)
}

type networkJSON struct {
	Name      string             `json:"name" example:"mastodon"`
	Title     string             `json:"title" doc:"What people call it."`
	Consent   bool               `json:"consent" doc:"It leads over the network's own page: begin with consent, not with connect."`
	Simulated bool               `json:"simulated"`
	Fields    []networkFieldJSON `json:"fields" doc:"What it asks for."`
}

type networkFieldJSON struct {
	Name   string `json:"name" doc:"\"hint\" is the hint of a consent; the others are fields of connect."`
	Label  string `json:"label"`
	Help   string `json:"help,omitempty"`
	Secret bool   `json:"secret"`
}

func (o operations) networks(ctx context.Context, a actor.Actor, _ *struct{}) (*api.List[networkJSON], error) {
	l := api.Locale(ctx)
	field := func(f network.Field) networkFieldJSON {
		out := networkFieldJSON{Name: f.Name, Label: l.T(f.Label), Secret: f.Secret}
		if f.Help != "" {
			out.Help = l.T(f.Help)
		}
		return out
	}
	return api.ListOf(o.s.Infos(), func(i network.Info) networkJSON {
		return networkJSON{Name: i.Name, Title: l.T(i.Title), Consent: o.s.NeedsConsent(i.Name), Simulated: i.Simulated, Fields: api.ListOf(i.Fields, field).Items}
	}), nil
}

type connectIn struct {
	Network string `path:"network" example:"bluesky"`
	Body    connectFieldsJSON
}

// connectFieldsJSON is what a member types. It holds passwords, so no answer repeats it.
type connectFieldsJSON struct {
	Fields map[string]string `json:"fields" doc:"By the names that the network's fields have."`
}

func (f connectFieldsJSON) values() url.Values {
	v := url.Values{}
	for name, value := range f.Fields {
		v.Set(name, value)
	}
	return v
}

type connectedJSON struct {
	Account id.ID `json:"account"`
}

func (o operations) connect(ctx context.Context, a actor.Actor, in *connectIn) (*connectedJSON, error) {
	account, err := o.s.SignIn(ctx, a, in.Network, in.Body.values())
	return &connectedJSON{account}, err
}

type reconnectIn struct {
	Account api.ID `path:"account"`
	Body    connectFieldsJSON
}

func (o operations) reconnect(ctx context.Context, a actor.Actor, in *reconnectIn) (*api.None, error) {
	return nil, o.s.SignInAgain(ctx, a, in.Account.ID, in.Body.values())
}

type beginIn struct {
	Network string `path:"network" example:"mastodon"`
	Body    consentHintJSON
}

// consentHintJSON helps a network find its page: the address of a server.
type consentHintJSON struct {
	Hint string `json:"hint" example:"mastodon.example"`
}

type consentJSON struct {
	Address string `json:"address" doc:"The network's own page."`
}

func (o operations) begin(ctx context.Context, a actor.Actor, in *beginIn) (*consentJSON, error) {
	address, err := o.s.Begin(ctx, a, in.Network, in.Body.Hint)
	return &consentJSON{address}, err
}

type beginAgainIn struct {
	Account api.ID `path:"account"`
	Body    consentHintJSON
}

func (o operations) beginAgain(ctx context.Context, a actor.Actor, in *beginAgainIn) (*consentJSON, error) {
	address, err := o.s.BeginAgain(ctx, a, in.Account.ID, in.Body.Hint)
	return &consentJSON{address}, err
}
