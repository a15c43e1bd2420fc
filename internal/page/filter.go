package page

// FilterView is what a list is narrowed to, and what it can be.
type FilterView struct {
	Action string      // a form asks there, with GET
	Hidden [][2]string // further fields
	Groups []FilterGroup
	Chips  []FilterChip
	Clear  string // the whole list; "" while nothing is taken away
	Share  string // the address of this list
	Save   string // where it is given a name; "" for nowhere
	Shared bool   // the visitor may do so for everybody
	Views  []ViewLink
}

// FilterGroup is one thing a list can be narrowed by.
type FilterGroup struct {
	Name    string // of the field
	Label   string
	Options []Option
}

// FilterChip is one thing that a list is narrowed to.
type FilterChip struct {
	Label string
	Hue   string // of a label
	Off   string // the list without it
}

// ViewLink is a list under the name it was given.
type ViewLink struct {
	Name    string
	Href    string
	Shared  bool
	Current bool
	Remove  string // a form posts there; "" for who may not
}

// current is the saved view that is shown, if one is.
func (f FilterView) current() (ViewLink, bool) {
	for _, v := range f.Views {
		if v.Current {
			return v, true
		}
	}
	return ViewLink{}, false
}
