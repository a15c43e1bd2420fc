package bluesky

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"image"
	_ "image/gif"  // measures only
	_ "image/jpeg" // measures only
	_ "image/png"  // measures only
	"net/http"
	"slices"

	_ "golang.org/x/image/webp" // measures only

	"parley/internal/network"
	"parley/internal/network/bluesky/record"
	"parley/internal/text"
)

// frozenBlob is one upload. The CID follows from the bytes, so a record can
// name a blob before it is uploaded, and uploading again changes nothing.
type frozenBlob struct {
	CID  string `json:"cid"`
	MIME string `json:"mime"`
	Size int    `json:"size"`
}

// embed makes the record's part for what is attached, and the steps that upload
// it: up to four pictures, or one video, not both.
func (p *planner) embed(media []network.Media) (map[string]any, error) {
	if len(media) == 0 {
		return nil, nil
	}
	var images []any
	var video map[string]any
	for _, m := range media {
		b, x, err := p.blob(m)
		if err != nil {
			return nil, err
		}
		alt := text.Clean(m.Alt)
		if slices.Contains(videoTypes, b.MIME) {
			video = map[string]any{"$type": typeVideo, "video": b.value(), "alt": alt}
			addRatio(video, x)
			continue
		}
		one := map[string]any{"image": b.value(), "alt": alt}
		addRatio(one, x)
		images = append(images, one)
	}
	switch {
	case video == nil && len(images) <= maxImages:
		return map[string]any{"$type": typeImages, "images": images}, nil
	case video != nil && len(media) == 1:
		return video, nil
	default:
		return nil, badMedia("bluesky.help.media_mix", "%d pictures, video %t", len(images), video != nil)
	}
}

// blob checks one attachment and adds its upload, once for the same bytes.
func (p *planner) blob(m network.Media) (frozenBlob, measure, error) {
	raw, err := p.n.mediaBytes(p.ctx, p.a, m.Digest)
	if err != nil {
		return frozenBlob{}, measure{}, err
	}
	b := frozenBlob{CID: record.BlobCID(m.Digest), MIME: http.DetectContentType(raw), Size: len(raw)}
	size := measure{m.Width, m.Height}
	most := maxImageBytes
	switch {
	case slices.Contains(imageTypes, b.MIME):
		if size.Width < 1 || size.Height < 1 {
			if c, _, err := image.DecodeConfig(bytes.NewReader(raw)); err == nil {
				size = measure{c.Width, c.Height}
			}
		}
	case slices.Contains(videoTypes, b.MIME):
		most = maxVideoBytes
	default:
		return b, size, badMedia("bluesky.help.media_kind", "%s", b.MIME)
	}
	if b.Size > most {
		return b, size, badMedia("bluesky.help.media_size", "%d bytes, at most %d", b.Size, most)
	}
	return b, size, p.upload(b)
}

func (p *planner) upload(b frozenBlob) error {
	for _, i := range p.uploads {
		if p.plan.Steps[i].WantID == b.CID {
			return nil
		}
	}
	p.uploads = append(p.uploads, len(p.plan.Steps))
	return p.add(network.Step{Kind: network.Upload, WantID: b.CID, Proof: network.ProofID},
		frozen{Method: "com.atproto.repo.uploadBlob", Blob: &b})
}

// value is the blob as records name it (https://atproto.com/specs/blob).
func (b frozenBlob) value() map[string]any {
	return map[string]any{"$type": "blob", "ref": record.Link(b.CID), "mimeType": b.MIME, "size": b.Size}
}

func addRatio(to map[string]any, x measure) {
	if w, h := x.sane(); w > 0 {
		to["aspectRatio"] = map[string]any{"width": w, "height": h}
	}
}

func badMedia(helpKey, format string, args ...any) error {
	return &network.Error{Kind: network.BadMedia, Native: "Media", Help: helpKey, Err: fmt.Errorf(format, args...)}
}

var errOtherBytes = errors.New("the stored bytes are not those the digest names")

func digestOf(raw []byte) [32]byte { return sha256.Sum256(raw) }
