package app

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// counterpart says which operations do what a page's form does, or why none does.
type counterpart struct {
	operations []string
	why        string
}

func by(operations ...string) counterpart { return counterpart{operations: operations} }
func none(why string) counterpart         { return counterpart{why: why} }

const (
	door  = "it is for people who are not signed in yet: a program has a token instead"
	own   = "it is one's own login: a token must not become its owner"
	demo  = "it exists in the demonstration only"
	later = "the member finishes it in the browser that they began it in"
)

// forms is everything that the pages can change.
func forms() map[string]counterpart {
	all := map[string]counterpart{
		"POST /sign-in":                        none(door),
		"POST /sign-out":                       none(own),
		"POST /set-up/{secret}":                none(door),
		"POST /invitation/{secret}":            none(door),
		"POST /invitation/{secret}/join":       none(door),
		"POST /password/{secret}":              none(door),
		"POST /password":                       none(door),
		"POST /me/name":                        none(own),
		"POST /me/password":                    none(own),
		"POST /me/sessions/others":             none(own),
		"POST /me/sessions/{session}":          none(own),
		"POST /me/tokens":                      none(own),
		"POST /me/tokens/{token}":              by("revokeToken"),
		"POST /workspaces/new":                 by("createWorkspace"),
		"POST /demo":                           none(demo),
		"POST /w/{workspace}/team/leave":       none(own),
		"POST /w/{workspace}/settings":         by("changeWorkspace"),
		"POST /w/{workspace}/team/invitations": by("invite"),
		"POST /w/{workspace}/team/invitations/{invitation}/revoke":        by("revokeInvitation"),
		"POST /w/{workspace}/team/teams":                                  by("createTeam"),
		"POST /w/{workspace}/team/teams/{team}/rename":                    by("renameTeam"),
		"POST /w/{workspace}/team/teams/{team}/close":                     by("closeTeam"),
		"POST /w/{workspace}/team/teams/{team}/add":                       by("addToTeam"),
		"POST /w/{workspace}/team/teams/{team}/remove":                    by("removeFromTeam"),
		"POST /w/{workspace}/team/members/{member}/grants":                by("giveGrant"),
		"POST /w/{workspace}/team/members/{member}/grants/{grant}/end":    by("endGrant"),
		"POST /w/{workspace}/team/members/{member}/tokens/{token}/revoke": by("revokeToken"),
		"POST /w/{workspace}/team/members/{member}/remove":                by("removeMember"),

		"POST /w/{workspace}/connect/{network}":             by("connectAccount", "beginConsent"),
		"POST /w/{workspace}/accounts/{account}/reconnect":  by("reconnectAccount", "beginConsentAgain"),
		"POST /w/{workspace}/accounts/{account}/disconnect": by("disconnectAccount"),
		"POST /w/{workspace}/accounts/{account}/checked":    by("checkedGap"),
		"POST /w/{workspace}/accounts/{account}/import":     by("resumeImport"),
		"POST /w/{workspace}/accounts/{account}/signature":  by("setSignature"),
		"GET /connect/callback":                             none(later),

		"POST /w/{workspace}/inbox/{conversation}/claim":   by("claimConversation"),
		"POST /w/{workspace}/inbox/{conversation}/release": by("releaseConversation"),
		"POST /w/{workspace}/inbox/{conversation}/finish":  by("finishConversation"),
		"POST /w/{workspace}/inbox/{conversation}/reopen":  by("reopenConversation"),
		"POST /w/{workspace}/inbox/{conversation}/reply":   by("replyToConversation", "uploadMedia"),
		"POST /w/{workspace}/inbox/{conversation}/erase":   by("erasePerson"),
		"POST /w/{workspace}/inbox/{conversation}/send/{delivery}/{what}": by("retryDelivery", "checkDelivery", "settleDelivery",
			"discardDelivery", "callBackDelivery"),
	}
	maps.Copy(all, notifyForms())
	maps.Copy(all, doorForms())
	maps.Copy(all, sortForms())
	maps.Copy(all, hookForms())
	maps.Copy(all, personForms())
	maps.Copy(all, clockForms())
	return all
}

// openDemo is the demonstration, before anything happens in it.
func openDemo(t *testing.T) *App {
	t.Helper()
	a, err := Open(background, Config{Data: t.TempDir(), Demo: true, URL: &url.URL{Scheme: "http", Host: "localhost"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	return a
}

// Whatever the pages can change, the API can, and the other way round.
func TestPagesAndAPICanDoTheSame(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	table := forms()
	maps.Copy(table, formsTogether())
	changes := map[string]bool{} // operations, and whether a form does the same
	for _, r := range o.operations().Routes() {
		if r.Method != http.MethodGet {
			changes[r.ID] = false
		}
	}
	routes := append(o.Kernel.Routes(), openDemo(t).Kernel.Routes()...)
	for _, pattern := range routes {
		if c, listed := table[pattern]; strings.HasPrefix(pattern, "POST ") && !listed {
			t.Errorf("the pages can %q: say which operation does it, or why none does", pattern)
		} else if listed && (len(c.operations) == 0) == (c.why == "") {
			t.Errorf("%s has either operations or a reason", pattern)
		}
	}
	for pattern, c := range table {
		if !slices.Contains(routes, pattern) {
			t.Errorf("%q is in the table and on no page", pattern)
		}
		for _, op := range c.operations {
			if _, ok := changes[op]; !ok {
				t.Errorf("%q names %s, which is no operation that changes anything", pattern, op)
			}
			changes[op] = true
		}
	}
	for op, done := range changes {
		if !done {
			t.Errorf("%s can be done by programs and on no page", op)
		}
	}
}
