package sandbox

import (
	"bytes"
	"image"
	"image/png"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"parley/internal/network"
	"parley/internal/network/sandbox/paint"
	"parley/internal/text"
)

const (
	mediaMax   = 4
	mediaBytes = 8 << 20
	altMax     = 1500 // code points
)

var mimes = []string{"image/png", "image/jpeg", "image/gif", "image/webp"}

// upload is a picture on its way into a post.
type upload struct {
	wireMedia
	desk     *desk
	bytes    []byte
	since    time.Time
	polls    int // status requests until it is ready
	attached bool
}

// uploadMedia is POST /media: 200 when ready at once, else 202.
func (w *world) uploadMedia(c *call) answer {
	file, alt, ok := multipartFile(c)
	kind := http.DetectContentType(file)
	switch {
	case !ok || len(file) == 0:
		return refuse(http.StatusBadRequest, network.BadMedia, "no_file", "There is no file in the request.")
	case len(file) > mediaBytes:
		return refuse(http.StatusRequestEntityTooLarge, network.BadMedia, "too_large", "The file is too large.")
	case !slices.Contains(mimes, kind):
		return refuse(http.StatusUnprocessableEntity, network.BadMedia, "type", "This kind of file is not accepted.")
	case utf8.RuneCountInString(alt) > altMax:
		return refuse(http.StatusUnprocessableEntity, network.BadMedia, "alt_too_long", "The description is too long.")
	}
	u := &upload{desk: c.desk, bytes: file, since: c.now, polls: w.kind.MediaPolls}
	u.ID = "m-" + w.digest("media", c.desk.ID, w.next())[:20]
	u.Kind, u.MIME, u.Alt, u.Size = "image", kind, text.Clean(alt), int64(len(file))
	u.URL = w.base + prefix + "/media/" + u.ID
	if size, _, err := image.DecodeConfig(bytes.NewReader(file)); err == nil {
		u.Width, u.Height = size.Width, size.Height
	}
	w.media[u.ID] = u
	w.mediaOrder = append(w.mediaOrder, u.ID)
	w.mediaHeld += len(u.bytes)
	for len(w.mediaOrder) > maxMedia || w.mediaHeld > maxBytes {
		oldest := w.mediaOrder[0]
		w.mediaHeld -= len(w.media[oldest].bytes)
		delete(w.media, oldest)
		w.mediaOrder = w.mediaOrder[1:]
	}
	w.kept(opUpload, "", u.ID, nil)
	if w.faults.armed(opStatus) || u.polls > 0 {
		return answer{status: http.StatusAccepted, body: u.wireMedia}
	}
	return answer{status: http.StatusOK, body: u.wireMedia}
}

// multipartFile reads the fields "file" and "alt".
func multipartFile(c *call) (file []byte, alt string, ok bool) {
	_, params, err := mime.ParseMediaType(c.Header.Get("Content-Type"))
	if err != nil {
		return nil, "", false
	}
	for mr := multipart.NewReader(bytes.NewReader(c.body), params["boundary"]); ; {
		part, err := mr.NextPart()
		if err != nil {
			return file, alt, err == io.EOF && file != nil
		}
		b, err := io.ReadAll(part)
		if err != nil {
			return nil, "", false
		}
		switch part.FormName() {
		case "file":
			file = b
		case "alt":
			alt = string(b)
		}
	}
}

// uploadStatus is GET /uploads/{id}: 206 while it is being made, 200 when
// ready, 404 when it never was or has expired.
func (w *world) uploadStatus(c *call) answer {
	u := w.media[c.PathValue("id")]
	if u == nil || u.desk != c.desk || !u.attached && c.now.Sub(u.since) > draftLife {
		return refuse(http.StatusNotFound, network.BadMedia, "expired", "This upload does not exist.")
	}
	if u.polls > 0 {
		u.polls--
		return answer{status: http.StatusPartialContent, body: u.wireMedia}
	}
	return ok(u.wireMedia)
}

// checkUpload refuses media that can't be attached.
func (w *world) checkUpload(d *desk, id string) (answer, bool) {
	u := w.media[id]
	switch {
	case u == nil || u.desk != d:
		return refuse(http.StatusNotFound, network.BadMedia, "no_media", "One of the attachments does not exist."), true
	case u.attached:
		return refuse(http.StatusUnprocessableEntity, network.Duplicate, "attached", "One of the attachments is used already."), true
	case u.polls > 0 || w.faults.armed(opStatus):
		return refuse(http.StatusUnprocessableEntity, network.BadMedia, "not_ready", "One of the attachments is not ready."), true
	}
	return answer{}, false
}

// attach makes an upload part of a post.
func (w *world) attach(id string) wireMedia {
	u := w.media[id]
	u.attached = true
	return u.wireMedia
}

// serveMedia shows what was uploaded, drawn anew as PNG: what a camera hid in
// the file is not passed on.
func (w *world) serveMedia(c *call) answer {
	u := w.media[c.PathValue("name")]
	if u == nil {
		return notFound
	}
	img, _, err := image.Decode(bytes.NewReader(u.bytes))
	if err != nil {
		return notFound
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		return notFound
	}
	return picture(b.Bytes(), u.ID)
}

// servePicture draws a scene: /pictures/<scene>-<seed>.png.
func (w *world) servePicture(c *call) answer {
	name, found := strings.CutSuffix(c.PathValue("name"), ".png")
	scene, seed, dash := strings.Cut(name, "-")
	if !found || !dash || !paint.IsScene(scene) {
		return notFound
	}
	return picture(paint.Scene(scene, seed), name)
}

// servePortrait draws a face: /portraits/<person>.png. Desks get an emblem.
func (w *world) servePortrait(c *call) answer {
	id, found := strings.CutSuffix(c.PathValue("name"), ".png")
	if !found || w.profiles[id] == nil {
		return notFound
	}
	if w.deskByID(id) != nil {
		return picture(paint.Emblem(id), id)
	}
	return picture(paint.Portrait(id), id)
}
