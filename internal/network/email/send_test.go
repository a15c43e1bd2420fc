package email_test

import (
	"crypto/sha256"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"parley/internal/network"
	"parley/internal/network/email/emailtest"
	"parley/internal/network/networktest"
)

// answer is a draft that answers a mail.
func answer(e network.Event) network.Draft {
	return network.Draft{Key: "draft-1", At: start, ByHuman: true, ReplyTo: e.Post,
		Parts: []network.Part{{Text: "At six, at the bridge.\n\nAna Lima", Visibility: network.DirectTo, Keep: []network.Person{e.Post.Author}}}}
}

// sent plans and does the first step, and returns the mail as it left.
func (r *rig) sent(d network.Draft) (network.Plan, string) {
	r.Helper()
	plan, err := r.n.Plan(r.ctx, r.a, d)
	if err != nil {
		r.Fatal(err)
	}
	got, err := r.n.Do(r.ctx, r.a, plan, 0)
	if err != nil || got.State != network.Sent {
		r.Fatalf("%+v, %v", got, err)
	}
	plan.Steps[0].Done = &got.Ref
	return plan, string(r.fake.Ledger()[len(r.fake.Ledger())-1].Body)
}

func has(t testing.TB, mail string, lines ...string) {
	t.Helper()
	for _, l := range lines {
		if !strings.Contains(mail, l) {
			t.Errorf("%q is missing in\n%s", l, mail)
		}
	}
}

func TestAnAnswerStandsInItsThread(t *testing.T) {
	t.Parallel()
	r := setup(t, emailtest.Options{Saves: true})
	e := r.heard(letter("Message-ID: <m3@outside.example>", "References: <m1@outside.example>", " <m2@outside.example>", "In-Reply-To: <m2@outside.example>"))
	plan, mail := r.sent(answer(e))
	has(t, mail, "From: \"Town of Millbrook\" <info@millbrook.example>\r\n", "To: \"Bea Moss\" <bea@outside.example>\r\n",
		"Subject: Re: The lantern parade\r\n", "In-Reply-To: <m3@outside.example>\r\n",
		"References: <m1@outside.example> <m2@outside.example>", "<m3@outside.example>\r\n",
		"Date: Thu, 12 Nov 2026 09:30:00 +0000\r\n", "At six, at the bridge.\r\n\r\nAna Lima\r\n")
	if want := plan.Steps[0].Done.ParentID; want != e.Post.ID {
		t.Errorf("it answers %q, want %q", want, e.Post.ID)
	}
	if strings.Contains(mail, "Bcc") || strings.Contains(mail, "X-") {
		t.Errorf("it says more than it should:\n%s", mail)
	}
	again, err := r.n.Plan(r.ctx, r.a, answer(e))
	if err != nil || again.Steps[0].WantID != plan.Steps[0].WantID {
		t.Errorf("the same draft gets %q and %q (%v)", plan.Steps[0].WantID, again.Steps[0].WantID, err)
	}
}

// Where what is answered was filed away, what is stored of it must do.
func TestAnAnswerToWhatIsNotInTheMailboxAnyMore(t *testing.T) {
	t.Parallel()
	r := setup(t, emailtest.Options{Saves: true})
	raw := letter("Message-ID: <m1@outside.example>")
	e := r.heard(raw)
	r.fake.Renumber("INBOX")
	_, mail := r.sent(answer(e))
	has(t, mail, "Subject: Re: The lantern parade\r\n", "In-Reply-To: <m1@outside.example>\r\n", "References: <m1@outside.example>\r\n")

	// Another mail with the same Message-ID is not what is answered.
	r.fake.Deliver(strings.ReplaceAll(strings.ReplaceAll(raw, "lantern parade", "cheap pills"), "bea@outside", "eve@outside"))
	d := answer(e)
	d.Key = "draft-2"
	_, mail = r.sent(d)
	has(t, mail, "To: \"Bea Moss\" <bea@outside.example>\r\n", "Subject: Re: The lantern parade\r\n")
}

func TestAnswersGoWhereTheWriterWantsThem(t *testing.T) {
	t.Parallel()
	r := setup(t, emailtest.Options{Saves: true})
	e := r.heard(letter("Message-ID: <m1@outside.example>", "Reply-To: bea.moss@work.example"))
	has(t, e.Post.Text.Body, "Reply-To: bea.moss@work.example")
	_, mail := r.sent(answer(e))
	has(t, mail, "To: \"Bea Moss\" <bea.moss@work.example>\r\n")
}

func TestACopyIsKeptOnlyWhereTheServerKeepsNone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		saves bool // the server does, though we were not told
		want  int  // copies of ours
	}{"the server does": {true, 0}, "the server does not": {false, 1}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := setup(t, emailtest.Options{Saves: c.saves})
			delete(r.a.Extra, "saves")
			plan, _ := r.sent(answer(r.heard(letter("Message-ID: <m1@outside.example>"))))
			got, err := r.n.Do(r.ctx, r.a, plan, 1)
			if err != nil || got.State != network.Pending || got.PollAfter <= 0 {
				t.Fatalf("a server gets no time to keep it: %+v, %v", got, err)
			}
			r.clock.Advance(got.PollAfter)
			for range 2 { // a copy whose answer was lost is not made twice
				if got, err = r.n.Do(r.ctx, r.a, plan, 1); err != nil || got.State != network.Sent || got.Ref.ID != plan.Steps[0].Done.ID {
					t.Fatalf("%+v, %v", got, err)
				}
			}
			copies := 0
			for _, w := range r.fake.Ledger() {
				if w.Op == networktest.OpUpload {
					copies++
				}
			}
			own, _ := r.poll(network.Own, network.Cursor{})
			if copies != c.want || len(own) != 1 || own[0].Post.ID != plan.Steps[0].WantID || !own[0].Own {
				t.Errorf("%d copies, want %d; among the sent mail %d", copies, c.want, len(own))
			}
		})
	}
}

// That no copy can be kept is no reason to call the mail unsent, or to send it again.
func TestWithoutACopyTheMailIsSentAllTheSame(t *testing.T) {
	t.Parallel()
	r := setup(t, emailtest.Options{})
	plan, _ := r.sent(answer(r.heard(letter("Message-ID: <m1@outside.example>"))))
	r.clock.Advance(time.Minute)
	r.fake.Inject(networktest.Fault{Op: networktest.OpUpload, Status: 503, Times: 100})
	if _, err := r.n.Do(r.ctx, r.a, plan, 1); network.KindOf(err) != network.Transient {
		t.Errorf("%v, want another try", err)
	}
	r.clock.Advance(time.Hour)
	got, err := r.n.Do(r.ctx, r.a, plan, 1)
	if err != nil || got.State != network.Sent || !strings.Contains(got.Evidence, "no copy") {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestRefusalsInTheContractsWords(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault   networktest.Fault
		kind    network.Kind
		help    string
		retryIn time.Duration
	}{
		"no such reader":   {at("reader", 550, "5.1.1 <x@y>: Recipient address rejected: User unknown"), network.Gone, "email.help.no_such_reader", 0},
		"reader full":      {at("reader", 552, "5.2.2 Mailbox full"), network.Policy, "email.help.reader_full", 0},
		"reader full now":  {at("reader", 452, "4.2.2 Over quota"), network.Transient, "email.help.reader_full", 0},
		"not wanted":       {at("reader", 554, "5.7.1 Blocked by policy"), network.Policy, "email.help.reader_refused", 0},
		"greylisted":       {at("reader", 450, "4.2.0 Greylisted, try again in 5 minutes"), network.RateLimited, "email.help.greylisted", 5 * time.Minute},
		"too fast":         {at("sender", 421, "4.7.0 Too many messages, slow down"), network.RateLimited, "", 0},
		"not our address":  {at("sender", 553, "5.7.1 Sender address rejected: not owned by user"), network.Policy, "email.help.sender_refused", 0},
		"too large":        {at("sender", 552, "5.3.4 Message size exceeds fixed limit"), network.TooLong, "email.help.too_large", 0},
		"too large at end": {networktest.Fault{Status: 552, Body: []byte("5.3.4 Error: message file too big")}, network.TooLong, "email.help.too_large", 0},
		"spam":             {networktest.Fault{Status: 554, Body: []byte("5.7.1 Message looks like spam")}, network.Policy, "email.help.refused", 0},
		"app password":     {networktest.Fault{Status: 534, Body: []byte("5.7.9 Application-specific password required")}, network.Auth, "email.help.app_password", 0},
		"tonight":          {networktest.Fault{Status: 451, Body: []byte("4.3.0 Temporary lookup failure")}, network.Transient, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := setup(t, emailtest.Options{})
			plan, err := r.n.Plan(r.ctx, r.a, answer(r.heard(letter("Message-ID: <m1@outside.example>"))))
			if err != nil {
				t.Fatal(err)
			}
			c.fault.Op = networktest.OpCreate
			r.fake.Inject(c.fault)
			_, err = r.n.Do(r.ctx, r.a, plan, 0)
			var e *network.Error
			if !errors.As(err, &e) || e.Kind != c.kind || e.Help != c.help || e.Message == "" {
				t.Fatalf("%v (help %q), want %s %s", err, e.Help, c.kind, c.help)
			}
			if c.retryIn > 0 && !e.RetryAt.Equal(r.clock.Now().Add(c.retryIn)) {
				t.Errorf("again at %v", e.RetryAt)
			}
			if n := len(r.fake.Ledger()); n != 0 {
				t.Errorf("%d mails left", n)
			}
		})
	}
}

func at(where string, status int, said string) networktest.Fault {
	return networktest.Fault{Status: status, Header: http.Header{"X-At": {where}}, Body: []byte(said)}
}

// A mail that breaks off before its last line has certainly not left: no server
// may take half of one (RFC 5321, section 4.1.1.4).
func TestHalfAMailIsNone(t *testing.T) {
	t.Parallel()
	r := setup(t, emailtest.Options{})
	d := answer(r.heard(letter("Message-ID: <m1@outside.example>")))
	raw := make([]byte, 10<<20)
	digest := sha256.Sum256(raw)
	r.files[digest] = raw
	d.Parts[0].Media = []network.Media{{Kind: "image", MIME: "image/png", Digest: digest}}
	plan, err := r.n.Plan(r.ctx, r.a, d)
	if err != nil {
		t.Fatal(err)
	}
	r.fake.Inject(networktest.Fault{Op: networktest.OpCreate, Status: 550, Header: http.Header{"X-At": {"content"}}})
	if _, err := r.n.Do(r.ctx, r.a, plan, 0); network.KindOf(err) != network.Transient {
		t.Errorf("%v, want Transient", err)
	}
	if n := len(r.fake.Ledger()); n != 0 {
		t.Errorf("%d mails left", n)
	}
}

func TestAMailTooLargeIsRefusedBeforeItLeaves(t *testing.T) {
	t.Parallel()
	r := setup(t, emailtest.Options{MaxSize: 300})
	plan, err := r.n.Plan(r.ctx, r.a, answer(r.heard(letter("Message-ID: <m1@outside.example>"))))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.n.Do(r.ctx, r.a, plan, 0); network.KindOf(err) != network.TooLong {
		t.Errorf("%v", err)
	}
}

// Where the server keeps nothing, only a report that comes back shows that a mail
// whose answer was lost had left.
func TestAReportProvesThatTheMailWasSent(t *testing.T) {
	t.Parallel()
	r := setup(t, emailtest.Options{})
	plan, err := r.n.Plan(r.ctx, r.a, answer(r.heard(letter("Message-ID: <m1@outside.example>"))))
	if err != nil {
		t.Fatal(err)
	}
	got, err := r.n.Prove(r.ctx, r.a, plan, 0)
	if err != nil || got.State != network.Unknown {
		t.Fatalf("nothing can tell, but: %+v, %v", got, err)
	}
	r.fake.Deliver(bounce(plan.Steps[0].WantID, "failed"))
	if got, err = r.n.Prove(r.ctx, r.a, plan, 0); err != nil || got.State != network.Sent {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestFilesLeaveWithTheirDescription(t *testing.T) {
	t.Parallel()
	r := setup(t, emailtest.Options{Saves: true})
	d := answer(r.heard(letter("Message-ID: <m1@outside.example>")))
	raw := []byte(strings.Repeat("not really a picture ", 500))
	digest := sha256.Sum256(raw)
	r.files[digest] = raw
	d.Parts[0].Media = []network.Media{{Kind: "image", MIME: "image/png", Alt: "Plan of the route, with the bridge über den Bach", Digest: digest}}
	_, mail := r.sent(d)
	has(t, mail, "Content-Type: multipart/mixed;", "Content-Disposition: attachment; filename=image-1.png\r\n", "Content-Type: image/png; name=image-1.png\r\n")
	own, _ := r.poll(network.Own, network.Cursor{})
	if m := own[0].Post.Media; len(m) != 1 || m[0].Alt != d.Parts[0].Media[0].Alt || m[0].Size != int64(len(raw)) || m[0].MIME != "image/png" {
		t.Errorf("%+v", m)
	}
	for line := range strings.SplitSeq(mail, "\r\n") {
		if len(line) > 78 {
			t.Errorf("a line of %d letters: %q", len(line), line)
		}
	}
}
