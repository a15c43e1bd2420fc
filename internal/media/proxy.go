package media

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/outbound"
)

// noTime makes http.ServeContent leave out Last-Modified.
var noTime time.Time

// Proxy brings pictures in. Those from outside are fetched through the guarded
// client, so that no browser of ours asks a stranger's server; those of members
// are handed to it. All are encoded anew and stored. Safe for concurrent use.
type Proxy struct {
	db    *db.DB
	store *Store
	http  *http.Client
	desks chan struct{} // one is taken while a picture is unpacked
}

// NewProxy makes a proxy. client must be one of outbound's. At most atOnce
// pictures are unpacked at the same time, since each can take hundreds of
// megabytes.
func NewProxy(d *db.DB, s *Store, client *http.Client, atOnce int) *Proxy {
	return &Proxy{db: d, store: s, http: client, desks: make(chan struct{}, max(1, atOnce))}
}

// Keep fetches the picture at an address and keeps it, and its thumbnail if the
// limits ask for one, for a subject. Never call it in a transaction. It fails
// with the problems of Prepare, with the errors of outbound (ErrPrivate and so
// on), or with what the server said; a caller shows no picture then and logs why.
func (p *Proxy) Keep(ctx context.Context, workspace id.ID, url, kind string, subject id.ID, l Limits) (whole, thumb Media, err error) {
	got, err := p.fetch(ctx, url, l)
	if err != nil {
		return Media{}, Media{}, err
	}
	err = p.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		whole, thumb, err = p.store.Keep(ctx, tx, workspace, got, kind, subject)
		return err
	})
	return whole, thumb, wrap("keeping a picture", err)
}

// fetch brings a picture in, prepared.
func (p *Proxy) fetch(ctx context.Context, url string, l Limits) (Prepared, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return Prepared{}, fmt.Errorf("reading the address of a picture: %w", outbound.Redact(err))
	}
	req.Header.Set("Accept", "image/webp,image/png,image/jpeg,image/gif;q=0.9,*/*;q=0.1")
	resp, err := p.http.Do(req)
	if err != nil {
		return Prepared{}, fmt.Errorf("fetching a picture: %w", outbound.Redact(err))
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return Prepared{}, fmt.Errorf("fetching a picture: %s answered %d", req.URL.Host, resp.StatusCode)
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, l.bytes()+1))
	if errors.Is(err, outbound.ErrTooLarge) {
		return Prepared{}, tooLarge(l.bytes()).Because(err)
	}
	if err != nil {
		return Prepared{}, fmt.Errorf("fetching a picture: %w", err)
	}
	return p.atDesk(ctx, func() (Prepared, error) { return Prepare(b, l) })
}

// Take stores a picture that a member brings, until Sweep unless something holds
// it before. It is read once a desk is free, so that of those who wait nothing is
// in memory. Never call it in a transaction. It fails with the problems of Prepare.
func (p *Proxy) Take(ctx context.Context, workspace id.ID, r io.Reader, l Limits) (m Media, err error) {
	got, err := p.atDesk(ctx, func() (Prepared, error) {
		b, err := io.ReadAll(io.LimitReader(r, l.bytes()+1))
		if err != nil {
			return Prepared{}, fmt.Errorf("reading a picture: %w", err)
		}
		return Prepare(b, l)
	})
	if err != nil {
		return Media{}, err
	}
	err = p.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		m, err = p.store.Put(ctx, tx, workspace, got)
		return err
	})
	return m, wrap("storing a picture", err)
}

// atDesk waits for a desk and unpacks a picture there.
func (p *Proxy) atDesk(ctx context.Context, unpack func() (Prepared, error)) (Prepared, error) {
	select {
	case p.desks <- struct{}{}:
		defer func() { <-p.desks }()
		return unpack()
	case <-ctx.Done():
		return Prepared{}, ctx.Err()
	}
}
