// Package record holds the data model of the AT Protocol: records as plain Go
// values, their DAG-CBOR bytes, the content ids (CIDs) that follow from those
// bytes, and the identifiers records are found by (TIDs, AT URIs, DIDs, handles).
//
// Parley needs it to know a post's CID before the post exists: the later parts
// of a thread refer to the earlier ones by CID and all are written at once, and
// a lost answer is proved by comparing CIDs.
//
// It is pure: no I/O, no clock. It is not a repository (no Merkle search tree,
// no signatures) and validates no lexicon.
//
// Sources: https://atproto.com/specs/data-model, …/specs/record-key,
// …/specs/at-uri-scheme, https://ipld.io/specs/codecs/dag-cbor/spec/,
// RFC 8949 (CBOR), https://github.com/multiformats/cid.
package record

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
)

// Link is a reference by CID, text form ("bafyrei…"). In JSON {"$link": "…"}.
type Link string

// Bytes is a byte string. In JSON {"$bytes": "…"}, base64.
type Bytes []byte

// maxDepth bounds nesting in either direction: no record of ours comes near it,
// and a hostile one must not exhaust the stack.
const maxDepth = 128

// FromJSON reads a record's JSON form into plain values: nil, bool, int64,
// string, []any, map[string]any, Link and Bytes. Numbers with a fraction and
// integers beyond 64 bits have no place in the data model and are an error.
func FromJSON(raw []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, fmt.Errorf("reading a record: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("reading a record: more than one value")
	}
	return model(v, 0)
}

// model turns what encoding/json made into the data model.
func model(v any, depth int) (any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("a record nests deeper than %d", maxDepth)
	}
	switch x := v.(type) {
	case json.Number:
		n, err := x.Int64()
		if err != nil {
			return nil, fmt.Errorf("number %s is no 64-bit integer", x)
		}
		return n, nil
	case []any:
		for i := range x {
			m, err := model(x[i], depth+1)
			if err != nil {
				return nil, err
			}
			x[i] = m
		}
		return x, nil
	case map[string]any:
		return object(x, depth)
	default:
		return v, nil
	}
}

func object(m map[string]any, depth int) (any, error) {
	if len(m) == 1 {
		if s, ok := m["$link"].(string); ok {
			if _, err := cidBytes(s); err != nil {
				return nil, err
			}
			return Link(s), nil
		}
		if s, ok := m["$bytes"].(string); ok {
			b, err := base64.RawStdEncoding.DecodeString(trimPad(s))
			if err != nil {
				return nil, fmt.Errorf("$bytes: %w", err)
			}
			return Bytes(b), nil
		}
	}
	for k, v := range m {
		x, err := model(v, depth+1)
		if err != nil {
			return nil, err
		}
		m[k] = x
	}
	return m, nil
}

func trimPad(s string) string {
	for len(s) > 0 && s[len(s)-1] == '=' {
		s = s[:len(s)-1]
	}
	return s
}

// ToJSON writes plain values as a record's JSON form, keys sorted, HTML
// characters as they are. The same value always gives the same bytes.
func ToJSON(v any) ([]byte, error) {
	j, err := jsonable(v, 0)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(j); err != nil {
		return nil, fmt.Errorf("writing a record: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

func jsonable(v any, depth int) (any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("a record nests deeper than %d", maxDepth)
	}
	switch x := v.(type) {
	case Link:
		return map[string]any{"$link": string(x)}, nil
	case Bytes:
		return map[string]any{"$bytes": base64.RawStdEncoding.EncodeToString(x)}, nil
	case []any:
		out := make([]any, len(x))
		for i := range x {
			j, err := jsonable(x[i], depth+1)
			if err != nil {
				return nil, err
			}
			out[i] = j
		}
		return out, nil
	case map[string]any:
		out := make(map[string]any, len(x))
		for k := range x {
			j, err := jsonable(x[k], depth+1)
			if err != nil {
				return nil, err
			}
			out[k] = j
		}
		return out, nil
	case nil, bool, string, int64:
		return v, nil
	case int:
		return int64(x), nil
	default:
		return nil, fmt.Errorf("a record cannot hold a %T", v)
	}
}
