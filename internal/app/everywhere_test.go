package app

import (
	"fmt"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"parley/internal/team"
)

// enters is somebody's browser: the owner of one desk, who is a voice at others too.
func (d *desk) enters(others ...*desk) func(method, path string, form ...string) *httptest.ResponseRecorder {
	d.Helper()
	for _, other := range others {
		inv, err := d.Team.Invite(background, other.owner, team.Invite{Email: d.email, Roles: []team.RoleIn{{Role: team.Voice}}})
		d.must(err)
		s, err := d.Team.SignIn(background, d.email, password, team.Place{})
		d.must(err)
		v, err := d.Team.Authenticate(background, s.Secret)
		d.must(err)
		d.must(d.Team.Accept(background, inv.Secret, v))
	}
	s, err := d.Team.SignIn(background, d.email, password, team.Place{})
	d.must(err)
	return func(method, path string, form ...string) *httptest.ResponseRecorder {
		values := url.Values{}
		for i := 0; i+1 < len(form); i += 2 {
			values.Add(form[i], form[i+1])
		}
		r := httptest.NewRequest(method, "http://localhost"+path, strings.NewReader(values.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Cookie", "parley="+s.Secret)
		w := httptest.NewRecorder()
		d.Kernel.ServeHTTP(w, r)
		return w
	}
}

var (
	rowLink  = regexp.MustCompile(`href="(/w/[^"]+/inbox/[^"]+)"[^>]*data-row`)
	nextLink = regexp.MustCompile(`href="(/inbox\?[^"]*after=[^"]+)"`)
)

// The inbox over all workspaces holds what each of them holds, in one order, page
// by page, and nothing of a workspace that is somebody else's.
func TestTheInboxOverAllWorkspaces(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	one, two, foreign := o.desk(), o.desk(), o.desk()
	ask := one.enters(two)
	foreign.said("Nobody else may read this.")
	var want []string
	for n := range 60 {
		d, slug := one, "desk-1"
		if n%3 == 0 {
			d, slug = two, "desk-2"
		}
		o.clock.Advance(time.Minute)
		want = append(want, fmt.Sprintf("/w/%s/inbox/%s", slug, d.said(fmt.Sprint("question ", n))))
	}
	var got []string
	for page, path := 0, "/inbox"; path != "" && page < 5; page++ {
		body := ask("GET", path).Body.String()
		if strings.Contains(body, "Nobody else may read this") {
			t.Error("a stranger's workspace is read")
		}
		rows := rowLink.FindAllStringSubmatch(body, -1)
		if len(rows) > 40 || strings.Count(body, `class="in-workspace"`) != len(rows) {
			t.Errorf("%d rows, %d say where they are", len(rows), strings.Count(body, `class="in-workspace"`))
		}
		for _, m := range rows {
			address, query, _ := strings.Cut(m[1], "?")
			if got = append(got, address); !strings.Contains(query, "all=1") {
				t.Errorf("%s forgets the list it is opened from", m[1])
			}
		}
		path = ""
		if m := nextLink.FindStringSubmatch(body); m != nil {
			path = strings.ReplaceAll(m[1], "&amp;", "&")
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%d conversations in the order\n%s\nwant %d in\n%s", len(got), strings.Join(got, "\n"), len(want), strings.Join(want, "\n"))
	}
}

// Opening one enters its workspace with the list of all still beside it, and what is
// done there comes back to it.
func TestWorkingFromTheInboxOverAllWorkspaces(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	one, two := o.desk(), o.desk()
	ask := one.enters(two)
	one.said("Is the bridge open?")
	cello := two.said("Do you repair cellos?")
	at := "/w/desk-2/inbox/" + cello.String()
	body := ask("GET", at+"?all=1").Body.String()
	for _, want := range []string{"Is the bridge open?", `data-live-workspace="*"`, at + "/claim?all=1", ">Desk 2<", `href="/inbox?all=1"`} {
		if !strings.Contains(body, want) {
			t.Errorf("%q is missing", want)
		}
	}
	w := ask("POST", at+"/claim?all=1")
	if w.Code != 303 || w.Header().Get("Location") != at+"?all=1" {
		t.Errorf("%d to %s", w.Code, w.Header().Get("Location"))
	}
	mine := ask("GET", "/inbox?box=mine").Body.String()
	if !strings.Contains(mine, "cellos") || strings.Contains(mine, "bridge") || !regexp.MustCompile(`class="claimed mine"[^>]*>`).MatchString(mine) {
		t.Error("what is mine in another workspace is not shown as mine")
	}
	if w := ask("GET", "/w/desk-2/inbox?all=1&fragment=list"); w.Code != 303 {
		t.Errorf("a list of one's own workspaces is shared with others: %d", w.Code)
	}
	alone := o.desk().enters()
	if w := alone("GET", "/inbox"); w.Code != 303 || w.Header().Get("Location") != "/w/desk-3/inbox" {
		t.Errorf("%d to %s", w.Code, w.Header().Get("Location"))
	}
}
