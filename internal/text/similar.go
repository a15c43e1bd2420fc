package text

import (
	"slices"
	"unicode/utf8"
)

const (
	// shingle is how many letters stand in one of the overlapping pieces that
	// texts are compared by: short enough for a word changed in the middle, long
	// enough that two texts of the same language share few by chance.
	shingle = 5
	// maxShingles bounds the work on long texts.
	maxShingles = 5000
)

// Similar says how alike two texts are, from 0 to 1: the share of five-letter
// pieces they have in common (Jaccard's index over shingles; Broder 1997). Case,
// diacritics, punctuation and spacing do not count. From about 0.8 on a reader
// calls them the same. Two texts without letters or digits are alike only if
// they are equal.
func Similar(a, b string) float64 {
	x, y := shingles(a), shingles(b)
	if len(x) == 0 || len(y) == 0 {
		if a == b {
			return 1
		}
		return 0
	}
	both := 0
	for i, j := 0, 0; i < len(x) && j < len(y); {
		switch {
		case x[i] == y[j]:
			both, i, j = both+1, i+1, j+1
		case x[i] < y[j]:
			i++
		default:
			j++
		}
	}
	return float64(both) / float64(len(x)+len(y)-both)
}

// shingles is the sorted set of the hashes of a text's pieces. A text shorter
// than a piece is one piece.
func shingles(s string) []uint64 {
	letters := make([]byte, 0, min(len(s), 4*maxShingles))
	var at []int // where each code point begins in letters
	for _, r := range Fold(s) {
		if classOf(r) == breaks {
			continue
		}
		if len(at) == maxShingles {
			break
		}
		at = append(at, len(letters))
		letters = utf8.AppendRune(letters, r)
	}
	if len(at) == 0 {
		return nil
	}
	if len(at) <= shingle {
		return []uint64{fnv1a(letters)}
	}
	at = append(at, len(letters))
	out := make([]uint64, 0, len(at)-shingle)
	for i := 0; i+shingle < len(at); i++ {
		out = append(out, fnv1a(letters[at[i]:at[i+shingle]]))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// fnv1a is the 64-bit hash of Fowler, Noll and Vo, without an allocation.
func fnv1a(b []byte) uint64 {
	h := uint64(14695981039346656037)
	for _, c := range b {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return h
}
