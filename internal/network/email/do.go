package email

import (
	"context"
	"errors"
	"time"

	"github.com/emersion/go-imap/v2"

	"parley/internal/network"
)

const (
	// grace is how long a server has to keep by itself what it was given, before a
	// copy of ours is put there.
	grace = 15 * time.Second
	// copyFor is how long keeping a copy is tried: the mail itself is out.
	copyFor = 30 * time.Minute
)

// Do sends the mail, or keeps a copy of it among the sent ones.
func (n *Network) Do(ctx context.Context, a network.Account, p network.Plan, i int) (network.Delivery, error) {
	f, err := thaw(p)
	if err != nil {
		return network.Delivery{}, err
	}
	if i < 0 || i >= len(p.Steps) {
		return network.Delivery{}, &network.Error{Kind: network.BadInput, Native: "BadPlan"}
	}
	if done := p.Steps[i].Done; done != nil {
		return network.Delivery{State: network.Sent, Ref: *done, At: n.now(), Evidence: "done before"}, nil
	}
	if i > 0 {
		return n.doCopy(ctx, a, p, f)
	}
	return n.doSend(ctx, a, f)
}

func (f frozen) ref() network.Ref { return network.Ref{ID: f.MessageID, ParentID: f.Parent} }

func (n *Network) doSend(ctx context.Context, a network.Account, f frozen) (network.Delivery, error) {
	raw, err := n.written(ctx, a, f)
	if err != nil {
		return network.Delivery{}, err
	}
	if err := n.submit(ctx, a, f, raw); err != nil {
		var known *network.Error
		if !errors.As(err, &known) {
			// Our own deadline, before anything of the mail had left.
			err = &network.Error{Kind: network.Transient, Native: "deadline", Err: err}
		}
		return network.Delivery{}, err
	}
	return network.Delivery{State: network.Sent, Ref: f.ref(), At: n.now(), Evidence: "the submission server took the mail"}, nil
}

// written is the mail's bytes.
func (n *Network) written(ctx context.Context, a network.Account, f frozen) ([]byte, error) {
	files := make([][]byte, len(f.Files))
	for i, one := range f.Files {
		var err error
		if files[i], err = n.bytes(ctx, a, one.Digest); err != nil {
			return nil, err
		}
	}
	return f.message(files)
}

func (n *Network) submit(ctx context.Context, a network.Account, f frozen, raw []byte) error {
	s, err := serverOf(a, "smtp")
	if err != nil {
		return err
	}
	pass, err := secretOf(a)
	if err != nil {
		return err
	}
	sub, err := n.submitTo(ctx, s, a.Extra[extraUser], pass.Password, a.RemoteID)
	if err != nil {
		return err
	}
	err = sub.send(f.From, f.To, raw)
	if err == nil {
		sub.close()
	} else {
		_ = sub.c.Close()
	}
	return err
}

// doCopy keeps what was sent where our own programs look for it, unless the server
// did so. That this did not work is no reason to call the mail unsent.
func (n *Network) doCopy(ctx context.Context, a network.Account, p network.Plan, f frozen) (network.Delivery, error) {
	if p.Steps[0].Done == nil {
		return network.Delivery{}, &network.Error{Kind: network.Transient, Native: "StepMissing"}
	}
	if wait := f.Date.Add(grace).Sub(n.now()); wait > 0 {
		return network.Delivery{State: network.Pending, PollAfter: wait}, nil
	}
	d := network.Delivery{State: network.Sent, Ref: *p.Steps[0].Done, At: n.now()}
	var err error
	if d.Evidence, err = n.copied(ctx, a, f); err == nil {
		return d, nil
	}
	switch network.KindOf(err) {
	case network.Transient, network.RateLimited, network.Ambiguous:
		if n.now().Sub(f.Date) >= copyFor {
			break
		}
		var known *network.Error
		if !errors.As(err, &known) {
			err = &network.Error{Kind: network.Transient, Native: "deadline", Err: err}
		}
		return network.Delivery{}, err
	}
	d.Evidence = "no copy was kept: " + err.Error()
	return d, nil
}

func (n *Network) copied(ctx context.Context, a network.Account, f frozen) (string, error) {
	m, err := n.open(ctx, a)
	if err != nil {
		return "", err
	}
	defer m.close()
	if _, err := m.lookAtSent(a); err != nil {
		return "", err
	}
	_, there, err := m.find(f.MessageID, "")
	if err != nil {
		return "", err
	}
	if there {
		return "a copy lies among the sent mail", nil
	}
	raw, err := n.written(ctx, a, f)
	if err != nil {
		return "", err
	}
	if err := m.keep(m.folder, raw, f.Date); err != nil {
		var e *network.Error
		if errors.As(err, &e) && e.Native == brokenOff {
			e.Kind = network.Ambiguous // it may lie there all the same
		}
		return "", err
	}
	return "a copy was put among the sent mail", nil
}

// Prove looks for the Message-ID among the sent mail, and for a report about it.
// Where the server does not keep what it sends, absence says nothing.
func (n *Network) Prove(ctx context.Context, a network.Account, p network.Plan, i int) (network.Delivery, error) {
	f, err := thaw(p)
	if err != nil {
		return network.Delivery{}, err
	}
	if i > 0 || p.Steps[0].Done != nil {
		return network.Delivery{State: network.NotSent}, nil // only a copy, and it is looked for before it is made
	}
	m, err := n.open(ctx, a)
	if err != nil {
		return network.Delivery{}, err
	}
	defer m.close()
	found := network.Delivery{State: network.Sent, Ref: f.ref(), At: n.now(), Evidence: "it lies among the sent mail"}
	if _, err := m.lookAtSent(a); err != nil {
		return network.Delivery{}, err
	}
	_, there, err := m.find(f.MessageID, "")
	if err != nil || there {
		return found, err
	}
	if p.Steps[0].Proof != network.ProofNone {
		return network.Delivery{State: network.NotSent, PollAfter: time.Minute, Evidence: "it does not lie among the sent mail"}, nil
	}
	if _, err := m.look("INBOX"); err != nil {
		return network.Delivery{}, err
	}
	uids, err := m.search(&imap.SearchCriteria{Since: f.Date.Add(-24 * time.Hour).Truncate(24 * time.Hour), Body: []string{f.MessageID}})
	if err != nil && network.KindOf(err) != network.Transient {
		return network.Delivery{}, err
	}
	if len(uids) > 0 {
		found.Evidence = "a mail about it came back"
		return found, nil
	}
	return network.Delivery{State: network.Unknown, Evidence: "this server keeps no copy by which it could be told"}, nil
}
