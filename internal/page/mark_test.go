package page_test

import (
	"context"
	"strings"
	"testing"

	"parley/internal/page"
	"parley/internal/text"
)

func TestMarkedEscapesAndMarks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		words, want string
		found       []text.Range
	}{
		{"a <b> c", "a <mark>&lt;b&gt;</mark> c", []text.Range{{Start: 2, End: 5}}},
		{"東京都", "<mark>東</mark>京<mark>都</mark>", []text.Range{{Start: 0, End: 3}, {Start: 6, End: 9}}},
		{"東京", "東京", []text.Range{{Start: 1, End: 3}, {Start: 3, End: 9}, {Start: 3, End: 3}, {Start: -1, End: 2}}},
		{"<i>", "&lt;i&gt;", nil},
	} {
		var b strings.Builder
		if err := page.Marked(c.words, c.found).Render(context.Background(), &b); err != nil || b.String() != c.want {
			t.Errorf("%q: %q, %v, want %q", c.words, b.String(), err, c.want)
		}
	}
}
