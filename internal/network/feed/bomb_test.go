package feed

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// What is built to use up memory or time. Each is a megabyte; a feed may have
// ten, and without limits the worst of these then cost gigabytes, or minutes.
func TestBombs(t *testing.T) {
	// Not parallel: it measures memory.
	const size = 1 << 20
	fill := func(unit string) string { return strings.Repeat(unit, (size-1000)/len(unit)) }
	const end = `</description></item></channel></rss>`
	item := `<item><guid>whole</guid><description>before</description></item>`
	channel := `<rss version="2.0" xmlns:x="urn:x"><channel><title>T</title>`
	numbered := func(format string, n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	prefixes := numbered(`xmlns:p%d="u" `, size/2/17)
	bombs := map[string]string{
		"nested elements":       channel + item + fill("<x:a>"),
		"nested items":          channel + item + fill("<item>"),
		"nested before items":   channel + fill("<x:a>"),
		"sibling extensions":    channel + item + "<item>" + fill("<x:a/>"),
		"empty items":           channel + item + fill("<item/>"),
		"attributes":            channel + item + "<item " + fill("a "),
		"attributes with value": channel + item + "<item " + fill(`a="" `),
		"prefixes":              channel + item + "<item " + prefixes + ">" + strings.Repeat("<x:a>", size/10),
		"CDATA sections":        channel + item + "<item><x:a>" + fill("<![CDATA[a]]>"),
		"comments":              channel + item + "<item><x:a>" + fill("a<!---->"),
		"entities":              channel + item + "<item><description>" + fill("&amp;") + end,
		"unknown entities":      channel + item + "<item><description>" + fill("&a;") + end,
		"bare ampersands":       channel + item + "<item><description>" + fill("&") + end,
		"character references":  channel + item + "<item><description>" + fill("&#") + end,
		"doctype":               `<!DOCTYPE r [` + numbered(`<!ENTITY e%d "&e0;&e0;">`, size/30) + `]>` + channel + item + `</channel></rss>`,
		"open doctypes":         channel + item + fill("<!a "),
		"stray end tags":        channel + item + fill("</x>"),
		"one long name":         channel + item + "<" + fill("a"),
		"one long quote":        channel + item + `<item a="` + fill("b"),
		"bare less-thans":       channel + item + fill("<"),
		"tags in HTML":          channel + item + "<item><description>" + fill("&lt;b&gt;") + end,
		"attributes in HTML":    channel + item + "<item><description>&lt;a " + fill("a ") + "&gt;" + end,
		"links in HTML":         channel + item + "<item><description>" + fill("&lt;a href=//a>") + end,
		"CDATA in limits":       channel + item + "<item><x:a>" + strings.Repeat("<![CDATA["+strings.Repeat("a", size/maxSections-50)+"]]>", maxSections-1) + "</x:a></item></channel></rss>",
		"extensions in limits":  channel + item + strings.Repeat("<item>"+strings.Repeat(`<x:a b="c"/>`, 19)+"</item>", 4900) + "</channel></rss>",
		"depth in limits":       channel + item + strings.Repeat("<item>"+strings.Repeat(`<x:a>`, 190)+strings.Repeat(`</x:a>`, 190)+"</item>", 900) + "</channel></rss>",
		"prefixes in limits":    `<rss ` + numbered(`xmlns:p%d="u" `, maxPrefixes) + `><channel>` + item + "<item>" + fill("<p1:a></p1:a>") + "</item></channel></rss>",
		"pictures":              channel + item + "<item><description>" + fill("&lt;img src=a&gt;") + end,
		"one word":              channel + item + "<item><title>" + fill("a") + "</title></item></channel></rss>",
		"one character":         channel + item + "<item><title>a" + fill("\u0301") + "</title></item></channel></rss>",
		"tombstones":            `<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>whole</id><title>before</title></entry>` + fill(`<at:deleted-entry ref="1"/>`),
		"atom xhtml":            `<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>whole</id><title>before</title></entry><entry><content type="xhtml">` + fill("<b>"),
		"atom links":            `<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>whole</id><title>before</title></entry><entry>` + fill("<link/>"),
		"utf-16":                "\xff\xfe" + fill("<\x00"),
		"nothing":               fill(" "),
		"json nested":           `{"version":"https://jsonfeed.org/version/1","items":[{"id":"whole","content_text":"before"},` + fill("["),
		"json objects":          `{"version":"https://jsonfeed.org/version/1","items":[{"id":"whole","content_text":"before"},` + fill("{},"),
		"json attachments":      `{"version":"https://jsonfeed.org/version/1","items":[{"id":"whole","content_text":"before"},{"id":"2","attachments":[` + strings.Repeat("{},", size/3-100) + `{}]}]}`,
		"json members":          `{"version":"https://jsonfeed.org/version/1","items":[{"id":"whole","content_text":"before"}],` + numbered(`"m%d":0,`, size/20) + `"z":0}`,
		"json authors":          `{"items":[{"id":"whole","content_text":"before"}],"version":"https://jsonfeed.org/version/1","authors":[` + strings.Repeat("{},", size/3-100) + `{}]}`,
	}
	for name, src := range bombs {
		t.Run(name, func(t *testing.T) {
			src := src[:min(len(src), size)]
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			doc, err := parse([]byte(src), "", base(t), true)
			runtime.ReadMemStats(&after)
			switch name {
			case "nothing", "utf-16", "nested before items":
				if err == nil {
					t.Errorf("%d items of nothing", len(doc.items))
				}
			default:
				if err != nil || len(doc.items) == 0 || doc.items[0].body.Body != "before" {
					t.Errorf("the item that was whole is lost: %d items, %v", len(doc.items), err)
				}
			}
			// All that was ever allocated; most of it is given back at once.
			if mb := (after.TotalAlloc - before.TotalAlloc) >> 20; mb > 450 {
				t.Errorf("allocated %d MB for %d", mb, size>>20)
			}
		})
	}
}

// At each limit a document is whole; beyond it only what came before is left.
func TestTidyLimits(t *testing.T) {
	t.Parallel()
	first := "<item><guid>first</guid></item>"
	in := func(inside string) string { return "<rss><channel>" + first + inside + "</channel></rss>" }
	nest := func(n int) string { return "<item>" + strings.Repeat("<a>", n) + strings.Repeat("</a>", n) + "</item>" }
	prefixes := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, ` xmlns:p%d="u"`, i)
		}
		return "<item" + b.String() + "></item>"
	}
	for name, make := range map[string]struct {
		doc func(n int) string
		max int
	}{
		"depth":      {func(n int) string { return in(nest(n - 3)) }, maxDepth},
		"elements":   {func(n int) string { return in("<item>" + strings.Repeat("<a/>", n-5) + "</item>") }, maxParts},
		"attributes": {func(n int) string { return in("<item" + strings.Repeat(" a", n-5) + "></item>") }, maxParts},
		"prefixes":   {func(n int) string { return in(prefixes(n)) }, maxPrefixes},
		"sections":   {func(n int) string { return in("<item>" + strings.Repeat("<![CDATA[x]]>", n) + "</item>") }, maxSections},
	} {
		whole, err := tidy([]byte(make.doc(make.max)), false)
		if err != nil || whole.cut {
			t.Errorf("%s at the limit: cut %v, %v", name, whole.cut, err)
		}
		over, err := tidy([]byte(make.doc(make.max+1)), false)
		if err != nil || !over.cut || strings.Count(string(over.xml), "<item") != 1 {
			t.Errorf("%s beyond the limit: cut %v, %d items, %v", name, over.cut, strings.Count(string(over.xml), "<item"), err)
		}
	}
	items, err := tidy([]byte("<rss><channel>"+strings.Repeat("<item/>", maxItems+1)+"</channel></rss>"), false)
	if n := strings.Count(string(items.xml), "<item>"); err != nil || !items.cut || n != maxItems {
		t.Errorf("%d items, cut %v, %v", n, items.cut, err)
	}
}
