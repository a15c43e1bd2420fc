package team

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"parley/internal/problem"
)

// Lengths in bytes (RFC 5321, sections 4.5.3.1.1 and 4.5.3.1.3).
const (
	maxLocal   = 64
	maxAddress = 254
)

// address is a mail address as it is shown and as it is compared.
type address struct {
	shown  string
	folded string
}

// parseAddress reads what somebody typed. It accepts what mailboxes really look
// like (RFC 6531 included), not every comment and quote of RFC 5322.
func parseAddress(s string) (address, error) {
	bad := problem.New(problem.Invalid, "team.email").At("email")
	if len(s) > 4*maxAddress || !utf8.ValidString(s) {
		return address{}, bad
	}
	s = norm.NFKC.String(strings.TrimSpace(s))
	at := strings.LastIndexByte(s, '@')
	if at < 1 || at > maxLocal || len(s) > maxAddress {
		return address{}, bad
	}
	local, domain := s[:at], s[at+1:]
	if !goodLocal(local) {
		return address{}, bad
	}
	ascii, err := idna.Lookup.ToASCII(domain)
	if err != nil || !strings.Contains(ascii, ".") && ascii != "localhost" {
		return address{}, bad
	}
	if mixed(local) {
		return address{}, problem.New(problem.Invalid, "team.email_mixed").At("email")
	}
	// Shown with the domain as the network knows it: xn--… is not pretty, but
	// nobody takes it for the domain it imitates.
	seen, err := idna.Lookup.ToUnicode(ascii)
	if err != nil {
		return address{}, bad
	}
	return address{shown: local + "@" + ascii, folded: look(local + "@" + seen)}, nil
}

// goodLocal: the atoms of RFC 5322, section 3.2.3, with letters and digits of
// any script, dots between them.
func goodLocal(s string) bool {
	if strings.HasPrefix(s, ".") || strings.HasSuffix(s, ".") || strings.Contains(s, "..") {
		return false
	}
	for _, r := range s {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) && !strings.ContainsRune(".!#$%&'*+-/=?^_`{|}~", r) {
			return false
		}
	}
	return true
}

// mixed reports letters of more than one alphabet where nobody writes so: Latin,
// Greek and Cyrillic in one word are there to deceive (UTS #39, section 5.1).
func mixed(s string) bool {
	found := 0
	for _, script := range []*unicode.RangeTable{unicode.Latin, unicode.Greek, unicode.Cyrillic, unicode.Armenian} {
		if strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(script, r) }) {
			found++
		}
	}
	return found > 1
}

// look folds an address to how it looks: two addresses that a reader cannot
// tell apart are one. It is used to compare only.
func look(s string) string {
	return strings.Map(alike, cases.Fold().String(norm.NFKC.String(s)))
}

// alike turns letters that fonts draw like a Latin one, small or capital, into
// that one (from the confusables of UTS #39: Cyrillic, Greek, Armenian, Latin).
func alike(r rune) rune {
	switch r {
	case 'а', 'α', 'ɑ':
		return 'a'
	case 'в', 'β':
		return 'b'
	case 'с', 'ϲ':
		return 'c'
	case 'ԁ':
		return 'd'
	case 'е', 'ε':
		return 'e'
	case 'ց', 'ɡ':
		return 'g'
	case 'һ', 'н', 'հ', 'η':
		return 'h'
	case 'і', 'ι', 'ı':
		return 'i'
	case 'ј', 'յ':
		return 'j'
	case 'к', 'κ':
		return 'k'
	case 'ӏ':
		return 'l'
	case 'м', 'μ':
		return 'm'
	case 'ո':
		return 'n'
	case 'о', 'ο', 'օ', 'σ':
		return 'o'
	case 'р', 'ρ':
		return 'p'
	case 'ԛ', 'զ':
		return 'q'
	case 'ѕ':
		return 's'
	case 'т', 'τ':
		return 't'
	case 'υ', 'ս':
		return 'u'
	case 'ν', 'ѵ':
		return 'v'
	case 'ԝ', 'ѡ', 'ω':
		return 'w'
	case 'х', 'χ':
		return 'x'
	case 'у', 'γ':
		return 'y'
	case 'ζ':
		return 'z'
	default:
		return r
	}
}
