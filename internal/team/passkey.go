package team

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/netip"
	"net/url"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/id"
	"parley/internal/problem"
)

// Passkey is a key that a member's device or password manager holds for this
// installation (WebAuthn, level 3). Of it there is only the public half here.
type Passkey struct {
	ID      id.ID
	Name    string
	Created time.Time
	Used    time.Time // zero: never
	// Doubted is when its counter went backwards, as that of a copy does; zero:
	// never. It signs nobody in any more.
	Doubted time.Time
}

// mostPasskeys is more than anybody has devices.
const mostPasskeys = 20

// relyingParty is what passkeys are bound to: the host of the public address. On a
// bare IP address there are none (WebAuthn, level 3, section 5.1.2).
func relyingParty(base *url.URL) *webauthn.WebAuthn {
	if base == nil || base.Hostname() == "" {
		return nil
	}
	if _, err := netip.ParseAddr(base.Hostname()); err == nil {
		return nil
	}
	yes := true
	w, err := webauthn.New(&webauthn.Config{
		RPID: base.Hostname(), RPDisplayName: "Parley", RPOrigins: []string{base.Scheme + "://" + base.Host},
		// Which make of key somebody has is nobody's business.
		AttestationPreference: protocol.PreferNoAttestation,
		// Found without a name being typed, and opened by a finger, a face or a PIN:
		// so that one touch is both what one has and what one is or knows.
		AuthenticatorSelection: protocol.AuthenticatorSelection{ResidentKey: protocol.ResidentKeyRequirementRequired,
			RequireResidentKey: &yes, UserVerification: protocol.VerificationRequired},
	})
	if err != nil {
		return nil
	}
	return w
}

// PasskeysWork reports whether this installation's address can have passkeys.
func (s *Service) PasskeysWork() bool { return s.relying != nil }

// holder is a login in the words of the library.
type holder struct {
	login   id.ID
	name    string
	email   string
	records []webauthn.Credential
}

func (h holder) WebAuthnID() []byte                         { return []byte(h.login.String()) }
func (h holder) WebAuthnName() string                       { return h.email }
func (h holder) WebAuthnDisplayName() string                { return h.name }
func (h holder) WebAuthnCredentials() []webauthn.Credential { return h.records }

func (s *Service) holder(ctx context.Context, q db.Queryer, login id.ID) (holder, error) {
	l, err := loginOf(ctx, q, login)
	if err != nil {
		return holder{}, err
	}
	h := holder{login: l.id, name: l.name, email: l.email}
	h.records, err = list(ctx, q, func(rows *sql.Rows) (c webauthn.Credential, err error) {
		var raw string
		if err := rows.Scan(&raw); err != nil {
			return c, err
		}
		return c, json.Unmarshal([]byte(raw), &c)
	}, `select record from passkey where login = $1 order by id`, login)
	if err != nil {
		return holder{}, fmt.Errorf("reading passkeys: %w", err)
	}
	return h, nil
}

// Passkeys lists the actor's own, the oldest first.
func (s *Service) Passkeys(ctx context.Context, a actor.Actor) ([]Passkey, error) {
	login, err := s.self(ctx, s.db.Read(), a)
	if err != nil {
		return nil, err
	}
	all, err := list(ctx, s.db.Read(), func(rows *sql.Rows) (k Passkey, err error) {
		return k, rows.Scan(&k.ID, &k.Name, db.ScanTime(&k.Created), db.ScanTime(&k.Used), db.ScanTime(&k.Doubted))
	}, `select id, name, created, used, doubted from passkey where login = $1 order by id`, login)
	if err != nil {
		return nil, fmt.Errorf("listing passkeys: %w", err)
	}
	return all, nil
}

// PreparePasskey answers what navigator.credentials.create is to be given. As for
// a new password, the present one is asked for: a browser left open for a minute
// must not become a login for ever. Who has none must have signed in just now.
func (s *Service) PreparePasskey(ctx context.Context, v Visitor, password string, p Place) (options []byte, err error) {
	if !s.PasskeysWork() {
		return nil, problem.New(problem.Conflict, "team.passkey_address")
	}
	try, err := s.provesSelf(ctx, v, password, p)
	if err != nil {
		return nil, err
	}
	h, err := s.holder(ctx, s.db.Read(), v.Login)
	if err != nil {
		return nil, err
	}
	if len(h.records) >= mostPasskeys {
		return nil, problem.New(problem.Conflict, "team.passkey_many", "n", mostPasskeys)
	}
	var known []protocol.CredentialDescriptor
	for _, c := range h.records {
		known = append(known, c.Descriptor())
	}
	creation, session, err := s.relying.BeginRegistration(h, webauthn.WithExclusions(known))
	if err != nil {
		return nil, fmt.Errorf("preparing a passkey: %w", err)
	}
	err = s.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := try.forgive(ctx, tx); err != nil {
			return err
		}
		return s.rememberChallenge(ctx, tx, step{purpose: addsPasskey, login: v.Login}, *session, p)
	})
	if err != nil {
		return nil, err
	}
	return json.Marshal(creation)
}

// provesSelf asks who is signed in to show that it is still them.
func (s *Service) provesSelf(ctx context.Context, v Visitor, password string, p Place) (admitted, error) {
	l, err := loginOf(ctx, s.db.Read(), v.Login)
	if err != nil {
		return admitted{}, err
	}
	if l.password != noPassword {
		_, try, err := s.proves(ctx, l, password, p)
		return try, err
	}
	var began time.Time
	err = s.db.Read().Row(ctx, `select created from login_session where id = $1 and login = $2`, v.Session, v.Login).Scan(db.ScanTime(&began))
	if err != nil && !db.NoRows(err) {
		return admitted{}, fmt.Errorf("reading a session: %w", err)
	}
	if err != nil || s.clock.Now().Sub(began) > stepLife {
		return admitted{}, problem.New(problem.Conflict, "team.sign_in_again")
	}
	return admitted{}, nil
}

// rememberChallenge stores what belongs to a challenge, and of itself the hash.
func (s *Service) rememberChallenge(ctx context.Context, tx *db.Tx, st step, session webauthn.SessionData, p Place) error {
	challenge := session.Challenge
	session.Challenge = ""
	raw, err := json.Marshal(session)
	if err != nil {
		return fmt.Errorf("writing down a challenge: %w", err)
	}
	st.data = string(raw)
	return s.beginStep(ctx, tx, challenge, st, p)
}

// challenged finds what belongs to the challenge that an answer names.
func (s *Service) challenged(ctx context.Context, tx *db.Tx, challenge, purpose string) (step, webauthn.SessionData, error) {
	var session webauthn.SessionData
	st, err := s.endStep(ctx, tx, challenge, purpose, "team.passkey_over")
	if err != nil {
		return st, session, err
	}
	if err := json.Unmarshal([]byte(st.data), &session); err != nil {
		return st, session, fmt.Errorf("reading a challenge: %w", err)
	}
	session.Challenge = challenge
	return st, session, nil
}

// NewPasskey is what the browser answered, and what the key is to be called.
type NewPasskey struct {
	Name   string
	Answer []byte // JSON of a PublicKeyCredential
}

// AddPasskey keeps a new key of the actor's own.
func (s *Service) AddPasskey(ctx context.Context, a actor.Actor, in NewPasskey) (k Passkey, err error) {
	if err := a.Require(actor.Self); err != nil {
		return k, err
	}
	if k.Name, err = cleanName(in.Name, "passkey-name"); err != nil {
		return k, err
	}
	answer, err := protocol.ParseCredentialCreationResponseBytes(in.Answer)
	if err != nil || !s.PasskeysWork() {
		return k, problem.New(problem.Invalid, "team.passkey_wrong").Because(err)
	}
	k.ID, k.Created = s.ids.New(), s.clock.Now()
	err = s.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		login, err := s.self(ctx, tx, a)
		if err != nil {
			return err
		}
		st, session, err := s.challenged(ctx, tx, answer.Response.CollectedClientData.Challenge, addsPasskey)
		if err != nil {
			return err
		}
		if st.login != login {
			return problem.New(problem.Gone, "team.passkey_over")
		}
		h, err := s.holder(ctx, tx, login)
		if err != nil {
			return err
		}
		record, err := s.relying.CreateCredential(h, session, answer)
		if err != nil {
			return problem.New(problem.Invalid, "team.passkey_wrong").Because(err)
		}
		if err := s.insertPasskey(ctx, tx, login, k, *record); err != nil {
			return err
		}
		return s.recordPasskey(ctx, tx, login, k.ID, "member.passkey_added")
	})
	return k, err
}

func (s *Service) insertPasskey(ctx context.Context, tx *db.Tx, login id.ID, k Passkey, record webauthn.Credential) error {
	raw, err := json.Marshal(record)
	if err != nil {
		return fmt.Errorf("writing down a passkey: %w", err)
	}
	const q = `insert into passkey (id, login, credential, name, record, created, used, doubted) values ($1, $2, $3, $4, $5, $6, 0, 0)`
	_, err = tx.Exec(ctx, q, k.ID, login, record.ID, k.Name, string(raw), db.Micros(k.Created))
	if db.IsUnique(err) {
		return problem.New(problem.Conflict, "team.passkey_known")
	}
	if err != nil {
		return fmt.Errorf("adding a passkey: %w", err)
	}
	return nil
}

// recordPasskey tells every workspace the login is a member of, as for a password.
func (s *Service) recordPasskey(ctx context.Context, tx *db.Tx, login, key id.ID, verb string) error {
	where, err := stays(ctx, tx, login)
	if err != nil {
		return err
	}
	for _, st := range where {
		s.events.Record(tx, st.actor(), event.Entry{Verb: verb, Kind: "member", Subject: st.member,
			Details: map[string]string{"passkey": key.String()}})
	}
	return nil
}

// RenamePasskey calls one of the actor's own keys something else.
func (s *Service) RenamePasskey(ctx context.Context, a actor.Actor, key id.ID, name string) error {
	return s.changePasskey(ctx, a, key, "member.passkey_renamed", func(ctx context.Context, tx *db.Tx, login id.ID) (int64, error) {
		name, err := cleanName(name, "passkey-name")
		if err != nil {
			return 0, err
		}
		return tx.Exec(ctx, `update passkey set name = $1 where id = $2 and login = $3`, name, key, login)
	})
}

// RemovePasskey forgets one of the actor's own keys. The last way to sign in stays.
func (s *Service) RemovePasskey(ctx context.Context, a actor.Actor, key id.ID) error {
	return s.changePasskey(ctx, a, key, "member.passkey_removed", func(ctx context.Context, tx *db.Tx, login id.ID) (int64, error) {
		n, err := tx.Exec(ctx, `delete from passkey where id = $1 and login = $2`, key, login)
		if err != nil || n == 0 {
			return n, err
		}
		return n, s.keepAWayIn(ctx, tx, login)
	})
}

func (s *Service) changePasskey(ctx context.Context, a actor.Actor, key id.ID, verb string, do func(context.Context, *db.Tx, id.ID) (int64, error)) error {
	return s.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		login, err := s.self(ctx, tx, a)
		if err != nil {
			return err
		}
		n, err := do(ctx, tx, login)
		switch {
		case problem.Of(err) != nil && problem.Of(err).Kind != problem.Internal:
			return err
		case err != nil:
			return fmt.Errorf("changing a passkey: %w", err)
		case n == 0:
			return problem.New(problem.NotFound, "team.no_passkey")
		}
		return s.recordPasskey(ctx, tx, login, key, verb)
	})
}
