package app

import (
	"context"
	"embed"
	"fmt"
	"net/http"
	"net/url"

	"parley/internal/actor"
	"parley/internal/id"
	"parley/internal/page"
	"parley/internal/team"
)

//go:embed catalogue/*.json
var Catalogue embed.FS

// demoPath is where the demo's visitors choose who they want to be.
const demoPath = "/demo"

// demoPerson is a member of the demo's town hall.
type demoPerson struct {
	name, email string
	role        team.Role
}

// demoPeople: the first owns the workspace and is who a visitor is at first.
func demoPeople() []demoPerson {
	return []demoPerson{
		{"Ana Lima", "ana@millbrook.example", team.Owner},
		{"Ben Okoro", "ben@millbrook.example", team.Voice},
		{"Chiara Rossi", "chiara@millbrook.example", team.Steward},
		{"Dmitri Weber", "dmitri@millbrook.example", team.Observer},
	}
}

// demoStaff are the first names that sign answers in the demo's past.
func demoStaff() []string {
	var names []string
	for _, p := range demoPeople() {
		names = append(names, firstWord(p.name))
	}
	return names
}

func firstWord(s string) string {
	for i, r := range s {
		if r == ' ' {
			return s[:i]
		}
	}
	return s
}

// SetUpDemo fills an empty database with a town hall and its accounts. A second
// call, or a database that already has people, changes nothing.
func (a *App) SetUpDemo(ctx context.Context) error {
	logins, err := a.Team.Operator().Logins(ctx)
	if err != nil || len(logins) > 0 {
		return err
	}
	people := demoPeople()
	zone := "Europe/Berlin"
	w, owner, err := a.Team.Operator().CreateWorkspace(ctx, team.SetUp{Email: people[0].email,
		Login:     team.NewLogin{Name: people[0].name, Password: UnknownPassword()},
		Workspace: team.NewWorkspace{Name: "Town of Millbrook", Zone: zone, Locale: "en"}})
	if err != nil {
		return fmt.Errorf("setting up the demo: %w", err)
	}
	who, err := a.demoActor(ctx, owner, w.ID)
	if err != nil {
		return err
	}
	for _, p := range people[1:] {
		in, err := a.Team.Invite(ctx, who, team.Invite{Email: p.email, Roles: []team.RoleIn{{Role: p.role}}})
		if err != nil {
			return fmt.Errorf("inviting %s: %w", p.name, err)
		}
		if _, err := a.Team.AcceptNew(ctx, in.Secret, team.NewLogin{Name: p.name, Password: UnknownPassword()}, team.Place{Agent: "demo"}); err != nil {
			return fmt.Errorf("seating %s: %w", p.name, err)
		}
	}
	for _, d := range demoDesks() {
		if _, err := a.Accounts.SignIn(ctx, who, "sandbox", url.Values{"handle": {d.Handle}}); err != nil {
			return fmt.Errorf("connecting %s: %w", d.Handle, err)
		}
	}
	return a.demoLabels(ctx, who)
}

func (a *App) demoActor(ctx context.Context, login, workspace id.ID) (actor.Actor, error) {
	s, err := a.Team.Operator().OpenSession(ctx, login, team.Place{Agent: "demo"})
	if err != nil {
		return actor.Actor{}, err
	}
	v, err := a.Team.Authenticate(ctx, s.Secret)
	if err != nil {
		return actor.Actor{}, err
	}
	for _, m := range v.Workspaces {
		if m.Workspace.ID == workspace {
			return m.Actor, a.Team.SignOut(ctx, s.Secret)
		}
	}
	return actor.Actor{}, fmt.Errorf("the demo's owner is no member")
}

func (a *App) demoPages() {
	a.Kernel.Handle("GET "+demoPath, func(_ http.ResponseWriter, r *page.Request) error {
		return r.Render(demoPage(demoPeople()))
	})
	a.Kernel.Handle("POST "+demoPath, a.beSomebody)
}

// beSomebody signs a visitor of the demo in as the person they chose.
func (a *App) beSomebody(_ http.ResponseWriter, r *page.Request) error {
	form, err := r.Form()
	if err != nil {
		return err
	}
	logins, err := a.Team.Operator().Logins(r.Context())
	if err != nil {
		return err
	}
	for _, l := range logins {
		if l.Email != form.Get("email") {
			continue
		}
		s, err := a.Team.Operator().OpenSession(r.Context(), l.ID, team.Place{Agent: r.UserAgent(), Address: r.Addr.String()})
		if err != nil {
			return err
		}
		r.SignIn(s.Secret, s.Until)
		return r.Redirect("/")
	}
	return page.NotFound()
}
