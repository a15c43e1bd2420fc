package secret

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
)

// ParseKey lets tests read a key from a key file.
func ParseKey(text string) (Key, error) { return parseKey(text) }

// Renderings are the ways the bytes of a key might come to light.
func Renderings(k Key) []string {
	b := k.bytes()[:]
	trim := func(s string) string { return strings.Trim(s, "[]") }
	return []string{
		string(b), k.reveal(), base64.RawURLEncoding.EncodeToString(b), hex.EncodeToString(b),
		strings.ToUpper(hex.EncodeToString(b)), trim(fmt.Sprint(b[:8])),
		strings.Trim(fmt.Sprintf("%#v", b[:8])[len("[]byte"):], "{}"), trim(fmt.Sprintf("%b", b[:4])),
		trim(fmt.Sprintf("%o", b[:8])), trim(fmt.Sprintf("%U", b[:8])),
	}
}
