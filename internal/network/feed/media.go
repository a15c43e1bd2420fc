package feed

import (
	"mime"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"

	ext "github.com/mmcdole/gofeed/extensions"
	"golang.org/x/net/html"

	"parley/internal/network"
	"parley/internal/text"
)

// maxMedia is how many attachments of one item are kept; maxAlt how long the
// description of one may be, in bytes.
const (
	maxMedia = 20
	maxAlt   = 4000
)

// collector gathers an item's attachments, each address once.
type collector struct {
	base  *url.URL
	media []network.Media
}

// add keeps an attachment with an http(s) address. The same address again only
// adds the description, if there was none.
func (c *collector) add(m network.Media) {
	if m.URL = resolve(c.base, m.URL); m.URL == "" {
		return
	}
	m.Alt = strings.TrimSpace(text.Cut(text.Clean(m.Alt), maxAlt))
	m.MIME = mimeType(m.MIME)
	m.Size = max(m.Size, 0)
	i := slices.IndexFunc(c.media, func(o network.Media) bool { return o.URL == m.URL })
	switch {
	case i >= 0 && c.media[i].Alt == "":
		c.media[i].Alt = m.Alt
	case i < 0 && len(c.media) < maxMedia:
		c.media = append(c.media, m)
	}
}

// enclosure is RSS 2.0's and Atom's way to attach a file.
func (c *collector) enclosure(address, kind, length string) {
	size, err := strconv.ParseInt(strings.TrimSpace(length), 10, 64)
	if err != nil {
		size = 0
	}
	c.add(network.Media{Kind: kindOf(kind, address), MIME: kind, URL: address, Size: size})
}

func (c *collector) picture(address, alt string) {
	if address != "" {
		c.add(network.Media{Kind: "image", URL: address, Alt: alt})
	}
}

// extension reads Media RSS: media:content and media:thumbnail, alone or in a
// media:group. media:description is what describes the picture to those who
// cannot see it.
func (c *collector) extension(e ext.Extensions) {
	m := e["media"]
	for _, group := range m["group"] {
		c.contents(group.Children, firstValue(group.Children["description"]))
	}
	c.contents(m, "")
}

func (c *collector) contents(children map[string][]ext.Extension, alt string) {
	for _, x := range children["content"] {
		c.add(network.Media{
			Kind:   mediaKind(x),
			MIME:   x.Attrs["type"],
			URL:    x.Attrs["url"],
			Alt:    firstOf(firstValue(x.Children["description"]), alt),
			Width:  pixels(x.Attrs["width"]),
			Height: pixels(x.Attrs["height"]),
		})
	}
	if len(c.media) > 0 {
		return // a thumbnail repeats what is there
	}
	for _, x := range children["thumbnail"] {
		c.add(network.Media{Kind: "image", URL: x.Attrs["url"], Alt: alt,
			Width: pixels(x.Attrs["width"]), Height: pixels(x.Attrs["height"])})
	}
}

// images finds the pictures in HTML. What is no larger than two pixels counts
// readers and shows nothing.
func (c *collector) images(src string) {
	if !strings.Contains(src, "<img") && !strings.Contains(src, "<IMG") {
		return
	}
	z := html.NewTokenizer(strings.NewReader(head(src, text.MaxHTML)))
	for len(c.media) < maxMedia {
		switch z.Next() {
		case html.ErrorToken:
			return
		case html.StartTagToken, html.SelfClosingTagToken:
			name, more := z.TagName()
			if string(name) != "img" {
				continue
			}
			m := image(z, more)
			if (m.Width == 0 || m.Width > 2) && (m.Height == 0 || m.Height > 2) {
				c.add(m)
			}
		}
	}
}

// image reads the attributes of the img tag the tokenizer stands on.
func image(z *html.Tokenizer, more bool) network.Media {
	m := network.Media{Kind: "image"}
	for more {
		var name, value []byte
		name, value, more = z.TagAttr()
		switch string(name) {
		case "src":
			m.URL = string(value)
		case "alt":
			m.Alt = string(value)
		case "width":
			m.Width = pixels(string(value))
		case "height":
			m.Height = pixels(string(value))
		}
	}
	return m
}

func firstValue(list []ext.Extension) string {
	if len(list) == 0 {
		return ""
	}
	return list[0].Value
}

// pixels reads "640" or "640px"; 0 is not told.
func pixels(s string) int {
	n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(s), "px"))
	if err != nil || n < 0 || n > 100_000 {
		return 0
	}
	return n
}

func mediaKind(x ext.Extension) string {
	switch medium := strings.ToLower(x.Attrs["medium"]); medium {
	case "image", "video", "audio":
		return medium
	}
	return kindOf(x.Attrs["type"], x.Attrs["url"])
}

// kindOf sorts by MIME type, else by the ending of the address.
func kindOf(kind, address string) string {
	kind = mimeType(kind)
	if kind == "" || kind == "application/octet-stream" {
		if u, err := url.Parse(address); err == nil {
			kind = extensions[strings.ToLower(path.Ext(u.Path))]
		}
	}
	switch major, _, _ := strings.Cut(kind, "/"); major {
	case "image", "video", "audio":
		return major
	}
	return "file"
}

// extensions are the endings found in feeds. The system's own list is not asked:
// it differs between machines.
var extensions = map[string]string{
	".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".gif": "image/gif", ".webp": "image/webp",
	".avif": "image/avif", ".svg": "image/svg+xml",
	".mp4": "video/mp4", ".m4v": "video/mp4", ".webm": "video/webm", ".mov": "video/quicktime",
	".mp3": "audio/mpeg", ".m4a": "audio/mp4", ".ogg": "audio/ogg", ".opus": "audio/ogg", ".flac": "audio/flac", ".wav": "audio/wav",
}

// mimeType is the type without parameters, or "" for what is none.
func mimeType(s string) string {
	t, _, err := mime.ParseMediaType(s)
	if err != nil || !strings.Contains(t, "/") || len(t) > 100 {
		return ""
	}
	return t
}
