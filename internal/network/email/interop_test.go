package email_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"fmt"
	"net"
	"net/smtp"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"parley/internal/network"
	"parley/internal/network/email"
	"parley/internal/text"
)

// real is a provider of mail that the environment names: see docs/interop.md.
type real struct {
	testing.TB
	ctx             context.Context
	n               *email.Network
	imap, smtp      string
	tls             []string
	town, bea, pass string
	a               network.Account
	direct, own     network.Cursor
}

func interop(t *testing.T) *real {
	t.Helper()
	at := os.Getenv("PARLEY_INTEROP_EMAIL")
	if at == "" {
		t.Skip("PARLEY_INTEROP_EMAIL names no server")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	t.Cleanup(cancel)
	pool := x509.NewCertPool()
	if ca, err := os.ReadFile(os.Getenv("PARLEY_INTEROP_EMAIL_CA")); err != nil || !pool.AppendCertsFromPEM(ca) {
		t.Fatalf("the certificate: %v", err)
	}
	dial := (&net.Dialer{}).DialContext
	r := &real{TB: t, ctx: ctx, imap: at, smtp: os.Getenv("PARLEY_INTEROP_EMAIL_SMTP"), tls: strings.Split(os.Getenv("PARLEY_INTEROP_EMAIL_TLS"), ","),
		town: os.Getenv("PARLEY_INTEROP_EMAIL_A"), bea: os.Getenv("PARLEY_INTEROP_EMAIL_B"), pass: os.Getenv("PARLEY_INTEROP_EMAIL_PASSWORD"),
		n: email.New(network.Env{Now: time.Now, Dial: dial}, email.Options{RootCAs: pool})}
	return r
}

func (r *real) signIn(who, imap, smtp string) (network.Account, error) {
	a, sec, err := r.n.SignIn(r.ctx, url.Values{"address": {who}, "password": {r.pass}, "imap": {imap}, "smtp": {smtp}, "name": {"Town"}})
	a.Secret = sec
	return a, err
}

// says hands in a mail of Bea's as another program would.
func (r *real) says(to, raw string) {
	r.Helper()
	host, _, _ := net.SplitHostPort(r.smtp)
	c, err := smtp.Dial(r.smtp)
	if err != nil {
		r.Fatal(err)
	}
	defer c.Close()
	for _, step := range []func() error{
		func() error { return c.Auth(smtp.PlainAuth("", r.bea, r.pass, host)) },
		func() error { return c.Mail(r.bea) },
		func() error { return c.Rcpt(to) },
		func() error {
			w, err := c.Data()
			if err != nil {
				return err
			}
			if _, err := w.Write([]byte(strings.ReplaceAll(raw, "\n", "\r\n"))); err != nil {
				return err
			}
			return w.Close()
		},
	} {
		if err := step(); err != nil {
			r.Fatalf("handing in a mail: %v", err)
		}
	}
}

// until polls a feed until something comes.
func (r *real) until(what string, f network.Feed, c *network.Cursor, ok func(network.Event) bool) network.Event {
	r.Helper()
	for r.ctx.Err() == nil {
		page, err := r.n.Poll(r.ctx, r.a, f, *c)
		if err != nil {
			r.Fatalf("Poll %s: %v", f, err)
		}
		*c = page.Next
		for _, e := range page.Events {
			if e.Kind == network.KindMessage && ok(e) {
				return e
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
	r.Fatalf("%s never came", what)
	return network.Event{}
}

// program is another mail program in a mailbox.
func (r *real) program(who string) *imapclient.Client {
	r.Helper()
	c, err := imapclient.DialInsecure(r.imap, nil)
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() { c.Close() })
	if err := c.Login(who, r.pass).Wait(); err != nil {
		r.Fatal(err)
	}
	return c
}

func (r *real) put(c *imapclient.Client, folder string, raw []byte) {
	r.Helper()
	cmd := c.Append(folder, int64(len(raw)), &imap.AppendOptions{Time: time.Now()})
	if _, err := cmd.Write(raw); err != nil {
		r.Fatal(err)
	}
	cmd.Close()
	if _, err := cmd.Wait(); err != nil {
		r.Fatal(err)
	}
}

func TestInteropSignIn(t *testing.T) {
	r := interop(t)
	for _, c := range [][2]string{{"plain://" + r.imap, "plain://" + r.smtp}, {"tls://" + r.tls[0], "tls://" + r.tls[1]},
		{"starttls://localhost:" + port(r.imap), "starttls://localhost:" + port(r.smtp)}} {
		a, err := r.signIn(r.town, c[0], c[1])
		if err != nil {
			t.Errorf("%v: %v", c, err)
			continue
		}
		if a.Extra["sent"] != "Sent" || a.Extra["saves"] != "" {
			t.Errorf("%+v", a.Extra)
		}
		caps, err := r.n.Describe(r.ctx, a)
		if err != nil || !caps.Can[network.CanStream].OK || len(caps.Feeds) != 2 {
			t.Errorf("%+v, %v", caps, err)
		}
	}
	for want, c := range map[string][2]string{"email.help.certificate_name": {"tls://127.0.0.1:" + port(r.tls[0]), r.smtp}, "email.help.no_imap": {"tls://localhost:1", r.smtp}} {
		_, err := r.signIn(r.town, c[0], c[1])
		if got := help(err); got != want {
			t.Errorf("%v: %v, want %s", c, err, want)
		}
	}
	r.pass = "not the password"
	if _, err := r.signIn(r.town, "plain://"+r.imap, "plain://"+r.smtp); network.KindOf(err) != network.Auth || help(err) != "email.help.login" {
		t.Errorf("a wrong password: %v", err)
	}
}

func port(address string) string { _, p, _ := net.SplitHostPort(address); return p }

func help(err error) string {
	if e, ok := err.(*network.Error); ok {
		return e.Help
	}
	return ""
}

// The round: a question is heard at once and read, the answer stands in its
// thread, is proved and copied once; what another program answers is ours.
func TestInteropRound(t *testing.T) {
	r := interop(t)
	var err error
	if r.a, err = r.signIn(r.town, "plain://"+r.imap, "plain://"+r.smtp); err != nil {
		t.Fatal(err)
	}
	mark := fmt.Sprint(time.Now().UnixNano())
	all := func(network.Event) bool { return true }
	for f, c := range map[network.Feed]*network.Cursor{network.Direct: &r.direct, network.Own: &r.own} {
		page, err := r.n.Poll(r.ctx, r.a, f, network.Cursor{})
		if err != nil {
			t.Fatal(err)
		}
		*c = page.Next
	}
	ctx, stop := context.WithCancel(r.ctx)
	ready, hint, ended := make(chan struct{}), make(chan struct{}, 10), make(chan error, 1)
	go func() {
		ended <- r.n.Stream(ctx, r.a, func() { close(ready) }, func(network.Event) error { hint <- struct{}{}; return nil })
	}()
	<-ready
	asked := time.Now()
	r.says(r.town, "From: =?utf-8?Q?Bea_M=C3=B6ss?= <"+r.bea+">\nTo: "+r.town+"\nCc: Ida <ida@interop.test>\nMessage-ID: <q"+mark+"@interop.test>\nSubject: The bridge\n"+
		"Date: "+asked.Format(time.RFC1123Z)+"\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\nIst die Brücke offen?\n")
	<-hint
	t.Logf("a hint after %v", time.Since(asked).Round(time.Millisecond))
	stop()
	if err := <-ended; ctx.Err() == nil || err != context.Canceled {
		t.Errorf("the stream ended with %v", err)
	}
	q := r.until("the question", network.Direct, &r.direct, all)
	if q.Post.Author.Name != "Bea Möss" || q.Post.Text.Body != "The bridge\nCc: Ida <ida@interop.test>\n\nIst die Brücke offen?" || q.Quiet || !q.Direct {
		t.Fatalf("%+v", q.Post)
	}

	d := answer(q)
	d.Key, d.At = "key"+mark, time.Now().Add(-time.Minute)
	d.Parts[0].Text = "Ja, ab sechs – über die Brücke. 😀\n.\nFrom here on\n\nAna Lima"
	plan, err := r.n.Plan(r.ctx, r.a, d)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := r.n.Prove(r.ctx, r.a, plan, 0); err != nil || got.State != network.Unknown {
		t.Errorf("before anything left: %+v, %v", got, err)
	}
	got, err := r.n.Do(r.ctx, r.a, plan, 0)
	if err != nil || got.State != network.Sent {
		t.Fatalf("%+v, %v", got, err)
	}
	plan.Steps[0].Done = &got.Ref
	for range 2 {
		if got, err = r.n.Do(r.ctx, r.a, plan, 1); err != nil || got.State != network.Sent {
			t.Fatalf("the copy: %+v, %v", got, err)
		}
		t.Log(got.Evidence)
	}
	lost := plan
	lost.Steps = slices.Clone(plan.Steps)
	lost.Steps[0].Done = nil
	if got, err = r.n.Prove(r.ctx, r.a, lost, 0); err != nil || got.State != network.Sent {
		t.Errorf("with a copy there: %+v, %v", got, err)
	}
	own := r.until("our copy", network.Own, &r.own, all)
	if own.Post.ID != plan.Steps[0].WantID || own.Post.ParentID != q.Post.ID || own.Post.Text.Body != d.Parts[0].Text {
		t.Errorf("%+v", own.Post)
	}

	bea := r.program(r.bea)
	if _, err := bea.Select("INBOX", nil).Wait(); err != nil {
		t.Fatal(err)
	}
	found, err := bea.UIDSearch(&imap.SearchCriteria{Header: []imap.SearchCriteriaHeaderField{{Key: "In-Reply-To", Value: "q" + mark}}}, nil).Wait()
	if err != nil || len(found.AllUIDs()) != 1 {
		t.Errorf("Bea has %v answers, %v", found, err)
	}
	town := r.program(r.town)
	r.put(town, "Sent", []byte("From: "+r.town+"\r\nTo: "+r.bea+"\r\nMessage-ID: <e"+mark+"@phone>\r\nIn-Reply-To: <q"+mark+"@interop.test>\r\nSubject: Re: The bridge\r\n\r\nFrom my phone.\r\n"))
	elsewhere := r.until("the answer from elsewhere", network.Own, &r.own, all)
	if elsewhere.Post.ParentID != q.Post.ID || elsewhere.Post.To[0].RemoteID != r.bea {
		t.Errorf("%+v", elsewhere.Post)
	}
	if err := town.Delete("Sent").Wait(); err != nil {
		t.Fatal(err)
	}
	if err := town.Create("Sent", nil).Wait(); err != nil {
		t.Fatal(err)
	}
	page, err := r.n.Poll(r.ctx, r.a, network.Own, r.own)
	if err != nil || len(page.Events) != 1 || page.Events[0].Kind != network.KindGap {
		t.Errorf("a folder made anew: %+v, %v", page.Events, err)
	}
}

// What a server refuses is told in the contract's words, and a mail that could not
// be delivered comes back to whom it was for.
func TestInteropRefusals(t *testing.T) {
	r := interop(t)
	var err error
	if r.a, err = r.signIn(r.town, "tls://"+r.tls[0], "tls://"+r.tls[1]); err != nil {
		t.Fatal(err)
	}
	if _, err := r.n.Poll(r.ctx, r.a, network.Direct, network.Cursor{}); err != nil {
		t.Fatal(err)
	}
	send := func(to, subject string) (network.Plan, error) {
		d := answer(network.Event{Post: &network.Post{Text: textOf(subject), Author: network.Person{RemoteID: to, Handle: to}}})
		d.Key, d.At = to+subject+fmt.Sprint(time.Now().UnixNano()), time.Now()
		plan, err := r.n.Plan(r.ctx, r.a, d)
		if err != nil {
			t.Fatal(err)
		}
		_, err = r.n.Do(r.ctx, r.a, plan, 0)
		return plan, err
	}
	for _, c := range []struct {
		to, subject string
		kind        network.Kind
	}{{"nobody@interop.test", "Hello", network.Gone}, {"grey@interop.test", "Hello", network.RateLimited}, {r.bea, "refuse me", network.Policy}} {
		_, err := send(c.to, c.subject)
		if network.KindOf(err) != c.kind {
			t.Errorf("%s: %v, want %s", c.to, err, c.kind)
		}
		t.Log(err)
	}
	page, err := r.n.Poll(r.ctx, r.a, network.Direct, network.Cursor{})
	if err != nil {
		t.Fatal(err)
	}
	r.direct = page.Next
	plan, err := send("lost@interop.test", "Hello")
	if err != nil {
		t.Fatal(err)
	}
	back := r.until("the report", network.Direct, &r.direct, func(e network.Event) bool { return strings.HasPrefix(e.Post.ID, "report:") })
	if back.Post.ParentID != plan.Steps[0].WantID || back.Post.Author.RemoteID != "lost@interop.test" || back.Quiet {
		t.Errorf("%+v", back.Post)
	}
	t.Logf("%q", back.Post.Text.Body)
	if got, err := r.n.Prove(r.ctx, r.a, plan, 0); err != nil || got.State != network.Sent {
		t.Errorf("%+v, %v", got, err)
	}
}

// The corpus, a large attachment and many mails, through a real server.
func TestInteropReading(t *testing.T) {
	r := interop(t)
	var err error
	if r.a, err = r.signIn(r.bea, "plain://"+r.imap, "plain://"+r.smtp); err != nil {
		t.Fatal(err)
	}
	page, err := r.n.Poll(r.ctx, r.a, network.Direct, network.Cursor{})
	if err != nil {
		t.Fatal(err)
	}
	r.direct = page.Next
	bea := r.program(r.bea)
	files, _ := filepath.Glob("testdata/mail/*.eml")
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		r.put(bea, "INBOX", bytes.ReplaceAll(raw, []byte("\n"), []byte("\r\n")))
	}
	large := letter("Message-ID: <large@outside.example>", "MIME-Version: 1.0", "X-Large: yes")
	large = strings.Replace(large, "Content-Type: text/plain; charset=utf-8\r\n\r\nWhen does it start?\r\n",
		"Content-Type: multipart/mixed; boundary=L\r\n\r\n--L\r\nContent-Type: text/plain\r\n\r\nHere is the film.\r\n--L\r\nContent-Type: video/mp4; name=film.mp4\r\n"+
			"Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=film.mp4\r\n\r\n"+strings.Repeat(strings.Repeat("QUJD", 19)+"\r\n", 140_000)+"--L--\r\n", 1)
	r.put(bea, "INBOX", []byte(large))
	began := time.Now()
	page, err = r.n.Poll(r.ctx, r.a, network.Direct, r.direct)
	if err != nil || len(page.Events) != len(files)+1 {
		t.Fatalf("%d events, %v", len(page.Events), err)
	}
	t.Logf("%d mails and one of %d bytes in %v", len(files), len(large), time.Since(began).Round(time.Millisecond))
	if last := page.Events[len(files)].Post; !strings.HasSuffix(last.Text.Body, "\n\nHere is the film.") || last.Media[0].Alt != "film.mp4" || last.Media[0].Size != 0 {
		t.Errorf("%+v", last)
	}
	const many = 2000
	for n := range many {
		r.put(bea, "INBOX", []byte(letter(fmt.Sprintf("Message-ID: <many%d@outside.example>", n))))
	}
	began = time.Now()
	seen, c := map[string]bool{}, page.Next
	for {
		page, err = r.n.Poll(r.ctx, r.a, network.Direct, c)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Events {
			seen[e.Post.ID] = true
		}
		if c = page.Next; !page.More {
			break
		}
	}
	if len(seen) != many {
		t.Errorf("%d of %d", len(seen), many)
	}
	t.Logf("%d mails by polling in %v", many, time.Since(began).Round(time.Millisecond))
	if flags, err := bea.Select("INBOX", &imap.SelectOptions{ReadOnly: true}).Wait(); err != nil {
		t.Error(err)
	} else if found, err := bea.UIDSearch(&imap.SearchCriteria{Flag: []imap.Flag{imap.FlagSeen}}, nil).Wait(); err != nil || len(found.AllUIDs()) != 0 {
		t.Errorf("%d of %d mails were marked as read, %v", len(found.AllUIDs()), flags.NumMessages, err)
	}
}

func textOf(s string) text.Text { return text.Text{Body: s} }
