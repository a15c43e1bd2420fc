package app

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"parley/internal/account"
	"parley/internal/actor"
	"parley/internal/conversation"
	"parley/internal/db"
	"parley/internal/delivery"
	"parley/internal/id"
	"parley/internal/job"
	"parley/internal/media"
	"parley/internal/network"
	"parley/internal/problem"
	"parley/internal/team"
	"parley/internal/today"
)

// today reads what the first screen shows.
func (a *App) today() *today.Today {
	return &today.Today{Desk: a.Desk, Out: a.Deliveries, Accounts: a.Accounts}
}

// accountView tells the desk what an account can do.
func (a *App) accountView(ctx context.Context, workspace, acc id.ID) (conversation.AccountView, error) {
	v, err := a.Accounts.View(ctx, workspace, acc)
	if err != nil {
		return conversation.AccountView{}, err
	}
	return conversation.AccountView{ID: v.ID, Network: v.Remote.Network, Instance: v.Remote.Instance, RemoteID: v.Remote.RemoteID, Handle: v.Remote.Handle,
		Name: v.Remote.Name, Avatar: v.Remote.Avatar, Signature: v.Signature, Working: v.State == account.Connected, Capabilities: v.Capabilities}, nil
}

// accountNames are the accounts that a role may be narrowed to.
func (a *App) accountNames(ctx context.Context, who actor.Actor) ([]team.NamedScope, error) {
	accounts, err := a.Accounts.List(ctx, who)
	if err != nil {
		return nil, err
	}
	var names []team.NamedScope
	for _, one := range accounts {
		names = append(names, team.NamedScope{Scope: actor.Scope{Kind: "account", ID: one.ID}, Name: "@" + one.Remote.Handle})
	}
	return names, nil
}

// colleagues are who is in a workspace, with what they may do.
func (a *App) colleagues(ctx context.Context, q db.Queryer, workspace id.ID) ([]conversation.Colleague, error) {
	all, err := a.Team.Colleagues(ctx, q, workspace)
	out := make([]conversation.Colleague, len(all))
	for i, c := range all {
		out[i] = conversation.Colleague(c)
	}
	return out, err
}

// stored tells the desk that an answer stands on the network.
func (a *App) stored(ctx context.Context, tx *db.Tx, d delivery.Record, part int, ref network.Ref, _ time.Time) error {
	v, err := a.Accounts.ViewIn(ctx, tx, d.Workspace, d.Account)
	if err != nil {
		return err
	}
	for _, m := range d.Draft.Parts[part].Media {
		// What we sent is shown for as long as our words are.
		if err := a.Media.Hold(ctx, tx, d.Workspace, m.Digest, sentPicture, d.ID); err != nil {
			return err
		}
	}
	return a.Desk.Sent(ctx, tx, actor.System(d.Workspace, "delivery"), conversation.Sent{Delivery: d.ID, Account: d.Account, Conversation: d.Subject,
		Remote: v.Remote, ReplyTo: d.Draft.ReplyTo, Part: d.Draft.Parts[part], Ref: ref})
}

// erase takes somebody out of what delivery and media keep.
func (a *App) eraseAlso(ctx context.Context, tx *db.Tx, who actor.Actor, e conversation.Erased) error {
	for _, c := range e.Conversations {
		if err := a.Deliveries.Erase(ctx, tx, who, delivery.Reply, c); err != nil {
			return err
		}
	}
	if e.Person != 0 { // else nobody is erased, only messages past their time
		if err := a.Deliveries.Redact(ctx, tx, who, e.Redact); err != nil {
			return err
		}
		if err := a.Asks.Redact(ctx, tx, e.Workspace, e.Redact); err != nil {
			return err
		}
	}
	if err := errors.Join(a.Notify.Forget(ctx, tx, e.Workspace, e.Conversations), a.Asks.Forget(ctx, tx, e.Workspace, e.Conversations)); err != nil {
		return err
	}
	for _, address := range e.Pictures {
		if err := a.Media.ReleaseAll(ctx, tx, e.Workspace, remotePicture, pictureSubject(address)); err != nil {
			return err
		}
	}
	return nil
}

// sentPicture is the kind under which media holds what answers attached, by the
// delivery that sent it.
const sentPicture = "sent"

// remotePicture is the kind under which media holds pictures from outside, by
// the number of their address.
const remotePicture = "remote"

func pictureSubject(address string) id.ID {
	h := sha256.Sum256([]byte(address))
	return id.ID(binary.BigEndian.Uint64(h[:8]) >> 1)
}

// heldDigest is the picture from outside that is stored for an address, nil if none.
func (a *App) heldDigest(ctx context.Context, workspace id.ID, address string) (digest []byte, err error) {
	err = a.DB.Read().Row(ctx, `select digest from media_ref where workspace = $1 and kind = $2 and subject = $3`,
		workspace, remotePicture, pictureSubject(address)).Scan(&digest)
	if err != nil && !db.NoRows(err) {
		return nil, fmt.Errorf("looking for a picture: %w", err)
	}
	return digest, nil
}

// heldPicture is a picture from outside as it is stored, without asking for it.
func (a *App) heldPicture(ctx context.Context, workspace id.ID, address string) ([]byte, string, bool, error) {
	digest, err := a.heldDigest(ctx, workspace, address)
	if err != nil || digest == nil {
		return nil, "", false, err
	}
	m, body, err := a.Media.Bytes(ctx, a.DB.Read(), workspace, media.Digest(digest))
	return body, m.MIME, err == nil, err
}

// picture serves a picture from outside out of our own store, fetching it the
// first time it is asked for.
func (a *App) picture(ctx context.Context, workspace id.ID, address string, edge int) ([]byte, string, error) {
	subject := pictureSubject(address)
	digest, err := a.heldDigest(ctx, workspace, address)
	if err != nil {
		return nil, "", err
	}
	var d media.Digest
	copy(d[:], digest)
	if digest == nil {
		limits := media.Attached()
		if edge <= 256 {
			limits = media.Avatar()
		}
		limits.Edge, limits.Thumb = edge, 0
		m, _, err := a.proxy.Keep(ctx, workspace, address, remotePicture, subject, limits)
		if err != nil {
			a.Config.Logger.Info("a picture from outside is not shown", "workspace", workspace, "err", err)
			return nil, "", problem.New(problem.NotFound, "page.not_found").Because(err)
		}
		d = m.Digest
	}
	m, body, err := a.Media.Bytes(ctx, a.DB.Read(), workspace, d)
	return body, m.MIME, err
}

// ownPicture serves what a member attached.
func (a *App) ownPicture(ctx context.Context, workspace id.ID, digest [32]byte) ([]byte, string, error) {
	m, body, err := a.Media.Bytes(ctx, a.DB.Read(), workspace, digest)
	return body, m.MIME, err
}

// fetchFile brings what is attached to a message and stands at no address.
func (a *App) fetchFile(ctx context.Context, workspace id.ID, f conversation.File) ([]byte, error) {
	return a.Accounts.Fetch(ctx, workspace, f.Account, f.Ref, f.Media)
}

// attach makes a member's file safe and stores it until something holds it.
func (a *App) attach(ctx context.Context, workspace id.ID, body io.Reader) (network.Media, error) {
	m, err := a.proxy.Take(ctx, workspace, body, media.Upload())
	return network.Media{Kind: m.Kind, MIME: m.MIME, Width: m.Width, Height: m.Height, Size: m.Size, Digest: m.Digest}, err
}

// mediaBytes gives connectors the bytes of what a draft attaches.
func (a *App) mediaBytes(ctx context.Context, acc network.Account, digest [32]byte) ([]byte, error) {
	account, err := id.Parse(acc.ID)
	if err != nil {
		return nil, fmt.Errorf("reading an attachment: %w", err)
	}
	var workspace id.ID
	if err := a.DB.Read().Row(ctx, `select workspace from account where id = $1`, account).Scan(&workspace); err != nil {
		return nil, fmt.Errorf("reading an attachment: %w", err)
	}
	_, body, err := a.Media.Bytes(ctx, a.DB.Read(), workspace, digest)
	return body, err
}

// housekeeping is what is done now and then, on one node at a time.
func (a *App) housekeeping() {
	a.Jobs.Handle("housekeeping", job.Policy{Every: 15 * time.Minute, Limit: 1, Timeout: 10 * time.Minute}, func(ctx context.Context, _ job.Job) error {
		return errors.Join(a.Jobs.Sweep(ctx), a.sweepWorkspaces(ctx), a.Desk.IndexPeople(ctx))
	})
}

// waking brings back what has rested long enough.
func (a *App) waking() {
	a.Jobs.Handle("conversation.wake", job.Policy{Every: 20 * time.Second, Limit: 1, Timeout: time.Minute}, func(ctx context.Context, _ job.Job) error {
		workspaces, err := a.workspaces(ctx)
		if err != nil {
			return err
		}
		for _, w := range workspaces {
			for n := 1; n > 0; {
				if n, err = a.Desk.WakeDue(ctx, actor.System(w, "snooze")); err != nil {
					return err
				}
			}
		}
		return nil
	})
	a.Jobs.Handle("claims", job.Policy{Every: time.Minute, Limit: 1, Timeout: time.Minute}, func(ctx context.Context, _ job.Job) error {
		return a.expireClaims(ctx)
	})
}

// expireClaims ends claims under which nothing happens.
func (a *App) expireClaims(ctx context.Context) error {
	workspaces, err := a.workspaces(ctx)
	for _, w := range workspaces {
		err = errors.Join(err, a.Desk.ExpireClaims(ctx, actor.System(w, "claims")))
	}
	return err
}

// unheldFor is how long an upload that was never sent is kept.
const unheldFor = 24 * time.Hour

func (a *App) sweepWorkspaces(ctx context.Context) error {
	workspaces, err := a.workspaces(ctx)
	if err != nil {
		return err
	}
	for _, w := range workspaces {
		if err := a.Desk.ReleaseDeparted(ctx, actor.System(w, "team")); err != nil {
			return err
		}
		for {
			n, err := a.Desk.Sweep(ctx, actor.System(w, "retention"), a.eraseAlso)
			if err != nil {
				return err
			}
			if n == 0 {
				break
			}
		}
		if err := a.Asks.Sweep(ctx, w); err != nil {
			return err
		}
		err := a.DB.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
			_, err := a.Media.Sweep(ctx, tx, w, a.Config.Clock.Now().Add(-unheldFor), 200)
			return err
		})
		if err != nil {
			return fmt.Errorf("sweeping media: %w", err)
		}
	}
	return nil
}

func (a *App) workspaces(ctx context.Context) ([]id.ID, error) {
	rows, err := a.DB.Read().Query(ctx, `select id from workspace where closed = 0 order by id`)
	if err != nil {
		return nil, fmt.Errorf("listing the workspaces: %w", err)
	}
	defer rows.Close()
	var ws []id.ID
	for rows.Next() {
		var w id.ID
		if err := rows.Scan(&w); err != nil {
			return nil, fmt.Errorf("listing the workspaces: %w", err)
		}
		ws = append(ws, w)
	}
	return ws, rows.Err()
}

// clients are the ways outside. What is not a network's own business goes the
// second way; in the demo it meets nobody but the people of the demo.
type clients struct {
	guarded *http.Client
	outside *http.Client
}
