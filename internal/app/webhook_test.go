package app

import (
	"context"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/team"
	"parley/internal/webhook"
)

func (d *desk) hook() id.ID {
	d.Helper()
	h, _, err := d.Hooks.Create(background, d.owner, "https://far.example/parley", nil)
	d.must(err)
	return h.ID
}

func hookMethods() map[string]method {
	type does = func(actor.Actor) error
	one := func(do func(*webhook.Hooks, ctx, actor.Actor, id.ID) error) method {
		return verb("webhook.not_found", func(d *desk) does {
			h := d.hook()
			return func(a actor.Actor) error { return do(d.Hooks, background, a, h) }
		})
	}
	return map[string]method{
		"Create": verb("", func(d *desk) does {
			return func(a actor.Actor) error {
				_, _, err := d.Hooks.Create(background, a, "https://far.example/parley", nil)
				return err
			}
		}),
		"Ping":   one((*webhook.Hooks).Ping),
		"Pause":  one((*webhook.Hooks).Pause),
		"Remove": one((*webhook.Hooks).Remove),
		"Resume": one(func(h *webhook.Hooks, c ctx, a actor.Actor, hook id.ID) error { return h.Resume(c, a, hook, true) }),
		"All": read("", func(d *desk) act {
			d.hook()
			return func(a actor.Actor) (any, error) { return d.Hooks.All(background, a) }
		}),
	}
}

func hookForms() map[string]counterpart {
	const at = "POST /w/{workspace}/settings/webhooks"
	return map[string]counterpart{
		at:                       by("createWebhook"),
		at + "/{webhook}/ping":   by("pingWebhook"),
		at + "/{webhook}/pause":  by("pauseWebhook"),
		at + "/{webhook}/resume": by("resumeWebhook"),
		at + "/{webhook}/skip":   by("resumeWebhook"),
		at + "/{webhook}/remove": by("removeWebhook"),
	}
}

// What an installation that was made from an archive would tell, the one it was
// made from may have told, and may go on telling.
func TestARestoredWebhookWaitsForAMember(t *testing.T) {
	t.Parallel()
	d := openOffice(t).desk()
	h := d.hook()
	d.must(d.DB.InTx(background, func(ctx context.Context, tx *db.Tx) error {
		return d.Hooks.Restored(ctx, tx, actor.System(d.owner.Workspace, "restore"))
	}))
	all, err := d.Hooks.All(background, d.owner)
	d.must(err)
	if len(all) != 1 || all[0].ID != h || all[0].Paused.IsZero() || all[0].GaveUp {
		t.Errorf("%+v", all)
	}
}

func TestTheSecretOfAWebhookIsShownOnce(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	d := o.desk()
	in, err := o.Team.SignIn(background, d.email, password, team.Place{})
	o.must(err)
	ask := func(method string, form ...string) string {
		v := url.Values{}
		for i := 0; i < len(form); i += 2 {
			v.Set(form[i], form[i+1])
		}
		r := httptest.NewRequest(method, "http://localhost/w/desk-1/settings/webhooks", strings.NewReader(v.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Cookie", "parley="+in.Secret)
		w := httptest.NewRecorder()
		o.Kernel.ServeHTTP(w, r)
		return w.Body.String()
	}
	made := ask("POST", "url", "https://far.example/parley", "groups", "sending")
	if !strings.Contains(made, "whsec_") || !strings.Contains(made, "far.example") {
		t.Error("the secret is not shown")
	}
	if again := ask("GET"); strings.Contains(again, "whsec_") || !strings.Contains(again, "Answers on their way") {
		t.Error("the secret is shown twice, or the page does not say what is told")
	}
	if wrong := ask("POST", "url", "http://far.example/parley"); !strings.Contains(wrong, "may not travel unencrypted") ||
		!strings.Contains(wrong, "http://far.example/parley") {
		t.Error("what was typed is lost, or nothing says why it is wrong")
	}
}
