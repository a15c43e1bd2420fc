package mastodon

import (
	"encoding/json"

	"parley/internal/network"
)

// credential is what Secret.Blob holds, as JSON.
type credential struct {
	Access   string `json:"access_token"`
	Refresh  string `json:"refresh_token,omitempty"`
	Redirect string `json:"redirect,omitempty"` // names our registration, for refresh and revoke

	// The registration itself, where it belongs to this one token.
	ClientID     string `json:"client_id,omitempty"`
	ClientSecret string `json:"client_secret,omitempty"`
}

// token opens an account's credential.
func token(a network.Account) (credential, error) {
	var c credential
	if err := json.Unmarshal(a.Secret.Blob, &c); err != nil || c.Access == "" {
		return credential{}, &network.Error{Kind: network.Auth, Native: "no_token"}
	}
	return c, nil
}

func (c credential) secrets() []string { return []string{c.Access, c.Refresh, c.ClientSecret} }

func (c credential) seal() ([]byte, error) { return json.Marshal(c) }
