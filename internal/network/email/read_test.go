package email_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"parley/internal/network"
	"parley/internal/network/email/emailtest"
)

// bounce is a report as servers write it, about a mail of ours.
func bounce(about, action string) string {
	return strings.ReplaceAll(`Return-Path: <>
From: Mail Delivery System <MAILER-DAEMON@mx.millbrook.example>
To: info@millbrook.example
Date: Thu, 12 Nov 2026 09:20:00 +0000
Message-ID: <bounce1@mx.millbrook.example>
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="B"

--B
Content-Type: text/plain; charset=us-ascii

I'm sorry to have to inform you that your message could not be delivered.

--B
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.millbrook.example
Arrival-Date: Thu, 12 Nov 2026 09:19:00 +0000

Final-Recipient: rfc822; bea@outside.example
Action: `+action+`
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 <bea@outside.example>: Recipient address
 rejected: User unknown

--B
Content-Type: text/rfc822-headers

From: "Town of Millbrook" <info@millbrook.example>
To: bea@outside.example
Message-ID: <`+about+`>
Subject: Re: The lantern parade

--B--
`, "\n", "\r\n")
}

// A mail that did not arrive is told in the conversation it belongs to, and who
// did not get it waits.
func TestAMailThatDidNotArrive(t *testing.T) {
	t.Parallel()
	r := setup(t, emailtest.Options{Saves: true})
	plan, _ := r.sent(answer(r.heard(letter("Message-ID: <m1@outside.example>"))))
	e := r.heard(bounce(plan.Steps[0].WantID, "failed"))
	if e.Post.Author.RemoteID != "bea@outside.example" || e.Post.Author.Name != "" || e.Post.ParentID != plan.Steps[0].WantID {
		t.Errorf("%+v", e.Post)
	}
	if e.Quiet || !e.Direct || !e.Addressed || e.Own {
		t.Errorf("%+v", e)
	}
	has(t, e.Post.Text.Body, "Undelivered Mail Returned to Sender", "bea@outside.example: 550 5.1.1", "User unknown")

	// An answer to it goes on with what did not arrive.
	d := answer(e)
	d.Key = "draft-2"
	d.Parts[0].Keep = []network.Person{{RemoteID: "bea.moss@outside.example"}}
	_, mail := r.sent(d)
	has(t, mail, "To: <bea.moss@outside.example>\r\n", "Subject: Re: The lantern parade\r\n", plan.Steps[0].WantID)
}

// A report that a mail is only late, or has arrived, is no failure.
func TestALateMailIsNoLostOne(t *testing.T) {
	t.Parallel()
	for _, action := range []string{"delayed", "delivered", "relayed"} {
		t.Run(action, func(t *testing.T) {
			t.Parallel()
			e := setup(t, emailtest.Options{}).heard(bounce("parley.x@millbrook.example", action))
			if !e.Quiet || e.Post.Author.RemoteID != "mailer-daemon@mx.millbrook.example" {
				t.Errorf("%+v %+v", e, e.Post.Author)
			}
		})
	}
}

func TestWhoWaitsForAnAnswer(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		head  string
		quiet bool
	}{
		"a person":                  {"X-Mailer: Post 7", false},
		"out of office":             {"Auto-Submitted: auto-replied", true},
		"a machine":                 {"Auto-Submitted: auto-generated (alarm)", true},
		"not a machine":             {"Auto-Submitted: no", false},
		"an old responder":          {"Precedence: auto_reply", true},
		"another one":               {"X-Autoreply: yes", true},
		"no way back":               {"Return-Path: <>", true},
		"a newsletter":              {"List-Unsubscribe: <https://x.example/u>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click", true},
		"another newsletter":        {"Precedence: bulk", true},
		"a list of strangers":       {"List-Id: <birds.lists.example>\r\nTo: birds@lists.example", true},
		"our address is a list":     {"List-Id: <info.millbrook.example>\r\nPrecedence: list\r\nList-Unsubscribe: <mailto:x@millbrook.example>", false},
		"a person with an out":      {"List-Unsubscribe: <https://crm.example/u>", false},
		"spam":                      {"X-Spam-Flag: YES", true},
		"not spam":                  {"X-Spam-Status: No, score=-1", false},
		"spam that answers us":      {"X-Spam-Flag: YES\r\nIn-Reply-To: <parley.abc@millbrook.example>", false},
		"a newsletter answering us": {"Precedence: bulk\r\nIn-Reply-To: <parley.abc@millbrook.example>", false},
		"away, answering us":        {"Auto-Submitted: auto-replied\r\nIn-Reply-To: <parley.abc@millbrook.example>", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			raw := letter("Message-ID: <m1@outside.example>")
			if strings.Contains(c.head, "\nTo:") {
				raw = strings.Replace(raw, "To: info@millbrook.example\r\n", "", 1)
			}
			if e := setup(t, emailtest.Options{}).heard(c.head + "\r\n" + raw); e.Quiet != c.quiet || !e.Addressed {
				t.Errorf("quiet %v, want %v", e.Quiet, c.quiet)
			}
		})
	}
}

// Our vacation message is ours and no answer.
func TestWhatOurServerSaysForUsIsQuiet(t *testing.T) {
	t.Parallel()
	r := setup(t, emailtest.Options{})
	mail := "From: info@millbrook.example\r\nTo: Bea <bea@outside.example>\r\nMessage-ID: <v1@millbrook.example>\r\nDate: Thu, 12 Nov 2026 09:00:00 +0000\r\n"
	r.fake.File("Gesendet", mail+"Auto-Submitted: auto-replied\r\n\r\nWe are away.\r\n")
	r.fake.File("Gesendet", strings.Replace(mail, "v1", "v2", 1)+"\r\nWe are back.\r\n")
	own, _ := r.poll(network.Own, network.Cursor{})
	if len(own) != 2 || !own[0].Quiet || own[1].Quiet || !own[0].Own || !own[1].Own {
		t.Errorf("%+v", own)
	}
	if to := own[1].Post.To; len(to) != 1 || to[0].RemoteID != "bea@outside.example" {
		t.Errorf("%+v", to)
	}
}

// Who types into a form on a website is who wrote, not the form.
func TestWhoWrote(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ from, replyTo, want string }{
		"a person":                  {"Bea <bea@outside.example>", "", "bea@outside.example"},
		"another way back":          {"Bea <bea@outside.example>", "bea@work.example", "bea@outside.example"},
		"our own form":              {"Contact form <web@millbrook.example>", "Bea <bea@outside.example>", "bea@outside.example"},
		"a hosted form":             {"Forms <no-reply@forms.example>", "bea@outside.example", "bea@outside.example"},
		"a form that answers to us": {"Forms <no-reply@forms.example>", "info@millbrook.example", "no-reply@forms.example"},
		"many":                      {"Forms <noreply@forms.example>", "a@x.example, b@x.example", "noreply@forms.example"},
		"an address for a name":     {`"info@bank.example" <eve@evil.example>`, "", "eve@evil.example"},
		"capitals":                  {"Bea <Bea.Moss@Outside.Example>", "", "bea.moss@outside.example"},
		"a broken one":              {"Bea Moss bea@outside.example <<bea@outside.example>", "", "bea@outside.example"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			raw := strings.Replace(letter("Message-ID: <m1@outside.example>"), "Bea Moss <bea@outside.example>", c.from, 1)
			if c.replyTo != "" {
				raw = "Reply-To: " + c.replyTo + "\r\n" + raw
			}
			if e := setup(t, emailtest.Options{}).heard(raw); e.Post.Author.RemoteID != c.want {
				t.Errorf("%+v, want %s", e.Post.Author, c.want)
			}
		})
	}
}

// Two mails with one Message-ID are two, unless they are the same mail.
func TestNobodyTakesAnotherMailsPlace(t *testing.T) {
	t.Parallel()
	r := setup(t, emailtest.Options{Saves: true})
	plan, _ := r.sent(answer(r.heard(letter("Message-ID: <m1@outside.example>"))))
	raw := letter("Message-ID: <m1@outside.example>")
	ids := map[string]bool{}
	for _, mail := range []string{raw, raw, strings.Replace(raw, "lantern", "pill", 1), strings.Replace(raw, "bea@", "eve@", 1),
		strings.Replace(raw, "09:00:00", "09:00:01", 1), letter("Message-ID: <" + plan.Steps[0].WantID + ">"), letter(), letter()} {
		ids[r.heard(mail).Post.ID] = true
	}
	if len(ids) != 6 || ids[plan.Steps[0].WantID] {
		t.Errorf("%d different mails, want 6: %v", len(ids), ids)
	}
}

// Parents are known across pages and folders, so that an answer from another
// program ends the waiting of whom it answers.
func TestAnAnswerFromAnotherProgramNamesWhatItAnswers(t *testing.T) {
	t.Parallel()
	r := setup(t, emailtest.Options{})
	asked := r.heard(letter("Message-ID: <m1@outside.example>"))
	_, c := r.poll(network.Own, network.Cursor{})
	r.fake.File("Gesendet", "From: info@millbrook.example\r\nTo: bea@outside.example\r\nMessage-ID: <a1@phone>\r\nIn-Reply-To: <m1@outside.example>\r\n"+
		"Date: Thu, 12 Nov 2026 09:10:00 +0000\r\nSubject: Re: The lantern parade\r\n\r\nAt six.\r\n")
	own, _ := r.poll(network.Own, c)
	if len(own) != 1 || own[0].Post.ParentID != asked.Post.ID || own[0].Post.Text.Body != "At six." {
		t.Errorf("%+v", own[0].Post)
	}
	// And Bea, who goes on about it, answers that mail of ours.
	more := r.heard(letter("Message-ID: <m2@outside.example>", "In-Reply-To: <a1@phone>"))
	if more.Post.ParentID != own[0].Post.ID {
		t.Errorf("%q, want %q", more.Post.ParentID, own[0].Post.ID)
	}
}

// A folder that was numbered anew is read again and nothing is lost; whether
// anything is missing is said.
func TestAFolderThatWasNumberedAnew(t *testing.T) {
	t.Parallel()
	mail := func(n int) string { return letter(fmt.Sprintf("Message-ID: <n%d@outside.example>", n)) }
	for name, c := range map[string]struct {
		after []int // the mails in the new folder
		gap   bool
	}{
		"all there":          {[]int{1, 2, 3, 4}, false},
		"the newest is gone": {[]int{1, 4}, true},
		"in another order":   {[]int{4, 3, 1, 2}, false},
		"nothing in it":      {nil, true},
		"more than one page": {seq(60), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := setup(t, emailtest.Options{})
			for n := 1; n <= 3; n++ {
				r.fake.Deliver(mail(n))
			}
			_, at := r.poll(network.Direct, network.Cursor{})
			var raws []string
			for _, n := range c.after {
				raws = append(raws, mail(n))
			}
			r.clock.Advance(time.Hour)
			r.fake.Renumber("INBOX", raws...)
			got, at := r.poll(network.Direct, at)
			heard, gap := map[string]bool{}, false
			for _, e := range got {
				if e.Kind == network.KindGap {
					gap = true
					continue
				}
				heard[e.Post.ID] = true
			}
			if len(heard) != len(c.after) || gap != c.gap {
				t.Errorf("%d mails, want %d; gap %v, want %v", len(heard), len(c.after), gap, c.gap)
			}
			r.fake.Deliver(mail(100))
			if got, at = r.poll(network.Direct, at); len(got) != 1 {
				t.Errorf("afterwards one mail makes %d events", len(got))
			}
			if got, _ = r.poll(network.Direct, at); len(got) != 0 {
				t.Errorf("nothing makes %d events", len(got))
			}
		})
	}
}

func seq(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i + 1
	}
	return out
}

// The folder of sent mail may be renamed: it is marked, not named.
func TestTheFolderOfSentMailIsRenamed(t *testing.T) {
	t.Parallel()
	r := setup(t, emailtest.Options{})
	_, c := r.poll(network.Own, network.Cursor{})
	r.fake.Rename("Gesendet", "Ausgang")
	r.fake.File("Ausgang", "From: info@millbrook.example\r\nTo: bea@outside.example\r\nMessage-ID: <a1@phone>\r\n\r\nAt six.\r\n")
	if own, _ := r.poll(network.Own, c); len(own) != 1 {
		t.Errorf("%d mails", len(own))
	}
}

// Reading leaves no trace in the mailbox.
func TestReadingMarksNothing(t *testing.T) {
	t.Parallel()
	r := setup(t, emailtest.Options{})
	r.heard(letter("Message-ID: <m1@outside.example>"))
	if flags := r.fake.Flags("INBOX"); len(flags) != 0 {
		t.Errorf("flags %q", flags)
	}
}

func TestTheLastYearIsImported(t *testing.T) {
	t.Parallel()
	r := setup(t, emailtest.Options{})
	for n := range 130 {
		if n == 30 {
			r.clock.Advance(400 * 24 * time.Hour)
		}
		r.fake.Deliver(strings.Replace(letter(fmt.Sprintf("Message-ID: <n%d@outside.example>", n)), "12 Nov 2026 09:00:00", r.clock.Now().Format("02 Jan 2006 15:04:05"), 1))
	}
	since, seen, c := r.clock.Now().Add(-365*24*time.Hour), map[string]bool{}, network.Cursor{}
	last := "n130"
	for pages := 1; ; pages++ {
		page, err := r.n.Import(r.ctx, r.a, network.Direct, since, c)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Events {
			if id := e.Post.ID; len(id) > len(last)+30 || seen[id] {
				t.Errorf("%s again", id)
			}
			seen[e.Post.ID] = true
		}
		if !page.More {
			if pages != 4 {
				t.Errorf("%d pages", pages)
			}
			break
		}
		c = page.Next
	}
	if len(seen) != 100 {
		t.Errorf("%d mails of the last year, want 100", len(seen))
	}
}
