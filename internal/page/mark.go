package page

import (
	"context"
	"html"
	"io"
	"strings"

	"github.com/a-h/templ"

	"parley/internal/text"
)

// Marked is words with some stretches of them marked: what was looked for. Ranges
// that do not fit the words are passed over.
func Marked(words string, found []text.Range) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		var b strings.Builder
		at := 0
		for _, f := range found {
			if f.Start < at || f.End <= f.Start || f.End > len(words) || !onBorder(words, f.Start) || !onBorder(words, f.End) {
				continue
			}
			b.WriteString(html.EscapeString(words[at:f.Start]) + "<mark>" + html.EscapeString(words[f.Start:f.End]) + "</mark>")
			at = f.End
		}
		b.WriteString(html.EscapeString(words[at:]))
		_, err := io.WriteString(w, b.String())
		return err
	})
}

// Called is what to call somebody when a network told no name.
func (p Person) Called() string { return p.shown() }
