package outbound

import (
	"errors"
	"net/netip"
	"testing"
)

func TestGuard(t *testing.T) {
	t.Parallel()
	strict := newGuard(Options{})
	open := newGuard(Options{
		AllowPrivate: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("::ffff:10.2.0.0/112"), netip.MustParsePrefix("fd00:1::/32")},
		Ports:        []uint16{8443},
	})
	any := newGuard(Options{AnyPort: true})
	for _, c := range []struct {
		name    string
		guard   guard
		address string
		want    error
	}{
		{"public", strict, "93.184.215.14:443", nil},
		{"public v6", strict, "[2606:2800:21f:cb07:6820:80da:af6b:8b2c]:80", nil},
		{"loopback", strict, "127.0.0.1:80", ErrPrivate},
		{"loopback's end", strict, "127.255.255.254:443", ErrPrivate},
		{"loopback v6", strict, "[::1]:80", ErrPrivate},
		{"mapped loopback", strict, "[::ffff:127.0.0.1]:80", ErrPrivate},
		{"compatible loopback", strict, "[::127.0.0.1]:80", ErrPrivate},
		{"loopback through NAT64", strict, "[64:ff9b::7f00:1]:80", ErrPrivate},
		{"6to4", strict, "[2002:7f00:1::]:80", ErrPrivate},
		{"teredo", strict, "[2001:0:7f00:1::]:80", ErrPrivate},
		{"unspecified", strict, "0.0.0.0:80", ErrPrivate},
		{"unspecified v6", strict, "[::]:80", ErrPrivate},
		{"ten", strict, "10.1.2.3:80", ErrPrivate},
		{"a hundred and seventy-two", strict, "172.31.255.255:80", ErrPrivate},
		{"home", strict, "192.168.1.1:80", ErrPrivate},
		{"carrier", strict, "100.64.0.1:80", ErrPrivate},
		{"cloud metadata", strict, "169.254.169.254:80", ErrPrivate},
		{"link-local v6", strict, "[fe80::1%eth0]:80", ErrPrivate},
		{"unique local v6", strict, "[fd00:1::1]:80", ErrPrivate},
		{"multicast", strict, "224.0.0.1:80", ErrPrivate},
		{"multicast v6", strict, "[ff02::1]:80", ErrPrivate},
		{"broadcast", strict, "255.255.255.255:80", ErrPrivate},
		{"documentation", strict, "203.0.113.7:80", ErrPrivate},
		{"mail port", strict, "93.184.215.14:25", ErrPort},
		{"database port", strict, "93.184.215.14:5432", ErrPort},
		{"allowed port", open, "93.184.215.14:8443", nil},
		{"other port", open, "93.184.215.14:8080", ErrPort},
		{"any port", any, "93.184.215.14:8080", nil},
		{"any port, private", any, "127.0.0.1:8080", ErrPrivate},
		{"allowed network, any port", open, "10.1.2.3:9999", nil},
		{"allowed network, mapped", open, "[::ffff:10.1.2.3]:80", nil},
		{"network allowed as mapped", open, "10.2.3.4:80", nil},
		{"beside the allowed network", open, "10.3.0.1:80", ErrPrivate},
		{"allowed network v6", open, "[fd00:1::1]:80", nil},
		{"beside it", open, "[fd00:2::1]:80", ErrPrivate},
	} {
		network := "tcp4"
		if c.address[0] == '[' {
			network = "tcp6"
		}
		if err := c.guard.control(network, c.address, nil); !errors.Is(err, c.want) || c.want == nil && err != nil {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	if err := strict.control("udp4", "93.184.215.14:443", nil); err == nil {
		t.Error("UDP is let through")
	}
	if err := strict.control("tcp4", "nonsense", nil); err == nil {
		t.Error("nonsense is let through")
	}
}
