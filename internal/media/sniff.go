package media

import (
	"bytes"
	"io"
	"net/http"
)

// sniff tells what a file is by its first bytes. An empty kind is none that
// Parley takes: SVG for example, which is a program as much as a picture.
func sniff(b []byte) (Kind, string) {
	switch {
	case bytes.HasPrefix(b, []byte("\xff\xd8\xff")):
		return Image, "image/jpeg"
	case bytes.HasPrefix(b, []byte("\x89PNG\r\n\x1a\n")):
		return Image, "image/png"
	case bytes.HasPrefix(b, []byte("GIF87a")), bytes.HasPrefix(b, []byte("GIF89a")):
		return Image, "image/gif"
	case len(b) >= 12 && string(b[:4]) == "RIFF" && string(b[8:12]) == "WEBP":
		return Image, "image/webp"
	}
	// The standard's table (https://mimesniff.spec.whatwg.org, section 6.2) for
	// what is passed on as it is.
	switch mime := http.DetectContentType(b); mime {
	case "video/mp4", "video/webm":
		return Video, mime
	case "audio/mpeg", "audio/wave", "application/ogg":
		return Audio, mime
	}
	return "", ""
}

// Read takes a file from a member or a server: pictures through Prepare, video
// and sound as they are, which keeps what is written inside them. Problems:
// media.too_large, media.unknown_type and those of Prepare; another error is
// r's own.
func Read(r io.Reader, l Limits) (Prepared, error) {
	b, err := io.ReadAll(io.LimitReader(r, l.bytes()+1))
	if err != nil {
		return Prepared{}, err
	}
	if int64(len(b)) > l.bytes() {
		return Prepared{}, tooLarge(l.bytes())
	}
	switch kind, mime := sniff(b); kind {
	case Image:
		return Prepare(b, l)
	case Video, Audio:
		return prepared(kind, mime, b, 0, 0), nil
	default:
		return Prepared{}, unknownType()
	}
}
