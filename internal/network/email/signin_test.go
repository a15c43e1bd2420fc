package email_test

import (
	"crypto/x509"
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"

	"parley/internal/network"
	"parley/internal/network/email"
	"parley/internal/network/email/emailtest"
)

// trusting makes the rig's connector trust a pool.
func (r *rig) trusting(pool *x509.CertPool) {
	r.n = email.New(network.Env{Now: r.clock.Now, Dial: r.dial}, email.Options{Resolver: noRecords{}, RootCAs: pool})
}

func form(pairs ...string) url.Values {
	v := url.Values{"address": {emailtest.Address}, "password": {emailtest.Password}}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return v
}

// The servers are found by their usual names, encrypted from the first byte or
// when asked.
func TestSignInFindsTheServers(t *testing.T) {
	t.Parallel()
	tlsConf, pool := certified(t, "imap.millbrook.example", "smtp.millbrook.example", "mail.millbrook.example")
	for name, c := range map[string]struct {
		opt        emailtest.Options
		imap, smtp string
		want       []string
	}{
		"implicit": {emailtest.Options{Implicit: tlsConf}, "imap.millbrook.example:993", "smtp.millbrook.example:465",
			[]string{"tls://imap.millbrook.example:993", "tls://smtp.millbrook.example:465"}},
		"when asked": {emailtest.Options{StartTLS: tlsConf}, "imap.millbrook.example:143", "smtp.millbrook.example:587",
			[]string{"starttls://imap.millbrook.example:143", "starttls://smtp.millbrook.example:587"}},
		"one host for both": {emailtest.Options{Implicit: tlsConf}, "mail.millbrook.example:993", "mail.millbrook.example:465",
			[]string{"tls://mail.millbrook.example:993", "tls://mail.millbrook.example:465"}},
		"asks for the name first": {emailtest.Options{Implicit: tlsConf, Auth: "LOGIN"}, "imap.millbrook.example:993", "smtp.millbrook.example:465",
			[]string{"tls://imap.millbrook.example:993", "tls://smtp.millbrook.example:465"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := setup(t, c.opt)
			r.names = map[string]string{c.imap: r.fake.IMAP(), c.smtp: r.fake.SMTP()}
			r.trusting(pool)
			a, sec, err := r.n.SignIn(r.ctx, form("name", "Town of Millbrook"))
			if err != nil {
				t.Fatalf("%v, asked %q", err, r.asked)
			}
			if got := []string{a.Extra["imap"], a.Extra["smtp"]}; !slices.Equal(got, c.want) {
				t.Errorf("%q, want %q", got, c.want)
			}
			if a.RemoteID != emailtest.Address || a.Name != "Town of Millbrook" || a.Extra["sent"] != "Gesendet" {
				t.Errorf("%+v", a)
			}
			a.Secret = sec
			r.a = a
			if caps, err := r.n.Describe(r.ctx, a); err != nil || !caps.Can[network.CanReply].OK || caps.Can[network.CanPost].OK {
				t.Errorf("%+v, %v", caps, err)
			}
		})
	}
}

func TestSignInSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	tlsConf, pool := certified(t, "imap.millbrook.example", "smtp.millbrook.example")
	other, _ := certified(t, "imap.millbrook.example", "smtp.millbrook.example")
	wrongName, wrongPool := certified(t, "box7.hoster.example")
	for name, c := range map[string]struct {
		opt  emailtest.Options
		pool *x509.CertPool
		form url.Values
		kind network.Kind
		help string
	}{
		"no address":           {emailtest.Options{Implicit: tlsConf}, pool, form("address", "millbrook.example"), network.BadInput, "email.help.address"},
		"no password":          {emailtest.Options{Implicit: tlsConf}, pool, form("password", ""), network.BadInput, "email.help.no_password"},
		"wrong password":       {emailtest.Options{Implicit: tlsConf}, pool, form("password", "swordfish-swordfish"), network.Auth, "email.help.login"},
		"certificate unknown":  {emailtest.Options{Implicit: other}, pool, form(), network.BadInput, "email.help.certificate"},
		"certificate's name":   {emailtest.Options{Implicit: wrongName}, wrongPool, form(), network.BadInput, "email.help.certificate_name"},
		"nobody there":         {emailtest.Options{Implicit: tlsConf}, pool, form("address", "info@elsewhere.example"), network.BadInput, "email.help.no_imap"},
		"no name":              {emailtest.Options{Implicit: tlsConf}, pool, form("imap", "my mail server"), network.BadInput, "email.help.server_name"},
		"open line":            {emailtest.Options{}, pool, form("imap", "plain://imap.millbrook.example"), network.BadInput, "email.help.plain"},
		"submission elsewhere": {emailtest.Options{Implicit: tlsConf}, pool, form("smtp", "out.millbrook.example:465"), network.BadInput, "email.help.no_smtp"},
		"only a token":         {emailtest.Options{Implicit: tlsConf, Auth: "XOAUTH2"}, pool, form(), network.Auth, "email.help.oauth"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := setup(t, c.opt)
			r.names = map[string]string{"imap.millbrook.example:993": r.fake.IMAP(), "smtp.millbrook.example:465": r.fake.SMTP()}
			r.trusting(c.pool)
			_, sec, err := r.n.SignIn(r.ctx, c.form)
			var e *network.Error
			if !errors.As(err, &e) || e.Kind != c.kind || e.Help != c.help {
				t.Fatalf("%v, want %s %s", err, c.kind, c.help)
			}
			if strings.Contains(err.Error(), "swordfish") || len(sec.Blob) > 0 {
				t.Error("the password is in the error")
			}
			if e.Help == "email.help.no_imap" && !strings.Contains(e.Message, "imap.elsewhere.example:993 (dns)") {
				t.Errorf("what was tried: %q", e.Message)
			}
		})
	}
}

// A password never leaves on an open line, whatever the server offers.
func TestNoPasswordWithoutEncryption(t *testing.T) {
	t.Parallel()
	_, pool := certified(t, "imap.millbrook.example")
	r := setup(t, emailtest.Options{}) // offers neither
	r.names = map[string]string{"imap.millbrook.example:143": r.fake.IMAP(), "smtp.millbrook.example:587": r.fake.SMTP()}
	r.trusting(pool)
	if _, _, err := r.n.SignIn(r.ctx, form()); network.KindOf(err) != network.BadInput {
		t.Fatalf("%v", err)
	}
	for _, q := range r.fake.Requests() {
		if strings.HasPrefix(q.URL.Path, "/smtp/") {
			t.Errorf("%s was asked", q.URL.Path)
		}
	}
	a := r.fake.Account()
	a.Extra["smtp"] = "starttls://127.0.0.1:" + strings.Split(r.fake.SMTP(), ":")[1]
	plan, err := r.n.Plan(r.ctx, a, answer(r.heard(letter("Message-ID: <m1@outside.example>"))))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.n.Do(r.ctx, a, plan, 0); network.KindOf(err) != network.Policy {
		t.Errorf("%v, want a refusal", err)
	}
	if n := len(r.fake.Ledger()); n != 0 {
		t.Errorf("%d mails left", n)
	}
}
