package mastodon

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestPlaceMissesNothing plays a server that gives ids in order but shows them
// in any order within the overlap, and a reader that reads pages at any time,
// crashes, and rests for hours. Everything must be read.
func TestPlaceMissesNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		type entry struct {
			id    string
			shown time.Time
		}
		now := time.Unix(1_800_000_000, 0)
		var all []entry
		serial := 0
		say := func() {
			serial++
			late := time.Duration(rapid.IntRange(0, 119).Draw(t, "late")) * time.Second
			all = append(all, entry{fmt.Sprintf("%06d", serial), now.Add(late)})
		}
		visible := func(after string) []string {
			var out []string
			for _, e := range all {
				if e.id > after && !e.shown.After(now) {
					out = append(out, e.id)
				}
			}
			return out
		}
		read := map[string]bool{}
		at := place{Base: "0"}
		page := func(size int) bool {
			next := at // a crash loses this, and what was read with it
			next.Marks = slices.Clone(at.Marks)
			ids := visible(next.start(now))
			if len(ids) > size {
				ids = ids[:size]
			}
			if len(ids) == 0 {
				next.end()
			} else {
				next.advance(ids[len(ids)-1], now)
			}
			if rapid.IntRange(0, 9).Draw(t, "crash") == 0 {
				return true
			}
			at = next
			for _, id := range ids {
				read[id] = true
			}
			return len(ids) > 0
		}
		for range rapid.IntRange(1, 60).Draw(t, "moves") {
			switch rapid.IntRange(0, 2).Draw(t, "move") {
			case 0:
				say()
			case 1:
				now = now.Add(time.Duration(rapid.SampledFrom([]int{1, 7, 30, 61, 125, 4000}).Draw(t, "seconds")) * time.Second)
			case 2:
				page(rapid.IntRange(1, 5).Draw(t, "size"))
			}
		}
		now = now.Add(2 * time.Hour)
		for range 2 { // the first may be the end of a walk that began before
			for page(3) {
			}
		}
		for _, e := range all {
			if !read[e.id] {
				t.Fatalf("%s was never read; the bookmark is %+v", e.id, at)
			}
		}
		if len(at.Marks) > 40 {
			t.Fatalf("%d marks in a bookmark", len(at.Marks))
		}
	})
}

func TestPlaceRefusesForeignCursor(t *testing.T) {
	t.Parallel()
	p := place{Base: "7"}
	c := p.cursor()
	if got, err := readPlace(c); err != nil || got.Base != "7" {
		t.Fatalf("its own cursor: %+v, %v", got, err)
	}
	c.V = 9
	if _, err := readPlace(c); err == nil {
		t.Error("a cursor of another version is accepted")
	}
}
