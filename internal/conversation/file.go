package conversation

import (
	"context"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/network"
	"parley/internal/page"
	"parley/internal/problem"
	"parley/internal/text"
)

// File is something attached to a message that stands at no address: one of our
// accounts can bring it.
type File struct {
	Account id.ID
	Ref     network.Ref
	Media   network.Media
}

// Fetch brings the bytes of a file.
type Fetch func(ctx context.Context, workspace id.ID, f File) ([]byte, error)

// FileOf is the n-th attachment of a message, and an account the actor may read
// that can bring it.
func (d *Desk) FileOf(ctx context.Context, a actor.Actor, message id.ID, n int) (File, error) {
	none := problem.New(problem.NotFound, "conversation.not_found")
	var raw string
	var f File
	err := d.db.Read().Row(ctx, `select media, remote_id from message where workspace = $1 and id = $2 and gone = 0`, a.Workspace, message).Scan(&raw, &f.Ref.ID)
	if db.NoRows(err) {
		return f, none
	}
	if err != nil {
		return f, fmt.Errorf("reading an attachment: %w", err)
	}
	media, err := decode[network.Media](raw)
	if err != nil {
		return f, fmt.Errorf("reading an attachment: %w", err)
	}
	if f.Account, err = d.reader(ctx, a, message); err != nil {
		return f, err
	}
	if n < 0 || n >= len(media) || !strings.HasPrefix(media[n].URL, network.InPlace) {
		return f, none
	}
	f.Media = media[n]
	return f, nil
}

// reader is an account that got a message, or wrote it, and that the actor may read.
func (d *Desk) reader(ctx context.Context, a actor.Actor, message id.ID) (id.ID, error) {
	rows, err := d.db.Read().Query(ctx, `select account from reach where workspace = $1 and message = $2 and gone = 0
		union select own from message where workspace = $1 and id = $2 and own <> 0`, a.Workspace, message)
	if err != nil {
		return 0, fmt.Errorf("reading who got a message: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var account id.ID
		if err := rows.Scan(&account); err != nil {
			return 0, fmt.Errorf("reading who got a message: %w", err)
		}
		if a.Can(actor.ReadConversations, scope(account)) {
			return account, nil
		}
	}
	if err := rows.Err(); err != nil {
		return 0, fmt.Errorf("reading who got a message: %w", err)
	}
	return 0, problem.New(problem.NotFound, "conversation.not_found")
}

// registerFiles adds the way to what is attached.
func (p *Pages) registerFiles(k *page.Kernel) {
	k.Member("GET /file/message/{message}/{n}", p.file)
}

func (p *Pages) file(w http.ResponseWriter, r *page.Request) error {
	message, err := r.PathID("message")
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(r.PathValue("n"))
	if err != nil || p.Fetch == nil {
		return page.NotFound()
	}
	f, err := p.Desk.FileOf(r.Context(), r.Actor, message, n)
	if err != nil {
		return err
	}
	body, err := p.Fetch(r.Context(), r.Workspace.ID, f)
	if err != nil {
		return err
	}
	// It was made outside: nothing of it may run here, or be taken for a page.
	h := w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": fileName(f.Media.Alt)}))
	h.Set("Cache-Control", "private, no-store")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	_, err = w.Write(body)
	return err
}

// fileName is a name under which a file can be stored anywhere: its own, without
// what leads into other folders or turns its ending around.
func fileName(s string) string {
	s = strings.Map(func(r rune) rune {
		if strings.ContainsRune(`/\:*?"<>|`, r) {
			return '_'
		}
		return r
	}, text.DisplaySafe(text.CleanLine(s, 150)))
	s = strings.TrimLeft(s, ". ")
	if s == "" {
		return "attachment"
	}
	return s
}
