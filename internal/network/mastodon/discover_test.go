package mastodon

import "testing"

func TestParseAddress(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ hint, base, user string }{
		{"mastodon.example", "https://mastodon.example", ""},
		{"  Mastodon.Example ", "https://mastodon.example", ""},
		{"https://mastodon.example/@desk", "https://mastodon.example", ""},
		{"https://mastodon.example:8443/about?x=1", "https://mastodon.example:8443", ""},
		{"mastodon.example/@desk", "https://mastodon.example", ""},
		{"@desk@mastodon.example", "https://mastodon.example", "desk"},
		{"desk@mastodon.example", "https://mastodon.example", "desk"},
		{"acct:desk@mastodon.example", "https://mastodon.example", "desk"},
		{"http://mastodon.example", "https://mastodon.example", ""}, // never in the clear
		{"http://127.0.0.1:8080", "http://127.0.0.1:8080", ""},
		{"@desk@127.0.0.1:8080", "https://127.0.0.1:8080", "desk"},
		{"http://localhost:8080/", "http://localhost:8080", ""},
		{"bücher.example", "https://bücher.example", ""},
	} {
		got, err := parseAddress(c.hint)
		if err != nil || got.base != c.base || got.user != c.user {
			t.Errorf("%q: %+v, %v, want %s and user %q", c.hint, got, err, c.base, c.user)
		}
	}
	for _, hint := range []string{
		"", "mastodon", "@desk", "ftp://mastodon.example", "javascript:alert(1)", "https://", "two words.example",
		"https://user:pass@mastodon.example/", "exa\x00mple.org", "https://[::1", "..", "a@b@c@d",
		"https://mastodon.example\\@evil.example",
	} {
		if got, err := parseAddress(hint); err == nil {
			t.Errorf("%q is accepted as %+v", hint, got)
		}
	}
}

func TestDialectOf(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]Dialect{
		"mastodon": Mastodon, "Mastodon": Mastodon, "gotosocial": GoToSocial, "pleroma": Pleroma, "akkoma": Pleroma,
		"pixelfed": Pixelfed, "snac": Snac, "sharkey": Unknown, "": Unknown, "unknown": Unknown,
	} {
		if got := dialectOf(name); got != want {
			t.Errorf("%q is %q, want %q", name, got, want)
		}
	}
}

func TestSince(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		dialect Dialect
		version string
		want    bool
	}{
		{Mastodon, "4.3.0", true}, {Mastodon, "4.5.0-beta.1+glitch", true}, {Mastodon, "5.0", true}, {Mastodon, "4.2.9", false},
		{Mastodon, "", false}, {Mastodon, "nightly", false}, {GoToSocial, "4.9.0", false}, {Unknown, "4.5.0", false},
	} {
		if got := (server{Dialect: c.dialect, Version: c.version}).since(4, 3); got != c.want {
			t.Errorf("%s %q since 4.3: %v", c.dialect, c.version, got)
		}
	}
}

func TestStreamAddress(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ advertised, instance, want string }{
		{"wss://stream.town.example", "https://town.example", "wss://stream.town.example/api/v1/streaming?stream=user"},
		{"https://town.example/", "https://town.example", "wss://town.example/api/v1/streaming?stream=user"},
		{"wss://127.0.0.1:8080", "http://127.0.0.1:8080", "ws://127.0.0.1:8080/api/v1/streaming?stream=user"},
		{"wss://town.example/api/v1/streaming", "https://town.example", "wss://town.example/api/v1/streaming?stream=user"},
		{"", "https://town.example", "wss://town.example/api/v1/streaming?stream=user"},
		{"ws://town.example", "https://town.example", "wss://town.example/api/v1/streaming?stream=user"}, // never in the clear
	} {
		got, err := streamAddress(c.advertised, c.instance)
		if err != nil || got != c.want {
			t.Errorf("%q on %s: %q, %v, want %q", c.advertised, c.instance, got, err, c.want)
		}
	}
	if got, err := streamAddress("::", "https://town.example"); err == nil {
		t.Errorf("a broken address gives %q", got)
	}
}
