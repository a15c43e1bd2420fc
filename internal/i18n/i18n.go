// Package i18n turns catalogue keys into what people read: sentences, plurals,
// dates, numbers and spans of time, in the reader's language and time zone.
//
// Each package with visible strings embeds its own catalogue/<locale>.json; a
// Bundle joins them and refuses a key that two packages claim. English ("en") is
// the source: a key that a translation lacks is said in English, a key that
// English lacks is a defect. Dates are built from catalogue patterns too, so a
// new language is one file per package and no code.
//
// Not its business: which language somebody prefers (team keeps that), where
// words stand on a page (page), and what outside people wrote, which is never
// translated.
package i18n

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// Source is the locale every key must have.
const Source = "en"

// Catalogue holds the patterns of dates and times.
//
//go:embed catalogue/*.json
var Catalogue embed.FS

// Bundle is every catalogue of the program. It does not change once built and
// is safe for concurrent use.
type Bundle struct {
	locales map[string]*locale
	tags    []language.Tag // index 0 is Source; what Negotiate chooses from
	matcher language.Matcher
	missing func(locale, key string)
	formed  func(locale, key, hole string)
}

// locale is one language's entries and its number formats.
type locale struct {
	name    string
	tag     language.Tag
	entries map[string]entry
	printer *message.Printer
}

// NewBundle joins catalogues: in each of them, catalogue/<locale>.json. This
// package's own is always part. A key in two catalogues of one locale is an
// error, and so is a file that is no flat object of texts and plurals.
func NewBundle(catalogues ...fs.FS) (*Bundle, error) {
	b := &Bundle{locales: map[string]*locale{}}
	for _, c := range append([]fs.FS{Catalogue}, catalogues...) {
		if err := b.add(c); err != nil {
			return nil, err
		}
	}
	if b.locales[Source] == nil {
		return nil, errors.New("no catalogue has " + Source + ".json")
	}
	names := make([]string, 0, len(b.locales))
	for name := range b.locales {
		if name != Source {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range append([]string{Source}, names...) {
		b.tags = append(b.tags, b.locales[name].tag)
	}
	b.matcher = language.NewMatcher(b.tags)
	b.locales[Pseudo] = pseudoLocale(b.locales[Source])
	return b.Logging(slog.New(slog.DiscardHandler)), nil
}

func (b *Bundle) add(c fs.FS) error {
	files, err := fs.Glob(c, "catalogue/*.json")
	if err != nil {
		return fmt.Errorf("listing catalogues: %w", err)
	}
	for _, file := range files {
		raw, err := fs.ReadFile(c, file)
		if err != nil {
			return fmt.Errorf("reading %s: %w", file, err)
		}
		name := strings.TrimSuffix(path.Base(file), ".json")
		if err := b.merge(name, raw); err != nil {
			return fmt.Errorf("reading %s: %w", file, err)
		}
	}
	return nil
}

func (b *Bundle) merge(name string, raw []byte) error {
	tag, err := language.Parse(name)
	if err != nil {
		return fmt.Errorf("locale %q: %w", name, err)
	}
	l := b.locales[name]
	if l == nil {
		l = &locale{name: name, tag: tag, entries: map[string]entry{}, printer: message.NewPrinter(tag)}
		b.locales[name] = l
	}
	var file map[string]json.RawMessage
	if err := json.Unmarshal(raw, &file); err != nil {
		return err
	}
	for key, value := range file {
		if _, taken := l.entries[key]; taken {
			return fmt.Errorf("key %q is in two catalogues", key)
		}
		if l.entries[key], err = parseEntry(value); err != nil {
			return fmt.Errorf("key %q: %w", key, err)
		}
	}
	return nil
}

// Logging is the bundle for production: a missing key falls back to the key
// itself, with one warning for each key.
func (b *Bundle) Logging(log *slog.Logger) *Bundle {
	c := *b
	var told sync.Map
	c.missing = func(locale, key string) {
		if _, again := told.LoadOrStore(key, true); !again {
			log.Warn("catalogue key is missing", "key", key, "locale", locale)
		}
	}
	c.formed = func(locale, key, hole string) {
		if _, again := told.LoadOrStore(key+"\x00"+hole, true); !again {
			log.Warn("catalogue text has a hole nobody filled", "key", key, "hole", hole, "locale", locale)
		}
	}
	return &c
}

// Strict is the bundle for tests: a missing key or an unfilled hole panics.
func (b *Bundle) Strict() *Bundle {
	c := *b
	c.missing = func(locale, key string) { panic("i18n: no text for key " + key + " in " + locale) }
	c.formed = func(locale, key, hole string) { panic("i18n: key " + key + " has a hole {" + hole + "} nobody filled") }
	return &c
}

// Locales lists the languages there are, Source first, without the pseudo-locale.
func (b *Bundle) Locales() []string {
	names := make([]string, len(b.tags))
	for i, tag := range b.tags {
		names[i] = tag.String()
	}
	return names
}

// Keys lists the keys of a locale, sorted.
func (b *Bundle) Keys(name string) []string {
	l := b.locales[name]
	if l == nil {
		return nil
	}
	keys := make([]string, 0, len(l.entries))
	for k := range l.entries {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// Has reports whether the source catalogue holds a key.
func (b *Bundle) Has(key string) bool {
	_, ok := b.locales[Source].entries[key]
	return ok
}

// Negotiate picks a language: the first of preferred that there is, else the
// best for an Accept-Language header, else Source. Preferred may name the
// pseudo-locale; a header never reaches it.
func (b *Bundle) Negotiate(acceptLanguage string, preferred ...string) string {
	for _, p := range preferred {
		if _, ok := b.locales[p]; ok {
			return p
		}
	}
	// A header of thousands of tags is somebody's joke; the first few decide.
	if len(acceptLanguage) > 512 {
		return Source
	}
	want, _, err := language.ParseAcceptLanguage(acceptLanguage)
	if err != nil || len(want) == 0 {
		return Source
	}
	_, at, confidence := b.matcher.Match(want...)
	if confidence == language.No {
		return Source
	}
	return b.tags[at].String()
}

// Locale is a language and a time zone. An unknown name is Source, a nil zone is UTC.
func (b *Bundle) Locale(name string, zone *time.Location) *Locale {
	l := b.locales[name]
	if l == nil {
		l = b.locales[Source]
	}
	if zone == nil {
		zone = time.UTC
	}
	return &Locale{bundle: b, locale: l, zone: zone}
}
