package text

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Fold makes strings that people take for the same the same: compatibility
// forms, case and diacritics are gone, and so are characters that cannot be
// seen. "ＣＡＦÉ", "Café" and "cafe" fold alike. Vowel signs of Indic scripts and
// the voicing marks of kana stay: without them words become other words.
// Fold(Fold(s)) == Fold(s).
func Fold(s string) string {
	if folded, ok := foldASCII(s); ok {
		return folded
	}
	var b strings.Builder
	b.Grow(len(s))
	for _, r := range norm.NFKD.String(s) {
		foldRune(&b, r)
	}
	return norm.NFC.String(b.String())
}

// foldASCII lowers s, allocating only if it must; false if s is not all ASCII.
func foldASCII(s string) (string, bool) {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return "", false
		}
	}
	return strings.ToLower(s), true
}

func foldRune(b *strings.Builder, r rune) {
	switch {
	case r < utf8.RuneSelf:
		if r >= 'A' && r <= 'Z' {
			r += 'a' - 'A'
		}
		b.WriteByte(byte(r))
	case diacritic(r) || unicode.Is(unicode.Cf, r) || r >= 0xFE00 && r <= 0xFE0F:
		// An accent, a vowel point, a joiner, a soft hyphen, a choice of form.
	default:
		if plain := foldLetter(r); plain != "" {
			b.WriteString(plain)
			return
		}
		b.WriteRune(unicode.ToLower(r))
	}
}

// diacritic reports marks that readers leave out when they search: accents on
// Latin, Greek and Cyrillic letters, the points of Hebrew and Arabic.
func diacritic(r rune) bool {
	switch {
	case r >= 0x0300 && r <= 0x036F, // combining diacritical marks
		r >= 0x0483 && r <= 0x0487, // Cyrillic
		r >= 0x0591 && r <= 0x05BD, r == 0x05BF, r == 0x05C1, r == 0x05C2, r == 0x05C4, r == 0x05C5, r == 0x05C7,
		r >= 0x0610 && r <= 0x061A, r >= 0x064B && r <= 0x065F, r == 0x0670, r >= 0x06D6 && r <= 0x06DC,
		r == 0x0640, // tatweel, which only stretches a word
		r >= 0x1AB0 && r <= 0x1AFF, r >= 0x1DC0 && r <= 0x1DFF,
		r >= 0x20D0 && r <= 0x20FF, r >= 0xFE20 && r <= 0xFE2F:
		return true
	}
	return false
}

// foldLetter spells letters that no normal form takes apart, and those whose
// full case folding is more than their lower case (Unicode, CaseFolding.txt).
func foldLetter(r rune) string {
	switch r {
	case 'ß', 'ẞ':
		return "ss"
	case 'æ', 'Æ':
		return "ae"
	case 'œ', 'Œ':
		return "oe"
	case 'ø', 'Ø':
		return "o"
	case 'ł', 'Ł':
		return "l"
	case 'đ', 'Đ', 'ð', 'Ð':
		return "d"
	case 'ħ', 'Ħ':
		return "h"
	case 'ŧ', 'Ŧ':
		return "t"
	case 'þ', 'Þ':
		return "th"
	case 'ı':
		return "i"
	case 'ς':
		return "σ"
	}
	return ""
}
