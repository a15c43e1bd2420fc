package feed

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	jsonfeed "github.com/mmcdole/gofeed/json"

	"parley/internal/network"
)

// Limits of a JSON Feed, besides maxItems and maxParts.
const maxMembers = 100 // members of the top object

// jsonDocument is a JSON Feed as decoded: the parser's type, and the hubs it
// does not know (JSON Feed 1.1, "Subscribing to Real-time Notifications").
type jsonDocument struct {
	*jsonfeed.Feed
	hubs []string
	cut  bool
}

// readJSON decodes a JSON Feed member by member and item by item, so that one
// item of a wrong shape costs only itself, and what breaks off or passes a limit
// keeps the items before.
func readJSON(src []byte) (jsonDocument, error) {
	doc := jsonDocument{Feed: &jsonfeed.Feed{}}
	dec := json.NewDecoder(bytes.NewReader(src))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return doc, errNoFeed
	}
	top := map[string]json.RawMessage{}
	parts := 0
	for dec.More() && !doc.cut {
		name, err := dec.Token()
		if err != nil {
			doc.cut = true
			break
		}
		if name == "items" {
			doc.cut = doc.readItems(dec, &parts)
			continue
		}
		var v json.RawMessage
		if err := dec.Decode(&v); err != nil {
			doc.cut = true
			break
		}
		if len(top) < maxMembers && structure(v) < maxParts {
			top[name.(string)] = v
		}
	}
	if _, err := dec.Token(); err != nil {
		doc.cut = true
	}
	return doc, doc.readTop(top)
}

// readItems decodes the items; true if not all of them could be had.
func (d *jsonDocument) readItems(dec *json.Decoder, parts *int) (cut bool) {
	if t, err := dec.Token(); err != nil || t != json.Delim('[') {
		return true
	}
	for dec.More() {
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return true
		}
		if *parts += structure(raw); *parts > maxParts || len(d.Items) >= maxItems {
			return true
		}
		var item jsonfeed.Item
		if err := json.Unmarshal(raw, &item); err == nil {
			d.Items = append(d.Items, &item)
		}
	}
	_, err := dec.Token()
	return err != nil
}

// readTop reads everything but the items. A document without a version that
// names the format is some other JSON.
func (d *jsonDocument) readTop(top map[string]json.RawMessage) error {
	field := func(name string, into any) {
		if v, ok := top[name]; ok {
			// A member of the wrong type is as good as absent.
			_ = json.Unmarshal(v, into)
		}
	}
	field("version", &d.Version)
	switch {
	case strings.Contains(d.Version, "jsonfeed.org/version"):
	case d.cut && len(d.Items) > 0 && d.Version == "": // it may stand after what broke off
	case d.cut && d.Version == "" && len(top) > 0:
		return errNoItem
	default:
		return errNoFeed
	}
	if d.cut && len(d.Items) == 0 {
		return errNoItem
	}
	field("title", &d.Title)
	field("home_page_url", &d.HomePageURL)
	field("feed_url", &d.FeedURL)
	field("next_url", &d.NextURL)
	field("icon", &d.Icon)
	field("favicon", &d.Favicon)
	field("language", &d.Language)
	field("author", &d.Author)
	field("authors", &d.Authors)
	var hubs []struct{ Type, URL string }
	field("hubs", &hubs)
	for _, h := range hubs {
		if strings.EqualFold(h.Type, "websub") {
			d.hubs = append(d.hubs, h.URL)
		}
	}
	return nil
}

// format is how the feed is named to operators.
func (d *jsonDocument) format() string {
	_, v, ok := strings.Cut(d.Version, "/version/")
	if !ok {
		return "JSON Feed"
	}
	return fmt.Sprintf("JSON Feed %.8s", v)
}

// structure counts what makes a JSON value large in memory: commas and opening
// brackets outside strings. b is valid JSON.
func structure(b []byte) int {
	n, inString := 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case !inString && (c == '{' || c == '[' || c == ','):
			n++
		}
	}
	return n
}

// fromJSON reads JSON Feed 1.0 and 1.1.
func fromJSON(f jsonDocument, base *url.URL) (document, []raw) {
	doc := document{
		format: f.format(),
		title:  f.Title,
		site:   f.HomePageURL,
		icon:   firstOf(f.Icon, f.Favicon),
		lang:   f.Language,
		author: jsonAuthor(f.Authors, f.Author),
		self:   f.FeedURL,
		hub:    firstOf(f.hubs...),
		older:  f.NextURL,
		cut:    f.cut,
	}
	entries := make([]raw, 0, len(f.Items))
	for _, it := range f.Items {
		entries = append(entries, jsonItem(it, base))
	}
	return doc, entries
}

func jsonItem(it *jsonfeed.Item, base *url.URL) raw {
	r := raw{
		id:        it.ID,
		link:      firstOf(it.URL, it.ExternalURL),
		title:     it.Title,
		content:   firstOf(it.ContentHTML, it.ContentText, it.Summary),
		html:      strings.TrimSpace(it.ContentHTML) != "",
		lang:      it.Language,
		author:    jsonAuthor(it.Authors, it.Author),
		published: jsonTime(it.DatePublished),
		updated:   jsonTime(it.DateModified),
	}
	media := collector{base: base}
	media.picture(it.Image, "")
	media.picture(it.BannerImage, "")
	if it.Attachments != nil {
		for _, a := range *it.Attachments {
			media.add(network.Media{Kind: kindOf(a.MimeType, a.URL), MIME: a.MimeType, URL: a.URL, Alt: a.Title, Size: a.SizeInBytes})
		}
	}
	r.media = media.media
	return r
}

func jsonAuthor(list []*jsonfeed.Author, one *jsonfeed.Author) author {
	for _, a := range slices.Concat(list, []*jsonfeed.Author{one}) {
		if a != nil && (a.Name != "" || a.URL != "") {
			return author{name: a.Name, uri: a.URL, avatar: a.Avatar}
		}
	}
	return author{}
}

// jsonTime reads the one form that JSON Feed allows; nil for any other.
func jsonTime(s string) *time.Time {
	t, err := time.Parse(time.RFC3339, strings.TrimSpace(s))
	if err != nil {
		return nil
	}
	t = t.UTC()
	return &t
}
