package bluesky

import (
	"cmp"
	"slices"
	"unicode/utf8"

	"parley/internal/network/bluesky/record"
	"parley/internal/text"
)

const (
	facetMention = "app.bsky.richtext.facet#mention"
	facetLink    = "app.bsky.richtext.facet#link"
	facetTag     = "app.bsky.richtext.facet#tag"
)

// maxFacets bounds what is read of one post; a post of 3,000 bytes has room for
// far fewer.
const maxFacets = 500

// richText makes a Text of a record's text and facets. Facets are bytes of the
// text as it was written; servers accept ones that lie outside it, run
// backwards, cut a character or overlap. Those are dropped, the words stay.
func richText(body string, facets []facet) text.Text {
	if len(body) > text.MaxBody {
		body, facets = text.Cut(body, text.MaxBody), nil
	}
	out := text.Text{Body: text.Clean(body)}
	if len(facets) > maxFacets {
		facets = facets[:maxFacets]
	}
	for _, f := range facets {
		s, ok := spanOf(f)
		if !ok || !within(body, s.Start, s.End) {
			continue
		}
		// Cleaning may have taken bytes out before and inside the span.
		s.Start, s.End = len(text.Clean(body[:s.Start])), len(text.Clean(body[:s.End]))
		if s.Start < s.End {
			out.Spans = append(out.Spans, s)
		}
	}
	slices.SortStableFunc(out.Spans, func(x, y text.Span) int { return cmp.Compare(x.Start, y.Start) })
	end := 0
	out.Spans = slices.DeleteFunc(out.Spans, func(s text.Span) bool {
		if s.Start < end {
			return true
		}
		end = s.End
		return false
	})
	return out
}

// spanOf is the first feature of a facet that Parley knows.
func spanOf(f facet) (text.Span, bool) {
	s := text.Span{Start: f.Index.Start, End: f.Index.End}
	for _, x := range f.Features {
		switch x.Type {
		case facetMention:
			if record.ValidDID(x.DID) {
				s.Kind, s.Target = text.Mention, x.DID
				return s, true
			}
		case facetLink:
			if u := webAddress(x.URI); u != "" {
				s.Kind, s.Target = text.Link, u
				return s, true
			}
		case facetTag:
			if t := text.CleanLine(x.Tag, 640); t != "" {
				s.Kind, s.Target = text.Tag, t
				return s, true
			}
		}
	}
	return s, false
}

// within reports a range of whole characters inside body.
func within(body string, start, end int) bool {
	if start < 0 || end > len(body) || start >= end {
		return false
	}
	return utf8.RuneStart(body[start]) && (end == len(body) || utf8.RuneStart(body[end]))
}
