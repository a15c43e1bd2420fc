package page

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"strconv"
	"strings"
	"sync"

	kgzip "github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// smallest body worth compressing: below this a packet is a packet.
const smallest = 600

// encoded is one body in the encodings a browser may ask for. gzip and zstd are
// nil when they would not be smaller.
type encoded struct {
	plain, gzip, zstd []byte
}

// encoder compresses pages. Its zero value is ready; safe for concurrent use.
type encoder struct {
	gzips sync.Pool
	zstds sync.Pool
}

// encodeBest is for what is compressed once and sent for as long as the program runs.
func encodeBest(raw []byte) encoded {
	e := encoded{plain: raw}
	if len(raw) < smallest {
		return e
	}
	var b bytes.Buffer
	// The levels are constants and a Buffer takes every write: no error can come.
	g, _ := kgzip.NewWriterLevel(&b, gzip.BestCompression)
	_, _ = g.Write(raw)
	_ = g.Close()
	e.gzip = b.Bytes()
	z, _ := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderConcurrency(1))
	e.zstd = z.EncodeAll(raw, nil)
	_ = z.Close()
	return e
}

// encode makes the one form this request asked for, and the plain one.
func (c *encoder) encode(raw []byte, accept string) encoded {
	e := encoded{plain: raw}
	if len(raw) < smallest {
		return e
	}
	switch pickEncoding(accept) {
	case "zstd":
		e.zstd = c.zstdOf(raw)
	case "gzip":
		e.gzip = c.gzipOf(raw)
	}
	return e
}

func (c *encoder) zstdOf(raw []byte) []byte {
	z, _ := c.zstds.Get().(*zstd.Encoder)
	if z == nil {
		z, _ = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<18))
	}
	defer c.zstds.Put(z)
	return z.EncodeAll(raw, make([]byte, 0, len(raw)/4))
}

func (c *encoder) gzipOf(raw []byte) []byte {
	var b bytes.Buffer
	g, _ := c.gzips.Get().(*kgzip.Writer)
	if g == nil {
		g, _ = kgzip.NewWriterLevel(&b, 5)
	}
	g.Reset(&b)
	defer c.gzips.Put(g)
	_, _ = g.Write(raw)
	_ = g.Close()
	return b.Bytes()
}

// pickEncoding reads Accept-Encoding: zstd, gzip, or "" for plain.
func pickEncoding(accept string) string {
	var gz bool
	for part := range strings.SplitSeq(accept, ",") {
		name, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		if q, ok := strings.CutPrefix(strings.TrimSpace(params), "q="); ok {
			if v, err := strconv.ParseFloat(q, 64); err != nil || v == 0 {
				continue
			}
		}
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "zstd":
			return "zstd"
		case "gzip":
			gz = true
		}
	}
	if gz {
		return "gzip"
	}
	return ""
}

// writeEncoded sends the best form there is, or 304 when the browser holds the
// one with this ETag.
func writeEncoded(w http.ResponseWriter, r *http.Request, status int, e encoded) {
	h := w.Header()
	h.Add("Vary", "Accept-Encoding")
	if etag := h.Get("Etag"); etag != "" && matches(r.Header.Get("If-None-Match"), etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	body := e.plain
	switch pickEncoding(r.Header.Get("Accept-Encoding")) {
	case "zstd":
		if e.zstd != nil {
			body = e.zstd
			h.Set("Content-Encoding", "zstd")
			break
		}
		fallthrough
	case "gzip":
		if e.gzip != nil {
			body = e.gzip
			h.Set("Content-Encoding", "gzip")
		}
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		// The browser is gone if this does not work; nobody is left to tell.
		_, _ = w.Write(body)
	}
}

// matches compares weakly: a compressed body is the same page (RFC 9110, 8.8.3.2).
func matches(header, etag string) bool {
	for part := range strings.SplitSeq(header, ",") {
		if strings.TrimPrefix(strings.TrimSpace(part), "W/") == strings.TrimPrefix(etag, "W/") {
			return true
		}
	}
	return false
}
