package mastodon

import (
	"net/http"
	"testing"
)

func TestReadLinks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, header, newer, older string
	}{
		{"both", `<https://a.example/api/v1/notifications?max_id=7>; rel="next", <https://a.example/api/v1/notifications?min_id=9>; rel="prev"`, "9", "7"},
		{"a comma in the address", `<https://a.example/x?types=a,b&min_id=9>; rel="prev"`, "9", ""},
		{"rel among others, unquoted", `<https://a.example/x?min_id=9>; title="a, b; c"; rel=prev`, "9", ""},
		{"two rels in one", `<https://a.example/x?max_id=1>; rel="next last"`, "", "1"},
		{"relative address", `</x?max_id=1>; rel="next"`, "", "1"},
		{"another host gives only its id", `<https://evil.example/?min_id=9>; rel="prev"`, "9", ""},
		{"since_id is not min_id", `<https://a.example/x?since_id=9>; rel="prev"`, "", ""},
		{"never closed", `<https://a.example/x?min_id=9`, "", ""},
		{"no address", `rel="prev"`, "", ""},
		{"not parsable", `<::%zz>; rel="prev", <https://a.example/x?min_id=9>; rel="prev"`, "9", ""},
		{"empty", "", "", ""},
	} {
		got := readLinks(http.Header{"Link": {c.header}})
		if got.newer != c.newer || got.older != c.older {
			t.Errorf("%s: %+v, want newer %q older %q", c.name, got, c.newer, c.older)
		}
	}
}

func FuzzLink(f *testing.F) {
	f.Add(`<https://a.example/x?max_id=7>; rel="next", <https://a.example/x?min_id=9>; rel="prev"`)
	f.Add(`<>;,<`)
	f.Add(`<a>; rel="`)
	f.Fuzz(func(t *testing.T, s string) {
		readLinks(http.Header{"Link": {s, s}}) // ends, and does not panic
	})
}
