package paint_test

import (
	"bytes"
	"image/png"
	"testing"

	"parley/internal/network/sandbox/paint"
)

// Every picture is a PNG, the same for the same name and another for another.
func TestPictures(t *testing.T) {
	t.Parallel()
	draw := map[string]func(string) []byte{"portrait": paint.Portrait, "emblem": paint.Emblem}
	for _, s := range paint.Scenes() {
		draw[s] = func(seed string) []byte { return paint.Scene(s, seed) }
	}
	for name, f := range draw {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			one, again, other := f("one"), f("one"), f("two")
			if !bytes.Equal(one, again) {
				t.Error("the same name gave two pictures")
			}
			if bytes.Equal(one, other) {
				t.Error("two names gave one picture")
			}
			img, err := png.Decode(bytes.NewReader(one))
			if err != nil {
				t.Fatal(err)
			}
			if b := img.Bounds(); b.Dx() < 100 || len(one) > 60_000 {
				t.Errorf("%d points wide, %d bytes", b.Dx(), len(one))
			}
		})
	}
}
