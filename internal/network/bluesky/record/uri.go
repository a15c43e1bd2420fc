package record

import (
	"fmt"
	"strings"
)

// URI names one record: at://<DID>/<collection>/<record key>
// (https://atproto.com/specs/at-uri-scheme, the restricted form). Parley stores
// and accepts only those with a DID: a handle moves.
type URI struct{ DID, Collection, Key string }

func (u URI) String() string { return "at://" + u.DID + "/" + u.Collection + "/" + u.Key }

// ParseURI reads an AT URI of a record.
func ParseURI(s string) (URI, error) {
	rest, ok := strings.CutPrefix(s, "at://")
	parts := strings.Split(rest, "/")
	if !ok || len(parts) != 3 || len(s) > 8192 {
		return URI{}, fmt.Errorf("%.80q is no AT URI of a record", s)
	}
	u := URI{parts[0], parts[1], parts[2]}
	if !ValidDID(u.DID) || !validNSID(u.Collection) || !ValidKey(u.Key) {
		return URI{}, fmt.Errorf("%.80q is no AT URI of a record", s)
	}
	return u, nil
}

// ValidDID reports the syntax of a DID (https://atproto.com/specs/did): any
// method, lower case, no query or fragment.
func ValidDID(s string) bool {
	method, id, ok := strings.Cut(strings.TrimPrefix(s, "did:"), ":")
	if !ok || !strings.HasPrefix(s, "did:") || method == "" || id == "" || len(s) > 2048 {
		return false
	}
	for i := range len(method) {
		if method[i] < 'a' || method[i] > 'z' {
			return false
		}
	}
	for i := range len(id) {
		if !alphanumeric(id[i]) && !strings.ContainsRune("._:%-", rune(id[i])) {
			return false
		}
	}
	last := id[len(id)-1]
	return last != ':' && last != '%'
}

// ValidHandle reports the syntax of a handle (https://atproto.com/specs/handle):
// a domain name of at least two labels, ASCII, the last not beginning with a
// digit. Upper case is accepted; write it in lower case.
func ValidHandle(s string) bool {
	if len(s) > 253 {
		return false
	}
	labels := strings.Split(s, ".")
	if len(labels) < 2 {
		return false
	}
	for i, l := range labels {
		if len(l) < 1 || len(l) > 63 || l[0] == '-' || l[len(l)-1] == '-' {
			return false
		}
		for j := range len(l) {
			if !alphanumeric(l[j]) && l[j] != '-' {
				return false
			}
		}
		if i == len(labels)-1 && l[0] >= '0' && l[0] <= '9' {
			return false
		}
	}
	return true
}

// ValidKey reports the syntax of a record key (https://atproto.com/specs/record-key).
func ValidKey(s string) bool {
	if len(s) < 1 || len(s) > 512 || s == "." || s == ".." {
		return false
	}
	for i := range len(s) {
		if !alphanumeric(s[i]) && !strings.ContainsRune("._:~-", rune(s[i])) {
			return false
		}
	}
	return true
}

// validNSID is a rough check: dotted ASCII labels. Parley only ever compares
// collections with names it knows.
func validNSID(s string) bool {
	if len(s) > 317 || strings.Count(s, ".") < 2 {
		return false
	}
	for i := range len(s) {
		if !alphanumeric(s[i]) && s[i] != '.' && s[i] != '-' {
			return false
		}
	}
	return true
}

func alphanumeric(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}
