package team

import (
	"context"
	"strings"

	"parley/internal/page"
	"parley/internal/problem"
)

// deviceOf says in two words what a User-Agent header says in two hundred: which
// browser, on what. What it does not know it calls another program.
func deviceOf(ctx context.Context, agent string) string {
	browser, system := "", ""
	// The order matters: each of them claims to be the ones below it.
	for _, b := range [][2]string{{"Edg/", "Edge"}, {"OPR/", "Opera"}, {"Firefox/", "Firefox"}, {"Chrome/", "Chrome"}, {"Safari/", "Safari"}} {
		if strings.Contains(agent, b[0]) {
			browser = b[1]
			break
		}
	}
	for _, s := range [][2]string{{"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Android", "Android"}, {"Windows", "Windows"}, {"Mac OS X", "macOS"}, {"CrOS", "ChromeOS"}, {"Linux", "Linux"}} {
		if strings.Contains(agent, s[0]) {
			system = s[1]
			break
		}
	}
	switch {
	case browser != "" && system != "":
		return page.T(ctx, "team.device", "browser", browser, "system", system)
	case browser != "" || system != "":
		return page.T(ctx, "team.device.one", "name", browser+system)
	default:
		return page.T(ctx, "team.device.other")
	}
}

func placeOptions(all []page.Workspace) []page.Option {
	out := make([]page.Option, len(all))
	for i, w := range all {
		out[i] = page.Option{Value: w.Slug, Label: w.Name}
	}
	return out
}

func dayOptions(ctx context.Context) []page.Option {
	var out []page.Option
	for _, d := range []string{"30", "90", "365"} {
		out = append(out, page.Option{Value: d, Label: page.T(ctx, "team.token.days."+d), Chosen: d == "90"})
	}
	return out
}

// tokenFault moves a problem of the name to the form's own field: the page has
// another one called name.
func (v meView) tokenFault() *problem.Problem {
	p := v.fault("token")
	if p == nil || p.Field != "name" {
		return nil
	}
	return p.At("token-name")
}

// roleOptions are the roles with what each may do. Only owners are offered to
// make owners.
func roleOptions(ctx context.Context, own bool, chosen Role) []page.Option {
	var out []page.Option
	for _, r := range Roles() {
		if r == Owner && !own {
			continue
		}
		out = append(out, page.Option{Value: string(r), Label: page.T(ctx, "role."+string(r)),
			Help: page.T(ctx, "role."+string(r)+".may"), Chosen: r == chosen})
	}
	return out
}

func scopeOptions(ctx context.Context, scopes []NamedScope) []page.Option {
	out := []page.Option{{Value: "", Label: page.T(ctx, "team.grant.everywhere"), Chosen: true}}
	for _, s := range scopes {
		out = append(out, page.Option{Value: s.Scope.Kind + ":" + s.Scope.ID.String(), Label: s.Name})
	}
	return out
}

// may is in one sentence what a member may do: that of the widest role they
// hold everywhere, else of what they hold somewhere.
func (v teamView) may(ctx context.Context, m Member) string {
	if len(m.Grants) == 0 {
		return page.T(ctx, "team.may.nothing")
	}
	g := m.Grants[0]
	what := page.T(ctx, "role."+string(g.Role)+".may")
	if where := v.where(g.Scope); where != "" {
		return page.T(ctx, "team.may.within", "where", where, "what", what)
	}
	return what
}
