package app

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"parley/internal/actor"
	"parley/internal/call"
	"parley/internal/id"
)

// asking is a command line that asks a desk.
func asking(d *desk, rights ...actor.Right) func(operation string, arguments ...string) (string, error) {
	s := httptest.NewServer(d.Handler())
	d.Cleanup(s.Close)
	at, err := url.Parse(s.URL)
	d.must(err)
	token := d.token(rights...)
	return func(operation string, arguments ...string) (string, error) {
		var out bytes.Buffer
		c := call.Caller{Server: at, Token: token, Out: &out}
		if len(arguments) > 0 && arguments[0] == "--all" {
			c.All, arguments = true, arguments[1:]
		}
		err := c.Call(background, operation, arguments, nil)
		return out.String(), err
	}
}

// A script on the command line reads what waits, answers it and looks what became
// of the answer.
func TestACommandLineAnswers(t *testing.T) {
	t.Parallel()
	d := openOffice(t).desk()
	first, second := d.said("Is the bridge open?"), d.said("And the ferry?")
	ask := asking(d)

	list, err := ask("listConversations", "--all", "box=waiting", "limit=1")
	d.must(err)
	lines := strings.Split(strings.TrimSpace(list), "\n")
	if len(lines) != 2 || !strings.Contains(lines[0], first.String()) || !strings.Contains(lines[1], second.String()) {
		t.Fatalf("all pages are %s", list)
	}
	answer, err := ask("replyToConversation", "conversation="+first.String(), "text=It is, since nine.", "lang=en")
	d.must(err)
	var sent struct{ Delivery id.ID }
	d.must(json.Unmarshal([]byte(answer), &sent))
	became, err := ask("readDelivery", "delivery="+sent.Delivery.String())
	d.must(err)
	if !strings.Contains(became, "It is, since nine.") {
		t.Errorf("%s", became)
	}
	name := filepath.Join(t.TempDir(), "words")
	d.must(os.WriteFile(name, []byte("It goes\nat ten."), 0o600))
	_, err = ask("replyToConversation", "conversation="+second.String(), "text=@"+name)
	d.must(err)
	out, err := ask("finishConversation", "conversation="+second.String())
	d.must(err)
	if out != "" {
		t.Errorf("an operation that answers nothing prints %q", out)
	}
}

// What went wrong says what to do, and changes nothing.
func TestACommandLineIsToldWhatIsWrong(t *testing.T) {
	t.Parallel()
	d := openOffice(t).desk()
	c := d.said("Is the bridge open?")
	ask, reader := asking(d), asking(d, actor.ReadConversations)
	for _, one := range []struct {
		ask  func(string, ...string) (string, error)
		args []string
		want string
	}{
		{ask, []string{"claim"}, "claimConversation"},
		{ask, []string{"sing"}, "parley call --list"},
		{ask, []string{"claimConversation"}, "needs conversation="},
		{ask, []string{"claimConversation", "conversation"}, "does not take"},
		{ask, []string{"claimConversation", "conversation=" + c.String(), "loudly=yes"}, "it takes conversation="},
		{ask, []string{"claimConversation", "conversation=nothing"}, "nothing at this address"},
		{ask, []string{"settleDelivery", "delivery=" + c.String(), "there=perhaps"}, "no JSON of type boolean"},
		{ask, []string{"replyToConversation", "conversation=" + c.String(), "text=@/no/such/file"}, "no such file"},
		{reader, []string{"claimConversation", "conversation=" + c.String()}, "not allowed"},
	} {
		out, err := one.ask(one.args[0], one.args[1:]...)
		if err == nil || !strings.Contains(err.Error(), one.want) || out != "" {
			t.Errorf("%q: %v, printed %q; want %q", one.args, err, out, one.want)
		}
	}
	if n := d.number(`select count(*) from claim`); n != 0 {
		t.Errorf("%d claims", n)
	}
}

// A request whose answer was lost is done once when it is run again as it says.
func TestACommandWhoseAnswerWasLost(t *testing.T) {
	t.Parallel()
	d := openOffice(t).desk()
	conversation := d.said("Is the bridge open?")
	lose := true // net/http repeats by itself what carries a key, so more than once
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && lose {
			d.Handler().ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		}
		d.Handler().ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	at, err := url.Parse(s.URL)
	d.must(err)
	c := call.Caller{Server: at, Token: d.token(), Out: &bytes.Buffer{}}
	arguments := []string{"conversation=" + conversation.String(), "text=It is."}
	err = c.Call(background, "replyToConversation", arguments, nil)
	if err == nil {
		t.Fatal("nothing was lost")
	}
	_, key, ok := strings.Cut(err.Error(), "--key=")
	if !ok {
		t.Fatalf("%v", err)
	}
	lose = false
	c.Key, _, _ = strings.Cut(key, ",")
	d.must(c.Call(background, "replyToConversation", arguments, nil))
	if n := d.number(`select count(*) from delivery`); n != 1 {
		t.Errorf("%d answers, want 1", n)
	}
}

func TestACommandLineIsToldWhatThereIs(t *testing.T) {
	t.Parallel()
	d := openOffice(t).desk()
	s := httptest.NewServer(d.Handler())
	t.Cleanup(s.Close)
	at, err := url.Parse(s.URL)
	d.must(err)
	var out bytes.Buffer
	c := call.Caller{Server: at, Out: &out}
	d.must(c.List(background))
	for _, r := range d.operations().Routes() {
		if !strings.Contains(out.String(), "  "+r.ID+" ") {
			t.Errorf("%s is not listed", r.ID)
		}
	}
	out.Reset()
	d.must(c.Describe(background, "replyToConversation"))
	for _, want := range []string{"conversation=", "(needed)", "text=", "visibility="} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in %s", want, out.String())
		}
	}
}
