package i18n

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/number"
	"golang.org/x/text/unicode/bidi"

	"parley/internal/problem"
)

// Locale speaks one language in one time zone. Safe for concurrent use.
type Locale struct {
	bundle *Bundle
	locale *locale
	zone   *time.Location
}

// Key is an argument of T that is itself a catalogue key.
type Key string

// Name is the language as a BCP 47 tag, for the lang attribute and for keys of caches.
func (l *Locale) Name() string { return l.locale.name }

// Zone is the reader's time zone.
func (l *Locale) Zone() *time.Location { return l.zone }

// Dir is the writing direction, for the dir attribute: "ltr" or "rtl".
func (l *Locale) Dir() string {
	script, _ := l.locale.tag.Script()
	switch script.String() {
	case "Arab", "Hebr", "Syrc", "Thaa", "Nkoo", "Adlm":
		return "rtl"
	}
	return "ltr"
}

// T says a key. args are pairs of hole name and value; numbers are written the
// language's way, a Key is said too, and "n" chooses the plural.
func (l *Locale) T(key string, args ...any) string {
	e, tag, ok := l.entry(key)
	if !ok {
		l.bundle.missing(l.locale.name, key)
		return key
	}
	return l.fill(key, e, tag, pairs(args))
}

// Has reports whether a key can be said, in this language or in Source.
func (l *Locale) Has(key string) bool {
	_, _, ok := l.entry(key)
	return ok
}

func (l *Locale) entry(key string) (entry, language.Tag, bool) {
	if e, ok := l.locale.entries[key]; ok {
		return e, l.locale.tag, true
	}
	source := l.bundle.locales[Source]
	e, ok := source.entries[key]
	return e, source.tag, ok
}

// args finds a hole's value.
type args func(name string) (any, bool)

func pairs(list []any) args {
	return func(name string) (any, bool) {
		for i := 0; i+1 < len(list); i += 2 {
			if list[i] == name {
				return list[i+1], true
			}
		}
		return nil, false
	}
}

func named(m map[string]any) args {
	return func(name string) (any, bool) { v, ok := m[name]; return v, ok }
}

func (l *Locale) fill(key string, e entry, tag language.Tag, a args) string {
	var n int64
	if v, ok := a("n"); ok {
		n, _ = whole(v)
	}
	p := e.pick(tag, n)
	if len(p) == 1 {
		return p[0]
	}
	var b strings.Builder
	for i, part := range p {
		if i%2 == 0 {
			b.WriteString(part)
			continue
		}
		v, ok := a(part)
		if !ok {
			l.bundle.formed(l.locale.name, key, part)
			b.WriteString("{" + part + "}")
			continue
		}
		b.WriteString(l.value(v))
	}
	return b.String()
}

func (l *Locale) value(v any) string {
	if n, ok := whole(v); ok {
		return l.Number(n)
	}
	switch v := v.(type) {
	case string:
		return isolate(v)
	case Key:
		return l.T(string(v))
	case float64:
		return l.Decimal(v, 1)
	case fmt.Stringer:
		return isolate(v.String())
	default:
		return isolate(fmt.Sprint(v))
	}
}

func whole(v any) (int64, bool) {
	switch v := v.(type) {
	case int:
		return int64(v), true
	case int32:
		return int64(v), true
	case int64:
		return v, true
	case uint32:
		return int64(v), true
	}
	return 0, false
}

// isolate keeps a value that is written from right to left, or that plays with
// direction marks, from turning the sentence around it: Unicode Bidirectional
// Algorithm (UAX #9), first strong isolate.
func isolate(s string) string {
	for _, r := range s {
		if r < 0x590 {
			continue
		}
		p, _ := bidi.LookupString(string(r))
		switch p.Class() {
		case bidi.R, bidi.AL, bidi.AN, bidi.RLE, bidi.RLO, bidi.LRE, bidi.LRO, bidi.RLI, bidi.LRI, bidi.FSI, bidi.PDF, bidi.PDI:
			return "\u2068" + s + "\u2069"
		}
	}
	return s
}

// Number writes a whole number: 12,345.
func (l *Locale) Number(n int64) string {
	if n >= 0 && n < 1000 {
		return strconv.FormatInt(n, 10)
	}
	return l.locale.printer.Sprint(number.Decimal(n))
}

// Decimal writes a number with at most so many digits after the point.
func (l *Locale) Decimal(f float64, digits int) string {
	return l.locale.printer.Sprint(number.Decimal(f, number.MaxFractionDigits(digits)))
}

// Percent writes a share of one: 0.25 is 25%.
func (l *Locale) Percent(share float64) string {
	return l.locale.printer.Sprint(number.Percent(share, number.MaxFractionDigits(0)))
}

// Bytes writes a size: 1.4 MB, in powers of ten as file managers do.
func (l *Locale) Bytes(n int64) string {
	switch {
	case n < 1000:
		return l.T("size.bytes", "n", n)
	case n < 1_000_000:
		return l.T("size.kb", "size", l.Decimal(float64(n)/1e3, 0))
	case n < 1_000_000_000:
		return l.T("size.mb", "size", l.Decimal(float64(n)/1e6, 1))
	default:
		return l.T("size.gb", "size", l.Decimal(float64(n)/1e9, 1))
	}
}

// Problem says what happened and what to do next. A code without its own
// entries is told by its kind, so that people are never shown a key.
func (l *Locale) Problem(p *problem.Problem) (what, next string) {
	key := "problem." + p.Code
	e, tag, ok := l.entry(key)
	if !ok {
		l.bundle.missing(l.locale.name, key)
		key = "problem.kind." + string(p.Kind)
		if e, tag, ok = l.entry(key); !ok {
			return p.Code, ""
		}
	}
	what = l.fill(key, e, tag, named(p.Args))
	if e, tag, ok = l.entry(key + ".next"); ok {
		return what, l.fill(key+".next", e, tag, named(p.Args))
	}
	l.bundle.missing(l.locale.name, key+".next")
	return what, ""
}
