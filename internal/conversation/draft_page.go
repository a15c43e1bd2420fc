package conversation

import (
	"encoding/json"
	"net/http"
	"strconv"

	"parley/internal/network"
	"parley/internal/page"
	"parley/internal/problem"
)

func (p *Pages) registerDrafts(k *page.Kernel) {
	k.Member("POST /inbox/{conversation}/draft", p.saveDraft)
}

// keptJSON is a draft as the composer's script reads it.
type keptJSON struct {
	Version string `json:"version"` // as text: a script's numbers have no 64 bits
	Body    string `json:"body"`
	Warning string `json:"warning"`
}

// saveDraft takes what the composer has in it. It is asked by a script only:
// without one a browser keeps what stands in a form by itself.
func (p *Pages) saveDraft(w http.ResponseWriter, r *page.Request) error {
	conversation, err := r.PathID("conversation")
	if err != nil {
		return err
	}
	f, err := r.Form()
	if err != nil {
		return err
	}
	if err := signedBy(r, f.Get("member")); err != nil {
		return err
	}
	version, err := strconv.ParseInt(f.Get("version"), 10, 64)
	if err != nil {
		version = 0
	}
	v, err := p.Desk.SaveDraft(r.Context(), r.Actor, conversation, ReplyDraft{Text: f.Get("body"), Warning: f.Get("warning"),
		Visibility: network.Visibility(f.Get("visibility")), Lang: f.Get("lang"), Version: version})
	status := http.StatusOK
	if problem.Is(err, "conversation.draft_elsewhere") {
		status = http.StatusConflict
	} else if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	return json.NewEncoder(w).Encode(keptJSON{strconv.FormatInt(v.Version, 10), v.Text, v.Warning})
}

// begun fills in what the member had begun to write, on whatever device, unless
// they come back with words that were refused.
func (p *Pages) begun(r *page.Request, v View, in *Answer) (version string) {
	kept, err := p.Desk.Draft(r.Context(), r.Actor, v.ID)
	if err != nil {
		return "0" // the composer still works; its script keeps the words
	}
	if in.Text == "" && in.Warning == "" && in.Key == "" {
		in.Text, in.Warning, in.Visibility = kept.Text, kept.Warning, kept.Visibility
	}
	return strconv.FormatInt(kept.Version, 10)
}
