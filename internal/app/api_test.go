package app

import (
	"bytes"
	"encoding/json"
	"flag"
	"image"
	"image/png"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"parley/internal/actor"
	"parley/internal/api"
	"parley/internal/conversation"
	"parley/internal/id"
	"parley/internal/team"
)

var update = flag.Bool("update", false, "write docs/openapi.json anew")

const openapi = "../../docs/openapi.json"

// reply is what the API answered.
type reply struct {
	status int
	header http.Header
	body   string
}

// code is that of the problem it tells; "" if it tells none.
func (r reply) code() string {
	var p api.Problem
	if json.Unmarshal([]byte(r.body), &p) != nil {
		return ""
	}
	return p.Code
}

// into reads the answer.
func (r reply) into(t testing.TB, v any) {
	t.Helper()
	if r.status >= 300 {
		t.Fatalf("status %d: %s", r.status, r.body)
	}
	if err := json.Unmarshal([]byte(r.body), v); err != nil {
		t.Fatalf("%v in %s", err, r.body)
	}
}

// ask sends a request through everything a real one passes. headers are name and
// value, alternately.
func (o *office) ask(token, method, path, body string, headers ...string) reply {
	o.Helper()
	r := httptest.NewRequest(method, "http://localhost"+api.Path+path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	o.Handler().ServeHTTP(w, r)
	b, err := io.ReadAll(w.Result().Body)
	o.must(err)
	return reply{w.Code, w.Result().Header, string(b)}
}

// A script hears a question, takes it, answers with a picture, and asks what
// became of it.
func TestAScriptAnswers(t *testing.T) {
	t.Parallel()
	d := openOffice(t).desk()
	token, c := d.token(), d.said("Is the bridge open?")
	var list struct {
		Items []struct{ ID, Snippet, Account string }
	}
	d.ask(token, "GET", "/conversations?box=waiting", "").into(t, &list)
	if len(list.Items) != 1 || list.Items[0].ID != c.String() || list.Items[0].Snippet != "Is the bridge open?" {
		t.Fatalf("%+v", list)
	}
	at := "/conversations/" + c.String()
	var open struct {
		State    string
		Messages []struct{ ID, Text string }
	}
	d.ask(token, "GET", at, "").into(t, &open)
	if open.State != "open" || len(open.Messages) != 1 {
		t.Fatalf("%+v", open)
	}
	var composer struct {
		To, Suffix string
		Rule       struct{ Max int }
	}
	d.ask(token, "GET", at+"/composer", "").into(t, &composer)
	if composer.To != open.Messages[0].ID || composer.Suffix != " ^Ana" || composer.Rule.Max != 500 {
		t.Errorf("%+v", composer)
	}
	if r := d.ask(token, "POST", at+"/claim", ""); r.status != 204 || r.body != "" {
		t.Fatalf("claiming: %d %s", r.status, r.body)
	}
	var file struct{ ID, Kind, MIME string }
	d.ask(token, "POST", "/media", drawing(t), "Content-Type", "image/png").into(t, &file)
	if file.Kind != "image" || len(file.ID) != 64 {
		t.Errorf("%+v", file)
	}
	answer := `{"text":"It is.","visibility":"unlisted","media":[{"id":"` + file.ID + `","alt":"The bridge"}]}`
	if r := d.ask(token, "POST", at+"/reply", answer); r.code() != "api.key_needed" {
		t.Errorf("without a key: %d %s", r.status, r.body)
	}
	var said, again struct{ Delivery string }
	d.ask(token, "POST", at+"/reply", answer, "Idempotency-Key", "k1").into(t, &said)
	d.ask(token, "POST", at+"/reply", answer, "Idempotency-Key", "k1").into(t, &again)
	if said != again || d.number(`select count(*) from delivery`) != 1 {
		t.Errorf("said twice: %v, %v", said, again)
	}
	var out struct {
		State, Conversation, Member string
		Parts                       []struct{ Text, Visibility string }
		May                         struct {
			CallBack bool `json:"call_back"`
		}
	}
	d.ask(token, "GET", "/deliveries/"+said.Delivery, "").into(t, &out)
	if out.State != "accepted" || out.Conversation != c.String() || out.Member != d.owner.Member.String() || !out.May.CallBack ||
		len(out.Parts) != 1 || out.Parts[0].Text != "It is. ^Ana" || out.Parts[0].Visibility != "unlisted" {
		t.Errorf("%+v", out)
	}
	if r := d.ask(token, "POST", "/deliveries/"+said.Delivery+"/call-back", ""); r.status != 204 {
		t.Errorf("calling back: %d %s", r.status, r.body)
	}
	var log struct {
		Items []struct{ Verb, Member string }
		Next  int64
	}
	d.ask(token, "GET", "/events?after=3&limit=500", "").into(t, &log)
	var verbs []string
	for _, e := range log.Items {
		verbs = append(verbs, e.Verb)
	}
	for _, v := range []string{"conversation.claimed", "conversation.replied", "delivery.accepted", "delivery.called_back"} {
		if !slices.Contains(verbs, v) {
			t.Errorf("%s is not in the log: %q", v, verbs)
		}
	}
	if log.Next != int64(len(log.Items))+3 {
		t.Errorf("next %d", log.Next)
	}
}

func drawing(t testing.TB) string {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 20, 10))); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestListsGoOn(t *testing.T) {
	t.Parallel()
	d := openOffice(t).desk()
	token := d.token()
	want := map[string]bool{}
	for range 7 {
		want[d.said("Is the bridge open?").String()] = true
	}
	for _, box := range []string{"waiting", "all"} {
		seen, cursor := map[string]bool{}, ""
		for range 10 {
			var page struct {
				Items []struct{ ID string }
				Next  string
			}
			d.ask(token, "GET", "/conversations?limit=3&box="+box+"&cursor="+cursor, "").into(t, &page)
			for _, one := range page.Items {
				if seen[one.ID] || !want[one.ID] {
					t.Errorf("%s: %s again", box, one.ID)
				}
				seen[one.ID] = true
			}
			if cursor = page.Next; cursor == "" {
				break
			}
		}
		if len(seen) != len(want) {
			t.Errorf("%s: %d of %d", box, len(seen), len(want))
		}
	}
}

func TestTokensReachNoFurtherThanTheirRights(t *testing.T) {
	t.Parallel()
	d := openOffice(t).desk()
	c := d.said("Is the bridge open?")
	reader := d.token(actor.ReadConversations)
	if r := d.ask(reader, "GET", "/conversations/"+c.String(), ""); r.status != 200 {
		t.Errorf("reading: %d", r.status)
	}
	for _, what := range []string{"claim", "finish", "release", "reopen"} {
		if r := d.ask(reader, "POST", "/conversations/"+c.String()+"/"+what, ""); r.status != 403 || r.code() != "forbidden" {
			t.Errorf("%s: %d %s", what, r.status, r.body)
		}
	}
	// A token does no more than its member may: what is taken from them is taken from it.
	ben := d.hire("ben", team.Voice)
	_, secret, err := d.Team.CreateToken(background, ben, team.NewToken{Name: "s", Rights: []actor.Right{actor.ReadConversations, actor.Claim}, Until: d.clock.Now().Add(1e12)})
	d.must(err)
	if r := d.ask(secret, "POST", "/conversations/"+c.String()+"/claim", ""); r.status != 204 {
		t.Errorf("claiming: %d %s", r.status, r.body)
	}
	members, err := d.Team.Members(background, d.owner)
	d.must(err)
	for _, m := range members {
		for _, g := range m.Grants {
			if m.ID == ben.Member {
				d.must(d.Team.EndGrant(background, d.owner, g.ID, ""))
			}
		}
	}
	if r := d.ask(secret, "POST", "/conversations/"+c.String()+"/release", ""); r.status != 403 {
		t.Errorf("without the role: %d %s", r.status, r.body)
	}
	if r := d.ask(secret, "GET", "/me", ""); r.status != 200 || !strings.Contains(r.body, `"rights":[]`) {
		t.Errorf("me: %d %s", r.status, r.body)
	}
	d.must(d.Team.RemoveMember(background, d.owner, ben.Member, ""))
	if r := d.ask(secret, "GET", "/me", ""); r.status != 401 {
		t.Errorf("after they left: %d", r.status)
	}
}

func TestARevokedTokenIsDeadAtOnce(t *testing.T) {
	t.Parallel()
	d := openOffice(t).desk()
	token := d.token()
	var mine struct{ Token, Workspace, Name string }
	d.ask(token, "GET", "/me", "").into(t, &mine)
	if mine.Workspace != d.owner.Workspace.String() || mine.Name != "Ana Lima" {
		t.Errorf("%+v", mine)
	}
	if r := d.ask(token, "DELETE", "/tokens/"+mine.Token, ""); r.status != 204 {
		t.Fatalf("%d %s", r.status, r.body)
	}
	if r := d.ask(token, "GET", "/me", ""); r.status != 401 || r.code() != "team.token_over" {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := d.ask(token, "POST", "/teams", `{"name":"Press"}`, "Idempotency-Key", "k"); r.status != 401 {
		t.Errorf("%d %s", r.status, r.body)
	}
}

// A browser's session is no token, neither as a cookie nor in the header.
func TestASessionIsNoToken(t *testing.T) {
	t.Parallel()
	d := openOffice(t).desk()
	s, err := d.Team.SignIn(background, d.email, password, team.Place{})
	d.must(err)
	if r := d.ask(s.Secret, "GET", "/me", "", "Cookie", "parley="+s.Secret); r.status != 401 {
		t.Errorf("%d", r.status)
	}
	if r := d.ask("", "GET", "/me", "", "Cookie", "parley="+s.Secret, "Authorization", ""); r.status != 401 {
		t.Errorf("%d", r.status)
	}
}

// bodies are what operations take, with the ids of a desk where they name one.
func bodies() map[string]string {
	all := map[string]string{
		"changeWorkspace": `{"name":"Other","zone":"UTC","keep_days":0}`,
		"giveGrant":       `{"role":"voice"}`, "renameTeam": `{"name":"Night"}`,
		"setSignature": `{"signature":"none"}`, "reconnectAccount": `{"fields":{"handle":"town"}}`, "beginConsentAgain": `{"hint":"town"}`,
		"replyToConversation": `{"text":"It is."}`, "ask": `{"address":"legal@elsewhere.example","question":"May we say so?"}`, "settleDelivery": `{"there":true}`,
	}
	maps.Copy(all, sortBodies())
	all["resumeWebhook"] = `{"skip":true}`
	maps.Copy(all, bodiesTogether())
	maps.Copy(all, personBodies())
	return all
}

// Whoever may do everything in another workspace finds nothing here: every
// operation that names something is told that there is no such thing.
func TestWhatIsElsewhereCannotBeFound(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	d, stranger := o.desk(), o.desk().token()
	there := d.everyID()
	param := regexp.MustCompile(`\{(\w+)\}`)
	tried := 0
	for _, r := range o.operations().Routes() {
		names := param.FindAllStringSubmatch(r.Path, -1)
		if len(names) == 0 || names[0][1] == "network" {
			continue
		}
		path := param.ReplaceAllStringFunc(r.Path, func(s string) string {
			one, ok := there[strings.Trim(s, "{}")]
			if !ok {
				t.Fatalf("%s: no %s on the desk", r.ID, s)
			}
			return one.String()
		})
		tried++
		before := d.everything().lines(d.owner.Workspace)
		got := o.ask(stranger, r.Method, path, bodies()[r.ID], "Idempotency-Key", "k"+r.ID)
		if got.status == 200 && r.ID == "listTokens" {
			if !strings.Contains(got.body, `"items":[]`) {
				t.Errorf("%s: %s", r.ID, got.body)
			}
		} else if got.status != 404 {
			t.Errorf("%s: %d %s", r.ID, got.status, got.body)
		}
		same(t, before, d.everything().lines(d.owner.Workspace))
	}
	if tried < 30 {
		t.Errorf("only %d operations name something", tried)
	}
	for _, path := range []string{"/deliveries?conversation=" + there["conversation"].String(), "/conversations?box=all&account=" + there["account"].String()} {
		if got := o.ask(stranger, "GET", path, ""); got.status != 200 || strings.TrimSpace(got.body) != `{"items":[]}` {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
}

// everyID is something of each kind, by what paths call it.
func (d *desk) everyID() map[string]id.ID {
	d.Helper()
	out := d.failed()
	page, err := d.Desk.List(background, d.owner, conversation.Filter{Box: conversation.All})
	d.must(err)
	person, err := d.Desk.PersonOf(background, d.owner, page.Rows[0].ID)
	d.must(err)
	ben := d.hire("ben", team.Voice).Member
	members, err := d.Team.Members(background, d.owner)
	d.must(err)
	i := slices.IndexFunc(members, func(m team.Member) bool { return m.ID == ben })
	press, err := d.Team.CreateTeam(background, d.owner, "Press")
	d.must(err)
	inv, err := d.Team.Invite(background, d.owner, team.Invite{Email: "guest@example.org", Roles: []team.RoleIn{{Role: team.Voice}}})
	d.must(err)
	d.token()
	tokens, err := d.Team.Tokens(background, d.owner, d.owner.Member)
	d.must(err)
	all := map[string]id.ID{"account": d.account, "conversation": page.Rows[0].ID, "person": person, "delivery": out, "member": ben,
		"grant": members[i].Grants[0].ID, "team": press.ID, "invitation": inv.ID, "token": tokens[0].ID}
	_, all["notification"] = d.told()
	all["ask"] = d.asked()
	maps.Copy(all, d.sortIDs())
	all["webhook"] = d.hook()
	maps.Copy(all, d.idsTogether(page.Rows[0].ID))
	maps.Copy(all, d.personIDs())
	return all
}

// Every operation that needs a right refuses a token which holds every other one.
func TestEveryOperationAsksForItsRight(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	d := o.desk()
	there := d.everyID()
	there["network"] = 0
	param := regexp.MustCompile(`\{(\w+)\}`)
	tokens := map[string]string{}
	free := 0
	for _, r := range o.operations().Routes() {
		if len(r.Needs) == 0 {
			free++
			continue
		}
		others := slices.DeleteFunc(team.TokenRights(), func(right actor.Right) bool { return slices.Contains(r.Needs, right) })
		key := strings.Join(strings.Fields(joined(others)), " ")
		if tokens[key] == "" {
			tokens[key] = d.token(others...)
		}
		path := param.ReplaceAllStringFunc(r.Path, func(s string) string { return there[strings.Trim(s, "{}")].String() })
		before := d.everything().lines(0)
		if got := o.ask(tokens[key], r.Method, path, bodies()[r.ID]); got.status != 403 || got.code() != "forbidden" {
			t.Errorf("%s: %d %s", r.ID, got.status, got.body)
		}
		same(t, before, d.everything().lines(0))
	}
	if free > 8 {
		t.Errorf("%d operations need no right", free)
	}
}

func joined(rights []actor.Right) (s string) {
	for _, r := range rights {
		s += " " + string(r)
	}
	return s
}

func TestAnErasureLeavesNoAnswer(t *testing.T) {
	t.Parallel()
	d := openOffice(t).desk()
	token := d.token()
	d.said("Is the bridge open?")
	var list struct {
		Items []struct {
			Person struct{ Person, Handle string }
		}
	}
	d.ask(token, "GET", "/conversations", "").into(t, &list)
	at := "/people/" + list.Items[0].Person.Person
	if r := d.ask(token, "DELETE", at, ""); r.status != 204 {
		t.Fatalf("%d %s", r.status, r.body)
	}
	if r := d.ask(token, "DELETE", at, ""); r.status != 404 {
		t.Errorf("again: %d %s", r.status, r.body)
	}
	if r := d.ask(token, "GET", "/conversations?box=all", ""); strings.TrimSpace(r.body) != `{"items":[]}` {
		t.Errorf("%s", r.body)
	}
}

func TestAnInvitationByScript(t *testing.T) {
	t.Parallel()
	d := openOffice(t).desk()
	token := d.token()
	const ask = `{"email":"guest@example.org","roles":[{"role":"voice"}]}`
	var first, again struct{ ID, Link string }
	d.ask(token, "POST", "/invitations", ask, "Idempotency-Key", "k").into(t, &first)
	d.ask(token, "POST", "/invitations", ask, "Idempotency-Key", "k").into(t, &again)
	if first != again || !strings.HasPrefix(first.Link, "http://localhost/invitation/") {
		t.Fatalf("%+v, then %+v", first, again)
	}
	for _, l := range d.everything().lines(0) {
		if secret := first.Link[len("http://localhost/invitation/"):]; strings.Contains(l, secret) {
			t.Errorf("the database holds the link: %s", l)
		}
	}
	var list struct {
		Items []struct{ Email, Link string }
	}
	d.ask(token, "GET", "/invitations", "").into(t, &list)
	if len(list.Items) != 1 || list.Items[0].Link != "" || list.Items[0].Email != "guest@example.org" {
		t.Errorf("%+v", list)
	}
	for body, code := range map[string]string{
		`{"email":"nobody","roles":[{"role":"voice"}]}`:                  "team.email",
		`{"email":"a@example.org","roles":[{"role":"king"}]}`:            "api.invalid",
		`{"email":"a@example.org","roles":[]}`:                           "api.invalid",
		`{"email":"a\u0000@example.org","roles":[{"role":"voice"}]}`:     "api.bad_json",
		`{"email":"a@example.org","roles":[{"role":"owner"}],"me":true}`: "api.invalid",
		`{"email":"a@example.org"`:                                       "api.bad_json",
		`{"email":"` + strings.Repeat("a", 10<<20) + `"}`:                "api.too_large",
	} {
		if r := d.ask(token, "POST", "/invitations", body); r.code() != code {
			t.Errorf("%.60s: %d %s, want %s", body, r.status, r.code(), code)
		}
	}
}

func TestAccountsByScript(t *testing.T) {
	t.Parallel()
	d := openOffice(t).desk()
	token := d.token()
	var networks struct {
		Items []struct {
			Name, Title string
			Consent     bool
		}
	}
	d.ask(token, "GET", "/networks", "").into(t, &networks)
	if len(networks.Items) != 1 || networks.Items[0].Title != "Sandbox" || !networks.Items[0].Consent {
		t.Errorf("%+v", networks)
	}
	var made struct{ Account string }
	d.ask(token, "POST", "/networks/stage/connect", `{"fields":{"handle":"town"}}`).into(t, &made)
	var begun struct{ Address string }
	d.ask(token, "POST", "/networks/stage/consent", `{"hint":"town"}`).into(t, &begun)
	if !strings.HasPrefix(begun.Address, "https://stage.example/consent?") {
		t.Errorf("%+v", begun)
	}
	if r := d.ask(token, "POST", "/networks/usenet/connect", `{"fields":{}}`); r.status != 404 || r.code() != "account.unknown_network" {
		t.Errorf("%d %s", r.status, r.body)
	}
	at := "/accounts/" + made.Account
	if r := d.ask(token, "PUT", at+"/signature", `{"signature":"none"}`); r.status != 204 {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := d.ask(token, "POST", at+"/disconnect", ""); r.status != 204 {
		t.Errorf("%d %s", r.status, r.body)
	}
	var health struct {
		Level   string
		Account struct{ State, Signature string }
		Can     []string
	}
	d.ask(token, "GET", at+"/health", "").into(t, &health)
	if health.Level != "off" || health.Account.State != "disconnected" || health.Account.Signature != "none" || !slices.Contains(health.Can, "reply") {
		t.Errorf("%+v", health)
	}
}

func TestTheDocumentIsTheCommittedOne(t *testing.T) {
	t.Parallel()
	got, err := openOffice(t).operations().Document()
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	if *update {
		if err := os.WriteFile(openapi, got, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(openapi)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("docs/openapi.json is out of date: go test ./internal/app -run TheDocument -update, and look at the difference")
	}
}
