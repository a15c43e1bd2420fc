package mastodon

import (
	"testing"

	"parley/internal/network"
)

func us() network.Account {
	return network.Account{
		Network: Name, Instance: "https://town.example", RemoteID: "1", Handle: "desk@town.example",
		Extra: map[string]string{extraDomain: "town.example", extraDialect: "mastodon"},
	}
}

func TestWithMentions(t *testing.T) {
	t.Parallel()
	keep := func(handles ...string) []network.Person {
		var out []network.Person
		for _, h := range handles {
			out = append(out, network.Person{RemoteID: h, Handle: h})
		}
		return out
	}
	for _, c := range []struct {
		name, text string
		keep       []network.Person
		want       string
	}{
		{"missing", "Thank you.", keep("ann@far.example"), "@ann@far.example Thank you."},
		{"there", "Thank you, @ann@far.example.", keep("ann@far.example"), "Thank you, @ann@far.example."},
		{"there in another case", "@Ann@FAR.example hi", keep("ann@far.example"), "@Ann@FAR.example hi"},
		{"two, one missing", "@ann@far.example hi", keep("ann@far.example", "bo@far.example"), "@bo@far.example @ann@far.example hi"},
		{"our own server's people need no domain", "Hi", keep("cy@town.example"), "@cy Hi"},
		{"and are found without it", "@cy hi", keep("cy@town.example"), "@cy hi"},
		{"a namesake elsewhere is somebody else", "@cy hi", keep("cy@far.example"), "@cy@far.example @cy hi"},
		{"we do not mention ourselves", "Hi", keep("desk@town.example"), "Hi"},
		{"nor anybody twice", "Hi", keep("ann@far.example", "@Ann@far.example"), "@ann@far.example Hi"},
		{"an e-mail address is no mention", "write to x@ann@far.example", keep("ann@far.example"), "@ann@far.example write to x@ann@far.example"},
		{"nor is a longer name", "@anna@far.example", keep("ann@far.example"), "@ann@far.example @anna@far.example"},
		{"nor a path", "https://far.example/@ann@far.example", keep("ann@far.example"), "@ann@far.example https://far.example/@ann@far.example"},
		{"brackets around it", "(@ann@far.example)", keep("ann@far.example"), "(@ann@far.example)"},
		{"a dot after it", "ask @cy.", keep("cy@town.example"), "ask @cy."},
		{"a port", "@cy@far.example:8080 hi", keep("cy@far.example:8080"), "@cy@far.example:8080 hi"},
		{"nobody", "Hi", nil, "Hi"},
	} {
		if got := withMentions(us(), c.text, c.keep); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
