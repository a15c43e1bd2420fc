package archive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// Wherever a bit flips, the archive is refused, or nothing in it has changed (the
// time of an entry, say, which nobody reads).
func TestAFlippedBitIsFoundOrHarmless(t *testing.T) {
	t.Parallel()
	var lines strings.Builder
	for i := range 20 {
		fmt.Fprintf(&lines, `{"id":%d,"name":"somebody","body":"AAEC"}`+"\n", i)
	}
	good := tiny(t, lines.String())
	all, err := contents(good)
	if err != nil || len(all) < 20 {
		t.Fatal(all, err)
	}
	refused := 0
	for i := range good {
		for bit := range 8 {
			bad := bytes.Clone(good)
			bad[i] ^= 1 << bit
			got, err := contents(bad)
			switch {
			case err == nil && got != all:
				t.Errorf("byte %d, bit %d: rows changed and nobody saw it", i, bit)
			case err != nil && !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrNewer):
				t.Errorf("byte %d, bit %d: %v", i, bit, err)
			case err != nil:
				refused++
			}
		}
	}
	if refused < len(good)*4 {
		t.Errorf("of %d flipped bits only %d were refused", len(good)*8, refused)
	}
}

// contents are the rows of an archive that is accepted.
func contents(b []byte) (string, error) {
	a, err := Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return "", err
	}
	if err := a.Check(context.Background()); err != nil {
		return "", err
	}
	var all strings.Builder
	for _, t := range a.Manifest.Tables {
		err := a.each(context.Background(), t, func(values []any, _ int) error {
			fmt.Fprintln(&all, t.Name, t.Columns, values)
			return nil
		})
		if err != nil {
			return "", err
		}
	}
	return all.String(), nil
}
