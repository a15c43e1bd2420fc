// Package app is the composition root: it opens the store, wires the
// capabilities to each other with function types, starts the workers and stops
// them. The program and the tests use the same one, so what a test has seen is
// what runs.
//
// Nothing is decided here: whoever looks for a rule looks in a capability.
package app

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"sync"
	_ "time/tzdata" // workspaces have time zones, and not every machine has them

	"parley/internal/account"
	"parley/internal/actor"
	"parley/internal/archive"
	"parley/internal/ask"
	"parley/internal/conversation"
	"parley/internal/db"
	"parley/internal/delivery"
	"parley/internal/event"
	"parley/internal/i18n"
	"parley/internal/id"
	"parley/internal/job"
	"parley/internal/mail"
	"parley/internal/media"
	"parley/internal/network"
	"parley/internal/network/sandbox"
	"parley/internal/notify"
	"parley/internal/page"
	"parley/internal/secret"
	"parley/internal/team"
	"parley/internal/webhook"
)

// App is the whole program, open but not yet working.
type App struct {
	Config     Config
	DB         *db.DB
	IDs        *id.Maker
	Events     *event.Log
	Jobs       *job.Queue
	Keys       *secret.Keyring
	Mail       *mail.Service
	Team       *team.Service
	Accounts   *account.Accounts
	Desk       *conversation.Desk
	Deliveries *delivery.Delivery
	Hooks      *webhook.Hooks
	Notify     *notify.Service
	Asks       *ask.Service
	Media      *media.Store
	Kernel     *page.Kernel
	Bundle     *i18n.Bundle
	Stage      *sandbox.Server // the demo's network; nil otherwise

	tail    *event.Tail
	proxy   *media.Proxy
	clients clients
	owner   string
	node    int
	closing sync.Once
}

// Open opens and migrates the database and wires everything. Run makes it work.
func Open(ctx context.Context, c Config) (_ *App, err error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	a := &App{Config: c}
	defer func() {
		if err != nil {
			a.Close()
		}
	}()
	if a.DB, err = db.Open(ctx, c.database()); err != nil {
		return nil, err
	}
	if err := a.DB.Migrate(ctx); err != nil {
		return nil, err
	}
	if applied, known, err := a.DB.Version(ctx); err != nil {
		return nil, err
	} else if applied > known {
		return nil, fmt.Errorf("the database is at version %d and this program knows %d: start the newer program that brought it there, or restore a backup", applied, known)
	}
	if err := archive.Finished(ctx, a.DB.Read()); err != nil {
		return nil, fmt.Errorf("%w: run parley restore again with the same archive, and it goes on where it stopped", err)
	}
	if a.Keys, err = a.keys(ctx); err != nil {
		return nil, err
	}
	var random [8]byte
	if _, err := rand.Read(random[:]); err != nil {
		return nil, fmt.Errorf("naming this process: %w", err)
	}
	a.owner = hex.EncodeToString(random[:])
	if a.node, err = leaseNode(ctx, a.DB, c.Clock, a.owner); err != nil {
		return nil, err
	}
	a.IDs = id.NewMaker(c.Clock, a.node)
	a.ground()
	if err := a.capabilities(); err != nil {
		return nil, err
	}
	return a, a.pages()
}

// ground makes what knows no capability.
func (a *App) ground() {
	a.tail = event.NewTail(a.DB, a.Config.Clock, a.Config.Logger, a.notice)
	a.Events = event.NewLog(a.Config.Clock, a.tail.Wake)
	a.Jobs = job.New(a.DB, a.Config.Clock, a.IDs, a.Config.Logger, a.owner, 8)
	a.Media = media.NewStore(a.Config.Clock)
	a.Mail = mail.New(mail.Options{DB: a.DB, Clock: a.Config.Clock, IDs: a.IDs, Jobs: a.Jobs, Keys: a.Keys, Logger: a.Config.Logger, URL: a.Config.URL,
		Server: a.Config.Mail, Words: a.words})
}

// capabilities wires what Parley does. A line here is all that a new one needs.
func (a *App) capabilities() error {
	c := a.Config
	a.Team = team.New(team.Config{DB: a.DB, Events: a.Events, Clock: c.Clock, IDs: a.IDs, Logger: c.Logger, Cost: c.Cost, URL: c.URL, OIDC: a.otherSignIn(),
		Ended: a.ended, Accounts: a.accountNames, Mail: a.Mail})
	a.Accounts = account.New(account.Options{DB: a.DB, Clock: c.Clock, IDs: a.IDs, Log: a.Events, Jobs: a.Jobs, Keys: a.Keys, Crash: c.Crash,
		Logger: c.Logger, BaseURL: c.URL, Owner: a.owner, Picture: a.picture,
		Ingest: func(ctx context.Context, tx *db.Tx, who actor.Actor, in account.Arrival) (int, error) {
			return a.Desk.Ingest(ctx, tx, who, conversation.Arrival(in))
		},
		Watchlist: func(ctx context.Context, workspace, account id.ID, all bool) ([]network.Ref, []network.Ref, error) {
			return a.Desk.Watchlist(ctx, workspace, account, all)
		},
		Moved: func(ctx context.Context, tx *db.Tx, workspace id.ID, from, to network.Account) error {
			return a.Desk.SourceMoved(ctx, tx, workspace, from, to)
		}})
	a.Desk = conversation.New(conversation.Options{DB: a.DB, Clock: c.Clock, IDs: a.IDs, Log: a.Events, Jobs: a.Jobs, Crash: c.Crash, Logger: c.Logger,
		Send: func(ctx context.Context, tx *db.Tx, who actor.Actor, out conversation.Outgoing) (id.ID, error) {
			return a.Deliveries.Accept(ctx, tx, who, delivery.Outgoing{Account: out.Account, Kind: delivery.Reply, Subject: out.Conversation, Draft: out.Draft, At: out.At})
		},
		Move: func(ctx context.Context, tx *db.Tx, workspace, from, to id.ID) error {
			return errors.Join(a.Deliveries.Move(ctx, tx, workspace, from, to), a.Notify.Move(ctx, tx, workspace, from, to), a.Asks.Move(ctx, tx, workspace, from, to))
		},
		Describe: a.accountView, Attach: a.attach, Colleagues: a.colleagues,
		UnderWay: func(ctx context.Context, q db.Queryer, workspace, conversation id.ID) (bool, error) {
			return a.Deliveries.UnderWay(ctx, q, workspace, delivery.Reply, conversation)
		}})
	a.Deliveries = delivery.New(delivery.Options{DB: a.DB, Clock: c.Clock, IDs: a.IDs, Log: a.Events, Jobs: a.Jobs, Logger: c.Logger, Crash: c.Crash,
		With: a.Accounts.With, Stored: a.stored, Media: a.Media,
		Recalled: func(ctx context.Context, tx *db.Tx, who actor.Actor, out id.ID, words network.Draft) error {
			return a.Desk.TakenBack(ctx, tx, who, out, words)
		}})
	a.Notify = notify.New(a.notifying())
	a.Asks = ask.New(a.asking())
	networks, err := a.networks()
	if err != nil {
		return err
	}
	a.Accounts.Use(networks...)
	a.Hooks = webhook.New(webhook.Options{DB: a.DB, Clock: c.Clock, IDs: a.IDs, Log: a.Events, Jobs: a.Jobs, Keys: a.Keys, HTTP: a.clients.outside,
		Logger: c.Logger})
	a.housekeeping()
	a.waking()
	return nil
}

// notice hands new events to the browsers that are connected to this process.
func (a *App) notice(es []event.Event) {
	a.Notify.Wake()
	for _, e := range es {
		if ended, ok := team.EndedBy(e); ok {
			a.ended(ended)
		}
		if e.Verb == "member.departed" {
			go a.releaseDeparted(e.Workspace) // housekeeping does it too, should this be cut off
		}
		a.Kernel.Hub().Publish(page.Notice{Workspace: e.Workspace, Number: e.N, Kind: e.Kind, Subject: e.Subject})
	}
}

func (a *App) releaseDeparted(workspace id.ID) {
	if err := a.Desk.ReleaseDeparted(context.Background(), actor.System(workspace, "team")); err != nil {
		a.Config.Logger.Warn("handing back what a departed member held", "workspace", workspace, "err", err)
	}
}

// ended closes the live streams of whoever lost the right to look.
func (a *App) ended(e team.Ended) {
	hub := a.Kernel.Hub()
	if e.Session != 0 {
		hub.Drop(e.Session)
	}
	if e.Member != 0 {
		hub.DropMember(e.Workspace, e.Member)
	}
}

// Handler serves everything.
func (a *App) Handler() http.Handler {
	if !a.Config.Demo {
		return a.Kernel
	}
	// Nobody in the demo has a password: signing in is choosing who to be.
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && r.URL.Path == team.SignInPath {
			http.Redirect(w, r, demoPath, http.StatusSeeOther)
			return
		}
		a.Kernel.ServeHTTP(w, r)
	})
}

// Run works until ctx ends or a part of it cannot go on.
func (a *App) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	parts := map[string]func(context.Context) error{
		"events": a.tail.Run,
		"node": func(ctx context.Context) error {
			return keepNode(ctx, a.DB, a.Config.Clock, a.Config.Logger, a.owner, a.node)
		},
		"team": a.Team.Run,
	}
	if a.Config.Background {
		parts["jobs"] = a.Jobs.Run
		parts["accounts"] = a.Accounts.Run
		parts["notify"] = a.Notify.Run
	}
	if a.Stage != nil {
		parts["stage"] = a.Stage.Run
	}
	var wg sync.WaitGroup
	for name, run := range parts {
		wg.Go(func() {
			if err := run(ctx); err != nil && !errors.Is(err, context.Canceled) {
				cancel(fmt.Errorf("%s: %w", name, err))
			}
		})
	}
	<-ctx.Done()
	a.Kernel.Hub().Close()
	wg.Wait()
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) && err != nil {
		return err
	}
	return nil
}

// Close closes the database. Call it after Run has returned.
func (a *App) Close() error {
	var err error
	a.closing.Do(func() {
		if a.DB == nil {
			return
		}
		if a.IDs != nil { // a command gives its number back, so that nobody waits for it
			err = giveBackNode(context.Background(), a.DB, a.owner, a.node)
		}
		err = errors.Join(err, a.DB.Close())
	})
	return err
}
