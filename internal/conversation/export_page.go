package conversation

import (
	"bytes"
	"context"
	"net/http"

	"parley/internal/actor"
	"parley/internal/page"
)

// export answers with everything that is held about somebody, as a file.
func (p *Pages) export(w http.ResponseWriter, r *page.Request) error {
	person, err := r.PathID("person")
	if err != nil {
		return err
	}
	e, err := p.Desk.Export(r.Context(), r.Actor, person)
	if err != nil {
		return err
	}
	var file bytes.Buffer // whole before the first byte leaves, so that a problem can still be told
	if err := e.Write(r.Context(), &file, p.Held, p.Own); err != nil {
		return err
	}
	// The file is not called by a name: downloads lie about.
	w.Header().Set("Content-Disposition", `attachment; filename="person-`+e.Person.String()+`.zip"`)
	w.Header().Set("Content-Type", "application/zip")
	w.Header().Set("Cache-Control", "no-store")
	_, err = w.Write(file.Bytes())
	return err
}

type exportJSON struct {
	Archive []byte `json:"archive" doc:"A ZIP file: records.json, messages.txt and the pictures that are stored here."`
}

func (o API) export(ctx context.Context, a actor.Actor, in *personIn) (*exportJSON, error) {
	e, err := o.Desk.Export(ctx, a, in.Person.ID)
	if err != nil {
		return nil, err
	}
	var file bytes.Buffer
	err = e.Write(ctx, &file, o.Held, o.Own)
	return &exportJSON{file.Bytes()}, err
}
