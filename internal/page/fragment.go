package page

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/a-h/templ"

	"parley/internal/clock"
	"parley/internal/id"
)

const (
	fragmentBytes = 16 << 20    // kept at most; a few thousand lists
	fragmentAge   = time.Minute // "5m" must not stand there for an hour
)

// FragmentCache keeps rendered and compressed fragments by what they show, at
// which event number, and in which language: five hundred browsers that fetch
// the same list after one event cost one rendering. Safe for concurrent use.
type FragmentCache struct {
	clock   clock.Clock
	encoder encoder

	mu    sync.Mutex
	kept  map[fragmentKey]*fragment
	bytes int
}

type fragmentKey struct {
	workspace id.ID
	view      string
	number    int64
	locale    string
	zone      string
}

// fragment is made once: done closes when body or err is set.
type fragment struct {
	done chan struct{}
	body encoded
	etag string
	err  error
	made time.Time
}

func newFragmentCache(c clock.Clock) *FragmentCache {
	return &FragmentCache{clock: c, kept: map[fragmentKey]*fragment{}}
}

// Fragment answers with a part of a page that other visitors see exactly alike.
// key names the view and everything the fragment depends on besides the
// workspace, its newest event, language and time zone: filter, page, and the
// rights or member where they matter. Inside build and its component nobody is
// looking: Me and Can are empty.
//
// build must read with the rights of everybody who shares the key, so check
// r.Actor before calling Fragment.
func (r *Request) Fragment(key string, build func(ctx context.Context) (templ.Component, error)) error {
	k := fragmentKey{r.Workspace.ID, key, r.head, r.Locale.Name(), r.Locale.Zone().String()}
	f, err := r.kernel.fragments.get(r.Context(), k, func(ctx context.Context) ([]byte, error) {
		return r.renderShared(ctx, build)
	})
	if err != nil {
		return err
	}
	h := r.w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "private, no-cache")
	h.Set("Etag", f.etag)
	h.Add("Vary", "Cookie")
	writeEncoded(r.w, r.Request, http.StatusOK, f.body)
	return nil
}

func (r *Request) renderShared(ctx context.Context, build func(ctx context.Context) (templ.Component, error)) ([]byte, error) {
	c, err := build(ctx)
	if err != nil {
		return nil, err
	}
	b := r.kernel.buffers.get()
	defer r.kernel.buffers.put(b)
	if err := c.Render(withView(ctx, r.view().shared()), b); err != nil {
		return nil, err
	}
	return append([]byte(nil), b.Bytes()...), nil
}

// get returns the kept fragment or makes it. Whoever comes while it is made
// waits for the same one. A maker that fails is not remembered.
func (c *FragmentCache) get(ctx context.Context, key fragmentKey, build func(context.Context) ([]byte, error)) (*fragment, error) {
	c.mu.Lock()
	f, ok := c.kept[key]
	if ok && f.fresh(c.clock.Now()) {
		c.mu.Unlock()
		select {
		case <-f.done:
			return f, f.err
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	f = &fragment{done: make(chan struct{}), made: c.clock.Now()}
	c.replace(key, f)
	c.mu.Unlock()

	c.make(ctx, key, f, build)
	return f, f.err
}

// make works for all who wait: its own browser going away must not fail the
// others, and a panic must not leave them waiting.
func (c *FragmentCache) make(ctx context.Context, key fragmentKey, f *fragment, build func(context.Context) ([]byte, error)) {
	var raw []byte
	err := errors.New("making the fragment panicked")
	defer func() { c.finish(key, f, raw, err) }()
	raw, err = build(context.WithoutCancel(ctx))
}

func (c *FragmentCache) finish(key fragmentKey, f *fragment, raw []byte, err error) {
	if err != nil {
		f.err = err
	} else {
		f.body = encoded{plain: raw}
		if len(raw) >= smallest {
			f.body.gzip, f.body.zstd = c.encoder.gzipOf(raw), c.encoder.zstdOf(raw)
		}
		f.etag = etag(raw)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	close(f.done)
	if c.kept[key] != f {
		return
	}
	if err != nil {
		delete(c.kept, key)
		return
	}
	c.bytes += f.size()
}

// fresh reports whether a fragment may still be shown. One being made is.
func (f *fragment) fresh(now time.Time) bool {
	age := now.Sub(f.made)
	return age >= 0 && age < fragmentAge
}

func (f *fragment) size() int { return len(f.body.plain) + len(f.body.gzip) + len(f.body.zstd) + 200 }

// replace puts a fragment in the place of an older one, and makes room: older
// numbers of the same view can never be asked for again, then the oldest go.
func (c *FragmentCache) replace(key fragmentKey, f *fragment) {
	for k, old := range c.kept {
		stale := k.workspace == key.workspace && k.view == key.view && k.number < key.number
		if k == key || stale || !old.fresh(f.made) || c.bytes > fragmentBytes {
			c.forget(k, old)
		}
	}
	c.kept[key] = f
}

func (c *FragmentCache) forget(k fragmentKey, f *fragment) {
	delete(c.kept, k)
	select {
	case <-f.done:
		if f.err == nil {
			c.bytes -= f.size()
		}
	default: // still being made: never counted
	}
}

func etag(raw []byte) string {
	sum := sha256.Sum256(raw)
	return `W/"` + hex.EncodeToString(sum[:8]) + `"`
}
