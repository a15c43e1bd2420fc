package email

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/idna"

	"parley/internal/network"
)

// mode is how a connection is encrypted.
type mode string

const (
	implicit mode = "tls"      // from the first byte (RFC 8314, section 3)
	starttls mode = "starttls" // asked for before anything else is said
	plain    mode = "plain"    // not at all: this machine only
)

// server is where a mailbox or a submission service answers.
type server struct {
	mode mode
	host string
	port int
}

func (s server) String() string  { return string(s.mode) + "://" + s.address() }
func (s server) address() string { return net.JoinHostPort(s.host, strconv.Itoa(s.port)) }
func (s server) local() bool {
	ip, err := netip.ParseAddr(s.host)
	return s.host == "localhost" || err == nil && ip.IsLoopback()
}

// usual ports, by service and mode.
var usual = map[string]map[mode]int{
	"imap": {implicit: 993, starttls: 143, plain: 143},
	"smtp": {implicit: 465, starttls: 587, plain: 587},
}

// modeOf is how a port is usually spoken to.
func modeOf(port int) mode {
	switch port {
	case 143, 587, 25:
		return starttls
	}
	return implicit
}

// parseServer reads what a member typed, or what String wrote: a host, perhaps
// with a port, perhaps with the kind of encryption in front. Without a port both
// usual ones are meant, the better one first.
func parseServer(service, typed string) ([]server, error) {
	rest := strings.TrimRight(strings.TrimSpace(typed), "/")
	var m mode
	if scheme, after, ok := strings.Cut(rest, "://"); ok {
		rest = after
		switch scheme = strings.ToLower(scheme); scheme {
		case "imaps", "smtps":
			m = implicit
		case "imap", "smtp":
			m = starttls
		default:
			m = mode(scheme)
		}
	}
	host, port := rest, 0
	if h, p, err := net.SplitHostPort(rest); err == nil {
		if port, err = strconv.Atoi(p); err != nil || port < 1 || port > 65535 {
			return nil, notAServer(typed)
		}
		host = h
	}
	host, err := hostName(strings.Trim(host, "[]"))
	if err != nil || m != "" && usual[service][m] == 0 {
		return nil, notAServer(typed)
	}
	var found []server
	switch {
	case m != "" && port == 0:
		found = []server{{m, host, usual[service][m]}}
	case m != "":
		found = []server{{m, host, port}}
	case port != 0:
		found = []server{{modeOf(port), host, port}}
	default:
		found = []server{{implicit, host, usual[service][implicit]}, {starttls, host, usual[service][starttls]}}
	}
	if m == plain && !found[0].local() {
		return nil, &network.Error{Kind: network.BadInput, Native: "plain", Help: "email.help.plain"}
	}
	return found, nil
}

// hostName is a name or an address as it can be looked up.
func hostName(s string) (string, error) {
	s = strings.ToLower(strings.TrimSuffix(s, "."))
	if ip, err := netip.ParseAddr(s); err == nil {
		return ip.String(), nil
	}
	ascii, err := idna.Lookup.ToASCII(s)
	if err != nil || ascii == "" || len(ascii) > 253 {
		return "", fmt.Errorf("%q is no host name", s)
	}
	return ascii, nil
}

func notAServer(typed string) error {
	return &network.Error{Kind: network.BadInput, Native: "server", Help: "email.help.server_name", Err: fmt.Errorf("reading %.80q", typed)}
}

// serverOf is a server of an account.
func serverOf(a network.Account, service string) (server, error) {
	key := extraIMAP
	if service == "smtp" {
		key = extraSMTP
	}
	found, err := parseServer(service, a.Extra[key])
	if err != nil {
		return server{}, &network.Error{Kind: network.Auth, Native: service, Help: "email.help.reconnect", Err: err}
	}
	return found[0], nil
}

// sessionBytes is how much one connection may bring in: a page of mail and what
// is said around it. A server that sends more is cut off.
const sessionBytes = 64 << 20

var errTooMuch = errors.New("the server sent more than a session may bring in")

// line is a connection whose reading is bounded and whose context ends it.
type line struct {
	net.Conn
	left int64
	stop func() bool
}

func (l *line) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, errTooMuch
	}
	if int64(len(p)) > l.left {
		p = p[:l.left]
	}
	n, err := l.Conn.Read(p)
	l.left -= int64(n)
	return n, err
}

func (l *line) Close() error {
	l.stop()
	return l.Conn.Close()
}

// reachFor bounds how long a server may take to be reached.
const reachFor = 8 * time.Second

// connect opens a connection, encrypted where the server's mode is implicit.
func (n *Network) connect(ctx context.Context, s server) (net.Conn, error) {
	if s.mode == plain && !s.local() {
		return nil, &network.Error{Kind: network.BadInput, Native: "plain", Help: "email.help.plain"}
	}
	soon, cancel := context.WithTimeout(ctx, reachFor)
	defer cancel()
	raw, err := n.env.Dial(soon, "tcp", s.address())
	if err != nil {
		return nil, dialError(ctx, s, err)
	}
	l := &line{Conn: raw, left: sessionBytes}
	l.stop = context.AfterFunc(ctx, func() { raw.Close() })
	if s.mode != implicit {
		return l, nil
	}
	secure := tls.Client(l, n.tls(s))
	if err := secure.HandshakeContext(soon); err != nil {
		l.Close()
		return nil, tlsError(ctx, s, err)
	}
	return secure, nil
}

func (n *Network) tls(s server) *tls.Config {
	return &tls.Config{ServerName: s.host, RootCAs: n.opt.RootCAs, MinVersion: tls.VersionTLS12}
}
