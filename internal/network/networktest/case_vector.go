package networktest

import (
	"fmt"
	"slices"
	"strings"

	"parley/internal/network"
	"parley/internal/text"
)

// vector is a text whose length is known in every unit (networks.md, case i).
type vector struct {
	name, text                                string
	graphemes, points, utf16, bytes, weighted int
}

var vectors = []vector{
	{"family", "👨‍👩‍👧‍👦", 1, 7, 11, 25, 2},
	{"flag", "🇩🇪", 1, 2, 4, 8, 2},
	{"skin tone", "👍🏽", 1, 2, 4, 8, 2},
	{"e and acute", "e\u0301", 1, 2, 2, 3, 1},
	{"ideograph", "漢", 1, 1, 1, 3, 2},
	{"Arabic", "مرحبا", 5, 5, 5, 10, 5},
}

const (
	mentionVector = "@user@host.example"
	linkStart     = "https://example.org/"
)

// linkVector is an address of 121 characters.
var linkVector = linkStart + strings.Repeat("a", 121-len(linkStart))

// length is a vector's length in a unit.
func (v vector) length(u text.Unit) int {
	switch u {
	case text.Graphemes:
		return v.graphemes
	case text.UTF16:
		return v.utf16
	case text.Weighted:
		return v.weighted
	}
	return v.points
}

// caseVectors is i: lengths, ids and the borders of characters.
func caseVectors(s *suite) {
	s.rig("heard").heardVectors()
	s.rig("ids").ids()
	r := s.rig("said")
	if !r.needs(network.CanPost) || r.caps.Text.Max == 0 {
		return
	}
	for _, v := range vectors {
		r.lengths("three times "+v.name, strings.Repeat(v.text+" ", 3), 3*(v.length(r.caps.Text.Unit)+1), "")
	}
	link, mention := 121, len(mentionVector)
	if r.caps.Text.URLWeight > 0 {
		link = r.caps.Text.URLWeight
	}
	if r.caps.Text.MentionDomainFree {
		mention = len("@user")
	}
	r.lengths("a link", linkVector+" ", link+1, "")
	r.lengths("a mention", mentionVector+" ", mention+1, "")
	if r.needs(network.CanWarn) {
		warning, counted := "ten letter", 0
		if r.caps.Text.CWCounts {
			counted = len(warning)
		}
		r.lengths("a warning", "", counted, warning)
	}
	r.bytes()
}

// lengths fills a text that counts used up to the limit, which must pass, and
// one letter beyond, which must not.
func (r *rig) lengths(what, body string, used int, warning string) {
	r.tb.Helper()
	rule := r.caps.Text
	if used > rule.Max || rule.MaxBytes > 0 && len(body)+rule.Max-used > rule.MaxBytes {
		return
	}
	full := body + filler(rule.Max-used)
	r.fits(what, full, warning)
	r.exceeds(what, full+"x", warning)
}

// filler is n letters that count one each everywhere, in words: a network may
// refuse one word of thousands of letters.
func filler(n int) string {
	if n <= 0 {
		return ""
	}
	words := strings.Repeat("lantern ", n/8+1)[:n]
	return words[:n-1] + "x"
}

// bytes is the second limit of networks that have one.
func (r *rig) bytes() {
	r.tb.Helper()
	family := vectors[0]
	rule := r.caps.Text
	n := rule.MaxBytes / family.bytes
	if n == 0 || n*family.length(rule.Unit) > rule.Max {
		return
	}
	body := strings.Repeat(family.text, n)
	r.fits("bytes", body, "")
	r.exceeds("bytes", body+family.text, "")
}

func (r *rig) words(body, warning string) network.Draft {
	d := r.post()
	d.Parts[0].Text, d.Parts[0].Warning = body, warning
	return d
}

// fits requires that what counts as exactly the limit is planned and taken.
func (r *rig) fits(what, body, warning string) {
	r.tb.Helper()
	p, err := r.tryPlan(r.words(body, warning))
	if err != nil {
		r.errorf("%s: a text of exactly %d %s is refused: %v", what, r.caps.Text.Max, r.caps.Text.Unit, err)
		return
	}
	snd := r.resume(p)
	if err := snd.all(); err != nil {
		r.errorf("%s: Plan admits a text of %d %s, the network does not: %v", what, r.caps.Text.Max, r.caps.Text.Unit, err)
	}
}

// exceeds requires that one more is refused by Plan, as the author's to mend.
func (r *rig) exceeds(what, body, warning string) {
	r.tb.Helper()
	before := len(r.creates())
	p, err := r.tryPlan(r.words(body, warning))
	if err == nil {
		err = r.resume(p).all()
		r.errorf("%s: Plan admits one more than %d %s; the network says %v", what, r.caps.Text.Max, r.caps.Text.Unit, err)
	} else if k := network.KindOf(err); k != network.TooLong {
		r.errorf("%s: a text that is too long is %q (%v), want TooLong", what, k, err)
	}
	if n := len(r.creates()) - before; n != 0 {
		r.errorf("%s: %d posts that are too long were made", what, n)
	}
}

// heardVectors: what others say arrives letter by letter, its spans at borders
// of characters (the store checks those).
func (r *rig) heardVectors() {
	in := r.inbox()
	said := map[string]string{}
	for _, v := range vectors {
		p := r.stranger()
		p.Text.Body = fmt.Sprintf("%s and %s, see %s, then %s%s", v.text, v.text, linkStart+"seven", v.text, p.Text.Body)
		said[r.fake.Say(p).ID] = v.text
	}
	in.drain()
	for id, want := range said {
		got, ok := in.store.post(id)
		if !ok || strings.Count(got.Text.Body, want) < 3 {
			r.errorf("%q did not arrive whole: %q", want, got.Text.Body)
		}
		link := slices.ContainsFunc(got.Text.Spans, func(s text.Span) bool {
			return s.Kind == text.Link && got.Text.Body[s.Start:s.End] == s.Target
		})
		if len(got.Text.Spans) > 0 && !link && strings.Contains(got.Text.Body, linkStart+"seven") {
			r.errorf("beside %q the spans are %+v of %q: none is the link", want, got.Text.Spans, got.Text.Body)
		}
	}
}

// ids: one more than a float64 can tell from its neighbour.
func (r *rig) ids() {
	in := r.inbox()
	for _, id := range []string{"9007199254740993", "9007199254740995"} {
		p := r.stranger()
		p.ID = id
		ref := r.fake.Say(p)
		in.drain()
		if _, ok := in.store.post(ref.ID); !ok {
			r.errorf("%s does not arrive under its id: %v", ref.ID, in.store.order)
		}
	}
}
