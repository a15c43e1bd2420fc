package email

import (
	"bytes"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"parley/internal/network"
	"parley/internal/text"
)

func seeds(f *testing.F) {
	files, err := filepath.Glob("testdata/mail/*.eml")
	if err != nil || len(files) == 0 {
		f.Fatalf("no corpus: %v", err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n")))
	}
}

var us = network.Account{Network: Name, Instance: Instance, RemoteID: "info@millbrook.example", Handle: "info@millbrook.example", Name: "Town of Millbrook"}

// FuzzMail: whatever comes in makes one event that can be stored.
func FuzzMail(f *testing.F) {
	seeds(f)
	f.Add([]byte("Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n"))
	now := time.Date(2026, 11, 12, 9, 30, 0, 0, time.UTC)
	n := New(network.Env{Now: func() time.Time { return now }}, Options{})
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, own := range []bool{false, true} {
			e, _ := n.event(us, item{uid: 1, came: now, size: int64(len(raw)), raw: raw}, own)
			p := e.Post
			if p.ID == "" || p.Author.RemoteID == "" && !own {
				t.Fatalf("an event without an id or an author: %+v", p)
			}
			for _, s := range []string{p.ID, p.ParentID, p.Text.Body, p.Author.Name, p.Author.Handle, p.Author.RemoteID, p.Lang} {
				if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
					t.Fatalf("%q cannot be stored", s)
				}
			}
			for _, s := range p.Text.Spans {
				if s.Start < 0 || s.End <= s.Start || s.End > len(p.Text.Body) {
					t.Fatalf("a span %+v in %d bytes", s, len(p.Text.Body))
				}
			}
			if strings.ContainsAny(p.Author.Name+p.Author.Handle+p.Author.RemoteID, "\r\n") || p.Created.After(now) || len(p.Media) > 40 {
				t.Fatalf("%+v", p)
			}
		}
	})
}

// FuzzReport: a report names readers that can be written to, or none.
func FuzzReport(f *testing.F) {
	f.Add("Reporting-MTA: dns; mx\n\nFinal-Recipient: rfc822; bea@outside.example\nAction: failed\nStatus: 5.1.1\n")
	f.Add("Final-Recipient:;\n\nOriginal-Recipient: utf-8; <\x00@>\nAction: failed")
	f.Fuzz(func(t *testing.T, body string) {
		r := &report{readers: readStatus(strings.NewReader(body))}
		got, ok := r.failed()
		if !ok {
			return
		}
		if _, fine := written("", got.to.addr); !fine || !utf8.ValidString(got.said) || strings.ContainsAny(got.said, "\r\n\x00") {
			t.Fatalf("%+v", got)
		}
	})
}

// mailLike checks what no mail of ours may break, whatever members and outside
// people wrote: its header says what was meant and nothing else, its lines are
// short, and its words come out as they went in.
func mailLike(t testing.TB, f frozen) {
	raw, err := f.message(make([][]byte, len(f.Files)))
	if err != nil {
		if network.KindOf(err) != network.BadInput {
			t.Fatalf("%v", err)
		}
		return
	}
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("%v in\n%s", err, raw)
	}
	want := map[string]bool{"Date": true, "From": true, "To": true, "Message-Id": true, "In-Reply-To": true, "References": true, "Subject": true,
		"Content-Language": true, "Mime-Version": true, "Content-Type": true, "Content-Transfer-Encoding": true}
	for name, values := range m.Header {
		if !want[name] || len(values) != 1 {
			t.Fatalf("%s: %q in\n%s", name, values, raw)
		}
	}
	to, err := mail.ParseAddressList(m.Header.Get("To"))
	if err != nil || len(to) != 1 || to[0].Address != text.CleanLine(f.To, 320) {
		t.Fatalf("To: %q, %v, want only %q", m.Header.Get("To"), err, f.To)
	}
	for line := range bytes.SplitSeq(raw, []byte("\r\n")) {
		if len(line) > 998 || bytes.ContainsAny(line, "\r\n\x00") {
			t.Fatalf("a line of %d bytes: %q", len(line), line)
		}
	}
	if got := parse(raw); len(f.Files) == 0 && strings.TrimSpace(got.body.Body) != strings.TrimSpace(text.Clean(f.Text)) {
		t.Fatalf("%q came out as %q", f.Text, got.body.Body)
	}
}

// FuzzHeader: nothing that a member or an outside person wrote begins a line of its
// own in the header.
func FuzzHeader(f *testing.F) {
	f.Add("Town\r\nBcc: eve@evil.example", "bea@outside.example", "Re: x\r\nBcc: eve@evil.example", "m1@x>\r\nBcc: eve@evil.example", "Hello")
	f.Add("\"", "bea@outside.example>, <eve@evil.example", "=?utf-8?Q?=0ABcc:_eve?=", "a b", ".\r\n.\r\nFrom me")
	f.Add(strings.Repeat("ü", 300), "ü@münchen.example", strings.Repeat("漢", 300), strings.Repeat("a", 399)+"@x", strings.Repeat("long ", 400))
	f.Fuzz(func(t *testing.T, name, to, subject, id, words string) {
		mailLike(t, frozen{From: us.RemoteID, Name: name, To: to, ToName: name, Subject: subject, MessageID: "parley.x@millbrook.example",
			InReplyTo: firstID("<" + id + ">"), References: ids("<" + id + "> <b@x>"), Date: time.Unix(1794476400, 0), Lang: name, Text: words})
	})
}

func TestHeadersHoldOnlyWhatWasMeant(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		any := rapid.StringOf(rapid.OneOf(rapid.Rune(), rapid.SampledFrom([]rune("\r\n:<>\"@,;=?. \x00\u2028"))))
		tb := &rapidTB{TB: nil, t: t}
		mailLike(tb, frozen{From: us.RemoteID, Name: any.Draw(t, "name"), To: any.Draw(t, "before") + "bea@outside.example" + any.Draw(t, "after"), ToName: any.Draw(t, "to name"),
			Subject: any.Draw(t, "subject"), MessageID: "parley.x@millbrook.example", InReplyTo: firstID(any.Draw(t, "id")), References: ids(any.Draw(t, "ids")),
			Date: time.Unix(1794476400, 0), Lang: any.Draw(t, "lang"), Text: any.Draw(t, "text")})
	})
}

// rapidTB lets a property use a check that a fuzz target shares.
type rapidTB struct {
	testing.TB
	t *rapid.T
}

func (r *rapidTB) Fatalf(format string, args ...any) { r.t.Fatalf(format, args...) }
