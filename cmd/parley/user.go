package main

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"text/tabwriter"

	"parley/internal/app"
	"parley/internal/team"
)

type userCmd struct {
	List     userListCmd     `cmd:"" help:"Who can sign in, and where."`
	Password userPasswordCmd `cmd:"" help:"Print a link with which somebody chooses a new password."`
	Remove   userRemoveCmd   `cmd:"" help:"End somebody's sign-in everywhere."`
	Create   userCreateCmd   `cmd:"" help:"Create a workspace with its owner, and print the link to choose a password."`
}

// address is how links are made by commands that serve nothing.
type address struct {
	URL string `help:"Address that browsers use." default:"http://localhost:8080" placeholder:"URL"`
}

type userListCmd struct{ store }

func (c *userListCmd) Run(ctx context.Context, s *streams) error {
	return withApp(ctx, c.config(s.errs), func(a *app.App) error {
		logins, err := a.Team.Operator().Logins(ctx)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "E-MAIL\tNAME\tWORKSPACES\tLAST SEEN")
		for _, l := range logins {
			seen := "never"
			if !l.Seen.IsZero() {
				seen = l.Seen.Format("2006-01-02 15:04")
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", l.Email, l.Name, strings.Join(l.Workspaces, ", "), seen)
		}
		return w.Flush()
	})
}

type userPasswordCmd struct {
	store
	address
	letters
	Send  bool   `help:"Send the link to them by mail instead of printing it. A server on this data does it."`
	Email string `arg:"" help:"Whose."`
}

func (c *userPasswordCmd) Run(ctx context.Context, s *streams) error {
	cfg := c.config(s.errs)
	if c.Send {
		return c.mail(ctx, s, cfg)
	}
	return withApp(ctx, cfg, func(a *app.App) error {
		secret, until, err := a.Team.Operator().PasswordLink(ctx, c.Email)
		if err != nil {
			return a.Explain(err)
		}
		_, err = fmt.Fprintf(s.out, "%s/password/%s\n", strings.TrimSuffix(c.URL, "/"), secret)
		fmt.Fprintf(s.errs, "It works once, until %s.\n", until.Format("2006-01-02 15:04 MST"))
		return err
	})
}

// mail has the link sent. Nobody sees it but its owner.
func (c *userPasswordCmd) mail(ctx context.Context, s *streams, cfg app.Config) (err error) {
	if cfg.Mail, err = c.server(); err != nil {
		return err
	}
	if cfg.URL, err = url.Parse(strings.TrimSuffix(c.URL, "/")); err != nil {
		return fmt.Errorf("reading --url: %w", err)
	}
	return withApp(ctx, cfg, func(a *app.App) error {
		until, err := a.Team.Operator().MailPasswordLink(ctx, c.Email)
		if err != nil {
			return a.Explain(err)
		}
		_, err = fmt.Fprintf(s.out, "A link to a new password goes to %s. It works once, until %s.\n", c.Email, until.Format("2006-01-02 15:04 MST"))
		return err
	})
}

type userRemoveCmd struct {
	store
	Email string `arg:"" help:"Whose."`
}

func (c *userRemoveCmd) Run(ctx context.Context, s *streams) error {
	return withApp(ctx, c.config(s.errs), func(a *app.App) error {
		if err := a.Team.Operator().RemoveLogin(ctx, c.Email); err != nil {
			return a.Explain(err)
		}
		_, err := fmt.Fprintf(s.out, "%s can no longer sign in.\n", c.Email)
		return err
	})
}

type userCreateCmd struct {
	store
	address
	Email     string `arg:"" help:"The owner's e-mail address."`
	Workspace string `arg:"" help:"The workspace's name."`
	Name      string `help:"The owner's name; the address if not given."`
	Zone      string `help:"The workspace's time zone." default:"UTC"`
}

func (c *userCreateCmd) Run(ctx context.Context, s *streams) error {
	return withApp(ctx, c.config(s.errs), func(a *app.App) error {
		name := c.Name
		if name == "" {
			name = c.Email
		}
		in := team.SetUp{Email: c.Email, Login: team.NewLogin{Name: name, Password: app.UnknownPassword()}, Workspace: team.NewWorkspace{Name: c.Workspace, Zone: c.Zone, Locale: "en"}}
		w, _, err := a.Team.Operator().CreateWorkspace(ctx, in)
		if err != nil {
			return a.Explain(err)
		}
		secret, until, err := a.Team.Operator().PasswordLink(ctx, c.Email)
		if err != nil {
			return a.Explain(err)
		}
		_, err = fmt.Fprintf(s.out, "%s/password/%s\n", strings.TrimSuffix(c.URL, "/"), secret)
		fmt.Fprintf(s.errs, "The workspace is /w/%s. The link to choose a password works once, until %s.\n", w.Slug, until.Format("2006-01-02 15:04 MST"))
		return err
	})
}

// withApp opens the data for one command and closes it.
func withApp(ctx context.Context, c app.Config, fn func(*app.App) error) error {
	a, err := app.Open(ctx, c)
	if err != nil {
		return err
	}
	defer a.Close()
	return fn(a)
}
