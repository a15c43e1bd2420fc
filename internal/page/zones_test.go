package page

import "testing"

func TestZonesThatAreKeptAreFew(t *testing.T) {
	t.Parallel()
	var z zones
	for _, spelling := range []string{"Europe/Berlin", "Europe//Berlin", "Europe/Berlin", "No/Where"} {
		z.load(spelling)
	}
	if n := z.kept.Load(); n != 1 {
		t.Errorf("%d zones are kept, want 1", n)
	}
	z.kept.Store(mostZones)
	if got := z.load("Asia/Tokyo").String(); got != "Asia/Tokyo" {
		t.Errorf("one too many is %s", got)
	}
	if _, there := z.known.Load("Asia/Tokyo"); there {
		t.Error("one too many is kept")
	}
}
