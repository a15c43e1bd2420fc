package feed

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/mmcdole/gofeed"
	ext "github.com/mmcdole/gofeed/extensions"
	"github.com/mmcdole/gofeed/rss"
)

// fromRSS reads RSS 0.9x, 1.0 (RDF) and 2.0.
func fromRSS(f *rss.Feed, base *url.URL) (document, []raw) {
	doc := document{
		format:  strings.TrimSpace("RSS " + f.Version),
		title:   f.Title,
		site:    f.Link,
		lang:    f.Language,
		self:    extLink(f.Extensions, "self"),
		hub:     extLink(f.Extensions, "hub"),
		older:   firstOf(extLink(f.Extensions, "prev-archive"), extLink(f.Extensions, "next")),
		ttl:     max(minutes(f.TTL), syndication(f.Extensions)),
		updated: timeOf(f.LastBuildDateParsed),
		gone:    tombstones(f.Extensions),
	}
	// The translator knows the dozen places where RSS modules keep the same
	// facts. Looking for pictures in the words is left to media.go.
	t := &gofeed.DefaultRSSTranslator{DisableContentImageScan: true}
	all, err := t.Translate(f)
	if err != nil { // only for another type than *rss.Feed
		return doc, nil
	}
	doc.title = firstOf(doc.title, all.Title)
	doc.site = firstOf(doc.site, all.Link)
	doc.lang = firstOf(doc.lang, all.Language)
	doc.author = rssAuthor(all.Authors, firstOf(f.ManagingEditor, f.WebMaster))
	if all.Image != nil {
		doc.icon = all.Image.URL
	}
	entries := make([]raw, 0, len(f.Items))
	for i, it := range f.Items {
		entries = append(entries, rssItem(it, all.Items[i], base))
	}
	return doc, entries
}

func rssItem(it *rss.Item, all *gofeed.Item, base *url.URL) raw {
	r := raw{
		id:        all.GUID,
		link:      firstOf(it.Link, extLink(it.Extensions, "alternate")),
		title:     all.Title,
		titleHTML: true,
		content:   firstOf(all.Content, all.Description),
		html:      true,
		author:    rssAuthor(all.Authors, it.Author),
		published: all.PublishedParsed,
		updated:   all.UpdatedParsed,
	}
	// A guid is the permalink unless it says otherwise (RSS 2.0, guid).
	if r.link == "" && it.GUID != nil && !strings.EqualFold(it.GUID.IsPermalink, "false") {
		r.link = resolve(nil, it.GUID.Value)
	}
	media := collector{base: base}
	for _, e := range it.Enclosures {
		media.enclosure(e.URL, e.Type, e.Length)
	}
	media.extension(it.Extensions)
	r.media = media.media
	return r
}

// rssAuthor prefers what could be told apart into name and address; whole is
// what the feed wrote, for when it could not.
func rssAuthor(list []*gofeed.Person, whole string) author {
	for _, p := range list {
		if p != nil && (p.Name != "" || p.Email != "") {
			return author{name: p.Name, email: p.Email}
		}
	}
	return author{name: whole}
}

// extLink is the href of an atom:link of that relation inside RSS.
func extLink(e ext.Extensions, rel string) string {
	for _, prefix := range []string{"atom", "atom10", "atom03"} {
		for _, l := range e[prefix]["link"] {
			if strings.EqualFold(l.Attrs["rel"], rel) && l.Attrs["href"] != "" {
				return l.Attrs["href"]
			}
		}
	}
	return ""
}

// minutes reads <ttl>.
func minutes(s string) time.Duration {
	n, err := strconv.Atoi(strings.TrimSpace(s))
	if err != nil || n <= 0 || n > 60*24*365 {
		return 0
	}
	return time.Duration(n) * time.Minute
}

// syndication reads sy:updatePeriod and sy:updateFrequency (RSS 1.0
// Syndication module): so often in a period.
func syndication(e ext.Extensions) time.Duration {
	value := func(name string) string {
		if list := e["sy"][name]; len(list) > 0 {
			return strings.ToLower(strings.TrimSpace(list[0].Value))
		}
		return ""
	}
	const day = 24 * time.Hour
	period := map[string]time.Duration{
		"hourly": time.Hour, "daily": day, "weekly": 7 * day, "monthly": 30 * day, "yearly": 365 * day,
	}[value("updatePeriod")]
	n, err := strconv.Atoi(value("updateFrequency"))
	if err != nil || n < 1 {
		n = 1
	}
	return period / time.Duration(n)
}
