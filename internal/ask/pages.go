package ask

import (
	"context"
	"net/http"
	"net/url"

	"parley/internal/id"
	"parley/internal/page"
	"parley/internal/problem"
)

// Pages are the form in a conversation and the page behind a link.
type Pages struct {
	S    *Service
	Base *url.URL // the public address, for links that people copy
}

// Register adds the routes.
func (p Pages) Register(k *page.Kernel) {
	k.Member("GET /inbox/{conversation}/ask", p.form)
	k.Member("POST /inbox/{conversation}/ask", p.make)
	k.Member("POST /asks/{ask}/revoke", p.revoke)
	k.Handle("GET /ask/{secret}", p.open)
	k.Handle("POST /ask/{secret}", p.answer)
}

func (p Pages) form(_ http.ResponseWriter, r *page.Request) error { return p.show(r, Question{}, nil) }

func (p Pages) show(r *page.Request, in Question, fault error) error {
	conversation, err := r.PathID("conversation")
	if err != nil {
		return err
	}
	all, err := p.S.Of(r.Context(), r.Actor, conversation)
	if err != nil {
		return err
	}
	thread, err := p.S.Thread(r.Context(), r.Actor, conversation)
	if err != nil {
		return err
	}
	seats, err := p.S.Roster(r.Context(), p.S.DB.Read(), r.Actor.Workspace)
	if err != nil {
		return err
	}
	v := formView{Conversation: conversation, In: in, Fault: fault, Asks: all, Thread: thread, Names: map[id.ID]string{}, Mail: p.S.Mail.Ready(), Me: r.Actor.Member}
	for _, s := range seats {
		v.Names[s.Actor.Member] = s.Actor.Name
	}
	status := http.StatusOK
	if fault != nil {
		status = problem.Of(fault).Kind.Status()
	}
	return r.RenderStatus(status, formPage(v))
}

type formView struct {
	Conversation id.ID
	In           Question
	Fault        error
	Asks         []Ask
	Thread       Thread
	Names        map[id.ID]string
	Mail         bool
	Me           id.ID
}

func (v formView) fault() *problem.Problem { return problem.Of(v.Fault) }

// who is asked, as members know them.
func (v formView) who(k Ask) string {
	if name := v.Names[k.To]; name != "" {
		return name
	}
	return k.Address
}

// make answers with a page where the link has to be copied: it stands in no
// address and no cookie.
func (p Pages) make(_ http.ResponseWriter, r *page.Request) error {
	conversation, err := r.PathID("conversation")
	if err != nil {
		return err
	}
	f, err := r.Form()
	if err != nil {
		return err
	}
	in := Question{Conversation: conversation, Address: f.Get("address"), Text: f.Get("question")}
	k, secret, err := p.S.Ask(r.Context(), r.Actor, in)
	if fault := problem.Of(err); fault != nil && (fault.Kind == problem.Invalid || fault.Kind == problem.Throttled) {
		return p.show(r, in, err)
	}
	if err != nil {
		return err
	}
	if secret != "" {
		return r.Render(linkPage(k, p.Base.Scheme+"://"+p.Base.Host+LinkPath(secret)))
	}
	r.Flash("ask.made", "address", k.Address)
	return r.Redirect(r.Link("inbox/" + conversation.String() + "/ask"))
}

func (p Pages) revoke(_ http.ResponseWriter, r *page.Request) error {
	ask, err := r.PathID("ask")
	if err != nil {
		return err
	}
	if err := p.S.Revoke(r.Context(), r.Actor, ask); err != nil {
		return err
	}
	f, err := r.Form()
	if err != nil {
		return err
	}
	r.Flash("ask.revoked")
	return r.Redirect(page.LocalPath(f.Get("back")))
}

// visitor is who is signed in here in a workspace; 0: nobody of it.
func visitor(r *page.Request) func(id.ID) id.ID {
	return func(workspace id.ID) id.ID {
		for _, w := range r.Visitor.Workspaces {
			if w.ID == workspace {
				return w.Actor.Member
			}
		}
		return 0
	}
}

// open is for people and for programs that look at links: it changes nothing.
func (p Pages) open(_ http.ResponseWriter, r *page.Request) error { return p.shown(r, "", nil) }

func (p Pages) shown(r *page.Request, words string, fault error) error {
	o, err := p.S.Open(r.Context(), r.PathValue("secret"), visitor(r))
	if err != nil {
		return err
	}
	status := http.StatusOK
	if fault != nil {
		status = problem.Of(fault).Kind.Status()
	}
	return r.RenderStatus(status, openPage(o, words, fault, r.URL.Path))
}

func (p Pages) answer(_ http.ResponseWriter, r *page.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	secret, words, ctx := r.PathValue("secret"), f.Get("answer"), r.Context()
	switch f.Get("do") {
	case "send":
		err = p.S.Send(ctx, secret, words, visitor(r))
	case "check":
		return p.confirm(ctx, r, words)
	default:
		err = p.S.Answer(ctx, secret, words)
	}
	if fault := problem.Of(err); fault != nil && fault.Code != "ask.over" && fault.Kind != problem.Internal {
		return p.shown(r, words, err)
	}
	if err != nil {
		return err
	}
	return r.Render(thanksPage(f.Get("do") == "send"))
}

// confirm shows exactly what would go out, to whom, before anything does.
func (p Pages) confirm(ctx context.Context, r *page.Request, words string) error {
	v, err := p.S.Before(ctx, r.PathValue("secret"), words, visitor(r))
	if fault := problem.Of(err); fault != nil && fault.Code != "ask.over" && fault.Kind != problem.Internal {
		return p.shown(r, words, err)
	}
	if err != nil {
		return err
	}
	return r.Render(confirmPage(v, words, r.URL.Path))
}
