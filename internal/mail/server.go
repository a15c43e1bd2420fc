package mail

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Server is where letters are handed over. The zero Server is none.
type Server struct {
	Host     string
	Port     int
	Implicit bool // TLS from the first byte (RFC 8314, section 3), else STARTTLS
	Plain    bool // no TLS at all: only to this machine, or without a password where the operator says so
	User     string
	Password string
	From     netmail.Address
	Timeout  time.Duration  // of one command; 0: 30 s
	RootCAs  *x509.CertPool // nil: the system's
}

// The ports that mail programs hand letters over at (RFC 6409, RFC 8314).
const (
	submission  = 587
	submissions = 465
)

// String names the server without its password.
func (s Server) String() string {
	if s.Host == "" {
		return "none"
	}
	scheme := "smtp"
	if s.Implicit {
		scheme = "smtps"
	}
	return scheme + "://" + net.JoinHostPort(s.Host, strconv.Itoa(s.Port))
}

// GoString is String, so that no verb of fmt prints the password.
func (s Server) GoString() string { return s.String() }

// ParseServer reads an address as smtp://user:password@host:port and who letters
// are from. An empty address is no server. Its errors repeat nothing of the
// address, which holds a password.
//
// smtps is TLS from the first byte, port 465. smtp is STARTTLS, port 587, and a
// server that does not offer it is refused, unless it is on this machine or the
// address ends with ?tls=none.
func ParseServer(address, from string) (Server, error) {
	if address == "" {
		return Server{}, nil
	}
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || (u.Scheme != "smtp" && u.Scheme != "smtps") || strings.Trim(u.Path, "/") != "" {
		return Server{}, errors.New("--smtp must be an address such as smtp://user:password@mail.example.org:587, or smtps:// for TLS from the first byte; special signs in the password are written as %40 and the like")
	}
	s := Server{Host: u.Hostname(), Implicit: u.Scheme == "smtps", Port: submission}
	if s.Implicit {
		s.Port = submissions
	}
	if u.Port() != "" {
		if s.Port, err = strconv.Atoi(u.Port()); err != nil || s.Port < 1 || s.Port > 65535 {
			return Server{}, errors.New("the port in --smtp is none")
		}
	}
	if u.User != nil {
		s.User = u.User.Username()
		s.Password, _ = u.User.Password()
	}
	if err := s.protect(u.Query()); err != nil {
		return Server{}, err
	}
	if from == "" {
		return Server{}, errors.New("--smtp needs --mail-from: the address that Parley's letters come from, such as \"Town Hall <desk@example.org>\"")
	}
	sender, err := netmail.ParseAddress(from)
	if err != nil {
		return Server{}, fmt.Errorf("--mail-from %q is not an address; write it like desk@example.org or \"Town Hall <desk@example.org>\"", from)
	}
	s.From = *sender
	return s, nil
}

// protect decides whether the way to the server is protected.
func (s *Server) protect(q url.Values) error {
	for name := range q {
		if name != "tls" {
			return fmt.Errorf("--smtp knows no %q; only tls=none and tls=required can stand after the question mark", name)
		}
	}
	switch q.Get("tls") {
	case "":
		s.Plain = !s.Implicit && s.local()
	case "required":
	case "none":
		s.Plain = true
		if s.Implicit {
			return errors.New("--smtp says smtps and tls=none; leave out one of them")
		}
		if s.User != "" && !s.local() {
			return errors.New("--smtp would send the password unprotected over the network: leave out tls=none, or the user")
		}
	default:
		return errors.New("--smtp: tls can be none or required")
	}
	return nil
}

// local reports a server on this machine.
func (s Server) local() bool {
	ip := net.ParseIP(s.Host)
	return s.Host == "localhost" || ip != nil && ip.IsLoopback()
}
