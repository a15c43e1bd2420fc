// Package pagetest helps to test pages: a kernel with somebody signed in, checks
// that every rendered page must pass, and a real browser.
//
// Not its business: what a capability's pages say. Their tests live beside them.
package pagetest

import (
	"context"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"testing"
	"time"

	"parley/internal/actor"
	"parley/internal/clock"
	"parley/internal/i18n"
	"parley/internal/page"
	"parley/internal/problem"
)

// Token signs Visitor in: send it as the session cookie "parley".
const Token = "token-of-ana"

// Now is when tests happen, unless they bring a clock.
var Now = time.Date(2026, 11, 22, 14, 5, 0, 0, time.UTC)

// Visitor is somebody with every right in the workspace "harbour".
func Visitor() page.Visitor {
	var grants []actor.Grant
	for _, right := range []actor.Right{actor.ReadConversations, actor.Claim, actor.Reply, actor.Moderate,
		actor.ManageAccounts, actor.ManageTeam, actor.ManageWorkspace, actor.ReadHealth, actor.Self} {
		grants = append(grants, actor.Grant{Right: right})
	}
	return page.Visitor{
		Session: 7, User: 8, Name: "Ana Duarte",
		Workspaces: []page.Workspace{{
			ID: 1, Slug: "harbour", Name: "Harbour Library",
			Actor: actor.Actor{Workspace: 1, Member: 2, Name: "Ana Duarte", Grants: grants},
		}},
	}
}

// Options are for a kernel whose clock stands at Now and that knows Visitor by
// Token. A missing catalogue key panics. Change what the test is about.
func Options(t testing.TB, catalogues ...fs.FS) page.Options {
	t.Helper()
	bundle, err := i18n.NewBundle(append([]fs.FS{page.Catalogue}, catalogues...)...)
	if err != nil {
		t.Fatalf("joining catalogues: %v", err)
	}
	return page.Options{
		Bundle: bundle.Strict(),
		Log:    slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelInfo})),
		Clock:  clock.NewFake(Now),
		URL:    &url.URL{Scheme: "http", Host: "parley.test"},
		Authenticate: func(_ context.Context, token string) (page.Visitor, error) {
			if token != Token {
				return page.Visitor{}, problem.New(problem.Unauthenticated, "page.signed_out")
			}
			return Visitor(), nil
		},
	}
}

// Kernel makes a kernel or ends the test.
func Kernel(t testing.TB, o page.Options) *page.Kernel {
	t.Helper()
	k, err := page.New(o)
	if err != nil {
		t.Fatalf("making the kernel: %v", err)
	}
	return k
}

// SignIn puts the session cookie on a request.
func SignIn(r *http.Request) *http.Request {
	r.AddCookie(&http.Cookie{Name: "parley", Value: Token})
	return r
}
