package media_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"pgregory.net/rapid"

	"parley/internal/clock"
	"parley/internal/db"
	"parley/internal/db/dbtest"
	"parley/internal/id"
	"parley/internal/media"
	"parley/internal/problem"
)

// bundle is a store with two workspaces, 1 and 2.
type bundle struct {
	t     testing.TB
	db    *db.DB
	clock *clock.Fake
	store *media.Store
}

func setup(t testing.TB) *bundle {
	t.Helper()
	b := &bundle{t: t, db: dbtest.New(t), clock: clock.NewFake(time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC))}
	b.store = media.NewStore(b.clock)
	b.tx(func(ctx context.Context, tx *db.Tx) error {
		for _, w := range []id.ID{1, 2} {
			const q = `insert into workspace (id, slug, name, locale, zone, created, closed, keep_days) values ($1, $2, 'W', 'en', 'UTC', 1, 0, 0)`
			if _, err := tx.Exec(ctx, q, w, fmt.Sprint("w", int64(w))); err != nil {
				return err
			}
		}
		return nil
	})
	return b
}

func (b *bundle) try(fn func(ctx context.Context, tx *db.Tx) error) error {
	return b.db.InTx(context.Background(), fn)
}

func (b *bundle) tx(fn func(ctx context.Context, tx *db.Tx) error) {
	b.t.Helper()
	if err := b.try(fn); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bundle) keep(workspace id.ID, p media.Prepared, kind string, subject id.ID) {
	b.t.Helper()
	b.tx(func(ctx context.Context, tx *db.Tx) error {
		_, _, err := b.store.Keep(ctx, tx, workspace, p, kind, subject)
		return err
	})
}

func (b *bundle) release(workspace id.ID, d media.Digest, kind string, subject id.ID) {
	b.t.Helper()
	b.tx(func(ctx context.Context, tx *db.Tx) error {
		return b.store.Release(ctx, tx, workspace, d, kind, subject)
	})
}

// rows counts what is left in a table.
func (b *bundle) rows(table string) (n int) {
	b.t.Helper()
	if err := b.db.Read().Row(context.Background(), `select count(*) from `+table).Scan(&n); err != nil {
		b.t.Fatal(err)
	}
	return n
}

func (b *bundle) has(workspace id.ID, d media.Digest) bool {
	b.t.Helper()
	_, _, err := b.store.Bytes(context.Background(), b.db.Read(), workspace, d)
	if err != nil && !problem.Is(err, "media.not_found") {
		b.t.Fatal(err)
	}
	return err == nil
}

// film is a file of n bytes.
func film(t testing.TB, n int) media.Prepared {
	t.Helper()
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 + i>>8)
	}
	copy(b, "\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom")
	p, err := media.Read(bytes.NewReader(b), media.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestStore(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := context.Background()
	p, err := media.Prepare(asPNG(t, quarters(40, 20)), media.Limits{Thumb: 10})
	if err != nil {
		t.Fatal(err)
	}
	b.keep(1, p, "draft", 7)
	m, got, err := b.store.Bytes(ctx, b.db.Read(), 1, p.Digest)
	if err != nil || !bytes.Equal(got, p.Bytes) {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
	want := p.Media
	want.Created = b.clock.Now()
	if m != want {
		t.Errorf("%+v, want %+v", m, want)
	}
	if !b.has(1, p.Thumb.Digest) {
		t.Error("no thumbnail")
	}
	// Another workspace sees nothing of it.
	if b.has(2, p.Digest) {
		t.Error("workspace 2 sees a file of workspace 1")
	}
	err = b.try(func(ctx context.Context, tx *db.Tx) error { return b.store.Hold(ctx, tx, 2, p.Digest, "draft", 7) })
	if !problem.Is(err, "media.not_found") {
		t.Errorf("holding across workspaces: %v", err)
	}
	b.release(2, p.Digest, "draft", 7)

	// The same bytes once more are stored once.
	b.keep(1, p, "message", 8)
	b.keep(1, p, "message", 8)
	if n := b.rows("media"); n != 2 {
		t.Errorf("%d files, want picture and thumbnail", n)
	}
	b.release(1, p.Digest, "draft", 7)
	b.release(1, p.Digest, "draft", 7)
	b.release(1, p.Digest, "other", 8)
	if !b.has(1, p.Digest) {
		t.Fatal("gone although a message holds it")
	}
	b.tx(func(ctx context.Context, tx *db.Tx) error { return b.store.ReleaseAll(ctx, tx, 1, "message", 8) })
	if b.has(1, p.Digest) {
		t.Error("still there although nothing holds it")
	}
	if !b.has(1, p.Thumb.Digest) {
		t.Error("the thumbnail is gone although the draft holds it")
	}
	b.tx(func(ctx context.Context, tx *db.Tx) error { return b.store.ReleaseAll(ctx, tx, 1, "draft", 7) })
	for _, table := range []string{"media", "media_chunk", "media_ref"} {
		if n := b.rows(table); n != 0 {
			t.Errorf("%d rows left in %s", n, table)
		}
	}
}

func TestStoreInChunks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := context.Background()
	const chunk = 256 << 10
	for size, chunks := range map[int]int{1000: 1, chunk - 1: 1, chunk: 1, chunk + 1: 2, 3*chunk + 5: 4} {
		p := film(t, size)
		before := b.rows("media_chunk")
		b.keep(1, p, "draft", 1)
		if n := b.rows("media_chunk") - before; n != chunks {
			t.Errorf("%d bytes are in %d chunks, want %d", size, n, chunks)
		}
		_, c, err := b.store.Open(ctx, b.db.Read(), 1, p.Digest)
		if err != nil {
			t.Fatal(err)
		}
		if err := iotest.TestReader(c, p.Bytes); err != nil {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
	if _, err := media.ParseName(media.Name(film(t, 1000).Digest)); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{"", "zz", "../../etc", media.Name(media.Digest{})[1:], "AB" + media.Name(media.Digest{})[2:]} {
		if _, err := media.ParseName(bad); !problem.Is(err, "media.not_found") {
			t.Errorf("ParseName(%q): %v", bad, err)
		}
	}
}

func TestDamageIsNoticed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := film(t, 2000)
	b.keep(1, p, "draft", 1)
	for _, change := range [][]byte{make([]byte, 2000), make([]byte, 10)} {
		b.tx(func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `update media_chunk set bytes = $1`, change)
			return err
		})
		if _, _, err := b.store.Bytes(context.Background(), b.db.Read(), 1, p.Digest); err == nil {
			t.Errorf("%d zeros passed for the film", len(change))
		}
	}
}

func TestDeletedWhileRead(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := film(t, 600<<10)
	b.keep(1, p, "draft", 1)
	_, c, err := b.store.Open(context.Background(), b.db.Read(), 1, p.Digest)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c, make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	b.release(1, p.Digest, "draft", 1)
	if _, err := io.ReadAll(c); !problem.Is(err, "media.not_found") {
		t.Errorf("%v", err)
	}
}

func TestSweep(t *testing.T) {
	t.Parallel()
	b := setup(t)
	idle, held, young := film(t, 100), film(t, 200), film(t, 300)
	put := func(p media.Prepared) {
		b.tx(func(ctx context.Context, tx *db.Tx) error { _, err := b.store.Put(ctx, tx, 1, p); return err })
	}
	sweep := func(limit int) (n int) {
		b.tx(func(ctx context.Context, tx *db.Tx) (err error) {
			n, err = b.store.Sweep(ctx, tx, 1, b.clock.Now().Add(-time.Hour), limit)
			return err
		})
		return n
	}
	put(idle)
	put(film(t, 400))
	b.keep(1, held, "draft", 1)
	b.clock.Advance(2 * time.Hour)
	put(young)
	if n := sweep(1); n != 1 {
		t.Errorf("%d swept, want the one allowed", n)
	}
	put(film(t, 400)) // put again, it is young again
	put(idle)
	b.clock.Advance(30 * time.Minute)
	if n := sweep(10); n != 0 {
		t.Errorf("%d swept", n)
	}
	b.clock.Advance(time.Hour)
	if n := sweep(10); n != 3 {
		t.Errorf("%d swept, want 3", n)
	}
	if !b.has(1, held.Digest) || b.has(1, idle.Digest) || b.has(1, young.Digest) {
		t.Error("the wrong ones were swept")
	}
}

// TestHolders compares the store with a plain set, whatever the order of things.
func TestHolders(t *testing.T) {
	t.Parallel()
	b := setup(t)
	type key struct {
		workspace id.ID
		film      int
		subject   id.ID
	}
	films := []media.Prepared{film(t, 100), film(t, 101), film(t, 102)}
	held := map[key]bool{}
	rapid.Check(t, func(t *rapid.T) {
		for range rapid.IntRange(1, 8).Draw(t, "steps") {
			k := key{id.ID(rapid.IntRange(1, 2).Draw(t, "w")), rapid.IntRange(0, 2).Draw(t, "film"), id.ID(rapid.IntRange(1, 3).Draw(t, "s"))}
			d := films[k.film].Digest
			switch rapid.IntRange(0, 3).Draw(t, "what") {
			case 0:
				b.keep(k.workspace, films[k.film], "x", k.subject)
				held[k] = true
			case 1:
				b.release(k.workspace, d, "x", k.subject)
				delete(held, k)
			case 2:
				known := false
				for o := range held {
					known = known || o.workspace == k.workspace && o.film == k.film
				}
				err := b.try(func(ctx context.Context, tx *db.Tx) error {
					return b.store.Hold(ctx, tx, k.workspace, d, "x", k.subject)
				})
				if known != (err == nil) {
					t.Fatalf("holding %+v: %v", k, err)
				}
				if known {
					held[k] = true
				}
			case 3:
				b.tx(func(ctx context.Context, tx *db.Tx) error {
					return b.store.ReleaseAll(ctx, tx, k.workspace, "x", k.subject)
				})
				for o := range held {
					if o.workspace == k.workspace && o.subject == k.subject {
						delete(held, o)
					}
				}
			}
		}
		files := map[key]bool{}
		for k := range held {
			files[key{workspace: k.workspace, film: k.film}] = true
		}
		if got := b.rows("media_ref"); got != len(held) {
			t.Fatalf("%d holders, want %d", got, len(held))
		}
		if got := b.rows("media"); got != len(files) {
			t.Fatalf("%d files, want %d", got, len(files))
		}
		if got := b.rows("media_chunk"); got != len(files) {
			t.Fatalf("%d chunks, want %d", got, len(files))
		}
	})
}

// TestHoldersAtOnce lets several hold and release one file at the same time: it
// is never lost while somebody holds it, and never stays when nobody does.
func TestHoldersAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := film(t, 300<<10)
	var wg sync.WaitGroup
	errs := make(chan error, 100)
	for who := range 4 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for range 8 {
				errs <- b.try(func(ctx context.Context, tx *db.Tx) error {
					_, _, err := b.store.Keep(ctx, tx, 1, p, "x", id.ID(who))
					return err
				})
				if _, _, err := b.store.Bytes(context.Background(), b.db.Read(), 1, p.Digest); err != nil {
					errs <- fmt.Errorf("held, yet: %w", err)
				}
				errs <- b.try(func(ctx context.Context, tx *db.Tx) error {
					return b.store.Release(ctx, tx, 1, p.Digest, "x", id.ID(who))
				})
			}
		}()
	}
	go func() { wg.Wait(); close(errs) }()
	for err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
	if n := b.rows("media") + b.rows("media_chunk") + b.rows("media_ref"); n != 0 {
		t.Errorf("%d rows are left", n)
	}
}

func TestServe(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := film(t, 600<<10)
	b.keep(1, p, "draft", 1)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m, c, err := b.store.Open(r.Context(), b.db.Read(), 1, p.Digest)
		if err != nil {
			t.Error(err)
			return
		}
		media.Serve(w, r, m, c)
	}))
	t.Cleanup(s.Close)
	ask := func(header, value string) (*http.Response, []byte) {
		req, _ := http.NewRequest("GET", s.URL, nil)
		req.Header.Set(header, value)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp, body
	}
	resp, body := ask("X-Nothing", "1")
	if resp.StatusCode != 200 || !bytes.Equal(body, p.Bytes) {
		t.Errorf("%d, %d bytes", resp.StatusCode, len(body))
	}
	for name, want := range map[string]string{
		"Content-Type": "video/mp4", "X-Content-Type-Options": "nosniff", "Last-Modified": "",
		"Content-Security-Policy": "default-src 'none'; sandbox", "Cache-Control": "private, max-age=31536000, immutable",
	} {
		if got := resp.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if resp, body = ask("Range", "bytes=262140-262149"); resp.StatusCode != 206 || !bytes.Equal(body, p.Bytes[262140:262150]) {
		t.Errorf("a part: %d, %d bytes", resp.StatusCode, len(body))
	}
	if resp, body = ask("If-None-Match", resp.Header.Get("Etag")); resp.StatusCode != 304 || len(body) != 0 {
		t.Errorf("again: %d", resp.StatusCode)
	}
}

func TestReadPassesOnErrors(t *testing.T) {
	t.Parallel()
	cut := errors.New("cut off")
	if _, err := media.Read(io.MultiReader(bytes.NewReader([]byte("\xff\xd8\xff")), iotest.ErrReader(cut)), media.Limits{}); !errors.Is(err, cut) {
		t.Errorf("%v", err)
	}
}
