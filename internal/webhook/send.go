package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/id"
	"parley/internal/job"
	"parley/internal/outbound"
	"parley/internal/problem"
	"parley/internal/text"
)

const (
	lookEvery = 2 * time.Second // how late an event is told at most, where all is well
	atOnce    = 100             // events read
	turn      = time.Minute     // how long one hook is told before others come
	patience  = 5 * 24 * time.Hour
	answerMax = 4 << 10
)

// pauses between tries, as the specification proposes them ("Retries"); the last
// one repeats.
func pause(tries int) time.Duration {
	steps := []time.Duration{5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour}
	return steps[min(max(tries, 1), len(steps))-1]
}

func (h *Hooks) jobs() {
	h.o.Jobs.Handle("webhook.look", job.Policy{Every: lookEvery, Limit: 1, Timeout: time.Minute}, func(ctx context.Context, _ job.Job) error {
		return h.look(ctx)
	})
	h.o.Jobs.Handle("webhook.tell", job.Policy{Limit: 4, Timeout: 5 * time.Minute, Attempts: 3}, func(ctx context.Context, j job.Job) error {
		hook, err := id.Parse(j.Key)
		if err != nil {
			return job.Stop(err)
		}
		return h.tell(ctx, j, hook)
	})
}

// look finds hooks that have something to be told. One job a hook keeps its events
// in order, and a slow receiver from holding up the others.
func (h *Hooks) look(ctx context.Context) error {
	rows, err := h.o.DB.Read().Query(ctx, `select w.workspace, w.id from webhook w join event_head e on e.workspace = w.workspace
		join workspace s on s.id = w.workspace where w.paused = 0 and w.due <= $1 and e.n > w.bookmark and s.closed = 0`, db.Micros(h.o.Clock.Now()))
	if err != nil {
		return fmt.Errorf("looking for webhooks to tell: %w", err)
	}
	defer rows.Close()
	var due []job.Spec
	for rows.Next() {
		var workspace, hook id.ID
		if err := rows.Scan(&workspace, &hook); err != nil {
			return fmt.Errorf("looking for webhooks to tell: %w", err)
		}
		due = append(due, job.Spec{Workspace: workspace, Kind: "webhook.tell", Key: hook.String()})
	}
	if err := rows.Err(); err != nil || len(due) == 0 {
		return err
	}
	return h.o.DB.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		for _, s := range due {
			if err := h.o.Jobs.Enqueue(ctx, tx, s); err != nil {
				return err
			}
		}
		return nil
	})
}

// tell sends what a hook has not been told yet, one event a request, until it is
// up to date or refuses one.
func (h *Hooks) tell(ctx context.Context, j job.Job, hook id.ID) error {
	key, err := h.key(ctx, j.Workspace, hook)
	if problem.Is(err, "webhook.not_found") {
		return nil
	}
	if err != nil {
		return err
	}
	// A receiver that was away for long is told in turns, within the job's time: what
	// was cut off in the middle of a request would count as refused.
	end := h.o.Clock.Now().Add(turn)
	for {
		w, err := load(ctx, h.o.DB.Read(), j.Workspace, hook)
		if problem.Is(err, "webhook.not_found") || err == nil && !w.Paused.IsZero() {
			return nil
		}
		if err != nil {
			return err
		}
		es, err := event.After(ctx, h.o.DB.Read(), j.Workspace, w.Cursor, atOnce)
		if err != nil || len(es) == 0 {
			return err
		}
		for _, e := range es {
			if h.o.Clock.Now().After(end) {
				return nil
			}
			if w.wants(e) {
				if err := h.post(ctx, w, key, e); err != nil {
					return h.failed(ctx, j, w, err)
				}
				w.Sent = h.o.Clock.Now()
			}
			// Only what was told is worth a write of its own: it must not come twice.
			if last := e.N == es[len(es)-1].N; w.wants(e) || last {
				if on, err := h.moved(ctx, j, w, e.N); err != nil || !on {
					return err
				}
				w.Cursor = e.N
			}
		}
	}
}

// moved sets the bookmark behind an event. It is false where a member moved it, or
// paused or removed the hook, meanwhile.
func (h *Hooks) moved(ctx context.Context, j job.Job, w Hook, n int64) (on bool, err error) {
	err = h.o.DB.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := h.o.Jobs.Fence(ctx, tx, j); err != nil {
			return err
		}
		moved, err := tx.Exec(ctx, `update webhook set bookmark = $1, sent = $2, failing = 0, tries = 0, due = 0, said = ''
			where workspace = $3 and id = $4 and bookmark = $5 and paused = 0`, n, db.Micros(w.Sent), j.Workspace, w.ID, w.Cursor)
		on = moved > 0
		return err
	})
	if err != nil {
		return false, fmt.Errorf("moving the bookmark of a webhook: %w", err)
	}
	return on, nil
}

// failed notes that a hook accepted nothing, and gives up after days of it, or at
// once where the receiver says that it is gone for good (specification, "Retries").
func (h *Hooks) failed(ctx context.Context, j job.Job, w Hook, why error) error {
	now := h.o.Clock.Now()
	return h.o.DB.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := h.o.Jobs.Fence(ctx, tx, j); err != nil {
			return err
		}
		fresh, err := load(ctx, tx, j.Workspace, w.ID)
		if err != nil || fresh.Cursor != w.Cursor || !fresh.Paused.IsZero() {
			return ignoreGone(err)
		}
		if fresh.Failing.IsZero() {
			fresh.Failing = now
		}
		fresh.Tries++
		fresh.Due, fresh.Said = now.Add(pause(fresh.Tries)), text.DisplaySafe(text.CleanLine(why.Error(), 300))
		if now.Sub(fresh.Failing) >= patience || errors.Is(why, errGone) {
			fresh.Paused, fresh.GaveUp = now, true
			h.record(tx, actor.System(j.Workspace, "webhook"), "webhook.gave_up", w.ID)
		}
		return store(ctx, tx, j.Workspace, fresh)
	})
}

func ignoreGone(err error) error {
	if problem.Is(err, "webhook.not_found") {
		return nil
	}
	return err
}

// message is what is told of an event.
type message struct {
	Type      string    `json:"type"`
	Timestamp time.Time `json:"timestamp"`
	Data      data      `json:"data"`
}

type data struct {
	Workspace id.ID             `json:"workspace"`
	N         int64             `json:"n"`
	Kind      string            `json:"kind"`
	Subject   id.ID             `json:"subject"`
	Member    id.ID             `json:"member,omitzero"`
	Part      string            `json:"part,omitempty"`
	Details   map[string]string `json:"details"`
}

var errGone = errors.New("410 Gone")

// post tells one event. Any answer but 2xx is a refusal; redirects are not
// followed, because what is signed for one receiver is nobody else's.
func (h *Hooks) post(ctx context.Context, w Hook, key []byte, e event.Event) error {
	if e.Details == nil {
		e.Details = map[string]string{}
	}
	body, err := json.Marshal(message{Type: e.Verb, Timestamp: e.At.UTC(), Data: data{Workspace: e.Workspace, N: e.N, Kind: e.Kind, Subject: e.Subject,
		Member: e.Member, Part: e.Part, Details: e.Details}})
	if err != nil {
		return fmt.Errorf("writing an event: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("asking %s: %w", w.URL, err)
	}
	name := "evt_" + e.Workspace.String() + "_" + strconv.FormatInt(e.N, 10)
	at := strconv.FormatInt(h.o.Clock.Now().Unix(), 10)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("webhook-id", name)
	req.Header.Set("webhook-timestamp", at)
	req.Header.Set("webhook-signature", Sign(key, name, at, body))
	resp, err := h.o.HTTP.Do(req)
	if err != nil {
		return unreached(err)
	}
	defer resp.Body.Close()
	said, _ := io.ReadAll(io.LimitReader(resp.Body, answerMax)) // an answer that breaks off is an answer still
	switch {
	case resp.StatusCode == http.StatusGone:
		return errGone
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		return fmt.Errorf("%s %s", resp.Status, text.CleanLine(string(said), 200))
	}
	return nil
}

// unreached says why a receiver was not reached, without our own inner words.
func unreached(err error) error {
	for _, one := range []error{outbound.ErrPrivate, outbound.ErrPort, outbound.ErrScheme, outbound.ErrRedirect} {
		if errors.Is(err, one) {
			return one
		}
	}
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return err
}

// Sign is the signature of a message: "v1," and the base64 of HMAC-SHA256 over id,
// time and body (specification, "Signature scheme").
func Sign(key []byte, name, at string, body []byte) string {
	m := hmac.New(sha256.New, key)
	fmt.Fprintf(m, "%s.%s.", name, at)
	m.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(m.Sum(nil))
}

func newKey() []byte {
	key := make([]byte, 32)
	rand.Read(key) // never fails (crypto/rand)
	return key
}

// secretText is a key as receivers take it (specification, "Secret").
func secretText(key []byte) string { return "whsec_" + base64.StdEncoding.EncodeToString(key) }

// cleanAddress is where a hook listens. It must be encrypted, since what happens
// here is nobody else's business; the guarded client refuses private networks.
func cleanAddress(s string) (string, error) {
	s = strings.TrimSpace(s)
	u, err := url.Parse(s)
	switch {
	case s == "":
		return "", problem.New(problem.Invalid, "webhook.no_address").At("url")
	case err != nil || u.Host == "" || len(s) > 2000 || u.User != nil || u.Fragment != "":
		return "", problem.New(problem.Invalid, "webhook.bad_address").At("url").Because(err)
	case u.Scheme != "https" && !(u.Scheme == "http" && local(u.Hostname())):
		return "", problem.New(problem.Invalid, "webhook.not_https").At("url")
	}
	return u.String(), nil
}

// local addresses may be spoken to in the clear: nobody listens between. Whether
// they may be reached at all is for the operator to say.
func local(host string) bool { return host == "localhost" || host == "127.0.0.1" || host == "::1" }
