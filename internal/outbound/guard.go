package outbound

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"syscall"

	"code.dny.dev/ssrf"
)

var (
	// ErrPrivate says that a name or address leads into a private network, this
	// machine included.
	ErrPrivate = errors.New("address is in a private network")
	// ErrPort says that a port is none a web server is expected on.
	ErrPort = errors.New("port is not allowed")
	// ErrScheme says that an address is neither http nor https.
	ErrScheme = errors.New("neither http nor https")
)

// guard decides, with the address already resolved, whether to connect. A dialer
// calls it for each address it tries, after the look-up and before the first
// packet.
type guard struct {
	rules   *ssrf.Guardian
	private []netip.Prefix
}

func newGuard(o Options) guard {
	port := ssrf.WithPorts(append([]uint16{80, 443}, o.Ports...)...)
	if o.AnyPort {
		port = ssrf.WithAnyPort()
	}
	g := guard{rules: ssrf.New(port)}
	for _, p := range o.AllowPrivate {
		g.private = append(g.private, unmap(p))
	}
	return g
}

// unmap turns ::ffff:10.0.0.0/104 into 10.0.0.0/8, as addresses are compared.
func unmap(p netip.Prefix) netip.Prefix {
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Masked()
}

func (g guard) control(network, address string, conn syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("reading the address %q: %w", address, err)
	}
	ip := at.Addr().Unmap()
	if slices.ContainsFunc(g.private, func(p netip.Prefix) bool { return p.Contains(ip) }) {
		return nil
	}
	// The address first: whoever is sent to a private one should hear that.
	if err := g.rules.SafeAddr(at.Addr()); err != nil {
		return fmt.Errorf("%w: %s", ErrPrivate, ip)
	}
	err = g.rules.Safe(network, address, conn)
	if errors.Is(err, ssrf.ErrProhibitedPort) {
		return fmt.Errorf("%w: %d", ErrPort, at.Port())
	}
	return err
}
