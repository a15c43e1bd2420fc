package email_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"parley/internal/network"
	"parley/internal/network/email/emailtest"
)

// An attachment stays in the mailbox until somebody wants it, however large the
// mail, and even if it is one of several.
func TestAnAttachmentIsBroughtFromTheMailbox(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("testdata/mail/outlook.eml")
	if err != nil {
		t.Fatal(err)
	}
	r := setup(t, emailtest.Options{})
	r.fake.Deliver(letter("Message-ID: <other@outside.example>"))
	e := r.heard(string(bytes.ReplaceAll(raw, []byte("\n"), []byte("\r\n"))))
	for i, want := range []string{"\x89PNG", "%PDF-1.4\n"} {
		got, err := r.n.Fetch(r.ctx, r.a, e.Post.Ref, e.Post.Media[i])
		if err != nil || !strings.HasPrefix(string(got), want) || int64(len(got)) != e.Post.Media[i].Size {
			t.Errorf("%+v: %q, %v", e.Post.Media[i], got, err)
		}
	}
	large := strings.Repeat("lantern ", 200_000)
	e = r.heard("MIME-Version: 1.0\r\nFrom: bea@outside.example\r\nMessage-ID: <large@outside.example>\r\nContent-Type: multipart/mixed; boundary=L\r\n\r\n" +
		"--L\r\nContent-Type: text/plain\r\n\r\nHere it is.\r\n--L\r\nContent-Type: application/octet-stream; name=x.bin\r\n\r\n" + large + "\r\n--L--\r\n")
	if len(e.Post.Media) != 1 || e.Post.Media[0].Size != 0 {
		t.Fatalf("%+v", e.Post.Media)
	}
	if got, err := r.n.Fetch(r.ctx, r.a, e.Post.Ref, e.Post.Media[0]); err != nil || string(got) != large {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	r.fake.Renumber("INBOX")
	if _, err := r.n.Fetch(r.ctx, r.a, e.Post.Ref, e.Post.Media[0]); network.KindOf(err) != network.Gone {
		t.Errorf("after the mail was filed away: %v", err)
	}
	for _, url := range []string{"", "https://x.example/", network.InPlace, network.InPlace + "0", network.InPlace + "x"} {
		if _, err := r.n.Fetch(r.ctx, r.a, e.Post.Ref, network.Media{URL: url}); network.KindOf(err) != network.BadInput {
			t.Errorf("%q: %v", url, err)
		}
	}
}
