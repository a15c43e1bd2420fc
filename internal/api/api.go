package api

import (
	"context"
	"embed"
	"encoding/json"
	"log/slog"
	"net/http"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"parley/internal/actor"
	"parley/internal/clock"
	"parley/internal/db"
	"parley/internal/i18n"
)

// Catalogue holds this package's sentences.
//
//go:embed catalogue/*.json
var Catalogue embed.FS

// Path is where the API stands.
const Path = "/api/v1"

// Document is where the OpenAPI document is, for everybody to read.
const Document = Path + "/openapi.json"

// Options is what an API is made of. All but Rate and MaxBody are required.
type Options struct {
	DB     *db.DB
	Clock  clock.Clock
	Log    *slog.Logger
	Bundle *i18n.Bundle // says problems

	// Authenticate finds who a token acts for. One that does not work is a
	// problem of kind Unauthenticated; any other error is a failure.
	Authenticate func(ctx context.Context, token string) (actor.Actor, error)

	// Rate is how many requests each token may make; zero is DefaultRate.
	Rate Rate
	// MaxBody is the largest request body in bytes unless an operation says
	// otherwise; 0 is 1 MiB.
	MaxBody int64
}

// API serves the registered operations.
type API struct {
	opts   Options
	mux    *http.ServeMux
	huma   huma.API
	routes map[string]*Route // by pattern
	limit  *limiter

	mu      sync.Mutex
	pending map[answerKey]chan struct{} // keyed requests being worked on in this process

	spec func() ([]byte, error) // written at the first request for it
}

// New makes an API without operations. It panics where a required option is
// missing: nothing could be answered.
func New(o Options) *API {
	if o.DB == nil || o.Clock == nil || o.Log == nil || o.Bundle == nil || o.Authenticate == nil {
		panic("api: DB, Clock, Log, Bundle and Authenticate are required")
	}
	if o.Rate == (Rate{}) {
		o.Rate = DefaultRate()
	}
	if o.MaxBody == 0 {
		o.MaxBody = 1 << 20
	}
	a := &API{opts: o, mux: http.NewServeMux(), routes: map[string]*Route{}, limit: newLimiter(o.Clock, o.Rate),
		pending: map[answerKey]chan struct{}{}}
	a.huma = huma.NewAPI(config(), humago.NewAdapter(a.mux, Path))
	a.huma.UseMiddleware(idsInPath)
	a.handle(&Route{Method: http.MethodGet, Path: "/openapi.json", open: true})
	a.mux.HandleFunc(http.MethodGet+" "+Document, a.document)
	a.spec = sync.OnceValues(a.Document)
	return a
}

// config is the library without what it would add by itself: no page that loads
// scripts from elsewhere, no links to schemas, JSON only.
func config() huma.Config {
	format := huma.Format{Marshal: marshal, Unmarshal: unmarshal}
	return huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{Title: "Parley", Version: "1", Description: about,
				License: &huma.License{Name: "Apache 2.0", Identifier: "Apache-2.0"}},
			Servers: []*huma.Server{{URL: Path}},
			Components: &huma.Components{Schemas: newRegistry(), SecuritySchemes: map[string]*huma.SecurityScheme{
				tokenScheme: {Type: "http", Scheme: "bearer", Description: "An API token, made in one's own settings. It may do what both its member and the token may do."},
			}},
		},
		Formats:       map[string]huma.Format{"application/json": format, "json": format},
		DefaultFormat: "application/json",
		Transformers:  []huma.Transformer{explainFaults},
		// A misspelt filter must not look like one that matched everything.
		RejectUnknownQueryParameters: true,
	}
}

const about = `The desk, for programs: whatever its pages can change, this can.

Ids are strings, times are RFC 3339 in UTC. Lists give ` + "`next`" + `, the cursor of the following page, for as long as there is one.
A POST may carry an ` + "`Idempotency-Key`" + `; repeated with the same key and body within a day it answers the same and does nothing again.
Whatever is refused is told as problem details (RFC 9457): ` + "`title`" + ` says what happened, ` + "`detail`" + ` what to do next, ` + "`code`" + ` is for programs.`

// ServeHTTP answers one request below Path.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := a.begin(w, r)
	defer c.end()
	if err := c.serve(); err != nil {
		c.fail(err)
	}
}

// document tells what there is.
func (a *API) document(w http.ResponseWriter, r *http.Request) {
	spec, err := a.spec()
	if err != nil {
		callOf(r.Context()).fail(err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(spec)
}

// Document is the OpenAPI document, indented. Call it once everything is
// registered.
func (a *API) Document() ([]byte, error) {
	loosen(a.huma.OpenAPI())
	return json.MarshalIndent(a.huma.OpenAPI(), "", "  ")
}
