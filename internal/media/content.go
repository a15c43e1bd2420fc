package media

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"parley/internal/db"
	"parley/internal/id"
)

// Content reads a stored file, one chunk at a time, so that part of a film costs
// part of its memory. It is used by one goroutine at a time. If the file is
// deleted meanwhile, reading ends with the problem media.not_found.
type Content struct {
	ctx       context.Context
	q         db.Queryer
	workspace id.ID
	media     Media
	at        int64
	n         int64 // which chunk is loaded; -1: none
	bytes     []byte
}

// Open finds a file. Reading it goes through q: with db.DB.Read each chunk is a
// statement of its own. Problem media.not_found.
func (s *Store) Open(ctx context.Context, q db.Queryer, workspace id.ID, digest Digest) (Media, *Content, error) {
	m, err := s.Stat(ctx, q, workspace, digest)
	if err != nil {
		return Media{}, nil, err
	}
	return m, &Content{ctx: ctx, q: q, workspace: workspace, media: m, n: -1}, nil
}

// Bytes reads a whole file and checks that it is what it is called.
func (s *Store) Bytes(ctx context.Context, q db.Queryer, workspace id.ID, digest Digest) (Media, []byte, error) {
	m, c, err := s.Open(ctx, q, workspace, digest)
	if err != nil {
		return Media{}, nil, err
	}
	b := make([]byte, m.Size)
	if _, err := io.ReadFull(c, b); err != nil {
		return Media{}, nil, err
	}
	if Sum(b) != digest {
		return Media{}, nil, fmt.Errorf("media %s of workspace %s is damaged", Name(digest), workspace)
	}
	return m, b, nil
}

// Read implements io.Reader.
func (c *Content) Read(p []byte) (int, error) {
	if c.at >= c.media.Size {
		return 0, io.EOF
	}
	if n := c.at / chunk; n != c.n {
		if err := c.load(n); err != nil {
			return 0, err
		}
	}
	got := copy(p, c.bytes[c.at-c.n*chunk:])
	c.at += int64(got)
	return got, nil
}

func (c *Content) load(n int64) error {
	const q = `select bytes from media_chunk where workspace = $1 and digest = $2 and n = $3`
	var b []byte
	err := c.q.Row(c.ctx, q, c.workspace, c.media.Digest[:], n).Scan(&b)
	if db.NoRows(err) {
		return notFound()
	}
	if err != nil {
		return fmt.Errorf("reading chunk %d: %w", n, err)
	}
	if want := min(chunk, c.media.Size-n*chunk); int64(len(b)) != want {
		return fmt.Errorf("chunk %d has %d bytes, want %d", n, len(b), want)
	}
	c.n, c.bytes = n, b
	return nil
}

// Seek implements io.Seeker.
func (c *Content) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += c.at
	case io.SeekEnd:
		offset += c.media.Size
	}
	if offset < 0 {
		return 0, errors.New("seeking before the beginning")
	}
	c.at = offset
	return offset, nil
}

// Serve answers a request with a file that its caller has found permitted. A
// browser may keep it for good, since the address names the content, but no
// cache that others share; it is told to run nothing and guess nothing.
func Serve(w http.ResponseWriter, r *http.Request, m Media, c io.ReadSeeker) {
	h := w.Header()
	h.Set("Content-Type", m.MIME)
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "private, max-age=31536000, immutable")
	h.Set("Etag", `"`+Name(m.Digest)+`"`)
	// The last change is left out: the content never changes.
	http.ServeContent(w, r, "", noTime, c)
}
