package team

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/id"
	"parley/internal/problem"
)

// Workspace is one organisation, or one client of an agency.
type Workspace struct {
	ID       id.ID
	Slug     string // in addresses; never changes
	Name     string
	Locale   string // BCP 47
	Zone     string // IANA time zone
	Created  time.Time
	KeepDays int // days that messages of outside people are kept; 0: as long as the network allows
}

// NewWorkspace is what a workspace begins with. Zone is an IANA name; an empty
// Locale is "en".
type NewWorkspace struct {
	Name   string
	Zone   string
	Locale string
}

// CreateWorkspace lets an owner of one workspace open another on the same
// installation. They own it.
func (s *Service) CreateWorkspace(ctx context.Context, a actor.Actor, in NewWorkspace) (Workspace, error) {
	if err := a.Require(actor.OwnWorkspace); err != nil {
		return Workspace{}, err
	}
	in, err := in.clean()
	if err != nil {
		return Workspace{}, err
	}
	var w Workspace
	err = s.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		login, name, err := present(ctx, tx, a.Workspace, a.Member)
		if err != nil {
			return err
		}
		w, _, err = s.found(ctx, tx, in, login, name)
		return err
	})
	return w, err
}

func (in NewWorkspace) clean() (out NewWorkspace, err error) {
	if out.Name, err = cleanName(in.Name, "workspace"); err != nil {
		return out, err
	}
	if out.Locale, err = cleanLocale(in.Locale); err != nil {
		return out, err
	}
	out.Zone = in.Zone
	return out, checkZone(in.Zone)
}

// found opens a workspace with its first member, who owns it.
func (s *Service) found(ctx context.Context, tx *db.Tx, in NewWorkspace, login id.ID, name string) (Workspace, actor.Actor, error) {
	w := Workspace{ID: s.ids.New(), Name: in.Name, Locale: in.Locale, Zone: in.Zone, Created: s.clock.Now()}
	slug, err := freeSlug(ctx, tx, slugOf(in.Name))
	if err != nil {
		return w, actor.Actor{}, err
	}
	w.Slug = slug
	const q = `insert into workspace (id, slug, name, locale, zone, created, closed, keep_days) values ($1, $2, $3, $4, $5, $6, 0, 0)`
	if _, err := tx.Exec(ctx, q, w.ID, w.Slug, w.Name, w.Locale, w.Zone, db.Micros(w.Created)); err != nil {
		return w, actor.Actor{}, fmt.Errorf("opening a workspace: %w", err)
	}
	// Whoever opens it acts in it from the first event on.
	a := actor.Actor{Workspace: w.ID, Member: s.ids.New(), Name: name}
	s.events.Record(tx, a, event.Entry{Verb: "workspace.created", Kind: "workspace", Subject: w.ID})
	if err := s.join(ctx, tx, a, login, joining{roles: []RoleIn{{Role: Owner}}}); err != nil {
		return w, actor.Actor{}, err
	}
	return w, a, nil
}

// freeSlug finds an address that no other workspace has.
func freeSlug(ctx context.Context, tx *db.Tx, want string) (string, error) {
	taken, err := list(ctx, tx, scanString, `select slug from workspace where slug = $1 or slug like $2`, want, want+"-%")
	if err != nil {
		return "", fmt.Errorf("looking for a free address: %w", err)
	}
	used := map[string]bool{}
	for _, slug := range taken {
		used[slug] = true
	}
	for n := 2; used[want]; n++ {
		base, _, _ := strings.Cut(want, "--")
		if try := base + "--" + strconv.Itoa(n); !used[try] {
			return try, nil
		}
	}
	return want, nil
}

// slugOf makes an address of a name. Names without Latin letters all become
// "workspace": a wrong transliteration is worse than none.
func slugOf(name string) string {
	const longest = 30 // leaves room for a number within the schema's 40
	var b strings.Builder
	gap := false
	for _, r := range norm.NFKD.String(spelled(strings.ToLower(name))) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			if gap && b.Len() > 0 {
				b.WriteByte('-')
			}
			gap = false
			b.WriteRune(r)
		case !unicode.IsMark(r):
			gap = true
		}
		if b.Len() >= longest {
			break
		}
	}
	if b.Len() == 0 {
		return "workspace"
	}
	return b.String()
}

// spelled writes the Latin letters that no decomposition makes plain.
func spelled(s string) string {
	return strings.NewReplacer("ß", "ss", "æ", "ae", "œ", "oe", "ø", "o", "đ", "d", "ð", "d", "þ", "th", "ł", "l",
		"ı", "i", "ä", "ae", "ö", "oe", "ü", "ue").Replace(s)
}

// WorkspaceChange is what the settings of a workspace say.
type WorkspaceChange struct {
	Name     string
	Zone     string
	Locale   string
	KeepDays int
}

// ChangeWorkspace changes the settings of the actor's workspace. Its address
// stays, so that links go on working.
func (s *Service) ChangeWorkspace(ctx context.Context, a actor.Actor, in WorkspaceChange) error {
	if err := a.Require(actor.ManageWorkspace); err != nil {
		return err
	}
	clean, err := NewWorkspace{Name: in.Name, Zone: in.Zone, Locale: in.Locale}.clean()
	if err != nil {
		return err
	}
	const longest = 36500
	if in.KeepDays < 0 || in.KeepDays > longest {
		return problem.New(problem.Invalid, "team.keep_days", "max", longest).At("keep_days")
	}
	return s.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		const q = `update workspace set name = $1, zone = $2, locale = $3, keep_days = $4 where id = $5 and closed = 0`
		n, err := tx.Exec(ctx, q, clean.Name, clean.Zone, clean.Locale, in.KeepDays, a.Workspace)
		if err != nil {
			return fmt.Errorf("changing a workspace: %w", err)
		}
		if n == 0 {
			return problem.New(problem.NotFound, "team.no_workspace")
		}
		s.events.Record(tx, a, event.Entry{Verb: "workspace.changed", Kind: "workspace", Subject: a.Workspace,
			Details: map[string]string{"zone": clean.Zone, "locale": clean.Locale, "keep_days": strconv.Itoa(in.KeepDays)}})
		return nil
	})
}

// Workspace reads the actor's workspace.
func (s *Service) Workspace(ctx context.Context, a actor.Actor) (w Workspace, err error) {
	if err := inside(a); err != nil {
		return w, err
	}
	err = s.db.Read().Row(ctx, `select id, slug, name, locale, zone, created, keep_days from workspace where id = $1 and closed = 0`,
		a.Workspace).Scan(&w.ID, &w.Slug, &w.Name, &w.Locale, &w.Zone, db.ScanTime(&w.Created), &w.KeepDays)
	if db.NoRows(err) {
		return w, problem.New(problem.NotFound, "team.no_workspace")
	}
	if err != nil {
		return w, fmt.Errorf("reading a workspace: %w", err)
	}
	return w, nil
}
