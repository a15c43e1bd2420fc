package api

import (
	"encoding/base64"
	"encoding/json"

	"parley/internal/problem"
)

// Paging is embedded in the input of an operation that lists.
type Paging struct {
	Cursor string `query:"cursor" maxLength:"500" doc:"The next of the page before; without it the first page."`
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"40" doc:"How many at most."`
}

// List is one page.
type List[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty" doc:"The cursor of the following page; absent on the last one."`
}

// ListOf is a page of what convert makes of all.
func ListOf[S, T any](all []S, convert func(S) T) *List[T] {
	l := &List[T]{Items: make([]T, len(all))}
	for i, one := range all {
		l.Items[i] = convert(one)
	}
	return l
}

// Cursor writes a place as a cursor. place is anything that JSON can hold; it
// names what the caller may see anyway, so it is not sealed.
func Cursor(place any) string {
	b, err := json.Marshal(place)
	if err != nil {
		panic(err) // a place is made of ids, times and numbers
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// Place reads the cursor into a place, which stays as it is on the first page.
// Whatever no Cursor wrote is the problem api.bad_cursor.
func (p Paging) Place(into any) error {
	if p.Cursor == "" {
		return nil
	}
	b, err := base64.RawURLEncoding.DecodeString(p.Cursor)
	if err == nil {
		err = json.Unmarshal(b, into)
	}
	if err != nil {
		return problem.New(problem.Invalid, "api.bad_cursor").At("cursor").Because(err)
	}
	return nil
}
