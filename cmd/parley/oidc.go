package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"parley/internal/app"
)

// otherSignIn are the flags of another organisation's sign-in (OpenID Connect).
type otherSignIn struct {
	Issuer     string `help:"Sign-in by OpenID Connect: the issuer's address." placeholder:"URL"`
	Client     string `help:"Client id that the issuer gave Parley." placeholder:"ID"`
	SecretFile string `help:"File with the client's secret." type:"path" placeholder:"FILE"`
	Label      string `help:"What people call that sign-in." default:"your organisation"`
	Domain     string `help:"Let in only who has a confirmed address in this domain there." placeholder:"DOMAIN"`
}

func (o otherSignIn) read() (app.OIDC, error) {
	if o.Issuer == "" {
		return app.OIDC{}, nil
	}
	if o.Client == "" {
		return app.OIDC{}, errors.New("--oidc-issuer needs --oidc-client: the id that the issuer gave Parley")
	}
	out := app.OIDC{Issuer: o.Issuer, Client: o.Client, Label: o.Label, Domain: o.Domain}
	if o.SecretFile != "" {
		raw, err := os.ReadFile(o.SecretFile)
		if err != nil {
			return app.OIDC{}, fmt.Errorf("reading --oidc-secret-file: %w", err)
		}
		out.Secret = strings.TrimSpace(string(raw))
	}
	return out, nil
}
