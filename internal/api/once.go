package api

import (
	"context"
	"crypto/hmac"
	"fmt"
	"net/http"
	"time"

	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/problem"
)

const (
	keyHeader = "Idempotency-Key"
	maxKey    = 200
	keyAbout  = "Any text of yours that no other request has, such as a random UUID. The same request under the same key is done once."

	// replayedHeader marks an answer that was given before.
	replayedHeader = "Idempotency-Replayed"

	// keptFor is how long an answer is repeated.
	keptFor = 24 * time.Hour
	// abandonedAfter is when a request that has no answer is taken to be dead: the
	// process that worked on it stopped.
	abandonedAfter = 5 * time.Minute
	// sweepAtOnce bounds what one request clears away of others'.
	sweepAtOnce = 50
)

type answerKey struct {
	workspace, token id.ID
	key              string
}

// once does the work of a POST, unless its key says that it was done before.
// Requests under one key wait for each other in this process; on another node
// the second is told that the first is under way.
func (c *call) once(body []byte, work func()) error {
	key := c.r.Header.Get(keyHeader)
	switch {
	case key == "" && c.route.keyed:
		return problem.New(problem.Invalid, "api.key_needed").At(keyHeader)
	case key == "":
		work()
		return nil
	case !goodKey(key):
		return problem.New(problem.Invalid, "api.bad_key", "max", maxKey).At(keyHeader)
	}
	k := answerKey{c.actor.Workspace, c.actor.Token, key}
	done, err := c.queue(c.r.Context(), k)
	if err != nil {
		return err
	}
	defer done()
	seal := sealFor(c.token, k)
	request := seal.request(c.r, body)
	now := c.opts.Clock.Now()
	kept, ours, err := c.claim(c.r.Context(), k, request, now)
	switch {
	case err != nil:
		return err
	case ours:
		return c.first(claimed{k, now}, seal, work)
	case !hmac.Equal(kept.request, request):
		return problem.New(problem.Invalid, "api.key_reused").At(keyHeader)
	case kept.status == 0:
		return problem.New(problem.Conflict, "api.under_way")
	}
	return c.repeat(seal, kept)
}

// goodKey: visible ASCII, as every HTTP library can send it.
func goodKey(key string) bool {
	for _, b := range []byte(key) {
		if b <= ' ' || b > '~' {
			return false
		}
	}
	return len(key) <= maxKey
}

// queue lets one request of a key through at a time.
func (a *API) queue(ctx context.Context, k answerKey) (done func(), err error) {
	for {
		a.mu.Lock()
		busy, ok := a.pending[k]
		if !ok {
			mine := make(chan struct{})
			a.pending[k] = mine
			a.mu.Unlock()
			return func() {
				a.mu.Lock()
				delete(a.pending, k)
				a.mu.Unlock()
				close(mine)
			}, nil
		}
		a.mu.Unlock()
		select {
		case <-busy:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// kept is a row of api_answer.
type kept struct {
	request []byte
	status  int
	sealed  []byte
}

// claim makes the key ours, or reads what is kept under it.
func (a *API) claim(ctx context.Context, k answerKey, request []byte, now time.Time) (was kept, ours bool, err error) {
	err = a.opts.DB.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := sweep(ctx, tx, now); err != nil {
			return err
		}
		// What has passed its time counts as gone, swept or not.
		n, err := tx.Exec(ctx, `insert into api_answer (workspace, token, key, request, status, answer, made, until)
			values ($1, $2, $3, $4, 0, $5, $6, $7)
			on conflict (workspace, token, key) do update set request = excluded.request, status = 0, answer = excluded.answer,
			made = excluded.made, until = excluded.until where api_answer.until <= excluded.made`,
			k.workspace, k.token, k.key, request, []byte{}, db.Micros(now), db.Micros(now.Add(abandonedAfter)))
		if err != nil {
			return fmt.Errorf("claiming an idempotency key: %w", err)
		}
		if ours = n > 0; ours {
			return nil
		}
		err = tx.Row(ctx, `select request, status, answer from api_answer where workspace = $1 and token = $2 and key = $3`,
			k.workspace, k.token, k.key).Scan(&was.request, &was.status, &was.sealed)
		if err != nil {
			return fmt.Errorf("reading the answer of an idempotency key: %w", err)
		}
		return nil
	})
	return was, ours, err
}

// claimed is a key that is ours, unless we took so long that somebody else has
// claimed it since.
type claimed struct {
	answerKey
	at time.Time
}

// first does the work and keeps its answer. What failed through no fault of the
// request is not kept: repeating it is the way to find out.
func (c *call) first(k claimed, seal seal, work func()) error {
	ctx := context.WithoutCancel(c.r.Context())
	answered := false
	defer func() {
		if answered {
			return
		}
		if err := c.forget(ctx, k); err != nil {
			c.opts.Log.WarnContext(ctx, "forgetting an idempotency key", "ref", c.ref, "error", err)
		}
	}()
	work()
	if c.answer.status >= http.StatusInternalServerError || c.answer.status == http.StatusTooManyRequests {
		return nil
	}
	sealed, err := seal.close(stored{c.answer.header.Get("Content-Type"), c.answer.body.Bytes()})
	if err == nil {
		err = c.keep(ctx, k, c.answer.status, sealed)
	}
	if err != nil { // done all the same: the answer stands, a repeat will wait and then do it again
		c.opts.Log.ErrorContext(ctx, "keeping the answer of an idempotency key", "ref", c.ref, "error", err)
	}
	answered = true
	return nil
}

func (a *API) keep(ctx context.Context, k claimed, status int, sealed []byte) error {
	return a.opts.DB.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.Exec(ctx, `update api_answer set status = $1, answer = $2, until = $3
			where workspace = $4 and token = $5 and key = $6 and made = $7 and status = 0`,
			status, sealed, db.Micros(a.opts.Clock.Now().Add(keptFor)), k.workspace, k.token, k.key, db.Micros(k.at))
		return err
	})
}

func (a *API) forget(ctx context.Context, k claimed) error {
	return a.opts.DB.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.Exec(ctx, `delete from api_answer where workspace = $1 and token = $2 and key = $3 and made = $4 and status = 0`,
			k.workspace, k.token, k.key, db.Micros(k.at))
		return err
	})
}

// repeat answers as before.
func (c *call) repeat(seal seal, was kept) error {
	s, err := seal.open(was.sealed)
	if err != nil {
		return fmt.Errorf("opening a kept answer: %w", err)
	}
	h := c.answer.Header()
	if s.Type != "" {
		h.Set("Content-Type", s.Type)
	}
	h.Set(replayedHeader, "true")
	c.answer.WriteHeader(was.status)
	c.answer.body.Write(s.Body)
	return nil
}

// Sweep clears away answers that have had their time.
func (a *API) Sweep(ctx context.Context) error {
	return a.opts.DB.InTx(ctx, func(ctx context.Context, tx *db.Tx) error { return sweep(ctx, tx, a.opts.Clock.Now()) })
}

func sweep(ctx context.Context, tx *db.Tx, now time.Time) error {
	_, err := tx.Exec(ctx, `delete from api_answer where (workspace, token, key) in
		(select workspace, token, key from api_answer where until <= $1 order by until limit $2)`, db.Micros(now), sweepAtOnce)
	if err != nil {
		return fmt.Errorf("clearing away old answers: %w", err)
	}
	return nil
}
