package mastodon

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"parley/internal/network"
)

// factsLife is how long a server's own description is believed.
const factsLife = 6 * time.Hour

// server is what a server tells of itself.
type server struct {
	Dialect   Dialect
	Version   string // of the software, as it names it
	API       int    // api_versions.mastodon; 0 where it is not told
	Domain    string // what stands after the @ of its people
	Streaming string // base address of the streaming API; "" if none is told

	MaxChars, URLWeight    int
	MaxMedia, AltMax       int
	ImageBytes, VideoBytes int64
	MIME                   []string
}

// instance is the instance document, version 1 and 2 in one.
type instance struct {
	Domain  string `json:"domain"` // version 2
	URI     string `json:"uri"`    // version 1: the domain, on some servers an address
	Version string `json:"version"`
	Title   string `json:"title"`
	URLs    struct {
		Streaming string `json:"streaming_api"`
	} `json:"urls"`
	API struct {
		Mastodon int `json:"mastodon"`
	} `json:"api_versions"`
	MaxChars int `json:"max_toot_chars"` // Pleroma
	Config   struct {
		URLs struct {
			Streaming string `json:"streaming"`
		} `json:"urls"`
		Statuses struct {
			MaxChars  int `json:"max_characters"`
			MaxMedia  int `json:"max_media_attachments"`
			URLWeight int `json:"characters_reserved_per_url"`
		} `json:"statuses"`
		Media struct {
			MIME       []string `json:"supported_mime_types"`
			ImageBytes int64    `json:"image_size_limit"`
			VideoBytes int64    `json:"video_size_limit"`
			AltMax     int      `json:"description_limit"`
		} `json:"media_attachments"`
	} `json:"configuration"`
}

// read takes over what the document tells, with the family's defaults for the rest.
func (s server) read(in instance) server {
	t := s.Dialect.traits()
	s.Version = in.Version
	s.API = max(0, in.API.Mastodon)
	s.Domain = hostOnly(first(in.Domain, in.URI))
	s.Streaming = first(in.Config.URLs.Streaming, in.URLs.Streaming)
	s.MaxChars = positive(in.Config.Statuses.MaxChars, in.MaxChars, t.defaultMax)
	s.URLWeight = positive(in.Config.Statuses.URLWeight, 23)
	s.MaxMedia = positive(in.Config.Statuses.MaxMedia, 4)
	s.AltMax = positive(in.Config.Media.AltMax, 1500)
	s.ImageBytes = positive(in.Config.Media.ImageBytes, 10<<20)
	s.VideoBytes = positive(in.Config.Media.VideoBytes, 40<<20)
	s.MIME = in.Config.Media.MIME
	return s
}

// describe is the server in words, for the operator: "Mastodon 4.5.1 (api 7)".
func (s server) describe() string {
	title := first(s.Dialect.traits().title, "unknown software")
	out := strings.TrimSpace(title + " " + s.Version)
	if s.API > 0 {
		out += fmt.Sprintf(" (api %d)", s.API)
	}
	return out
}

// since reports Mastodon of at least that version. Other software never is:
// what version it claims says nothing about what it can do.
func (s server) since(major, minor int) bool {
	if s.Dialect != Mastodon {
		return false
	}
	ma, mi := version(s.Version)
	return ma > major || ma == major && mi >= minor
}

// version reads the two leading numbers of "4.5.0-beta.1+fork".
func version(v string) (major, minor int) {
	parts := strings.SplitN(strings.TrimPrefix(v, "v"), ".", 3)
	major, _ = strconv.Atoi(parts[0])
	if len(parts) > 1 {
		minor, _ = strconv.Atoi(parts[1])
	}
	return major, minor
}

// server is what is known of the account's server, asked again when the answer
// is old. Only the dialect is always there: from sign-in.
func (n *Network) server(ctx context.Context, a network.Account) (server, error) {
	if s, ok := n.known(a.Instance); ok {
		return s, nil
	}
	in, _, err := n.instance(ctx, a.Instance)
	if err != nil {
		return server{}, err
	}
	s := server{Dialect: dialect(a)}.read(in)
	if s.Domain == "" {
		s.Domain = domain(a)
	}
	n.learn(a.Instance, s)
	return s, nil
}

// guess is server without asking anybody: what sign-in noted, or what is still
// remembered. Good enough to choose parameters of a read.
func (n *Network) guess(a network.Account) server {
	if s, ok := n.known(a.Instance); ok {
		return s
	}
	api, _ := strconv.Atoi(a.Extra[extraAPI])
	s := server{Dialect: dialect(a)}.read(instance{Version: a.Extra[extraVersion]})
	s.API, s.Domain = api, domain(a)
	return s
}

func (n *Network) known(base string) (server, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	f, ok := n.facts[base]
	return f.server, ok && n.env.Now().Sub(f.at) < factsLife
}

func (n *Network) learn(base string, s server) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.facts[base] = facts{s, n.env.Now()}
}

// instance reads the instance document: version 2, else 1; and where it stood
// after redirects.
func (n *Network) instance(ctx context.Context, base string) (instance, *url.URL, error) {
	var in instance
	ans, err := n.public(ctx, base, "/api/v2/instance", &in)
	if transport(err) || network.KindOf(err) == network.RateLimited {
		return instance{}, nil, err
	}
	if err != nil || in.Domain == "" {
		in = instance{}
		ans, err = n.public(ctx, base, "/api/v1/instance", &in)
	}
	if err != nil {
		return instance{}, nil, err
	}
	if in.Domain == "" && in.URI == "" {
		return instance{}, nil, &network.Error{Kind: network.Transient, Native: "bad_json", Message: "the instance document names no domain"}
	}
	return in, ans.url, nil
}

// public reads a document that needs no token. Redirects are followed: they
// lead to where the server really is.
func (n *Network) public(ctx context.Context, base, path string, out any) (answer, error) {
	q := get(path, nil)
	q.bare = true
	ans, err := n.send(ctx, n.env.HTTP, base, "", q)
	if err != nil {
		return ans, err
	}
	if ans.status != http.StatusOK {
		return ans, n.refusal(q, ans)
	}
	return ans, ans.decode(q, out)
}

// Keys of Account.Extra.
const (
	extraDialect  = "dialect"
	extraVersion  = "version"
	extraAPI      = "api"
	extraDomain   = "domain"
	extraPrivacy  = "privacy"
	extraLanguage = "language"
)

func dialect(a network.Account) Dialect {
	switch d := Dialect(a.Extra[extraDialect]); d {
	case Mastodon, GoToSocial, Pleroma, Pixelfed, Snac:
		return d
	default:
		return Unknown
	}
}

// domain is what stands after the @ of the server's own people.
func domain(a network.Account) string {
	return first(a.Extra[extraDomain], hostOnly(a.Instance))
}

// hostOnly cuts scheme, path and nothing else off an address.
func hostOnly(addr string) string {
	if _, after, ok := strings.Cut(addr, "://"); ok {
		addr = after
	}
	host, _, _ := strings.Cut(addr, "/")
	return strings.ToLower(host)
}

func first(vs ...string) string {
	for _, v := range vs {
		if v != "" {
			return v
		}
	}
	return ""
}

func positive[T int | int64](vs ...T) T {
	for _, v := range vs {
		if v > 0 {
			return v
		}
	}
	return 0
}
