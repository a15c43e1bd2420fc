package record

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"strings"
)

// The parts of a CID (https://github.com/multiformats/cid, "CIDv1"): version,
// content codec, then a multihash: function, length, digest.
const (
	cidVersion   = 0x01
	codecRaw     = 0x55
	codecDagCBOR = 0x71
	hashSHA256   = 0x12
	cidLength    = 4 + sha256.Size
)

// base32 of RFC 4648 in lower case without padding; "b" in front names it
// (multibase).
var multibase32 = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// CID is the content id a PDS gives to a record of these values.
func CID(v any) (string, error) {
	b, err := Encode(v)
	if err != nil {
		return "", err
	}
	return cidText(codecDagCBOR, sha256.Sum256(b)), nil
}

// BlobCID is the content id of a blob whose bytes have this SHA-256.
func BlobCID(digest [sha256.Size]byte) string { return cidText(codecRaw, digest) }

// BlobDigest is the SHA-256 that a blob's content id holds.
func BlobDigest(cid string) (digest [sha256.Size]byte, err error) {
	b, err := cidBytes(cid)
	if err != nil {
		return digest, err
	}
	if len(b) != cidLength || b[1] != codecRaw || b[2] != hashSHA256 || b[3] != sha256.Size {
		return digest, fmt.Errorf("CID %q is not that of a blob", cid)
	}
	copy(digest[:], b[4:])
	return digest, nil
}

func cidText(codec byte, digest [sha256.Size]byte) string {
	b := make([]byte, 0, cidLength)
	b = append(b, cidVersion, codec, hashSHA256, sha256.Size)
	b = append(b, digest[:]...)
	return "b" + multibase32.EncodeToString(b)
}

// cidBytes reads the text form of a CIDv1 in base 32, of any codec and hash.
func cidBytes(s string) ([]byte, error) {
	rest, ok := strings.CutPrefix(s, "b")
	if !ok || len(s) > 256 {
		return nil, fmt.Errorf("CID %.60q is not base 32", s)
	}
	b, err := multibase32.DecodeString(rest)
	if err != nil {
		return nil, fmt.Errorf("CID %.60q: %w", s, err)
	}
	if len(b) < 4 || b[0] != cidVersion {
		return nil, fmt.Errorf("CID %.60q is not of version 1", s)
	}
	// A CID has one text form only: trailing bits that decode to nothing would
	// make two strings of the same bytes.
	if multibase32.EncodeToString(b) != rest {
		return nil, fmt.Errorf("CID %.60q is not in its only form", s)
	}
	return b, nil
}
