package network_test

import (
	"fmt"
	"strings"
	"testing"

	"parley/internal/network"
)

func TestAGapIsToldOnceAndNamesNobody(t *testing.T) {
	t.Parallel()
	var told network.Told
	for range 3 {
		for i := range 50 {
			told.First(fmt.Sprint("did:plc:alice/", i))
		}
	}
	if len(told) != 50 || strings.Contains(strings.Join(told, ""), "alice") {
		t.Errorf("%d are remembered: %q", len(told), told)
	}
	before := told
	for i := range 10_000 {
		if !told.First(fmt.Sprint(i)) {
			t.Fatalf("gap %d counts as told", i)
		}
	}
	if len(told) > 100 || told.First("9999") || !told.First("0") {
		t.Errorf("%d are remembered, or the wrong ones", len(told))
	}
	if len(before) != 50 || before.First("did:plc:alice/0") {
		t.Error("the bookmark before it has changed")
	}
}
