package team

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
	"golang.org/x/text/unicode/norm"

	"parley/internal/problem"
)

// maxName is in code points. The schema allows more: normalising never grows a
// name beyond that.
const maxName = 80

// cleanName makes a name of a person, team, workspace or token fit to stand in
// somebody else's line: one line, no invisible signs that turn the text around
// it or hide letters. field is the form field it came from.
func cleanName(s, field string) (string, error) {
	if !utf8.ValidString(s) {
		return "", problem.New(problem.Invalid, "team.name_unreadable").At(field)
	}
	if len(s) > 16*maxName {
		return "", problem.New(problem.Invalid, "team.name_long", "max", maxName).At(field)
	}
	s = strings.Join(strings.Fields(norm.NFC.String(strings.Map(visible, s))), " ")
	if !strings.ContainsFunc(s, func(r rune) bool { return unicode.IsGraphic(r) && !unicode.IsMark(r) && !unicode.IsSpace(r) }) {
		return "", problem.New(problem.Invalid, "team.name_empty").At(field)
	}
	if utf8.RuneCountInString(s) > maxName {
		return "", problem.New(problem.Invalid, "team.name_long", "max", maxName).At(field)
	}
	return s, nil
}

// visible drops controls and formatting signs, among them U+0000 and the
// overrides of the writing direction (UAX #9). The two joiners stay: Persian,
// Indic names and composed emoji are misspelt without them.
func visible(r rune) rune {
	const nonJoiner, joiner = '\u200c', '\u200d'
	switch {
	case r == nonJoiner || r == joiner:
		return r
	case unicode.IsSpace(r):
		return ' '
	case unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Co, unicode.Cs, unicode.Noncharacter_Code_Point):
		return -1
	default:
		return r
	}
}

// cleanReason is a sentence of why; it may be empty.
func cleanReason(s string) (string, error) {
	if strings.TrimSpace(s) == "" {
		return "", nil
	}
	const longest = 500
	if !utf8.ValidString(s) || utf8.RuneCountInString(s) > longest {
		return "", problem.New(problem.Invalid, "team.reason_long", "max", longest).At("reason")
	}
	return strings.Join(strings.Fields(norm.NFC.String(strings.Map(visible, s))), " "), nil
}

// cleanLabel cuts what a browser or proxy said about itself to something that
// can be stored and shown. It never refuses: nobody typed it.
func cleanLabel(s string, most int) string {
	s = strings.TrimSpace(strings.Map(visible, strings.ToValidUTF8(s, "")))
	for len(s) > most {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return s
}

// foldName is a name as it is compared: two teams called "Press" and "press"
// would be one to everybody but the database.
func foldName(s string) string { return cases.Fold().String(norm.NFKC.String(s)) }

func checkZone(zone string) error {
	// LoadLocation reads files named by zone; it refuses dots and slashes that
	// lead out of its folder itself. "Local" is the machine's zone, not a place.
	if zone == "" || zone == "Local" || len(zone) > 64 {
		return problem.New(problem.Invalid, "team.zone").At("zone")
	}
	if _, err := time.LoadLocation(zone); err != nil {
		return problem.New(problem.Invalid, "team.zone").At("zone").Because(err)
	}
	return nil
}

// cleanLocale is a language tag in its canonical form (BCP 47).
func cleanLocale(locale string) (string, error) {
	if locale == "" {
		return "en", nil
	}
	if len(locale) > 35 { // RFC 5646, section 4.4.1
		return "", problem.New(problem.Invalid, "team.locale").At("locale")
	}
	tag, err := language.Parse(locale)
	if err != nil {
		return "", problem.New(problem.Invalid, "team.locale").At("locale").Because(err)
	}
	return tag.String(), nil
}
