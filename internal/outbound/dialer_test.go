package outbound

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"
)

func TestDialerIsGuarded(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	here := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	for name, c := range map[string]struct {
		options Options
		address string
		want    error
	}{
		"this machine":            {Options{AnyPort: true}, l.Addr().String(), ErrPrivate},
		"this machine, allowed":   {Options{AllowPrivate: here}, l.Addr().String(), nil},
		"a private network":       {Options{AnyPort: true}, "10.1.2.3:993", ErrPrivate},
		"the cloud's own address": {Options{AnyPort: true}, "169.254.169.254:80", ErrPrivate},
		"an odd port":             {Options{Ports: []uint16{993}}, "93.184.216.34:6379", ErrPort},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, err := Dialer(c.options)(context.Background(), "tcp", c.address)
			if conn != nil {
				conn.Close()
			}
			if c.want == nil && err != nil || c.want != nil && !errors.Is(err, c.want) {
				t.Fatalf("%v, want %v", err, c.want)
			}
			if err != nil && !NotSent(err) {
				t.Error("nothing can have left, and NotSent does not say so")
			}
		})
	}
}
