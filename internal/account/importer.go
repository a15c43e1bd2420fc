package account

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"parley/internal/actor"
	"parley/internal/crash"
	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/job"
	"parley/internal/network"
)

const (
	past           = 365 * 24 * time.Hour // how far back the first connection reads
	importKind     = "account.import"
	importTimeout  = 30 * time.Minute
	importAttempts = math.MaxInt32 // an instance may be away for weeks; the pauses grow to hours
	importAtOnce   = 50            // pages before other work has its turn
	importSteps    = 20            // how often the progress of one feed is told
)

type importPayload struct {
	Account id.ID        `json:"account"`
	Feed    network.Feed `json:"feed"`
}

func (p importPayload) key() string { return p.Account.String() + "." + string(p.Feed) }

// startImport begins reading the past of every feed that can be read backwards,
// and goes on with what an earlier connection did not finish.
func (s *Accounts) startImport(ctx context.Context, tx *db.Tx, workspace, account id.ID, n network.Network, caps network.Capabilities) error {
	if _, ok := n.(network.Importer); !ok || !caps.Can[network.CanImport].OK {
		return nil
	}
	now := s.Clock.Now()
	for _, f := range caps.Feeds {
		if _, err := tx.Exec(ctx, `insert into account_import (workspace, account, feed, since, cursor, oldest, found, started, finished, kind, message, help, resumes)
			values ($1, $2, $3, $4, $5, 0, 0, $6, 0, '', '', '', 0) on conflict (workspace, account, feed) do nothing`,
			workspace, account, string(f), db.Micros(now.Add(-past)), []byte{}, db.Micros(now)); err != nil {
			return fmt.Errorf("beginning an import: %w", err)
		}
	}
	return s.goOn(ctx, tx, workspace, account)
}

// goOn enqueues what is not read to its end yet.
func (s *Accounts) goOn(ctx context.Context, tx *db.Tx, workspace, account id.ID) error {
	rows, err := tx.Query(ctx, `update account_import set kind = '', message = '', help = '', resumes = 0
		where workspace = $1 and account = $2 and finished = 0 returning feed`, workspace, account)
	if err != nil {
		return fmt.Errorf("going on with an import: %w", err)
	}
	defer rows.Close()
	var open []importPayload
	for rows.Next() {
		p := importPayload{Account: account}
		if err := rows.Scan(&p.Feed); err != nil {
			return fmt.Errorf("going on with an import: %w", err)
		}
		open = append(open, p)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return fmt.Errorf("going on with an import: %w", err)
	}
	for _, p := range open {
		if err := s.Jobs.Enqueue(ctx, tx, job.Spec{Workspace: workspace, Kind: importKind, Key: p.key(), Payload: p}); err != nil {
			return err
		}
	}
	return nil
}

// ResumeImport has another go at a past that could not be read.
func (s *Accounts) ResumeImport(ctx context.Context, a actor.Actor, account id.ID) error {
	if err := a.Require(actor.ManageAccounts, scopeOf(account)...); err != nil {
		return err
	}
	return s.DB.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if _, err := s.get(ctx, tx, a.Workspace, account); err != nil {
			return err
		}
		if err := s.goOn(ctx, tx, a.Workspace, account); err != nil {
			return err
		}
		s.record(tx, a, "account.import_resumed", account)
		return nil
	})
}

// importJob reads on where the last page ended. A page and the place it leads to
// are stored together, so a stop in between costs nothing.
func (s *Accounts) importJob(ctx context.Context, j job.Job) error {
	var p importPayload
	if err := j.Decode(&p); err != nil {
		return err
	}
	for range importAtOnce {
		page, err := s.importPage(ctx, j, p)
		switch {
		case err != nil && ctx.Err() != nil:
			return err // the program is stopping: nothing is wrong with the import
		case errors.Is(err, job.ErrLost):
			return err
		case err != nil:
			return s.importFailed(ctx, j, p, err)
		case !page.More:
			return nil
		case page.Wait > 0:
			return job.Later(page.Wait)
		}
		s.Crash.At(crash.ImportBetweenPages)
	}
	return job.Later(0)
}

// importFailed notes why an import pauses and says when it goes on.
func (s *Accounts) importFailed(ctx context.Context, j job.Job, p importPayload, cause error) error {
	now := s.Clock.Now()
	e := refusalOf(cause)
	var result error
	var resumes time.Time
	switch e.Kind {
	case network.RateLimited:
		resumes = now.Add(max(e.RetryAt.Sub(now), time.Minute))
		result = job.Later(resumes.Sub(now))
	case network.Auth, network.Suspended, network.Paid:
		result = job.Later(time.Hour) // goes on at once when the account is connected again
	case network.Transient, network.Ambiguous, ownStore, ownSealed, ownConnector:
		result = cause
	default:
		result = job.Stop(cause) // a new connection, or a member, starts it again
	}
	err := s.DB.InTx(context.WithoutCancel(ctx), func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.Exec(ctx, `update account_import set kind = $1, message = $2, help = $3, resumes = $4 where workspace = $5 and account = $6 and feed = $7`,
			string(e.Kind), cleanSentence(e.Message), e.Help, db.Micros(resumes), j.Workspace, p.Account, string(p.Feed))
		return err
	})
	if err != nil {
		s.Logger.Warn("noting why an import pauses", "account", p.Account, "err", err)
	}
	return result
}

// importPage reads and stores one page. A page without More is the last.
func (s *Accounts) importPage(ctx context.Context, j job.Job, p importPayload) (page network.Page, err error) {
	i, cursor, err := s.openImport(ctx, j.Workspace, p)
	if err != nil || !i.Finished.IsZero() {
		return page, err
	}
	var remote network.Account
	err = s.With(ctx, j.Workspace, p.Account, func(ctx context.Context, n network.Network, a network.Account) error {
		im, ok := n.(network.Importer)
		if !ok {
			return &network.Error{Kind: network.Version, Message: "this network cannot be read backwards any more"}
		}
		ctx, cancel := context.WithTimeout(ctx, callTimeout)
		defer cancel()
		remote = a
		var err error
		page, err = im.Import(ctx, a, p.Feed, i.Since, cursor)
		return err
	})
	if err != nil {
		return page, err
	}
	if page.More && len(page.Events) == 0 && sameCursor(page.Next, cursor) {
		return page, &network.Error{Kind: network.Transient, Native: "stuck", Message: "the network keeps offering the same empty page"}
	}
	return page, s.storeImport(ctx, j, p, i, remote, page)
}

// openImport reads how far an import has come. One that is not there counts as
// finished: its account was erased.
func (s *Accounts) openImport(ctx context.Context, workspace id.ID, p importPayload) (Import, network.Cursor, error) {
	i := Import{Feed: p.Feed}
	var cursor network.Cursor
	var raw []byte
	err := s.DB.Read().Row(ctx, `select since, cursor, oldest, started, finished from account_import where workspace = $1 and account = $2 and feed = $3`,
		workspace, p.Account, string(p.Feed)).Scan(db.ScanTime(&i.Since), &raw, db.ScanTime(&i.Oldest), db.ScanTime(&i.Started), db.ScanTime(&i.Finished))
	if db.NoRows(err) {
		i.Finished = s.Clock.Now()
		return i, cursor, nil
	}
	if err != nil {
		return i, cursor, fmt.Errorf("reading how far an import has come: %w", err)
	}
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &cursor); err != nil {
			return i, cursor, job.Stop(fmt.Errorf("reading an import's place: %w", err))
		}
	}
	return i, cursor, nil
}

func (s *Accounts) storeImport(ctx context.Context, j job.Job, p importPayload, i Import, remote network.Account, page network.Page) error {
	cursor, err := json.Marshal(page.Next)
	if err != nil {
		return fmt.Errorf("writing an import's place: %w", err)
	}
	before := i.Share()
	i.Oldest = oldest(i, page.Events)
	a := actor.System(j.Workspace, "import")
	return s.DB.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := s.Jobs.Fence(ctx, tx, j); err != nil {
			return err
		}
		fresh, err := s.Ingest(ctx, tx, a, Arrival{Account: p.Account, Remote: remote, Feed: p.Feed, History: true, Events: page.Events})
		if err != nil {
			return err
		}
		finished := time.Time{}
		if !page.More {
			finished = s.Clock.Now()
		}
		if _, err := tx.Exec(ctx, `update account_import set cursor = $1, found = found + $2, finished = $3, oldest = $4,
			kind = '', message = '', help = '', resumes = 0 where workspace = $5 and account = $6 and feed = $7`,
			cursor, fresh, db.Micros(finished), db.Micros(i.Oldest), j.Workspace, p.Account, string(p.Feed)); err != nil {
			return fmt.Errorf("moving an import's place: %w", err)
		}
		if err := s.storeGaps(ctx, tx, a, feedKey{j.Workspace, p.Account, p.Feed}, page.Events); err != nil {
			return err
		}
		switch {
		case !page.More:
			s.record(tx, a, "account.imported", p.Account, "feed", string(p.Feed))
		case int(before*importSteps) != int(i.Share()*importSteps):
			s.record(tx, a, "account.importing", p.Account, "feed", string(p.Feed))
		}
		return nil
	})
}

// oldest is how far back an import has come with a page. What claims to be older
// than all that was asked for (dates are their authors' word) counts as the end.
func oldest(i Import, events []network.Event) time.Time {
	far := i.Oldest
	for _, e := range events {
		if e.Post == nil || e.Post.Created.IsZero() {
			continue
		}
		at := e.Post.Created
		if at.Before(i.Since) {
			at = i.Since
		}
		if far.IsZero() || at.Before(far) {
			far = at
		}
	}
	return far
}
