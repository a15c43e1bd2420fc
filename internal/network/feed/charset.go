package feed

import (
	"bytes"
	"io"
	"mime"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html/charset"
)

// declared finds the encoding in an XML declaration (XML 1.0, section 4.3.3).
var declared = regexp.MustCompile(`^\s*<\?xml[^>]*?\sencoding\s*=\s*["']([A-Za-z0-9._:-]+)["']`)

// toUTF8 converts a body to valid UTF-8 without a byte order mark. What says the
// encoding, best first: the mark, the XML declaration, the Content-Type, the
// bytes themselves. RFC 7303 puts the Content-Type before the declaration, but
// servers that send one charset for every file are the rule, and the author of
// the declaration knew what was in it.
func toUTF8(body []byte, contentType string) []byte {
	label := encodingOf(body, contentType)
	if label == "" {
		if utf8.Valid(body) {
			return withoutMark(body)
		}
		label = "windows-1252"
	}
	enc, name := charset.Lookup(label)
	if enc == nil || name == "utf-8" || name == "replacement" {
		return withoutMark(bytes.ToValidUTF8(body, []byte("\uFFFD")))
	}
	// A transformer's only error is its reader's, and a bytes.Reader has none.
	out, _ := io.ReadAll(enc.NewDecoder().Reader(bytes.NewReader(body)))
	return withoutMark(bytes.ToValidUTF8(out, []byte("\uFFFD")))
}

// encodingOf is the label of the encoding; "" if nothing tells it.
func encodingOf(body []byte, contentType string) string {
	switch {
	case bytes.HasPrefix(body, []byte("\xEF\xBB\xBF")):
		return "utf-8"
	case bytes.HasPrefix(body, []byte("\xFE\xFF")), bytes.HasPrefix(body, []byte("\x00<\x00?")):
		return "utf-16be"
	case bytes.HasPrefix(body, []byte("\xFF\xFE")), bytes.HasPrefix(body, []byte("<\x00?\x00")):
		return "utf-16le"
	}
	if m := declared.FindSubmatch(body[:min(len(body), 512)]); m != nil {
		label := strings.ToLower(string(m[1]))
		if strings.HasPrefix(label, "utf-16") {
			return "utf-8" // it was readable byte by byte, so it is no UTF-16
		}
		return label
	}
	if _, params, err := mime.ParseMediaType(contentType); err == nil {
		return params["charset"]
	}
	return ""
}

func withoutMark(b []byte) []byte { return bytes.TrimPrefix(b, []byte("\uFEFF")) }
