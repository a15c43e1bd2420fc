package media_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"testing/iotest"

	"parley/internal/media"
	"parley/internal/outbound"
	"parley/internal/problem"
)

func TestProxy(t *testing.T) {
	t.Parallel()
	b := setup(t)
	photo := jpegWithExif(asJPEG(t, quarters(400, 200)), exif(binary.BigEndian, 6))
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/photo":
			w.Header().Set("Content-Type", "text/html") // a lie that must not matter
			w.Write(photo)
		case "/page":
			w.Header().Set("Content-Type", "image/png")
			w.Write([]byte("<html><script>"))
		case "/large":
			w.Write(append(photo, make([]byte, 1<<20)...))
		case "/inside":
			http.Redirect(w, r, "http://10.0.0.1/secret.png", http.StatusFound)
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(s.Close)
	ctx := context.Background()
	client := outbound.New(outbound.Options{AllowPrivate: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, MaxBytes: 500_000})
	t.Cleanup(client.CloseIdleConnections)
	p := media.NewProxy(b.db, b.store, client, 1)

	whole, thumb, err := p.Keep(ctx, 1, s.URL+"/photo", "person", 5, media.Limits{Edge: 100, Thumb: 50})
	if err != nil {
		t.Fatal(err)
	}
	if whole.MIME != "image/jpeg" || whole.Width != 50 || whole.Height != 100 || thumb.Height != 50 {
		t.Errorf("%+v, thumbnail %+v", whole, thumb)
	}
	_, got, err := b.store.Bytes(ctx, b.db.Read(), 1, whole.Digest)
	if err != nil || bytes.Contains(got, []byte(secret)) {
		t.Errorf("the stored picture tells where it was taken; %v", err)
	}
	if n := b.rows("media_ref"); n != 2 {
		t.Errorf("%d holders, want picture and thumbnail", n)
	}

	for path, check := range map[string]func(error) bool{
		"/page":    func(err error) bool { return problem.Is(err, "media.unknown_type") },
		"/large":   func(err error) bool { return problem.Is(err, "media.too_large") },
		"/inside":  func(err error) bool { return errors.Is(err, outbound.ErrPrivate) },
		"/missing": func(err error) bool { return err != nil && strings.Contains(err.Error(), "404") },
	} {
		_, _, err := p.Keep(ctx, 1, s.URL+path+"?token=hush", "person", 6, media.Avatar())
		if !check(err) {
			t.Errorf("%s: %v", path, err)
		}
		if err != nil && strings.Contains(err.Error(), "hush") {
			t.Errorf("%s tells the token: %v", path, err)
		}
	}
	for _, bad := range []string{"", "://", "file:///etc/passwd", "http://10.0.0.1/a.png"} {
		if _, _, err := p.Keep(ctx, 1, bad, "person", 6, media.Avatar()); err == nil {
			t.Errorf("%q was kept", bad)
		}
	}
	if n := b.rows("media_ref"); n != 2 {
		t.Errorf("%d holders after refusals", n)
	}
}

// Unpacking takes hundreds of megabytes, whoever brings the picture.
func TestWhatMembersBringWaitsForADeskToo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := media.NewProxy(b.db, b.store, nil, 1)
	photo := jpegWithExif(asJPEG(t, quarters(400, 200)), exif(binary.BigEndian, 6))
	leave := p.Occupy()
	gone, leaveIt := context.WithCancel(context.Background())
	leaveIt()
	unread := bytes.NewReader(photo)
	if _, err := p.Take(gone, 1, unread, media.Upload()); !errors.Is(err, context.Canceled) || unread.Len() != len(photo) || b.rows("media") != 0 {
		t.Errorf("without a desk: %v, %d bytes unread, %d stored", err, unread.Len(), b.rows("media"))
	}
	leave()
	m, err := p.Take(context.Background(), 1, unread, media.Upload())
	if err != nil || m.Width != 200 || m.Height != 400 {
		t.Fatalf("with a desk: %+v, %v", m, err)
	}
	_, got, err := b.store.Bytes(context.Background(), b.db.Read(), 1, m.Digest)
	if err != nil || bytes.Contains(got, []byte(secret)) || b.rows("media_ref") != 0 {
		t.Errorf("what is stored tells where it was taken, or is held: %v", err)
	}
	for want, body := range map[string]io.Reader{
		"media.unknown_type": strings.NewReader("<svg>"),
		"media.too_large":    io.MultiReader(bytes.NewReader(photo), bytes.NewReader(make([]byte, 1<<20))),
	} {
		if _, err := p.Take(context.Background(), 1, body, media.Limits{Bytes: 1 << 20}); !problem.Is(err, want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if _, err := p.Take(context.Background(), 1, iotest.ErrReader(errors.New("torn")), media.Upload()); err == nil || !strings.Contains(err.Error(), "torn") {
		t.Errorf("what cannot be read: %v", err)
	}
	if n := b.rows("media"); n != 1 {
		t.Errorf("%d pictures are stored, want 1", n)
	}
	leave = p.Occupy() // whatever became of them, each has left its desk
	leave()
}
