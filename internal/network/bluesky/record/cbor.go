package record

import (
	"encoding/binary"
	"fmt"
	"slices"
	"unicode/utf8"
)

// CBOR major types (RFC 8949, section 3.1), shifted into place.
const (
	majorUint  = 0 << 5
	majorNeg   = 1 << 5
	majorBytes = 2 << 5
	majorText  = 3 << 5
	majorArray = 4 << 5
	majorMap   = 5 << 5
	majorTag   = 6 << 5

	simpleFalse = 0xf4
	simpleTrue  = 0xf5
	simpleNull  = 0xf6

	tagCID = 42 // the only tag DAG-CBOR allows
)

// Encode writes plain values as DAG-CBOR: definite lengths, the shortest form
// of every number, map keys sorted by length and then by bytes, CIDs as tag 42
// over the binary CID behind a zero byte. There are no floats in the data model.
func Encode(v any) ([]byte, error) { return appendValue(nil, v, 0) }

func appendValue(b []byte, v any, depth int) ([]byte, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("a record nests deeper than %d", maxDepth)
	}
	switch x := v.(type) {
	case nil:
		return append(b, simpleNull), nil
	case bool:
		if x {
			return append(b, simpleTrue), nil
		}
		return append(b, simpleFalse), nil
	case int:
		return appendInt(b, int64(x)), nil
	case int64:
		return appendInt(b, x), nil
	case string:
		if !utf8.ValidString(x) {
			return nil, fmt.Errorf("a record's text is no UTF-8")
		}
		return append(appendHead(b, majorText, uint64(len(x))), x...), nil
	case Bytes:
		return append(appendHead(b, majorBytes, uint64(len(x))), x...), nil
	case Link:
		return appendLink(b, x)
	case []any:
		return appendArray(b, x, depth)
	case map[string]any:
		return appendMap(b, x, depth)
	default:
		return nil, fmt.Errorf("a record cannot hold a %T", v)
	}
}

func appendInt(b []byte, n int64) []byte {
	if n < 0 {
		return appendHead(b, majorNeg, uint64(-1-n))
	}
	return appendHead(b, majorUint, uint64(n))
}

// appendHead writes a major type and its argument in the shortest form.
func appendHead(b []byte, major byte, n uint64) []byte {
	switch {
	case n < 24:
		return append(b, major|byte(n))
	case n <= 0xff:
		return append(b, major|24, byte(n))
	case n <= 0xffff:
		return binary.BigEndian.AppendUint16(append(b, major|25), uint16(n))
	case n <= 0xffffffff:
		return binary.BigEndian.AppendUint32(append(b, major|26), uint32(n))
	default:
		return binary.BigEndian.AppendUint64(append(b, major|27), n)
	}
}

func appendLink(b []byte, l Link) ([]byte, error) {
	raw, err := cidBytes(string(l))
	if err != nil {
		return nil, err
	}
	b = appendHead(b, majorTag, tagCID)
	b = appendHead(b, majorBytes, uint64(len(raw)+1))
	return append(append(b, 0), raw...), nil
}

func appendArray(b []byte, x []any, depth int) ([]byte, error) {
	b = appendHead(b, majorArray, uint64(len(x)))
	for _, v := range x {
		var err error
		if b, err = appendValue(b, v, depth+1); err != nil {
			return nil, err
		}
	}
	return b, nil
}

func appendMap(b []byte, m map[string]any, depth int) ([]byte, error) {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(x, y string) int {
		if len(x) != len(y) {
			return len(x) - len(y)
		}
		if x < y {
			return -1
		}
		return 1
	})
	b = appendHead(b, majorMap, uint64(len(m)))
	for _, k := range keys {
		var err error
		if b, err = appendValue(b, k, depth+1); err != nil {
			return nil, err
		}
		if b, err = appendValue(b, m[k], depth+1); err != nil {
			return nil, err
		}
	}
	return b, nil
}
