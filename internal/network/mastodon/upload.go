package mastodon

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
	"time"

	"parley/internal/network"
)

// An upload's Ref carries the media id, and as its version when it was uploaded
// and whether the server was still working on it then.
const stillProcessing = "processing "

// upload sends the bytes, or, where an earlier call already has, looks whether
// they are ready.
func (n *Network) upload(ctx context.Context, a network.Account, step network.Step) (network.Delivery, error) {
	if done := step.Done; done != nil && strings.HasPrefix(done.Version, stillProcessing) {
		ready, err := n.ready(ctx, a, *done)
		switch {
		case network.KindOf(err) == network.Gone:
			// Thrown away meanwhile: upload anew below.
		case err != nil:
			return network.Delivery{}, err
		case ready:
			r := network.Ref{ID: done.ID, Version: strings.TrimPrefix(done.Version, stillProcessing)}
			return n.uploaded(r, network.Sent, "GET /api/v1/media 200"), nil
		default:
			return n.uploaded(*done, network.Pending, "GET /api/v1/media 206"), nil
		}
	} else if done != nil {
		return n.uploaded(*done, network.Sent, "stored"), nil
	}
	var u upload
	if err := json.Unmarshal(step.Body, &u); err != nil {
		return network.Delivery{}, brokenPlan("step body: " + err.Error())
	}
	return n.sendMedia(ctx, a, u, step.Key)
}

func (n *Network) sendMedia(ctx context.Context, a network.Account, u upload, key string) (network.Delivery, error) {
	var digest [32]byte
	if b, err := hex.DecodeString(u.Digest); err != nil || copy(digest[:], b) != len(digest) {
		return network.Delivery{}, brokenPlan("digest")
	}
	data, err := n.env.Media(ctx, a, digest)
	if err != nil {
		return network.Delivery{}, &network.Error{Kind: network.Transient, Native: "no_bytes", Err: fmt.Errorf("reading media: %w", err)}
	}
	body, ctype, err := multipartBody(u, data)
	if err != nil {
		return network.Delivery{}, fmt.Errorf("writing the upload: %w", err)
	}
	q := post("/api/v2/media")
	q.body, q.ctype, q.key = body, ctype, key
	var m attachment
	ans, err := n.call(ctx, a, q, &m)
	if network.KindOf(err) == network.Gone { // servers older than version 2 of this call
		q.path = "/api/v1/media"
		ans, err = n.call(ctx, a, q, &m)
	}
	if err != nil {
		return network.Delivery{}, err
	}
	if m.ID == "" {
		return network.Delivery{}, &network.Error{Kind: network.Ambiguous, Native: "bad_json", Message: "the upload's answer names no id"}
	}
	r := network.Ref{ID: string(m.ID), Version: n.env.Now().Format(time.RFC3339)}
	if ans.status == http.StatusAccepted {
		r.Version = stillProcessing + r.Version
		return n.uploaded(r, network.Pending, "POST /api/v2/media 202"), nil
	}
	return n.uploaded(r, network.Sent, fmt.Sprintf("POST %s %d", q.path, ans.status)), nil
}

func (n *Network) uploaded(r network.Ref, s network.State, evidence string) network.Delivery {
	d := network.Delivery{State: s, Ref: r, At: n.env.Now(), Evidence: evidence}
	if s == network.Pending {
		d.PollAfter = mediaWait
	}
	return d
}

// multipartBody is the same for the same media each time. The file is named by
// its digest: snac makes the media id from the name alone.
func multipartBody(u upload, data []byte) ([]byte, string, error) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	if err := w.SetBoundary("parley" + u.Digest[:48]); err != nil {
		return nil, "", err
	}
	h := textproto.MIMEHeader{}
	h.Set("Content-Disposition", fmt.Sprintf(`form-data; name="file"; filename="%s%s"`, u.Digest, extension(u.MIME)))
	h.Set("Content-Type", u.MIME)
	part, err := w.CreatePart(h)
	if err != nil {
		return nil, "", err
	}
	if _, err := part.Write(data); err != nil {
		return nil, "", err
	}
	if u.Alt != "" {
		if err := w.WriteField("description", u.Alt); err != nil {
			return nil, "", err
		}
	}
	if err := w.Close(); err != nil {
		return nil, "", err
	}
	return b.Bytes(), w.FormDataContentType(), nil
}

// extension is a usual file ending; not the machine's MIME table, which differs
// from one to the next.
func extension(mime string) string {
	switch mime {
	case "image/jpeg":
		return ".jpg"
	case "video/quicktime":
		return ".mov"
	case "audio/mpeg":
		return ".mp3"
	}
	_, sub, _ := strings.Cut(mime, "/")
	if sub == "" || len(sub) > 5 || strings.ContainsAny(sub, "+.;\"\\ ") {
		return ".bin"
	}
	return "." + sub
}

// ready asks whether uploaded media can be posted. What was ready once is not
// asked for again within an hour; after that it may have been thrown away.
func (n *Network) ready(ctx context.Context, a network.Account, r network.Ref) (bool, error) {
	waiting := strings.HasPrefix(r.Version, stillProcessing)
	at, err := time.Parse(time.RFC3339, strings.TrimPrefix(r.Version, stillProcessing))
	age := n.env.Now().Sub(at)
	if err == nil && !waiting && age < time.Hour {
		return true, nil
	}
	ans, err := n.call(ctx, a, get("/api/v1/media/"+url.PathEscape(r.ID), nil), nil)
	if k := network.KindOf(err); k == network.Gone && !waiting && dialect(a) == Snac {
		return true, nil // it has no such call
	}
	if err != nil {
		var bad = network.KindOf(err)
		if bad == network.Policy {
			return false, &network.Error{Kind: network.BadMedia, Native: "processing", Err: err}
		}
		return false, err
	}
	if ans.status != http.StatusPartialContent {
		return true, nil
	}
	if age > mediaLimit {
		return false, &network.Error{Kind: network.BadMedia, Native: "206", Help: "mastodon.help.media_slow"}
	}
	return false, nil
}
