package feed

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"parley/internal/network"
)

// cursorVersion is the format written into Cursor.V.
const cursorVersion = 1

// remembered is how many items that left the window are still known, so that
// one which comes back is not new.
const remembered = 500

// bookmark is the content of a cursor of Poll. It is bounded: one entry of 24
// bytes for each item in the window and for at most remembered older ones.
type bookmark struct {
	ETag     string `json:"etag,omitempty"`
	Modified string `json:"modified,omitempty"`
	Good     int64  `json:"good,omitempty"`    // unix seconds of the last good answer
	Missing  int64  `json:"missing,omitempty"` // since when the address answers 404
	Hurry    int64  `json:"hurry,omitempty"`   // until when the window may run over
	TTL      int64  `json:"ttl,omitempty"`     // seconds the feed asks for, for answers without a body
	Known    []byte `json:"known,omitempty"`   // marks, oldest first
}

// mark is what is remembered of an item: hashes of its key, its version and its
// link, 8 bytes each.
type mark struct {
	key, version, link [8]byte
}

const markSize = 24

// goneVersion stands for the version of an item that was deleted.
var goneVersion = [8]byte{0xde, 0xad}

func short(s string) (out [8]byte) {
	if s == "" {
		return out
	}
	sum := sha256.Sum256([]byte(s))
	copy(out[:], sum[:])
	return out
}

func markOf(it item) mark {
	m := mark{key: short(it.key), link: short(sameLink(it.link))}
	// A version is a hash already.
	if b, err := hex.DecodeString(it.version); err == nil {
		copy(m.version[:], b)
	}
	return m
}

// readCursor decodes a cursor; ok is false for one that this version of the
// program cannot read, which is the same as having forgotten what was known.
func readCursor(c network.Cursor) (b bookmark, ok bool) {
	if c.IsZero() {
		return bookmark{}, true
	}
	if c.V != cursorVersion || json.Unmarshal(c.Opaque, &b) != nil || len(b.Known)%markSize != 0 {
		return bookmark{}, false
	}
	return b, true
}

func writeCursor(v any) (network.Cursor, error) {
	out, err := json.Marshal(v)
	if err != nil {
		return network.Cursor{}, fmt.Errorf("writing a bookmark: %w", err)
	}
	return network.Cursor{V: cursorVersion, Opaque: out}, nil
}

func (b bookmark) validators() validators {
	return validators{etag: b.ETag, modified: b.Modified}
}

// known is a bookmark's marks, ready to be asked.
type known struct {
	order []mark
	byKey map[[8]byte]int
	// byLink finds an item whose guid changed though nothing else did.
	byLink map[[16]byte]bool
}

func (b bookmark) known() *known {
	k := &known{byKey: map[[8]byte]int{}, byLink: map[[16]byte]bool{}}
	for rest := b.Known; len(rest) >= markSize; rest = rest[markSize:] {
		var m mark
		copy(m.key[:], rest)
		copy(m.version[:], rest[8:])
		copy(m.link[:], rest[16:])
		k.byKey[m.key] = len(k.order)
		k.order = append(k.order, m)
		k.byLink[m.said()] = true
	}
	return k
}

// said joins link and version: the same words at the same address.
func (m mark) said() (out [16]byte) {
	copy(out[:], m.link[:])
	copy(out[8:], m.version[:])
	return out
}

// verdict on an item.
type verdict int

const (
	isNew verdict = iota
	isKnown
	isEdited
)

// judge compares an item with what is known.
func (k *known) judge(it item) verdict {
	m := markOf(it)
	if i, ok := k.byKey[m.key]; ok {
		if k.order[i].version == m.version {
			return isKnown
		}
		return isEdited
	}
	// Some feeds make a new guid for every request, and many change all of them
	// at once when the site moves to https.
	if m.link != ([8]byte{}) && k.byLink[m.said()] {
		return isKnown
	}
	return isNew
}

// buried reports an item that was told to be deleted, or never known.
func (k *known) buried(key string) bool {
	i, ok := k.byKey[short(key)]
	return !ok || k.order[i].version == goneVersion
}

// after is what is known once the window is stored: the items in it, and the
// last of those that left it.
func (k *known) after(window []item, gone []tombstone) []byte {
	in := map[[8]byte]bool{}
	marks := make([]mark, 0, len(window))
	for _, it := range window {
		m := markOf(it)
		in[m.key] = true
		marks = append(marks, m)
	}
	dead := map[[8]byte]bool{}
	for _, t := range gone {
		dead[short(t.key)] = true
	}
	var left []mark
	for _, m := range k.order {
		if in[m.key] {
			continue
		}
		if dead[m.key] {
			m.version = goneVersion
		}
		left = append(left, m)
	}
	left = left[max(0, len(left)-remembered):]
	var out bytes.Buffer
	for _, m := range append(left, marks...) {
		out.Write(m.key[:])
		out.Write(m.version[:])
		out.Write(m.link[:])
	}
	return out.Bytes()
}
