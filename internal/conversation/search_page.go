package conversation

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"parley/internal/actor"
	"parley/internal/id"
	"parley/internal/page"
	"parley/internal/problem"
	"parley/internal/text"
)

// searchView is what the page of a search shows: what was found, or why nothing
// was looked for, or how to look.
type searchView struct {
	Typed   string
	People  []foundPerson
	Rows    []foundRow
	Problem *problem.Problem
	Next    string
	Looked  time.Time // short of the end: up to here
	First   string    // from a later page back to the first
}

// asked reports that there is anything to answer.
func (v searchView) asked() bool { return strings.TrimSpace(v.Typed) != "" }

type foundPerson struct {
	Person page.Person
	Href   string
	Last   time.Time
}

type foundRow struct {
	Href    string
	Outside bool // it is read on the network, not here
	Person  page.Person
	By      string // who of us said it
	Account string
	Own     bool
	Private bool
	At      time.Time
	Words   string
	Marks   []text.Range
	Lang    string
	Warning string
	Media   bool
}

func (p *Pages) registerSearch(k *page.Kernel) { k.Member("GET /search", p.search) }

func (p *Pages) search(_ http.ResponseWriter, r *page.Request) error {
	if !r.Actor.CanSomewhere(actor.ReadConversations) {
		return r.Actor.Require(actor.ReadConversations)
	}
	v, err := p.find(r)
	if err != nil {
		return err
	}
	if r.Fetched() && r.URL.Query().Get("fragment") == "found" {
		return r.Render(searchFound(v))
	}
	return r.Render(searchPage(v))
}

// find looks for what was typed. What cannot be understood is shown where the
// results would be: whoever types on is not stopped by it.
func (p *Pages) find(r *page.Request) (searchView, error) {
	typed := text.Clean(r.URL.Query().Get("q"))
	v := searchView{Typed: typed}
	if !v.asked() {
		return v, nil
	}
	var err error
	q, err := ParseQuery(typed, r.Now().In(r.Locale.Zone()), true)
	if err == nil {
		if q.Before, err = parseID(r.URL.Query().Get("before")); err != nil {
			return v, err
		}
		err = p.lookUp(r, q, &v)
	}
	if wrong := problem.Of(err); wrong != nil && wrong.Kind == problem.Invalid {
		v.Problem = wrong
		return v, nil
	}
	return v, err
}

func (p *Pages) lookUp(r *page.Request, q Query, v *searchView) error {
	ctx := r.Context()
	found, err := p.Desk.Search(ctx, r.Actor, q)
	if err != nil {
		return err
	}
	names, err := p.Desk.names(ctx, r.Actor.Workspace, writersOf(found.Hits))
	if err != nil {
		return err
	}
	for _, f := range found.Hits {
		v.Rows = append(v.Rows, presentFound(r, f, q, names[f.By]))
	}
	address := func(before id.ID) string {
		values := url.Values{"q": {v.Typed}}
		if before != 0 {
			values.Set("before", before.String())
		}
		return r.Link("search") + "?" + values.Encode()
	}
	if found.Next != 0 {
		v.Next, v.Looked = address(found.Next), found.Looked
	}
	if q.Before != 0 {
		v.First = address(0)
		return nil // people stand on the first page
	}
	people, err := p.Desk.SearchPeople(ctx, r.Actor, q)
	for _, k := range people {
		v.People = append(v.People, foundPerson{Person: presentPerson(r, k.Person, k.Network), Href: r.Link("inbox/" + k.Conversation.String()), Last: k.Last})
	}
	return err
}

func writersOf(found []Hit) (members []id.ID) {
	for _, f := range found {
		if f.By != 0 {
			members = append(members, f.By)
		}
	}
	return members
}

// excerptRoom is how many bytes of a message are shown: what scripts with three
// bytes a letter say in them is short enough, and what Latin says long enough.
const excerptRoom = 260

func presentFound(r *page.Request, f Hit, q Query, by string) foundRow {
	row := foundRow{Person: presentPerson(r, f.Author, f.Network), By: by, Account: text.DisplaySafe(f.Handle), Own: f.Own, Private: f.Direct,
		At: f.At, Lang: f.Lang, Warning: text.DisplaySafe(f.Warning), Media: f.Media}
	words := afterOurName(text.DisplaySafe(strings.Join(strings.Fields(f.Body), " ")), f.Handle)
	row.Words, row.Marks = text.Excerpt(words, text.Find(words, q.Words), excerptRoom)
	if f.Conversation == 0 {
		row.Href, row.Outside = f.URL, true
		return row
	}
	message := f.Message.String()
	row.Href = r.Link("inbox/"+f.Conversation.String()) + "?message=" + message + "#message-" + message
	return row
}

func escaped(q string) string { return url.QueryEscape(q) }

// searchExamples are what the empty page teaches, in this order.
func searchExamples() []string {
	return []string{"words", "phrase", "begin", "without", "from", "us", "account", "in", "dates", "media", "lang"}
}

// furtherBack says what the next page of a search holds.
func (v searchView) furtherBack() string {
	if v.Looked.IsZero() {
		return "search.older"
	}
	return "search.back"
}
