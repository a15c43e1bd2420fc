package conversation_test

import (
	"bytes"
	"context"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"parley/internal/actor"
	"parley/internal/conversation"
	"parley/internal/id"
	"parley/internal/page"
	"parley/internal/page/pagetest"
)

// answerOf is a posted answer with a file.
func answerOf(t testing.TB, conversation id.ID, file string) *http.Request {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	form.WriteField("body", "It is.")
	part, err := form.CreateFormFile("media", "bridge.png")
	if err != nil {
		t.Fatal(err)
	}
	part.Write([]byte(file))
	form.Close()
	r := httptest.NewRequest(http.MethodPost, "http://parley.test/w/w1/inbox/"+conversation.String()+"/reply", &body)
	r.Header.Set("Content-Type", form.FormDataContentType())
	r.Header.Set("Parley-Fetch", "send") // a refusal is said, not shown in the whole page
	return pagetest.SignIn(r)
}

func TestOnlyWhoMayAnswerLeavesAFile(t *testing.T) {
	t.Parallel()
	b, asked := asked(t)
	observer := actor.Actor{Workspace: workspace, Member: ben, Grants: []actor.Grant{{Right: actor.ReadConversations}}}
	ofTheLibrary := actor.Actor{Workspace: workspace, Member: ben}
	for _, g := range voice(ben).Grants {
		ofTheLibrary.Grants = append(ofTheLibrary.Grants, actor.Grant{Right: g.Right, Scope: actor.Scope{Kind: "account", ID: library}})
	}
	for name, c := range map[string]struct {
		who    actor.Actor
		in     id.ID
		status int
	}{
		"an observer":                 {observer, asked, 403},
		"an observer, nowhere":        {observer, 999, 404},
		"a voice, nowhere":            {voice(ben), 999, 404},
		"a voice, in no conversation": {voice(ben), 0, 404},
		"a voice of another account":  {ofTheLibrary, asked, 404},
		"a voice":                     {voice(ana), asked, 303},
	} {
		o := pagetest.Options(t, conversation.Catalogue)
		o.Authenticate = func(context.Context, string) (page.Visitor, error) {
			return page.Visitor{Session: 1, Workspaces: []page.Workspace{{ID: workspace, Slug: "w1", Actor: c.who}}}, nil
		}
		k := pagetest.Kernel(t, o)
		(&conversation.Pages{Desk: b.desk}).Register(k)
		w := httptest.NewRecorder()
		k.ServeHTTP(w, answerOf(t, c.in, name))
		if w.Code != c.status || slices.Contains(b.files, name) != (c.status == 303) {
			t.Errorf("%s: %d, and %q are stored: %s", name, w.Code, b.files, w.Body)
		}
	}
	if len(b.sent) != 1 || len(b.sent[0].Draft.Parts[0].Media) != 1 {
		t.Errorf("sent: %+v", b.sent)
	}
}
