package bluesky

import (
	"encoding/json"

	"parley/internal/network"
	"parley/internal/network/bluesky/record"
	"parley/internal/text"
)

// maxAlt bounds, in bytes, a description that comes in; the network has no limit.
const maxAlt = 20 << 10

// maxAttached bounds how many attachments of one post are read; galleries hold
// up to twenty.
const maxAttached = 20

// media lists what is attached. The AppView's addresses are used where it told
// them, else the CDN's, made from author and content id.
func (n *Network) media(did string, e attached, view embedView) []network.Media {
	if e.Media != nil { // recordWithMedia: the pictures beside a quoted post
		inner := embedView{}
		if view.Media != nil {
			inner = *view.Media
		}
		return n.media(did, *withoutMedia(e.Media), inner)
	}
	var out []network.Media
	for i, x := range e.Images {
		if i == maxAttached {
			break
		}
		m := network.Media{
			Kind: "image", MIME: mimeOf(x.Image.MIME), Alt: text.Cut(text.Clean(x.Alt), maxAlt), Size: max(0, x.Image.Size),
			URL: n.pictureURL(did, x.Image.Ref.Link),
		}
		m.Width, m.Height = x.AspectRatio.sane()
		if i < len(view.Images) && len(view.Images) == len(e.Images) {
			if u := webAddress(view.Images[i].Fullsize); u != "" {
				m.URL = u
			}
		}
		out = append(out, m)
	}
	if e.Type == typeVideo {
		m := network.Media{
			Kind: "video", MIME: mimeOf(e.Video.MIME), Alt: text.Cut(text.Clean(e.Alt), maxAlt), Size: max(0, e.Video.Size),
			URL: webAddress(view.Playlist),
		}
		m.Width, m.Height = e.AspectRatio.sane()
		out = append(out, m)
	}
	return out
}

// withoutMedia cuts a nesting that lexicons do not allow and JSON does.
func withoutMedia(e *attached) *attached {
	flat := *e
	flat.Media = nil
	return &flat
}

func (n *Network) pictureURL(did, cid string) string {
	if _, err := record.BlobDigest(cid); err != nil || n.opt.CDN == "" {
		return ""
	}
	return n.opt.CDN + "/img/feed_fullsize/plain/" + did + "/" + cid
}

// sane passes the measures of a picture; anything else is not told.
func (m measure) sane() (w, h int) {
	const most = 100_000
	if m.Width < 1 || m.Height < 1 || m.Width > most || m.Height > most {
		return 0, 0
	}
	return m.Width, m.Height
}

func mimeOf(s string) string { return text.CleanLine(s, 100) }

// quoted is the post an embed quotes: embed.record holds {record: strongRef},
// embed.recordWithMedia {record: {record: strongRef}}.
func quoted(e attached) string {
	raw := e.Record
	for range 2 {
		var r struct {
			URI    string          `json:"uri"`
			Record json.RawMessage `json:"record"`
		}
		if json.Unmarshal(raw, &r) != nil {
			return ""
		}
		if u, err := record.ParseURI(r.URI); err == nil && u.Collection == typePost {
			return r.URI
		}
		raw = r.Record
	}
	return ""
}
