package outbound

import (
	"context"
	"net"
)

// Dialer connects for protocols that are not HTTP, such as those of mail, to
// addresses that came from outside. Like New it judges an address at the moment
// of connecting. It bounds only the time to connect: what is read, and for how
// long, is its caller's to bound.
//
// Of the options it looks at AllowPrivate, Ports, AnyPort and Resolver. Its
// errors satisfy NotSent.
func Dialer(o Options) func(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := &net.Dialer{Timeout: connectTimeout, Resolver: o.Resolver, Control: newGuard(o).control}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dialer.DialContext(ctx, network, address)
		if err != nil {
			return nil, &attempt{err: err}
		}
		return conn, nil
	}
}
