package i18n

import "strings"

// Pseudo is the locale that finds bare strings: English with accents, a third
// longer, between ⟦ and ⟧. What a page shows outside the brackets did not come
// from a catalogue; what is cut off has no room for German.
const Pseudo = "en-XA"

var accents = strings.NewReplacer(
	"a", "å", "b", "ƀ", "c", "ç", "d", "đ", "e", "é", "f", "ƒ", "g", "ĝ", "h", "ĥ", "i", "î",
	"j", "ĵ", "k", "ķ", "l", "ļ", "m", "ɱ", "n", "ñ", "o", "ö", "p", "þ", "r", "ŕ",
	"s", "š", "t", "ţ", "u", "û", "v", "ṽ", "w", "ŵ", "y", "ý", "z", "ž",
	"A", "Å", "B", "Ɓ", "C", "Ç", "D", "Đ", "E", "É", "F", "Ƒ", "G", "Ĝ", "H", "Ĥ", "I", "Î",
	"L", "Ļ", "M", "Ṁ", "N", "Ñ", "O", "Ö", "P", "Þ", "R", "Ŕ", "S", "Š", "T", "Ţ", "U", "Û",
	"W", "Ŵ", "Y", "Ý", "Z", "Ž",
)

func pseudoLocale(source *locale) *locale {
	l := &locale{name: Pseudo, tag: source.tag, printer: source.printer, entries: make(map[string]entry, len(source.entries))}
	for key, e := range source.entries {
		l.entries[key] = e.each(pseudoPattern)
	}
	return l
}

func pseudoPattern(p pattern) pattern {
	out := make(pattern, len(p))
	letters := 0
	for i, part := range p {
		out[i] = part
		if i%2 == 0 {
			letters += len(part)
			out[i] = accents.Replace(part)
		}
	}
	last := len(out) - 1
	if letters > 3 {
		out[last] += " " + strings.Repeat("~", (letters+2)/3)
	}
	out[0] = "⟦" + out[0]
	out[last] += "⟧"
	return out
}
