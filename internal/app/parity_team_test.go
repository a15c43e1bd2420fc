package app

// doorForms are the ways to sign in and one's own.
func doorForms() map[string]counterpart {
	return map[string]counterpart{
		"POST /sign-in/passkey":                 none(door),
		"POST /sign-in/passkey/options":         none(door),
		"POST /me/passkeys":                     none(own),
		"POST /me/passkeys/options":             none(own),
		"POST /me/passkeys/{passkey}/name":      none(own),
		"POST /me/passkeys/{passkey}/remove":    none(own),
		"POST /sign-in/oidc":                    none(door),
		"POST /me/identities":                   none(own),
		"POST /me/identities/{identity}/remove": none(own),
		"POST /me/password/remove":              none(own),
	}
}
