package email

import (
	"strings"
	"testing"

	"parley/internal/text"
)

// What is shown of an answer, and what is folded away; a mark ⟂ stands between the
// two where anything is.
func TestWhatAnAnswerRepeats(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"nothing":                     "When does it start?\n\nBea",
		"a quote below":               "At six, I hope.\n\n⟂On Wed, 11 Nov 2026 at 16:20, Town <info@millbrook.example>\nwrote:\n\n> The parade is on Saturday.\n>\n> Ana\n",
		"in German":                   "Danke!\n\n⟂Am 11.11.26 um 16:20 schrieb Town:\n> Am Samstag.\n",
		"in French":                   "Merci !\n\n⟂Le mer. 11 nov. 2026 à 16:20, Town <info@millbrook.example> a écrit :\n\n> Samedi.",
		"in Japanese":                 "ありがとう。\n\n⟂2026年11月11日(水) 16:20 Town <info@millbrook.example>：\n\n> 土曜日です。",
		"no introduction":             "Thanks.\n\n⟂> The parade is on Saturday.\n> Ana",
		"deeper":                      "Good.\n\n⟂On 11 Nov 2026 Town wrote:\n> Yes.\n>> Is it open?\n> Ana\n\n",
		"between the lines":           "> When does it start?\n\nAt six.\n\n> And where?\n\nAt the bridge.",
		"the rest of a quote":         "> When does it start?\n\nAt six.\n\n⟂> And where?\n> Bea",
		"only a quote":                "> The parade is on Saturday.",
		"Outlook":                     "Dear Ana,\n\nthank you.\n\nHank\n\n⟂From: Town of Millbrook <info@millbrook.example>\nSent: Tuesday, 10 November 2026 09:00\nTo: Hank Grau\nSubject: Your order\n\nWe have your order.",
		"Outlook, with a line":        "Thank you.\n\n⟂________________________________\nVon: Town\nGesendet: Dienstag\nAn: Hank\nBetreff: Bestellung\n\nWir haben sie.",
		"the old way":                 "Yes.\n\n⟂-----Original Message-----\nFrom: Town\nSent: today\n\nIs it open?",
		"a letter of its own":         "From: here to there is a long way.\nDate: unknown\n\nBea",
		"a list of people":            "Please invite\n\nFrom: the school, Ida\nTo: the bridge, Bob\n\nBea",
		"a signature":                 "When does it start?\n\n⟂-- \nBea Moss\nMill Lane 7",
		"a line of two":               "One.\n\n--\n\nTwo, which is as long as anything else.",
		"signed and quoted":           "At six.\n⟂-- \nBea\n\nOn 11 Nov 2026 Town wrote:\n> When?\n",
		"quoted and signed":           "At six.\n\n⟂On 11 Nov 2026 Town wrote:\n> When?\n-- \nBea",
		"no introduction but a colon": "These are my questions:\n\n⟂> one\n> two",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			said, past, _ := strings.Cut(body, "⟂")
			got := letter{inReplyTo: "m1@x", subject: "Re: x"}.folded(text.Linkify(said + past))
			shown, hidden := got.Split()
			if past == "" {
				said = strings.TrimRight(said, "\n ")
				shown.Body = strings.TrimRight(shown.Body, "\n ")
			}
			if shown.Body != strings.TrimRight(said, "\n ") || hidden.Body != past {
				t.Errorf("shown\n%s\nfolded\n%s", shown.Body, hidden.Body)
			}
		})
	}
}

// Who passes a mail on wants it read; only a signature is folded then.
func TestWhatIsPassedOnStaysInSight(t *testing.T) {
	t.Parallel()
	body := "Is this from you?\n\nFrom: Eve <eve@evil.example>\nSent: today\nSubject: Pay now\n\nPay now.\n> or else"
	for _, l := range []letter{{subject: "Fwd: Pay now", inReplyTo: "m1@x"}, {subject: "Pay now"}, {subject: "WG: Pay now", inReplyTo: "m1@x"}} {
		if _, past := l.folded(text.Linkify(body)).Split(); past.Body != "" {
			t.Errorf("%q: folded %q", l.subject, past.Body)
		}
	}
}

// HTML that quotes with its own element is folded too.
func TestAQuoteOfHTML(t *testing.T) {
	t.Parallel()
	body := text.HTML(`<p>At <a href="https://x.example/">six</a>.</p><div>On 11 Nov 2026 Town wrote:</div><blockquote><p>When does <b>it</b> start?</p></blockquote>`, text.Hints{})
	said, past := letter{inReplyTo: "m1@x", subject: "Re: x"}.folded(body).Split()
	if said.Body != "At six." || len(said.Spans) != 1 || !strings.HasPrefix(past.Body, "On 11 Nov 2026 Town wrote:") || !strings.Contains(past.Body, "When does it start?") {
		t.Errorf("%q %+v / %q", said.Body, said.Spans, past.Body)
	}
}

// FuzzFold: whatever the words, none is lost, something stays in sight, and spans
// keep their promises.
func FuzzFold(f *testing.F) {
	f.Add("Thanks.\n\nOn 11 Nov 2026 Town wrote:\n> https://x.example/\n-- \nBea", true)
	f.Add("-- \n-- \n>\n:\nFrom: x\nSent: y\nSubject: z", true)
	f.Add("\n\n> a\n\n", false)
	f.Fuzz(func(t *testing.T, body string, answer bool) {
		l := letter{subject: "Re: x"}
		if answer {
			l.inReplyTo = "m1@x"
		}
		in := text.Linkify(text.Clean(body))
		out := l.folded(in)
		if out.Body != in.Body || len(out.Spans) > len(in.Spans)+1 {
			t.Fatalf("%q became %q", in.Body, out.Body)
		}
		said, past := out.Split()
		if strings.TrimRight(in.Body[:len(in.Body)-len(past.Body)], "\n ") != strings.TrimRight(said.Body, "\n ") {
			t.Fatalf("%q and %q are not %q", said.Body, past.Body, in.Body)
		}
		if past.Body != "" && strings.TrimSpace(said.Body) == "" {
			t.Fatalf("nothing stays in sight of %q", in.Body)
		}
		var joined strings.Builder
		for _, p := range out.Pieces() {
			joined.WriteString(p.Body)
		}
		if joined.String() != in.Body {
			t.Fatalf("the spans %+v lose words of %q", out.Spans, in.Body)
		}
	})
}
