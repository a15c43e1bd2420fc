package conversation

import (
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"parley/internal/id"
	"parley/internal/problem"
	"parley/internal/text"
)

// Query is what somebody looks for. Everything in it must hold; where one thing
// has several values, one of them.
type Query struct {
	Words    []text.Term // these are said
	Not      []text.Term // and none of these
	From     []text.Term // words of the handle or the name of who said it
	Us       bool        // we said it
	Accounts []string    // handles of ours that it reached or that said it
	Networks []string
	Kind     Kind // Direct or Public; "" is both
	Since    time.Time
	Until    time.Time // said before this
	Media    bool      // there is a picture or a file with it
	Langs    []string

	Before id.ID // only what is older: where the page before ended
	Limit  int   // 0: 40; at most 200
}

// IsZero reports a query for nothing in particular.
func (q Query) IsZero() bool { return len(q.Words)+len(q.Not) == 0 && !q.narrowed() }

// narrowed reports anything but words.
func (q Query) narrowed() bool {
	return q.Us || q.Media || q.Kind != "" || !q.Since.IsZero() || !q.Until.IsZero() ||
		len(q.From)+len(q.Accounts)+len(q.Networks)+len(q.Langs) > 0
}

const (
	maxQuery  = 1000 // bytes
	maxValues = 16   // of one kind
	// unfinished is how many letters the last word needs to stand for all that begin
	// with it. Fewer begin half the language.
	unfinished = 3
)

// filters are the words that a colon makes to more than words.
var filters = []string{"from", "account", "network", "in", "before", "after", "on", "has", "lang"}

// filter is the beginning of a part that narrows.
var filter = regexp.MustCompile(`^(-?)(\p{L}+):`)

// ParseQuery reads a search box: words, "phrases", begin*, -without, and filters
// such as from:ann. Days are those of now's zone. With typing the last word is
// taken for the beginning of one, as long as no space follows it.
func ParseQuery(s string, now time.Time, typing bool) (Query, error) {
	r := queryReader{now: now, rest: text.Clean(s)}
	if len(s) > maxQuery {
		return Query{}, problem.New(problem.Invalid, "search.too_long").At("q")
	}
	for r.rest = strings.TrimSpace(r.rest); r.rest != ""; r.rest = strings.TrimSpace(r.rest) {
		if err := r.next(); err != nil {
			return Query{}, problem.Of(err).At("q")
		}
	}
	q := r.q
	if len(q.Words)+len(q.Not) > maxValues || len(q.From)+len(q.Accounts)+len(q.Networks)+len(q.Langs) > maxValues {
		return Query{}, problem.New(problem.Invalid, "search.too_long").At("q")
	}
	if !q.Since.IsZero() && !q.Until.IsZero() && !q.Since.Before(q.Until) {
		return Query{}, problem.New(problem.Invalid, "search.no_day").At("q")
	}
	if last, _ := utf8.DecodeLastRuneInString(s); typing && r.open && last != ' ' {
		t := &q.Words[len(q.Words)-1]
		t.Prefix = t.Prefix || utf8.RuneCountInString(t.Tokens[len(t.Tokens)-1]) >= unfinished
	}
	return q, nil
}

// queryReader walks along a search box.
type queryReader struct {
	now  time.Time
	rest string
	q    Query
	open bool // the last part was a word without marks around it
}

// next takes one part.
func (r *queryReader) next() error {
	r.open = false
	if m := filter.FindStringSubmatch(r.rest); m != nil {
		name := strings.ToLower(m[2])
		known := slices.Contains(filters, name)
		like := ""
		if !known {
			like = meant(name)
		}
		switch after := r.rest[len(m[0]):]; {
		case known && m[1] != "":
			return problem.New(problem.Invalid, "search.no_without", "filter", name)
		case known:
			r.rest = after
			return r.narrow(name)
		case like != "" && !strings.HasPrefix(after, "//"):
			return problem.New(problem.Invalid, "search.no_filter", "filter", name, "like", like)
		}
	}
	rest, without := strings.CutPrefix(r.rest, "-")
	first, _ := utf8.DecodeRuneInString(rest)
	var part string
	part, r.rest = text.NextPart(rest)
	t, ok := text.ParseTerm(part)
	switch {
	case !ok:
	case without:
		r.q.Not = append(r.q.Not, t)
	default:
		r.q.Words = append(r.q.Words, t)
		r.open = !text.Quotation(first)
	}
	return nil
}

// meant is the filter that somebody may have mistyped; "" if it is like none.
func meant(name string) string {
	for _, f := range filters {
		if len(f) > 2 && len(name) > 2 && near(name, f) {
			return f
		}
	}
	return ""
}

// near reports that one letter too many, too few or another, or two in the wrong
// order, are all that parts two words.
func near(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	switch len(b) - len(a) {
	case 0:
		swapped := i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
		return i == len(a) || swapped || a[i+1:] == b[i+1:]
	case 1:
		return a[i:] == b[i+1:]
	}
	return false
}

// narrow takes the value of a filter.
func (r *queryReader) narrow(name string) error {
	if r.rest == "" || r.rest[0] == ' ' {
		return problem.New(problem.Invalid, "search.no_value", "filter", name)
	}
	var value string
	value, r.rest = text.NextPart(r.rest)
	q, small := &r.q, strings.ToLower(strings.TrimPrefix(value, "@"))
	refuse := func(code string) error {
		return problem.New(problem.Invalid, "search."+code, "value", text.Cut(value, 60))
	}
	switch name {
	case "from":
		t, ok := text.ParseTerm(value)
		switch {
		case small == "us":
			q.Us = true
		case !ok:
			return problem.New(problem.Invalid, "search.no_value", "filter", name)
		default:
			q.From = append(q.From, t)
		}
	case "account":
		q.Accounts = append(q.Accounts, small)
	case "network":
		q.Networks = append(q.Networks, small)
	case "in":
		if small != string(Direct) && small != string(Public) {
			return refuse("no_in")
		}
		q.Kind = Kind(small)
	case "has":
		if small != "media" {
			return refuse("no_has")
		}
		q.Media = true
	case "lang":
		if !languageCode.MatchString(small) {
			return refuse("no_lang")
		}
		q.Langs = append(q.Langs, small)
	default:
		return r.day(name, value)
	}
	return nil
}

// languageCode is what lang takes: a code as BCP 47 has it, or its first part.
var languageCode = regexp.MustCompile(`^[a-z]{2,3}(-[a-z0-9]{2,8})*$`)

// day takes a date: on it, from it on, or before it.
func (r *queryReader) day(name, value string) error {
	from, to, ok := span(value, r.now)
	if !ok {
		return problem.New(problem.Invalid, "search.no_date", "value", text.Cut(value, 60), "today", r.now.Format(time.DateOnly))
	}
	q := &r.q
	if name != "before" && from.After(q.Since) {
		q.Since = from
	}
	if name == "before" {
		to = from
	}
	if name != "after" && (q.Until.IsZero() || to.Before(q.Until)) {
		q.Until = to
	}
	return nil
}

// span is the day, month or year that a date names, as moments.
func span(value string, now time.Time) (from, to time.Time, ok bool) {
	y, m, d := now.Date()
	day := func(back int) (time.Time, time.Time, bool) {
		return time.Date(y, m, d-back, 0, 0, 0, 0, now.Location()), time.Date(y, m, d-back+1, 0, 0, 0, 0, now.Location()), true
	}
	switch strings.ToLower(value) {
	case "today":
		return day(0)
	case "yesterday":
		return day(1)
	}
	for layout, add := range map[string][3]int{time.DateOnly: {0, 0, 1}, "2006-01": {0, 1, 0}, "2006": {1, 0, 0}} {
		if t, err := time.ParseInLocation(layout, value, now.Location()); err == nil && len(value) == len(layout) {
			return t, t.AddDate(add[0], add[1], add[2]), t.Year() > 0
		}
	}
	return from, to, false
}
