package email

import (
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"parley/internal/network"
)

func TestServersAsTheyAreTyped(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ service, typed, want string }{
		{"imap", "imap.example.org", "tls://imap.example.org:993"},
		{"smtp", "SMTP.Example.org.", "tls://smtp.example.org:465"},
		{"imap", "imap.example.org:143", "starttls://imap.example.org:143"},
		{"smtp", "mail.example.org:587", "starttls://mail.example.org:587"},
		{"smtp", "smtps://mail.example.org", "tls://mail.example.org:465"},
		{"imap", "starttls://mail.example.org:1143", "starttls://mail.example.org:1143"},
		{"imap", "plain://localhost:1143", "plain://localhost:1143"},
		{"imap", "[::1]:993", "tls://[::1]:993"},
		{"imap", "münchen.example", "tls://xn--mnchen-3ya.example:993"},
		{"imap", "plain://mail.example.org", ""},
		{"imap", "http://mail.example.org", ""},
		{"imap", "mail.example.org:0", ""},
		{"imap", "mail.example.org:imap", ""},
		{"imap", "two words", ""},
		{"imap", "", ""},
	} {
		got, err := parseServer(c.service, c.typed)
		if c.want == "" {
			if network.KindOf(err) != network.BadInput {
				t.Errorf("%q: %v, %v", c.typed, got, err)
			}
			continue
		}
		if err != nil || got[0].String() != c.want {
			t.Errorf("%q: %v, %v, want %s", c.typed, got, err, c.want)
			continue
		}
		again, err := parseServer(c.service, got[0].String())
		if err != nil || len(again) != 1 || again[0] != got[0] {
			t.Errorf("%s is read as %v, %v", got[0], again, err)
		}
	}
}

// What a server may send in one session is bounded, whatever it is.
func TestAServerCannotSendForEver(t *testing.T) {
	t.Parallel()
	ours, theirs := net.Pipe()
	defer theirs.Close()
	go func() {
		for {
			if _, err := theirs.Write(make([]byte, 1000)); err != nil {
				return
			}
		}
	}()
	l := &line{Conn: ours, left: 5000, stop: func() bool { return true }}
	got, err := io.ReadAll(l)
	if len(got) != 5000 || !errors.Is(err, errTooMuch) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	l.Close()
}

func TestWhenToComeAgain(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	for said, want := range map[string]time.Duration{
		"4.7.1 Greylisted, please come back in 00:05:00": 5 * time.Minute,
		"try again in 300 seconds":                       5 * time.Minute,
		"Try Again in 2 hours, please":                   2 * time.Hour,
		"in 15m":                                         15 * time.Minute,
		"in 999999 hours":                                -1,
		"try again later":                                -1,
		"in 5 steps":                                     -1,
	} {
		got := retryAt(said, now)
		if want < 0 && !got.IsZero() || want >= 0 && !got.Equal(now.Add(want)) {
			t.Errorf("%q: %v", said, got)
		}
	}
}
