package db

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// Micros is t as both databases keep it: microseconds since 1970 UTC, 0 for the
// zero time.
func Micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// Time is the inverse of Micros, in UTC.
func Time(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

// ScanTime reads a microsecond column into t.
func ScanTime(t *time.Time) any { return &timeScanner{t} }

type timeScanner struct{ t *time.Time }

func (s *timeScanner) Scan(v any) error {
	switch v := v.(type) {
	case int64:
		*s.t = Time(v)
	case nil:
		*s.t = time.Time{}
	default:
		return fmt.Errorf("reading a time: got %T, want microseconds", v)
	}
	return nil
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
