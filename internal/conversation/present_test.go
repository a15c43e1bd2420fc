package conversation

import "testing"

func TestAListLeavesOutOurOwnName(t *testing.T) {
	t.Parallel()
	const us = "town@social.example"
	for words, want := range map[string]string{
		"@town when do you open?":        "when do you open?",
		"@Town, when do you open?":       "when do you open?",
		"@town@social.example hello":     "hello",
		"@town":                          "@town",
		"@townhall when do you open?":    "@townhall when do you open?",
		"@bea @town is right":            "@bea @town is right",
		"when does @town open?":          "when does @town open?",
		"":                               "",
		"@town@elsewhere.example, hello": "@town@elsewhere.example, hello",
	} {
		if got := afterOurName(words, us); got != want {
			t.Errorf("%q is listed as %q, want %q", words, got, want)
		}
	}
}
