package pagetest

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/net/html"
)

// Inline finds what the Content-Security-Policy forbids: inline scripts and
// styles, style and on… attributes, javascript: addresses.
func Inline(page string) []string {
	var found []string
	walk(parse(page), func(n *html.Node) bool {
		if n.Type != html.ElementNode {
			return true
		}
		if (n.Data == "script" || n.Data == "style") && strings.TrimSpace(textOf(n)) != "" {
			found = append(found, "<"+n.Data+"> "+textOf(n))
		}
		for _, a := range n.Attr {
			if a.Key == "style" || strings.HasPrefix(a.Key, "on") || strings.HasPrefix(strings.ToLower(strings.TrimSpace(a.Val)), "javascript:") {
				found = append(found, fmt.Sprintf("<%s %s=%q>", n.Data, a.Key, a.Val))
			}
		}
		return true
	})
	return found
}

// spoken attributes are read by people.
var spoken = []string{"title", "alt", "placeholder", "aria-label", "data-key-label", "data-over", "data-next", "data-previous", "data-now", "data-minutes", "data-hours", "data-found"}

// Bare finds visible strings that did not come from a catalogue, in a page
// rendered in the pseudo-locale: letters outside ⟦ and ⟧. Words of people stand
// in an element with dir="auto" or in a <bdi> and are left out; so is the name
// Parley, and descriptions (alt, title, aria-label) that stand beside words of people.
func Bare(page string) []string {
	var found []string
	walk(parse(page), func(n *html.Node) bool {
		switch n.Type {
		case html.TextNode:
			if s := outside(n.Data); s != "" {
				found = append(found, s)
			}
		case html.ElementNode:
			if n.Data == "script" || n.Data == "style" || n.Data == "bdi" || attr(n, "dir") == "auto" || attr(n, "data-said") != "" {
				return false
			}
			for _, a := range n.Attr {
				if slices.Contains(spoken, a.Key) && outside(a.Val) != "" {
					found = append(found, fmt.Sprintf("<%s %s=%q>", n.Data, a.Key, a.Val))
				}
			}
		}
		return true
	})
	return found
}

// outside is what stands outside the brackets, if it has letters.
func outside(s string) string {
	var b strings.Builder
	depth := 0
	for _, r := range s {
		switch r {
		case '⟦':
			depth++
		case '⟧':
			depth--
		default:
			if depth == 0 {
				b.WriteRune(r)
			}
		}
	}
	rest := strings.TrimSpace(strings.ReplaceAll(b.String(), "Parley", ""))
	if strings.IndexFunc(rest, unicode.IsLetter) < 0 {
		return ""
	}
	return rest
}

// Unlabelled finds controls that a screen reader cannot name: buttons, links
// and inputs without text, label or aria-label, and pictures without alt.
func Unlabelled(page string) []string {
	doc := parse(page)
	labels := map[string]bool{}
	walk(doc, func(n *html.Node) bool {
		if n.Data == "label" {
			labels[attr(n, "for")] = true
		}
		return true
	})
	var found []string
	walk(doc, func(n *html.Node) bool {
		if n.Type == html.ElementNode && nameless(n, labels) {
			found = append(found, fmt.Sprintf("<%s id=%q class=%q name=%q>", n.Data, attr(n, "id"), attr(n, "class"), attr(n, "name")))
		}
		return true
	})
	return found
}

func nameless(n *html.Node, labels map[string]bool) bool {
	if attr(n, "aria-label") != "" || attr(n, "aria-labelledby") != "" {
		return false
	}
	switch n.Data {
	case "a", "button", "summary":
		return strings.TrimSpace(textOf(n)) == "" && !hasAlt(n)
	case "input", "select", "textarea":
		if attr(n, "type") == "hidden" || attr(n, "type") == "submit" {
			return false
		}
		return !labels[attr(n, "id")] && !within(n, "label")
	case "img":
		return !has(n, "alt")
	}
	return false
}

// IDs finds ids that are on the page twice.
func IDs(page string) []string {
	seen := map[string]int{}
	walk(parse(page), func(n *html.Node) bool {
		if id := attr(n, "id"); id != "" {
			seen[id]++
		}
		return true
	})
	var twice []string
	for id, n := range seen {
		if n > 1 {
			twice = append(twice, id)
		}
	}
	slices.Sort(twice)
	return twice
}

func parse(page string) *html.Node {
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		panic(err) // the parser refuses nothing; a reader of a string does not fail
	}
	return doc
}

func walk(n *html.Node, visit func(*html.Node) bool) {
	if !visit(n) {
		return
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		walk(c, visit)
	}
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, key string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == key })
}

func hasAlt(n *html.Node) bool {
	found := false
	walk(n, func(c *html.Node) bool {
		found = found || (c.Data == "img" && attr(c, "alt") != "")
		return !found
	})
	return found
}

func within(n *html.Node, element string) bool {
	for p := n.Parent; p != nil; p = p.Parent {
		if p.Data == element {
			return true
		}
	}
	return false
}

func textOf(n *html.Node) string {
	var b strings.Builder
	walk(n, func(c *html.Node) bool {
		if c.Type == html.TextNode {
			b.WriteString(c.Data)
		}
		return true
	})
	return b.String()
}
