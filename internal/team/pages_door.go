package team

import (
	"net/http"
	"time"

	"parley/internal/page"
	"parley/internal/problem"
)

// doorForm is what the forms before signing in were filled with.
type doorForm struct {
	Email     string
	Name      string
	Workspace string
	Zone      string
	Return    string
	Mail      bool   // Parley can send them a link
	Passkeys  bool   // can be used here
	Other     string // label of the other organisation's sign-in, if there is one
	// Invitation is its secret, where one was followed.
	Invitation string
	Err        error
}

// problem is the fault of the form, for its fields.
func (f doorForm) problem() *problem.Problem { return problem.Of(f.Err) }

func (p pages) signIn(_ http.ResponseWriter, r *page.Request) error {
	back := page.LocalPath(r.URL.Query().Get("return"))
	if r.Visitor.SignedIn() {
		return r.Redirect(back)
	}
	fresh, err := empty(r.Context(), p.s.db.Read())
	if err != nil {
		return err
	}
	return r.Render(signInPage(doorForm{Return: back, Passkeys: p.s.PasskeysWork(), Mail: p.s.mail.Ready(), Other: p.s.OIDCLabel()}, fresh))
}

func (p pages) signInPost(_ http.ResponseWriter, r *page.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	form := doorForm{Email: f.Get("email"), Return: page.LocalPath(f.Get("return")), Passkeys: p.s.PasskeysWork(), Mail: p.s.mail.Ready(), Other: p.s.OIDCLabel()}
	in, err := p.s.SignIn(r.Context(), form.Email, f.Get("password"), place(r))
	if err != nil {
		return again(r, err, func(err error) error {
			form.Err = err
			return r.RenderStatus(status(err), signInPage(form, false))
		})
	}
	if err := p.enterAs(r, in); err != nil {
		return err
	}
	return r.Redirect(form.Return)
}

func (p pages) signOut(_ http.ResponseWriter, r *page.Request) error {
	if token := r.SessionToken(); token != "" {
		if err := p.s.SignOut(r.Context(), token); err != nil {
			return err
		}
	}
	r.SignOut()
	return r.Redirect(SignInPath)
}

func (p pages) setUp(_ http.ResponseWriter, r *page.Request) error {
	if err := p.s.SetUpReady(r.Context(), r.PathValue("secret")); err != nil {
		return err
	}
	return r.Render(setUpPage(doorForm{Zone: zoneOf(r)}))
}

// zoneOf is the browser's time zone, or nothing where it has not told yet: a
// town hall must not find itself in Greenwich without having said so.
func zoneOf(r *page.Request) string {
	if zone := r.Locale.Zone(); zone != time.UTC {
		return zone.String()
	}
	return ""
}

func (p pages) setUpPost(_ http.ResponseWriter, r *page.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	form := doorForm{Email: f.Get("email"), Name: f.Get("name"), Workspace: f.Get("workspace"), Zone: f.Get("zone")}
	in, w, err := p.s.SetUp(r.Context(), r.PathValue("secret"), SetUp{
		Email:     form.Email,
		Login:     NewLogin{Name: form.Name, Password: f.Get("password"), Locale: r.Locale.Name()},
		Workspace: NewWorkspace{Name: form.Workspace, Zone: form.Zone, Locale: r.Locale.Name()},
	}, place(r))
	if err != nil {
		return again(r, err, func(err error) error {
			form.Err = err
			return r.RenderStatus(status(err), setUpPage(form))
		})
	}
	if err := p.enterAs(r, in); err != nil {
		return err
	}
	r.Flash("team.set_up.done", "workspace", w.Name)
	return r.Redirect("/")
}

func (p pages) invitation(_ http.ResponseWriter, r *page.Request) error {
	return p.showOffer(r, doorForm{})
}

func (p pages) showOffer(r *page.Request, form doorForm) error {
	o, err := p.s.Offer(r.Context(), r.PathValue("secret"))
	if err != nil {
		return err
	}
	form.Other, form.Invitation = p.s.OIDCLabel(), r.PathValue("secret")
	return r.RenderStatus(status(form.Err), offerPage(o, form, r.URL.Path))
}

func (p pages) invitationPost(_ http.ResponseWriter, r *page.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	form := doorForm{Name: f.Get("name")}
	in, err := p.s.AcceptNew(r.Context(), r.PathValue("secret"),
		NewLogin{Name: form.Name, Password: f.Get("password"), Locale: r.Locale.Name()}, place(r))
	if err != nil {
		return again(r, err, func(err error) error {
			form.Err = err
			return p.showOffer(r, form)
		})
	}
	if err := p.enterAs(r, in); err != nil {
		return err
	}
	return r.Redirect("/")
}

// joinPost lets somebody in who is signed in already.
func (p pages) joinPost(_ http.ResponseWriter, r *page.Request) error {
	if !r.Visitor.SignedIn() {
		return r.Redirect(InvitationPath(r.PathValue("secret")))
	}
	if err := p.s.Accept(r.Context(), r.PathValue("secret"), Visitor{Login: r.Visitor.User}); err != nil {
		return err
	}
	return r.Redirect("/")
}

// forgot asks for the address that a link to a new password is sent to.
func (p pages) forgot(_ http.ResponseWriter, r *page.Request) error {
	if !p.s.mail.Ready() {
		return r.Redirect(SignInPath)
	}
	return r.Render(forgotPage(doorForm{}))
}

func (p pages) forgotPost(_ http.ResponseWriter, r *page.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	form := doorForm{Email: f.Get("email")}
	if err := p.s.Forgot(r.Context(), form.Email, place(r)); err != nil {
		return again(r, err, func(err error) error {
			form.Err = err
			return r.RenderStatus(status(err), forgotPage(form))
		})
	}
	return r.Render(forgottenPage(form.Email))
}

func (p pages) password(_ http.ResponseWriter, r *page.Request) error {
	return p.showPassword(r, doorForm{})
}

func (p pages) showPassword(r *page.Request, form doorForm) error {
	name, email, err := p.s.PasswordLinkFor(r.Context(), r.PathValue("secret"))
	if err != nil {
		return err
	}
	form.Name, form.Email = name, email
	return r.RenderStatus(status(form.Err), passwordPage(form))
}

func (p pages) passwordPost(_ http.ResponseWriter, r *page.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	in, err := p.s.UsePasswordLink(r.Context(), r.PathValue("secret"), f.Get("password"), place(r))
	if err != nil {
		return again(r, err, func(err error) error { return p.showPassword(r, doorForm{Err: err}) })
	}
	if err := p.enterAs(r, in); err != nil {
		return err
	}
	r.Flash("team.password.done")
	return r.Redirect("/")
}
