package emailtest

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"strings"

	"parley/internal/network/networktest"
)

func (f *Fake) serveSMTP() {
	for {
		c, err := f.smtpAt.Accept()
		if err != nil {
			return
		}
		f.mu.Lock()
		f.conns[c] = true
		f.mu.Unlock()
		go func() {
			(&talk{f: f, conn: c, secure: f.opt.StartTLS == nil}).run()
			c.Close()
			f.mu.Lock()
			delete(f.conns, c)
			f.mu.Unlock()
		}()
	}
}

// talk is one connection of submission (RFC 6409).
type talk struct {
	f        *Fake
	conn     net.Conn
	in       *textproto.Reader
	secure   bool
	signedIn bool
}

func (t *talk) say(format string, args ...any) { fmt.Fprintf(t.conn, format+"\r\n", args...) }

func (t *talk) run() {
	t.in = textproto.NewReader(bufio.NewReader(t.conn))
	t.say("220 mail.millbrook.example ESMTP")
	for {
		line, err := t.in.ReadLine()
		if err != nil || !t.command(line) {
			return
		}
	}
}

// command answers one; false ends the connection.
func (t *talk) command(line string) bool {
	verb, rest, _ := strings.Cut(line, " ")
	switch strings.ToUpper(verb) {
	case "EHLO":
		t.hello()
	case "STARTTLS":
		t.say("220 go on")
		c := tls.Server(t.conn, t.f.opt.StartTLS)
		if c.Handshake() != nil {
			return false
		}
		t.conn, t.secure, t.in = c, true, textproto.NewReader(bufio.NewReader(c))
	case "AUTH":
		return t.auth(rest)
	case "MAIL":
		if !t.signedIn {
			t.say("530 5.7.0 Authentication required")
			return true
		}
		return t.refuse("sender", "250 2.1.0 Ok")
	case "RCPT":
		return t.refuse("reader", "250 2.1.5 Ok")
	case "DATA":
		if next, ok := t.f.Peek(networktest.OpCreate); ok && next.Header.Get("X-At") == "content" {
			t.f.serve(networktest.OpCreate, "GET", "/smtp/content", nil, func() {})
			t.say("354 go on")
			return false
		}
		t.say("354 go on")
		raw, err := t.in.ReadDotBytes()
		return err == nil && t.take(raw)
	case "QUIT":
		t.say("221 2.0.0 Bye")
		return false
	default:
		t.say("500 5.5.2 what?")
	}
	return true
}

func (t *talk) hello() {
	t.say("250-mail.millbrook.example")
	if t.f.opt.StartTLS != nil && !t.secure {
		t.say("250-STARTTLS")
	}
	if t.f.opt.MaxSize > 0 {
		t.say("250-SIZE %d", t.f.opt.MaxSize)
	}
	if t.secure {
		offer := t.f.opt.Auth
		if offer == "" {
			offer = "PLAIN LOGIN"
		}
		t.say("250-AUTH " + offer)
	}
	t.say("250 ENHANCEDSTATUSCODES")
}

// auth takes PLAIN and LOGIN, and spends a fault that is about who we are.
func (t *talk) auth(rest string) bool {
	if next, ok := t.f.Peek(networktest.OpCreate); ok && next.Status >= 530 && next.Status < 540 {
		o := t.f.serve(networktest.OpCreate, "GET", "/smtp/auth", nil, func() {})
		t.say("%d %s", o.status, o.said)
		return true
	}
	mechanism, first, _ := strings.Cut(rest, " ")
	user, password := "", ""
	if strings.EqualFold(mechanism, "PLAIN") {
		b, _ := base64.StdEncoding.DecodeString(first)
		if parts := strings.Split(string(b), "\x00"); len(parts) == 3 {
			user, password = parts[1], parts[2]
		}
	} else {
		user, password = t.ask("VXNlcm5hbWU6"), t.ask("UGFzc3dvcmQ6")
	}
	if user != Address || password != Password {
		t.say("535 5.7.8 Error: authentication failed")
		return true
	}
	t.signedIn = true
	t.say("235 2.7.0 Authentication successful")
	return true
}

func (t *talk) ask(what string) string {
	t.say("334 " + what)
	line, err := t.in.ReadLine()
	if err != nil {
		return ""
	}
	b, _ := base64.StdEncoding.DecodeString(line)
	return string(b)
}

// refuse spends a fault that is meant for this command.
func (t *talk) refuse(at, usual string) bool {
	next, ok := t.f.Peek(networktest.OpCreate)
	if !ok || next.Header.Get("X-At") != at {
		t.say("%s", usual)
		return true
	}
	o := t.f.serve(networktest.OpCreate, "GET", "/smtp/"+at, nil, func() {})
	t.say("%d %s", o.status, o.said)
	return true
}

// take keeps a mail, or does what a fault says.
func (t *talk) take(raw []byte) bool {
	// ReadDotBytes ends lines with \n alone.
	mail := strings.ReplaceAll(string(raw), "\n", "\r\n")
	o := t.f.serve(networktest.OpCreate, "POST", "/smtp/data", []byte(mail), func() {
		id := messageID([]byte(mail))
		t.f.kept(networktest.Write{Op: networktest.OpCreate, Key: id, ID: id, Body: []byte(mail)})
		if t.f.opt.Saves {
			t.f.File("Gesendet", mail)
		}
	})
	switch {
	case o.usual:
		t.say("250 2.0.0 Ok: queued")
		return true
	case o.cut:
		return false
	case o.status == 200:
		_, _ = io.WriteString(t.conn, "25") // and no more
		return false
	case o.status == 429:
		t.say("451 4.7.1 %s", t.f.wait(o))
	case o.status >= 500 && o.status < 530:
		// After the last line a server that is in trouble says 421 and is gone.
		t.say("421 4.3.0 Service shutting down")
		return false
	default:
		t.say("%d %s", o.status, o.said)
	}
	return true
}
