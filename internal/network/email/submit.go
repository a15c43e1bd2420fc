package email

import (
	"context"
	"errors"
	"fmt"
	"net/smtp"
	"strconv"
	"strings"

	"parley/internal/network"
)

// submission is a signed-in connection to the server that takes our mail. It
// stands on net/smtp rather than on a library that sends whole mails: what a lost
// answer means depends on which line was the last that left.
type submission struct {
	n   *Network
	c   *smtp.Client
	max int64 // the largest mail it takes; 0: not told
}

// submitTo signs in. Nothing of a mail has left when it fails.
func (n *Network) submitTo(ctx context.Context, s server, user, password, from string) (*submission, error) {
	conn, err := n.connect(ctx, s)
	if err != nil {
		return nil, err
	}
	c, err := smtp.NewClient(conn, s.host)
	if err != nil {
		conn.Close()
		return nil, smtpError(err, atLogin, n.now())
	}
	sub := &submission{n: n, c: c}
	if err := sub.signIn(ctx, s, user, password, from); err != nil {
		c.Close()
		return nil, err
	}
	return sub, nil
}

func (sub *submission) signIn(ctx context.Context, s server, user, password, from string) error {
	// Our own name means nothing to anybody; the domain of the address does.
	if err := sub.c.Hello(address{addr: from}.domain()); err != nil {
		return smtpError(err, atLogin, sub.n.now())
	}
	if s.mode == starttls {
		if ok, _ := sub.c.Extension("STARTTLS"); !ok {
			return &network.Error{Kind: network.Policy, Native: "starttls", Help: "email.help.no_tls"}
		}
		if err := sub.c.StartTLS(sub.n.tls(s)); err != nil {
			return tlsError(ctx, s, err)
		}
	}
	if ok, size := sub.c.Extension("SIZE"); ok {
		sub.max, _ = strconv.ParseInt(strings.TrimSpace(size), 10, 64)
	}
	auth, err := sub.mechanism(s, user, password)
	if err != nil || auth == nil {
		return err
	}
	return smtpError(sub.c.Auth(auth), atLogin, sub.n.now())
}

// mechanism picks how to sign in, from what the server offers. The connection is
// encrypted, or does not leave this machine.
func (sub *submission) mechanism(s server, user, password string) (smtp.Auth, error) {
	_, offered := sub.c.Extension("AUTH")
	has := map[string]bool{}
	for _, m := range strings.Fields(strings.ToUpper(offered)) {
		has[m] = true
	}
	switch {
	case has["PLAIN"]:
		return plainAuth{user, password}, nil
	case has["LOGIN"]:
		return &loginAuth{answers: []string{user, password}}, nil
	case offered == "" && s.mode == plain:
		return nil, nil // a server on this machine that trusts it
	case has["XOAUTH2"] || has["OAUTHBEARER"]:
		return nil, &network.Error{Kind: network.Auth, Native: "AUTH", Help: "email.help.oauth"}
	}
	return nil, &network.Error{Kind: network.Policy, Native: "AUTH", Message: "AUTH " + offered, Help: "email.help.submission"}
}

// plainAuth is PLAIN (RFC 4616). The one of net/smtp refuses some of the
// connections to this machine that ours allows.
type plainAuth struct{ user, password string }

func (a plainAuth) Start(*smtp.ServerInfo) (string, []byte, error) {
	return "PLAIN", []byte("\x00" + a.user + "\x00" + a.password), nil
}

func (plainAuth) Next(_ []byte, more bool) ([]byte, error) {
	if more {
		return nil, errors.New("the server asks on where nothing is left to say")
	}
	return nil, nil
}

// loginAuth is LOGIN, which no standard describes and some servers alone offer:
// they ask for the name, then for the password.
type loginAuth struct{ answers []string }

func (*loginAuth) Start(*smtp.ServerInfo) (string, []byte, error) { return "LOGIN", nil, nil }

func (a *loginAuth) Next(_ []byte, more bool) ([]byte, error) {
	if !more {
		return nil, nil
	}
	if len(a.answers) == 0 {
		return nil, errors.New("the server asks on where nothing is left to say")
	}
	next := a.answers[0]
	a.answers = a.answers[1:]
	return []byte(next), nil
}

// close says goodbye; what was asked is answered.
func (sub *submission) close() {
	_ = sub.c.Quit()
	_ = sub.c.Close()
}

// send hands a mail over. Only from the moment its last line is written can the
// server have taken it.
func (sub *submission) send(from, to string, raw []byte) error {
	now := sub.n.now()
	if sub.max > 0 && int64(len(raw)) > sub.max {
		return &network.Error{Kind: network.TooLong, Native: "SIZE", Help: "email.help.too_large", Err: fmt.Errorf("%d bytes, the server takes %d", len(raw), sub.max)}
	}
	if err := sub.c.Mail(from); err != nil {
		return smtpError(err, atSender, now)
	}
	if err := sub.c.Rcpt(to); err != nil {
		return smtpError(err, atReader, now)
	}
	w, err := sub.c.Data()
	if err != nil {
		return smtpError(err, atContent, now)
	}
	if _, err := w.Write(raw); err != nil {
		return smtpError(err, atContent, now)
	}
	return smtpError(w.Close(), atEnd, now)
}
