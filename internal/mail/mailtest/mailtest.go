// Package mailtest is an SMTP server in memory for tests. What it does wrong is
// chosen by whom a letter is for, so that a test needs no mocks:
//
//	refused@…      550, for good
//	greylist@…     451 the first time, then taken
//	busy@…         421, always
//	dropped@…      the first letter is taken and the connection breaks before the answer
//	cut@…          the connection breaks in the middle of the first letter
//	silent@…       takes the recipient and never answers again
package mailtest

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/big"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// Options of a server. The zero value takes letters without TLS and without asking who it is.
type Options struct {
	TLS      string // "" none, "starttls", "implicit", "broken": offers STARTTLS and then speaks nonsense
	User     string // asked for, with Password, if not ""
	Password string
	Greeting string // "" is 220
}

// Server is one.
type Server struct {
	t    testing.TB
	o    Options
	ln   net.Listener
	cert tls.Certificate
	pool *x509.CertPool

	mu    sync.Mutex
	taken []Letter
	tries map[string]int
}

// Letter is what was taken.
type Letter struct {
	From, To  string
	Protected bool
	Raw       []byte
	Header    mail.Header
	Subject   string
	Text      string // the plain part
	HTML      string
}

// New starts a server that ends with the test.
func New(t testing.TB, o Options) *Server {
	t.Helper()
	s := &Server{t: t, o: o, tries: map[string]int{}}
	s.makeCertificate()
	var err error
	if s.ln, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	if o.TLS == "implicit" {
		s.ln = tls.NewListener(s.ln, s.tls())
	}
	var open sync.WaitGroup
	done := make(chan struct{})
	open.Go(func() {
		for {
			c, err := s.ln.Accept()
			if err != nil {
				return
			}
			open.Go(func() {
				defer c.Close()
				stop := make(chan struct{})
				defer close(stop)
				go func() {
					select {
					case <-done:
						c.Close()
					case <-stop:
					}
				}()
				s.talk(c)
			})
		}
	})
	t.Cleanup(func() {
		close(done)
		s.ln.Close()
		open.Wait()
	})
	return s
}

// Port is where it listens on this machine.
func (s *Server) Port() int { return int(netip.MustParseAddrPort(s.ln.Addr().String()).Port()) }

// Address is how a program is told of it; query is "" or "?tls=…".
func (s *Server) Address(query string) string {
	u := url.URL{Scheme: "smtp", Host: fmt.Sprintf("127.0.0.1:%d", s.Port())}
	if s.o.TLS == "implicit" {
		u.Scheme = "smtps"
	}
	if s.o.User != "" {
		u.User = url.UserPassword(s.o.User, s.o.Password)
	}
	return u.String() + query
}

// Roots trusts the server's certificate.
func (s *Server) Roots() *x509.CertPool { return s.pool }

// Letters are those it took, in order; one that was handed over twice is there twice.
func (s *Server) Letters() []Letter {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Letter(nil), s.taken...)
}

// Tries is how often somebody asked to write to an address.
func (s *Server) Tries(to string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tries[to]
}

func (s *Server) makeCertificate() {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		s.t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "mailtest"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		s.t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		s.t.Fatal(err)
	}
	s.cert = tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
	s.pool = x509.NewCertPool()
	s.pool.AddCert(leaf)
}

func (s *Server) tls() *tls.Config { return &tls.Config{Certificates: []tls.Certificate{s.cert}} }

// talk speaks with one client until either leaves.
func (s *Server) talk(c net.Conn) {
	t := &talk{s: s, conn: c, in: bufio.NewReader(c), protected: s.o.TLS == "implicit", known: s.o.User == ""}
	if s.o.Greeting != "" {
		t.say(s.o.Greeting)
		return
	}
	t.say("220 mailtest ESMTP")
	for t.next() {
	}
}

type talk struct {
	s         *Server
	conn      net.Conn
	in        *bufio.Reader
	protected bool
	known     bool
	from, to  string
}

func (t *talk) say(line string) { io.WriteString(t.conn, line+"\r\n") }

func (t *talk) next() bool {
	line, err := t.in.ReadString('\n')
	if err != nil {
		return false
	}
	line = strings.TrimRight(line, "\r\n")
	word, rest, _ := strings.Cut(line, " ")
	switch strings.ToUpper(word) {
	case "EHLO", "HELO":
		t.greet()
	case "STARTTLS":
		return t.protect()
	case "AUTH":
		t.signIn(rest)
	case "MAIL":
		t.mail(rest)
	case "RCPT":
		return t.recipient(rest)
	case "DATA":
		return t.data()
	case "QUIT":
		t.say("221 bye")
		return false
	case "NOOP", "RSET":
		t.say("250 ok")
	default:
		t.say("502 what?")
	}
	return true
}

func (t *talk) greet() {
	lines := []string{"mailtest", "8BITMIME", "ENHANCEDSTATUSCODES", "SMTPUTF8"}
	if (t.s.o.TLS == "starttls" || t.s.o.TLS == "broken") && !t.protected {
		lines = append(lines, "STARTTLS")
	}
	if t.s.o.User != "" {
		lines = append(lines, "AUTH PLAIN LOGIN")
	}
	for i, l := range lines {
		sign := "-"
		if i == len(lines)-1 {
			sign = " "
		}
		t.say("250" + sign + l)
	}
}

func (t *talk) protect() bool {
	t.say("220 go ahead")
	if t.s.o.TLS == "broken" {
		t.say("this is no handshake at all, however long one looks at it")
		return false
	}
	c := tls.Server(t.conn, t.s.tls())
	if c.Handshake() != nil {
		return false
	}
	t.conn, t.in, t.protected = c, bufio.NewReader(c), true
	return true
}

func (t *talk) signIn(rest string) {
	how, first, _ := strings.Cut(rest, " ")
	raw, _ := base64.StdEncoding.DecodeString(first)
	if how == "PLAIN" && string(raw) == "\x00"+t.s.o.User+"\x00"+t.s.o.Password {
		t.known = true
		t.say("235 2.7.0 welcome")
		return
	}
	t.say("535 5.7.8 who are you?")
}

func (t *talk) mail(rest string) {
	if !t.known {
		t.say("530 5.7.0 sign in first")
		return
	}
	t.from, t.to = address(rest), ""
	t.say("250 2.1.0 ok")
}

func address(s string) string {
	_, s, _ = strings.Cut(s, "<")
	s, _, _ = strings.Cut(s, ">")
	return s
}

func (t *talk) recipient(rest string) bool {
	t.to = address(rest)
	t.s.mu.Lock()
	t.s.tries[t.to]++
	n := t.s.tries[t.to]
	t.s.mu.Unlock()
	who, _, _ := strings.Cut(t.to, "@")
	switch {
	case who == "refused":
		t.say("550 5.1.1 <" + t.to + ">: no such mailbox")
	case who == "greylist" && n == 1:
		t.say("451 4.7.1 come again")
	case who == "busy":
		t.say("421 4.3.2 too much to do")
		return false
	default:
		t.say("250 2.1.5 ok")
	}
	return true
}

func (t *talk) data() bool {
	t.say("354 go on")
	who, _, _ := strings.Cut(t.to, "@")
	first := t.s.Tries(t.to) == 1
	if who == "cut" && first {
		t.in.ReadString('\n')
		return false
	}
	if who == "silent" {
		io.Copy(io.Discard, t.in)
		return false
	}
	var raw bytes.Buffer
	for {
		line, err := t.in.ReadString('\n')
		if err != nil {
			return false
		}
		if strings.TrimRight(line, "\r\n") == "." {
			break
		}
		raw.WriteString(strings.TrimPrefix(line, "."))
	}
	t.s.take(t, raw.Bytes())
	if who == "dropped" && first {
		return false
	}
	t.say("250 2.0.0 taken")
	return true
}

func (s *Server) take(t *talk, raw []byte) {
	l := Letter{From: t.from, To: t.to, Protected: t.protected, Raw: raw}
	if err := l.read(); err != nil {
		s.t.Errorf("a letter that cannot be read: %v\n%s", err, raw)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken = append(s.taken, l)
}

// read takes the letter apart as mail programs do.
func (l *Letter) read() error {
	m, err := mail.ReadMessage(bytes.NewReader(l.Raw))
	if err != nil {
		return err
	}
	l.Header = m.Header
	if l.Subject, err = new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject")); err != nil {
		return err
	}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		return fmt.Errorf("content type %q: %w", kind, err)
	}
	parts := multipart.NewReader(m.Body, params["boundary"])
	for {
		p, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if how := p.Header.Get("Content-Transfer-Encoding"); how != "quoted-printable" {
			return fmt.Errorf("encoding %q", how)
		}
		body, err := io.ReadAll(quotedprintable.NewReader(p))
		if err != nil {
			return err
		}
		if strings.HasPrefix(p.Header.Get("Content-Type"), "text/plain") {
			l.Text = strings.ReplaceAll(string(body), "\r\n", "\n")
		} else {
			l.HTML = string(body)
		}
	}
}
