package api

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"parley/internal/actor"
	"parley/internal/id"
)

const tokenScheme = "token"

// rightsExtension names, in the document, the rights of which a token needs one.
const rightsExtension = "x-parley-rights"

// None is the body of an answer that has none (204).
type None struct{}

// Handler does what one operation is for. Out is the body of the answer.
type Handler[In, Out any] func(ctx context.Context, a actor.Actor, in *In) (*Out, error)

// Route is one operation.
type Route struct {
	Method string
	Path   string // below Path: "/accounts/{account}"
	ID     string // operationId
	Needs  []actor.Right

	open    bool // needs no token
	maxBody int64
	about   string
	status  int
	keyed   bool
}

// Option changes how one operation is served and documented.
type Option func(*Route)

// Needs names the rights of which the actor must hold one, somewhere in the
// workspace. Without it every token of the workspace will do.
func Needs(rights ...actor.Right) Option { return func(r *Route) { r.Needs = rights } }

// MaxBody lets an operation take larger bodies, in bytes.
func MaxBody(bytes int64) Option { return func(r *Route) { r.maxBody = bytes } }

// About says more in the document than the summary does.
func About(text string) Option { return func(r *Route) { r.about = text } }

// Created answers 201.
func Created(r *Route) { r.status = http.StatusCreated }

// KeyRequired refuses requests without an Idempotency-Key.
func KeyRequired(r *Route) { r.keyed = true }

// Section is a part of the API under one heading of the document.
type Section struct {
	api  *API
	name string
}

// Section opens a part of the document.
func (a *API) Section(name, about string) *Section {
	oapi := a.huma.OpenAPI()
	oapi.Tags = append(oapi.Tags, &huma.Tag{Name: name, Description: about})
	return &Section{a, name}
}

// Get registers an operation that reads.
func Get[In, Out any](s *Section, path, id, summary string, h Handler[In, Out], options ...Option) {
	register(s, http.MethodGet, path, id, summary, h, options)
}

// Post registers an operation that changes something, or makes it.
func Post[In, Out any](s *Section, path, id, summary string, h Handler[In, Out], options ...Option) {
	register(s, http.MethodPost, path, id, summary, h, options)
}

// Put registers an operation that sets something whole.
func Put[In, Out any](s *Section, path, id, summary string, h Handler[In, Out], options ...Option) {
	register(s, http.MethodPut, path, id, summary, h, options)
}

// Patch registers an operation that changes a part of something.
func Patch[In, Out any](s *Section, path, id, summary string, h Handler[In, Out], options ...Option) {
	register(s, http.MethodPatch, path, id, summary, h, options)
}

// Delete registers an operation that ends something.
func Delete[In, Out any](s *Section, path, id, summary string, h Handler[In, Out], options ...Option) {
	register(s, http.MethodDelete, path, id, summary, h, options)
}

// Routes lists the operations by path and method.
func (a *API) Routes() []Route {
	var all []Route
	for _, r := range a.routes {
		if !r.open {
			all = append(all, *r)
		}
	}
	slices.SortFunc(all, func(x, y Route) int {
		return cmp.Or(strings.Compare(x.Path, y.Path), strings.Compare(x.Method, y.Method))
	})
	return all
}

func (a *API) handle(r *Route) {
	if r.maxBody == 0 {
		r.maxBody = a.opts.MaxBody
	}
	a.routes[r.Method+" "+Path+r.Path] = r
}

func register[In, Out any](s *Section, method, path, id, summary string, h Handler[In, Out], options []Option) {
	r := &Route{Method: method, Path: path, ID: id}
	for _, change := range options {
		change(r)
	}
	seen := map[reflect.Type]bool{}
	visible(reflect.TypeFor[In](), seen)
	visible(reflect.TypeFor[Out](), seen)
	s.api.handle(r)
	op := r.operation(s.name, summary, reflect.TypeFor[In]())
	op.Responses = map[string]*huma.Response{"default": {Description: "What was refused, and why.", Content: map[string]*huma.MediaType{
		problemType: {Schema: s.api.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[Problem](), true, "")}}}}
	if reflect.TypeFor[Out]() == reflect.TypeFor[None]() {
		op.DefaultStatus = http.StatusNoContent
		huma.Register(s.api.huma, op, func(ctx context.Context, in *In) (*struct{}, error) {
			_, err := run(ctx, h, in)
			return nil, err
		})
	} else {
		type reply struct{ Body *Out }
		huma.Register(s.api.huma, op, func(ctx context.Context, in *In) (*reply, error) {
			out, err := run(ctx, h, in)
			if err != nil {
				return nil, err
			}
			return &reply{out}, nil
		})
	}
	tidy(s.api.huma.OpenAPI().Components.Schemas.Map())
}

// run calls the handler as the actor whom the token stands for. What it refuses
// is told as a Problem; the cause goes to the log.
func run[In, Out any](ctx context.Context, h Handler[In, Out], in *In) (*Out, error) {
	c := callOf(ctx)
	out, err := h(ctx, c.actor, in)
	if err != nil {
		return nil, c.explain(err)
	}
	if out == nil && reflect.TypeFor[Out]() != reflect.TypeFor[None]() {
		return nil, c.explain(fmt.Errorf("operation %s answered nothing", c.route.ID))
	}
	return out, nil
}

// operation documents the route.
func (r *Route) operation(section, summary string, in reflect.Type) huma.Operation {
	op := huma.Operation{Method: r.Method, Path: r.Path, OperationID: r.ID, Summary: summary, Description: r.about,
		Tags: []string{section}, DefaultStatus: r.status,
		Metadata: map[string]any{idsInPathKey: pathIDs(in)},
		// The kernel has read the body already, with its own bounds.
		MaxBodyBytes: -1, BodyReadTimeout: -1}
	if _, raw := in.FieldByName("RawBody"); raw {
		op.SkipValidateBody = true
	}
	if len(r.Needs) == 0 {
		op.Security = []map[string][]string{{tokenScheme: {}}}
	} else {
		names := make([]string, len(r.Needs))
		for i, right := range r.Needs {
			names[i] = string(right)
			// In OpenAPI 3.1 the list names roles, here rights; several entries are alternatives.
			op.Security = append(op.Security, map[string][]string{tokenScheme: {names[i]}})
		}
		op.Extensions = map[string]any{rightsExtension: names}
	}
	if r.Method == http.MethodPost && !hasHeader(in, keyHeader) {
		longest := maxKey
		op.Parameters = append(op.Parameters, &huma.Param{Name: keyHeader, In: "header", Required: r.keyed, Description: keyAbout,
			Schema: &huma.Schema{Type: huma.TypeString, MaxLength: &longest}})
	}
	return op
}

// hasHeader reports whether the input names a header itself.
func hasHeader(in reflect.Type, name string) bool {
	for _, f := range reflect.VisibleFields(in) {
		if strings.EqualFold(f.Tag.Get("header"), name) {
			return true
		}
	}
	return false
}

// pathIDs are the names of the path's ids. What is no id leads nowhere, as on
// the pages: it is not found, rather than invalid.
func pathIDs(in reflect.Type) []string {
	var names []string
	for _, f := range reflect.VisibleFields(in) {
		if name := f.Tag.Get("path"); name != "" && f.Type == reflect.TypeFor[ID]() {
			names = append(names, name)
		}
	}
	return names
}

const idsInPathKey = "parley.ids"

func idsInPath(ctx huma.Context, next func(huma.Context)) {
	names, _ := ctx.Operation().Metadata[idsInPathKey].([]string)
	for _, name := range names {
		if _, err := id.Parse(ctx.Param(name)); err != nil {
			callOf(ctx.Context()).fail(notFound())
			return
		}
	}
	next(ctx)
}
