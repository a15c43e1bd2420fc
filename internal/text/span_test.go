package text_test

import (
	"testing"

	"parley/internal/text"
)

// TestPiecesOfAnything shows a text whose spans keep no promise: what fits is
// used, the rest is passed over, and no word is lost.
func TestPiecesOfAnything(t *testing.T) {
	t.Parallel()
	got := text.Text{Body: "aé漢z", Spans: []text.Span{
		{Start: -1, End: 2, Kind: text.Link},
		{Start: 0, End: 3, Kind: text.Quote},
		{Start: 1, End: 2, Kind: text.Code},   // cuts é
		{Start: 1, End: 6, Kind: text.Strike}, // leaves the quote
		{Start: 1, End: 3, Kind: text.Link, Target: "https://a.example/"},
		{Start: 0, End: 1, Kind: text.Tag},     // out of order
		{Start: 3, End: 3, Kind: text.Tag},     // empty
		{Start: 6, End: 9, Kind: text.Mention}, // beyond the end
	}}
	if s, want := spell(got), "[quote|a[link https://a.example/|é]]漢z"; s != want {
		t.Errorf("%q, want %q", s, want)
	}
	if n := len(text.Text{}.Pieces()); n != 0 {
		t.Errorf("%d pieces of nothing", n)
	}
}
