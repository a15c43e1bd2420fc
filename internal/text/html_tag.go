package text

import (
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/html/atom"
)

// shape is what a tag does to the lines around it.
type shape int

const (
	inline    shape = iota
	block           // on lines of its own
	paragraph       // with an empty line around it
	dropped         // with everything inside it
)

func shapeOf(tag atom.Atom) shape {
	switch tag {
	case atom.Script, atom.Style, atom.Template, atom.Head, atom.Title, atom.Iframe, atom.Object,
		atom.Noscript, atom.Svg, atom.Math, atom.Textarea, atom.Select, atom.Audio, atom.Video,
		atom.Canvas, atom.Noembed, atom.Noframes:
		return dropped
	case atom.P, atom.Blockquote, atom.Pre, atom.Ul, atom.Ol, atom.Menu, atom.Dl, atom.Table, atom.Hr,
		atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6:
		return paragraph
	case atom.Div, atom.Section, atom.Article, atom.Aside, atom.Header, atom.Footer, atom.Main, atom.Nav,
		atom.Figure, atom.Figcaption, atom.Address, atom.Details, atom.Summary, atom.Fieldset, atom.Form,
		atom.Li, atom.Dt, atom.Dd, atom.Tr, atom.Caption, atom.Center, atom.Hgroup, atom.Legend:
		return block
	}
	return inline
}

// tracked reports the tags whose end matters.
func tracked(tag atom.Atom) bool {
	switch tag {
	case atom.A, atom.Span, atom.P, atom.Div, atom.Li, atom.Ul, atom.Ol, atom.Menu:
		return true
	}
	return spanOf(tag) != ""
}

// spanOf is the kind of span a tag's words become; "" for none.
func spanOf(tag atom.Atom) SpanKind {
	switch tag {
	case atom.Blockquote:
		return Quote
	case atom.Pre, atom.Code, atom.Kbd, atom.Samp, atom.Tt:
		return Code
	case atom.Del, atom.S, atom.Strike:
		return Strike
	}
	return ""
}

func hasClass(attrs map[string]string, any ...string) bool {
	for _, c := range strings.Fields(attrs["class"]) {
		if slices.Contains(any, c) {
			return true
		}
	}
	return false
}

// firstNumber is where an ordered list starts. Zero and less are written as one:
// they mark unordered lists here.
func firstNumber(attr string) int {
	n, err := strconv.Atoi(attr)
	if err != nil || n < 1 || n > 1_000_000 {
		return 1
	}
	return n
}

// bullet is the mark of a list item at a depth of 1 or more.
func bullet(number, depth int) string {
	indent := strings.Repeat("  ", min(depth, 10)-1)
	if number < 0 {
		return indent + "• "
	}
	return indent + strconv.Itoa(number) + ". "
}
