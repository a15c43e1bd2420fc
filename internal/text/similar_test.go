package text_test

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"parley/internal/text"
)

func TestSimilar(t *testing.T) {
	t.Parallel()
	long := sentence
	for _, c := range []struct {
		name, a, b string
		low, high  float64
	}{
		{"the same", long, long, 1, 1},
		{"case, accents, spacing", "Über uns: die Stadt!", "uber  uns die STADT", 1, 1},
		{"one word changed", long, strings.Replace(long, "Monday", "Tuesday", 1), 0.85, 0.99},
		{"a sentence added", long, long + " Thank you for your patience while we work.", 0.75, 0.9},
		{"another text", long, "We are hiring gardeners, and we would love to hear from everybody who enjoys roses.", 0, 0.1},
		{"japanese", "東京都庁は月曜日の朝九時に開きます", "東京都庁は火曜日の朝九時に開きます", 0.3, 0.9},
		{"nothing", "", "", 1, 1},
		{"signs", "!!!", "???", 0, 0},
		{"signs and words", "!!!", "a", 0, 0},
		{"short", "ok", "OK!", 1, 1},
		{"short and other", "ok", "no", 0, 0},
	} {
		got := text.Similar(c.a, c.b)
		if got < c.low || got > c.high {
			t.Errorf("%s: %.3f, want %.2f to %.2f", c.name, got, c.low, c.high)
		}
	}
}

func TestSimilarProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.String().Draw(t, "a"), rapid.String().Draw(t, "b")
		x, y := text.Similar(a, b), text.Similar(b, a)
		if x != y || x < 0 || x > 1 || math.IsNaN(x) {
			t.Fatalf("%q and %q: %v and %v", a, b, x, y)
		}
		if s := text.Similar(a, a); s != 1 {
			t.Fatalf("%q is %v like itself", a, s)
		}
	})
}
