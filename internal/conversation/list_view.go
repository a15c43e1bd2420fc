package conversation

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"parley/internal/actor"
	"parley/internal/id"
)

// listView is which list is shown beside whatever is open. It is the query of the
// address, so that whoever gets the address sees the same list.
type listView struct {
	box     Box
	account id.ID
	narrow  Narrow
	after   Place
	all     bool  // over all workspaces of the member; then it is narrowed by nothing
	under   id.ID // the post of ours under which one answers one after the other
}

func readView(q url.Values) listView {
	v := listView{box: Waiting, all: q.Get("all") != ""}
	for _, b := range Boxes {
		if string(b) == q.Get("box") {
			v.box = b
		}
	}
	if !v.all {
		v.account, _ = id.Parse(q.Get("account"))
		v.narrow = readNarrow(q)
	}
	v.under, _ = id.Parse(q.Get("under"))
	if after, err := id.Parse(q.Get("after")); err == nil {
		at, _ := strconv.ParseInt(q.Get("at"), 10, 64)
		v.after = Place{At: micros(at), ID: after}
	}
	return v
}

// mostLabels is how many labels one list can ask for.
const mostLabels = 8

// readNarrow leaves out what it does not understand: an old address shows more
// rather than nothing.
func readNarrow(q url.Values) Narrow {
	var n Narrow
	n.Network = word(q.Get("network"))
	n.Lang = primary(q.Get("lang"))
	for _, one := range q["label"] {
		if l, err := id.Parse(one); err == nil && !slices.Contains(n.Labels, l) && len(n.Labels) < mostLabels {
			n.Labels = append(n.Labels, l)
		}
	}
	slices.Sort(n.Labels)
	by := q.Get("by")
	if team, ok := strings.CutPrefix(by, "team-"); ok {
		n.Team, _ = id.Parse(team)
	} else if h := Hands(by); h == Free || h == Taken {
		n.Hands = h
	} else {
		n.Member, _ = id.Parse(by)
	}
	if k := Kind(q.Get("kind")); k == Public || k == Direct {
		n.Kind = k
	}
	return n
}

// word is s if it may be the name of a network.
func word(s string) string {
	if len(s) > 40 || strings.ContainsFunc(s, func(r rune) bool { return r < 'a' || r > 'z' }) {
		return ""
	}
	return s
}

func (n Narrow) query(q url.Values) {
	set := func(name, value string) {
		if value != "" {
			q.Add(name, value)
		}
	}
	set("network", n.Network)
	set("lang", n.Lang)
	for _, l := range n.Labels {
		set("label", l.String())
	}
	set("by", n.by())
	set("kind", string(n.Kind))
}

// by is who is answering, as the address says it.
func (n Narrow) by() string {
	switch {
	case n.Member != 0:
		return n.Member.String()
	case n.Team != 0:
		return "team-" + n.Team.String()
	}
	return string(n.Hands)
}

// query is the view as an address; the first page of the first box is nothing.
func (v listView) query() url.Values {
	q := url.Values{}
	if v.box != Waiting {
		q.Set("box", string(v.box))
	}
	if v.all {
		q.Set("all", "1")
	}
	if v.account != 0 {
		q.Set("account", v.account.String())
	}
	v.narrow.query(q)
	if v.under != 0 {
		q.Set("under", v.under.String())
	}
	if v.after.ID != 0 {
		q.Set("after", v.after.ID.String())
		q.Set("at", strconv.FormatInt(v.after.At.UnixMicro(), 10))
	}
	return q
}

func (v listView) href(path string, more ...string) string {
	q := v.query()
	for i := 0; i+1 < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

// narrowed reports that it shows less than its box holds.
func (v listView) narrowed() bool { return v.account != 0 || !v.narrow.None() }

// wide is the whole box.
func (v listView) wide() listView { return listView{box: v.box, all: v.all} }

// from is the page that begins after a place; the zero place is the first one.
func (v listView) from(after Place) listView {
	v.after, v.under = after, 0
	return v
}

// in is the same for another box.
func (v listView) in(box Box) listView {
	v.box = box
	return v.from(Place{})
}

// further says what the next page holds: whoever waits longest comes first, and a
// page that is not full was looked for in vain so far.
func (v listView) further(rows int) string {
	switch {
	case v.narrowed() && rows < pageSize:
		return "conversation.further"
	case v.box == Waiting:
		return "desk.further.waiting"
	}
	return "desk.further"
}

// empty is what is said where there is nothing.
func (v listView) empty(next string) string {
	switch {
	case next != "":
		return "conversation.empty.further"
	case v.narrowed():
		return "conversation.empty.narrowed"
	}
	return "conversation.empty." + string(v.box)
}

func (v listView) filter() Filter {
	return Filter{Box: v.box, Account: v.account, Narrow: v.narrow, After: v.after}
}

// sharedBy names everybody who sees the same list: those with the same rights
// to the same accounts, and for one's own box or with views of one's own oneself.
func (v listView) sharedBy(a actor.Actor, own bool) string {
	key := "inbox?" + v.query().Encode()
	if v.box == Mine || own {
		key += "&me=" + a.Member.String()
	}
	if scopes, all := a.Scopes(actor.ReadConversations); !all {
		key += "&only="
		for _, s := range scopes {
			key += s.Kind + s.ID.String()
		}
	}
	return key + "&may=" + strconv.FormatBool(a.Can(actor.ManageWorkspace)) + "&take=" + strconv.FormatBool(takes(a))
}
