// Package api is the JSON kernel: routing, tokens, paging, problem details,
// idempotency keys and the OpenAPI document, under /api/v1.
//
// # Writing an operation
//
// A capability keeps api.go beside its verbs and offers one function that
// registers its operations:
//
//	func (s *Accounts) API(a *api.API) {
//		g := a.Section("accounts", "Our handles on the networks.")
//		api.Get(g, "/accounts", "listAccounts", "List the accounts", s.apiList, api.Needs(actor.ReadHealth))
//		api.Post(g, "/accounts/{account}/disconnect", "disconnectAccount", "Disconnect an account", s.apiDisconnect, api.Needs(actor.ManageAccounts))
//	}
//
//	type accountIn struct {
//		Account api.ID `path:"account"`
//	}
//
//	func (s *Accounts) apiDisconnect(ctx context.Context, a actor.Actor, in *accountIn) (*api.None, error) {
//		return nil, s.Disconnect(ctx, a, in.Account.ID)
//	}
//
// The input is a struct with fields tagged path, query and header, and a field
// Body for JSON; the output is the body itself, *api.None for none. Both make
// the document. A handler calls the verb that the page calls and returns its
// error; a *problem.Problem becomes problem details (RFC 9457), anything else a
// reference and a log line.
//
// # What the kernel promises
//
// Every request but the one for the document carries a bearer token; cookies are
// not looked at, and no other site's script may read an answer. The token is
// looked up anew each time, so one that is revoked is dead at once. An operation
// is refused to those who hold none of the rights it Needs before it is called;
// where the right counts, the verb decides.
//
// A POST with an Idempotency-Key is done once: a repeat within a day is told the
// same answer, another request under the same key is refused. If Parley stopped
// in the middle, a repeat does it again.
//
// Text reaches a handler as valid UTF-8 without U+0000.
//
// Concurrency: register everything before serving; then safe for concurrent use.
// The rate limit counts in this process only.
//
// Not its business: what an operation does and who may do it (the capability),
// what a token is (team, through Options.Authenticate), and signed webhooks.
//
// The document's own sentences, and what it says of a field that does not fit,
// speak to programmers: they are in English and in no catalogue.
package api
