package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"parley/internal/problem"
)

// Problem is a refusal as it is told: problem details (RFC 9457) with a code
// for programs. What caused it is in the log, under the reference that Instance
// ends with, and nowhere else.
type Problem struct {
	Type     string  `json:"type" format:"uri" example:"urn:parley:problem:conversation.claimed" doc:"What sort of problem it is."`
	Title    string  `json:"title" doc:"What happened, in the language of Accept-Language."`
	Status   int     `json:"status" doc:"The HTTP status."`
	Detail   string  `json:"detail,omitempty" doc:"What to do next."`
	Instance string  `json:"instance" format:"uri" example:"urn:parley:request:ABCDEFGH" doc:"Names this request in the log of the installation."`
	Code     string  `json:"code" example:"conversation.claimed" doc:"The type without its prefix. Codes do not change."`
	Field    string  `json:"field,omitempty" doc:"The input it is about, if it is about one."`
	Errors   []Fault `json:"errors,omitempty" doc:"What does not fit the document, and where."`
}

// Fault is one value that does not fit the document. It never repeats the value.
type Fault struct {
	At    string `json:"at" example:"body.email" doc:"Where in the request."`
	Fault string `json:"fault" doc:"What is wrong with it."`
}

// Error, GetStatus and ContentType let the library write it as an answer.
func (p *Problem) Error() string  { return p.Code }
func (p *Problem) GetStatus() int { return p.Status }

func (p *Problem) ContentType(string) string { return problemType }

const problemType = "application/problem+json"

var _ huma.StatusError = (*Problem)(nil)

func notFound() *problem.Problem { return problem.New(problem.NotFound, "api.not_found") }

// status is what a problem is told with. Some of HTTP's own have no Kind.
func status(p *problem.Problem) int {
	switch p.Code {
	case "api.bad_json":
		return http.StatusBadRequest
	case "api.no_method":
		return http.StatusMethodNotAllowed
	case "api.too_large":
		return http.StatusRequestEntityTooLarge
	case "api.content_type":
		return http.StatusUnsupportedMediaType
	}
	return p.Kind.Status()
}

// explain tells err in the caller's language and logs what is not told.
func (c *call) explain(err error) *Problem {
	p := problem.Of(err)
	c.log(p, err)
	out := &Problem{Type: "urn:parley:problem:" + p.Code, Status: status(p), Instance: "urn:parley:request:" + c.ref, Code: p.Code, Field: p.Field}
	out.Title, out.Detail = c.locale.Problem(p)
	return out
}

func (c *call) log(p *problem.Problem, err error) {
	ctx, log := c.r.Context(), c.opts.Log
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return // whoever asked went away
	}
	about := []any{"ref", c.ref, "method", c.r.Method, "path", c.r.URL.Path, "code", p.Code,
		"workspace", c.actor.Workspace, "member", c.actor.Member, "token", c.actor.Token, "error", err}
	switch p.Kind {
	case problem.Internal:
		log.ErrorContext(ctx, "API request failed", about...)
	case problem.Unavailable, problem.Upstream:
		log.WarnContext(ctx, "API request refused", about...)
	default:
		log.DebugContext(ctx, "API request refused", about...)
	}
}

// fail answers with a problem, in place of whatever was answered so far.
func (c *call) fail(err error) {
	p := c.explain(err)
	c.answer.reset()
	h := c.answer.Header()
	h.Set("Content-Type", problemType)
	var late *limited
	if errors.As(err, &late) {
		h.Set("Retry-After", fmt.Sprint(late.seconds()))
	}
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="parley"`)
	}
	c.answer.WriteHeader(p.Status)
	if err := marshal(c.answer, p); err != nil {
		panic(err) // strings and numbers always marshal
	}
}

// explainFaults turns what the library says of a request that does not fit the
// document into a Problem. It repeats no value: there may be a password in it.
func explainFaults(ctx huma.Context, _ string, v any) (any, error) {
	m, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	p := callOf(ctx.Context()).explain(faultCode(m.Status))
	p.Status = m.Status
	for _, e := range m.Errors {
		if e != nil {
			p.Errors = append(p.Errors, Fault{At: e.Location, Fault: e.Message})
		}
	}
	return p, nil
}

func faultCode(status int) error {
	switch status {
	case http.StatusBadRequest:
		return problem.New(problem.Invalid, "api.bad_json")
	case http.StatusUnsupportedMediaType:
		return problem.New(problem.Invalid, "api.content_type")
	case http.StatusUnprocessableEntity:
		return problem.New(problem.Invalid, "api.invalid")
	default:
		return fmt.Errorf("the library refused a request with %d", status)
	}
}
