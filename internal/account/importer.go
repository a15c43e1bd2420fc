package account

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"parley/internal/actor"
	"parley/internal/crash"
	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/job"
	"parley/internal/network"
)

// past is how far back the first connection reads.
const past = 365 * 24 * time.Hour

type importPayload struct {
	Account id.ID        `json:"account"`
	Feed    network.Feed `json:"feed"`
}

// startImport begins reading the past of every feed that can be read backwards.
func (s *Accounts) startImport(ctx context.Context, tx *db.Tx, a actor.Actor, account id.ID, n network.Network, caps network.Capabilities) error {
	if _, ok := n.(network.Importer); !ok || !caps.Can[network.CanImport].OK {
		return nil
	}
	now := s.Clock.Now()
	for _, f := range caps.Feeds {
		if _, err := tx.Exec(ctx, `insert into account_import (workspace, account, feed, since, cursor, oldest, found, started, finished, kind, message)
			values ($1, $2, $3, $4, $5, 0, 0, $6, 0, '', '') on conflict (workspace, account, feed) do nothing`,
			a.Workspace, account, string(f), db.Micros(now.Add(-past)), []byte{}, db.Micros(now)); err != nil {
			return fmt.Errorf("beginning an import: %w", err)
		}
		if err := s.Jobs.Enqueue(ctx, tx, job.Spec{Workspace: a.Workspace, Kind: "account.import", Key: account.String() + "." + string(f),
			Payload: importPayload{account, f}}); err != nil {
			return err
		}
	}
	return nil
}

// importJob reads on where the last page ended. A page and the place it leads
// to are stored together, so a stop in between costs nothing.
func (s *Accounts) importJob(ctx context.Context, j job.Job) error {
	var p importPayload
	if err := j.Decode(&p); err != nil {
		return err
	}
	for {
		more, wait, err := s.importPage(ctx, j, p)
		var e *network.Error
		switch {
		case errors.As(err, &e) && e.Kind == network.RateLimited:
			return job.Later(max(e.RetryAt.Sub(s.Clock.Now()), time.Minute))
		case errors.As(err, &e) && e.Kind == network.Auth:
			return job.Later(time.Hour) // goes on once the account is connected again
		case err != nil:
			s.noteImport(ctx, j.Workspace, p, err)
			return err
		case !more:
			return nil
		case wait > 0:
			return job.Later(wait)
		}
		s.Crash.At(crash.ImportBetweenPages)
	}
}

func (s *Accounts) importPage(ctx context.Context, j job.Job, p importPayload) (more bool, wait time.Duration, err error) {
	var since, finished time.Time
	var raw []byte
	var cursor network.Cursor
	err = s.DB.Read().Row(ctx, `select since, cursor, finished from account_import where workspace = $1 and account = $2 and feed = $3`,
		j.Workspace, p.Account, string(p.Feed)).Scan(db.ScanTime(&since), &raw, db.ScanTime(&finished))
	if db.NoRows(err) || err == nil && !finished.IsZero() {
		return false, 0, nil
	}
	if err != nil {
		return false, 0, fmt.Errorf("reading an import's place: %w", err)
	}
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &cursor); err != nil {
			return false, 0, job.Stop(fmt.Errorf("reading an import's place: %w", err))
		}
	}
	var page network.Page
	var remote network.Account
	err = s.With(ctx, j.Workspace, p.Account, func(ctx context.Context, n network.Network, a network.Account) error {
		ctx, cancel := context.WithTimeout(ctx, callTimeout)
		defer cancel()
		im, ok := n.(network.Importer)
		if !ok {
			return job.Stop(errors.New("this network cannot be read backwards any more"))
		}
		remote = a
		page, err = im.Import(ctx, a, p.Feed, since, cursor)
		return err
	})
	if err != nil {
		return false, 0, err
	}
	return page.More, page.Wait, s.storeImport(ctx, j, p, remote, page)
}

func (s *Accounts) storeImport(ctx context.Context, j job.Job, p importPayload, remote network.Account, page network.Page) error {
	cursor, err := json.Marshal(page.Next)
	if err != nil {
		return fmt.Errorf("writing an import's place: %w", err)
	}
	oldest := s.Clock.Now()
	for _, e := range page.Events {
		if e.Post != nil && !e.Post.Created.IsZero() && e.Post.Created.Before(oldest) {
			oldest = e.Post.Created
		}
	}
	a := actor.System(j.Workspace, "import")
	return s.DB.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := s.Jobs.Fence(ctx, tx, j); err != nil {
			return err
		}
		fresh, err := s.Ingest(ctx, tx, a, Arrival{Account: p.Account, Remote: remote, Feed: p.Feed, History: true, Events: page.Events})
		if err != nil {
			return err
		}
		now, finished := s.Clock.Now(), int64(0)
		if !page.More {
			finished = db.Micros(now)
		}
		if _, err := tx.Exec(ctx, `update account_import set cursor = $1, found = found + $2, finished = $3, kind = '', message = '',
			oldest = case when oldest = 0 or oldest > $4 then $4 else oldest end
			where workspace = $5 and account = $6 and feed = $7`,
			cursor, fresh, finished, db.Micros(oldest), j.Workspace, p.Account, string(p.Feed)); err != nil {
			return fmt.Errorf("moving an import's place: %w", err)
		}
		verb := "account.importing"
		if finished != 0 {
			verb = "account.imported"
		}
		s.record(tx, a, verb, p.Account, "feed", string(p.Feed))
		return nil
	})
}

// noteImport shows why an import pauses.
func (s *Accounts) noteImport(ctx context.Context, workspace id.ID, p importPayload, cause error) {
	e := asNetworkError(cause)
	err := s.DB.InTx(context.WithoutCancel(ctx), func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.Exec(ctx, `update account_import set kind = $1, message = $2 where workspace = $3 and account = $4 and feed = $5`,
			string(e.Kind), cleanSentence(e.Message), workspace, p.Account, string(p.Feed))
		return err
	})
	if err != nil {
		s.Logger.Warn("noting why an import pauses", "account", p.Account, "err", err)
	}
}
