package people

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// temper is how somebody takes things.
type temper int

const (
	plain temper = iota
	formal
	warm
	grumpy
	anxious
	joker
	terse
	tempers
)

// persona is somebody with habits and a memory.
type persona struct {
	Persona
	temper   temper
	sloppy   bool // makes typing errors, and mends some of them
	small    bool // begins sentences with small letters
	bare     bool // writes without accents
	emoji    string
	mischief bool                 // their handle ends in a fault's name
	own      map[string][2]string // the two words of a list that are theirs for life
	past     []memory
	busy     time.Time // has something going on until then
}

// memory is what somebody remembers of an earlier matter.
type memory struct {
	thing    []string // its forms
	topic    string
	desk     string
	answered bool
}

// pastKept is how many earlier matters somebody remembers.
const pastKept = 5

func (p *persona) remember(m memory) {
	p.past = append(p.past, m)
	if len(p.past) > pastKept {
		p.past = p.past[1:]
	}
}

// shares is how many people write in a language.
var shares = []struct {
	lang string
	n    int
}{{"en", 46}, {"de", 22}, {"es", 12}, {"fr", 12}, {"tr", 11}, {"ja", 2}, {"ar", 2}}

// mischiefs are the ends of handles that a sandbox answers with a fault.
var mischiefs = []string{"timeout", "throttled", "gone", "unknown", "refused", "error", "cut"}

// populate makes the people who write in the languages of gs.
func populate(seed uint64, gs []*grammar, names map[string][]string, rng *rand.Rand) []*persona {
	var out []*persona
	taken := map[string]bool{}
	for _, g := range gs {
		n := min(40, len(names[g.lang+".first"])*len(names[g.lang+".last"])/2)
		for _, s := range shares {
			if s.lang == g.lang && len(gs) > 1 {
				n = s.n
			}
		}
		for range n {
			out = append(out, newPersona(seed, g.lang, names, rng, taken))
		}
	}
	if gs[0].lang == "en" && len(gs) > 1 {
		for _, m := range mischiefs {
			p := newPersona(seed, "en", names, rng, taken)
			first, _, _ := strings.Cut(p.Name, " ")
			p.Handle = plainLetters(first) + "." + m
			p.ID = personID(seed, p.Handle)
			p.mischief = true
			out = append(out, p)
		}
	}
	return out
}

func personID(seed uint64, handle string) string { return fmt.Sprintf("p-%x-%s", seed&0xffff, handle) }

func newPersona(seed uint64, lang string, names map[string][]string, rng *rand.Rand, taken map[string]bool) *persona {
	firsts, lasts := names[lang+".first"], names[lang+".last"]
	p := &persona{own: map[string][2]string{}}
	for try := range 60 {
		first, last := firsts[rng.IntN(len(firsts))], lasts[rng.IntN(len(lasts))]
		p.Name = first + " " + last
		p.Handle = handleOf(first, last, rng)
		if !taken[p.Handle] && (!taken[p.Name] || try > 40) { // in the end two people may share a name
			break
		}
	}
	for n := 2; taken[p.Handle]; n++ {
		p.Handle = fmt.Sprintf("%s%d", strings.TrimRight(p.Handle, "0123456789"), n)
	}
	taken[p.Handle], taken[p.Name] = true, true
	p.ID, p.Lang = personID(seed, p.Handle), lang
	p.temper = temper(rng.IntN(int(tempers)))
	p.sloppy = p.temper != formal && rng.IntN(4) == 0
	p.small = p.temper != formal && rng.IntN(6) == 0
	p.bare = p.temper != formal && rng.IntN(6) == 0 && (lang == "es" || lang == "tr" || lang == "fr")
	if p.temper == warm || p.temper == joker || rng.IntN(6) == 0 {
		p.emoji = []string{"🙂", "😊", "🙏", "😅", "🌧️", "☕", "🚲", "🌻"}[rng.IntN(8)]
	}
	return p
}

func handleOf(first, last string, rng *rand.Rand) string {
	f, l := plainLetters(first), plainLetters(last)
	switch rng.IntN(6) {
	case 0:
		return f + "." + l
	case 1:
		return f[:1] + l
	case 2:
		return f + "_" + l[:1]
	case 3:
		return f + l[:2] + fmt.Sprint(10+rng.IntN(80))
	case 4:
		return l + "." + f
	}
	return f + l
}

// plainLetters is s in small letters from a to z.
func plainLetters(s string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(unaccented(s)) {
		if r >= 'a' && r <= 'z' {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// unaccented leaves marks out, as people do on a keyboard made elsewhere.
func unaccented(s string) string {
	s = strings.NewReplacer("ı", "i", "İ", "I", "ø", "o", "ß", "ss").Replace(s)
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, norm.NFD.String(s))
}

// style writes a text as the person types. It returns the text as typed and,
// where a typing error slipped in, as it was meant.
func (p *persona) style(s string, rng *rand.Rand) (typed, meant string) {
	if !p.small {
		s = capitals(s, p.Lang)
	}
	if p.bare {
		s = unaccented(s)
	}
	if p.small || p.temper == terse {
		s = strings.TrimSuffix(s, ".")
	}
	if p.emoji != "" && rng.IntN(4) == 0 {
		s += " " + p.emoji
	}
	if p.sloppy && rng.IntN(3) == 0 {
		if slip, ok := slipped(s, rng); ok {
			return slip, s
		}
	}
	return s, s
}

// slipped exchanges two letters inside one of the longer words, or loses one.
func slipped(s string, rng *rand.Rand) (string, bool) {
	words := strings.Split(s, " ")
	for range 8 {
		i := rng.IntN(len(words))
		rs := []rune(words[i])
		if len(rs) < 6 || !allLetters(rs) || unicode.IsUpper(rs[0]) {
			continue
		}
		at := 2 + rng.IntN(len(rs)-4)
		if rng.IntN(3) == 0 {
			rs = append(rs[:at], rs[at+1:]...)
		} else {
			if rs[at] == rs[at+1] {
				continue
			}
			rs[at], rs[at+1] = rs[at+1], rs[at]
		}
		words[i] = string(rs)
		return strings.Join(words, " "), true
	}
	return s, false
}

func allLetters(rs []rune) bool {
	for _, r := range rs {
		if !unicode.IsLetter(r) || r > 0x24F { // alphabets whose letters can't be exchanged blindly stay whole
			return false
		}
	}
	return true
}
