package email_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"parley/internal/clock"
	"parley/internal/network"
	"parley/internal/network/email"
	"parley/internal/network/email/emailtest"
	"parley/internal/network/networktest"
)

var start = time.Date(2026, 11, 12, 9, 30, 0, 0, time.UTC)

// rig is a provider of mail and a connector that reaches nothing else.
type rig struct {
	testing.TB
	ctx   context.Context
	clock *clock.Fake
	fake  *emailtest.Fake
	n     *email.Network
	a     network.Account
	files map[[32]byte][]byte
	names map[string]string // hosts that exist, and where they listen
	asked []string          // what was dialled
}

func setup(t testing.TB, opt emailtest.Options) *rig {
	t.Helper()
	c := clock.NewFake(start)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	r := &rig{TB: t, ctx: ctx, clock: c, files: map[[32]byte][]byte{}, names: map[string]string{}}
	env := networktest.Env{Clock: c, Env: network.Env{HTTP: http.DefaultClient, Now: c.Now, Dial: r.dial,
		Media: func(_ context.Context, _ network.Account, digest [32]byte) ([]byte, error) {
			if b, ok := r.files[digest]; ok {
				return b, nil
			}
			return nil, errors.New("no such file")
		}}}
	r.fake = emailtest.New(env, opt)
	t.Cleanup(func() { cancel(); r.fake.Close() })
	r.a = r.fake.Account()
	r.n = email.New(env.Env, email.Options{Resolver: noRecords{}})
	return r
}

// dial knows the hosts of names, and this machine.
func (r *rig) dial(ctx context.Context, network, address string) (net.Conn, error) {
	r.asked = append(r.asked, address)
	if at, ok := r.names[address]; ok {
		address = at
	}
	host, _, _ := net.SplitHostPort(address)
	if net.ParseIP(host) == nil {
		return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}}
	}
	return (&net.Dialer{}).DialContext(ctx, network, address)
}

type noRecords struct{}

func (noRecords) LookupSRV(context.Context, string, string, string) (string, []*net.SRV, error) {
	return "", nil, &net.DNSError{Err: "no such host", IsNotFound: true}
}

// poll reads a feed to its end.
func (r *rig) poll(f network.Feed, c network.Cursor) ([]network.Event, network.Cursor) {
	r.Helper()
	var all []network.Event
	for range 100 {
		page, err := r.n.Poll(r.ctx, r.a, f, c)
		if err != nil {
			r.Fatalf("Poll %s: %v", f, err)
		}
		all, c = append(all, page.Events...), page.Next
		if !page.More {
			return all, c
		}
	}
	r.Fatal("it never ends")
	return nil, c
}

// heard delivers a mail and returns what the connector makes of it.
func (r *rig) heard(raw string) network.Event {
	r.Helper()
	_, c := r.poll(network.Direct, network.Cursor{})
	r.fake.Deliver(raw)
	got, _ := r.poll(network.Direct, c)
	if len(got) != 1 {
		r.Fatalf("one mail made %d events", len(got))
	}
	return got[0]
}

// letter is a plain mail; head holds further lines of its header.
func letter(head ...string) string {
	return strings.Join(append([]string{"From: Bea Moss <bea@outside.example>", "To: info@millbrook.example",
		"Date: Thu, 12 Nov 2026 09:00:00 +0000", "Subject: The lantern parade"}, head...), "\r\n") +
		"\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nWhen does it start?\r\n"
}

// certified makes a certificate for hosts, and the pool that trusts it.
func certified(t testing.TB, hosts ...string) (*tls.Config, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	cert := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: hosts[0]}, DNSNames: hosts,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, cert, cert, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, pool
}
