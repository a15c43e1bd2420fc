package app

import (
	"net/netip"

	"parley/internal/outbound"
	"parley/internal/team"
)

// OIDC is another organisation's sign-in, as the operator configured it.
type OIDC struct {
	Issuer, Client, Secret, Label, Domain string
}

// otherSignIn is what team needs of it. The operator named the issuer, so it may
// stand in a private network: its answers are bounded, its place is not.
func (a *App) otherSignIn() *team.OIDC {
	o := a.Config.OIDC
	if o.Issuer == "" {
		return nil
	}
	anywhere := []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}
	client := outbound.New(outbound.Options{UserAgent: UserAgent(a.Config.URL), AllowPrivate: anywhere, AnyPort: true, MaxBytes: 1 << 20})
	return &team.OIDC{Issuer: o.Issuer, Client: o.Client, Secret: o.Secret, Label: o.Label, Domain: o.Domain, HTTP: client, URL: a.Config.URL}
}
