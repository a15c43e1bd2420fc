package api

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"time"
	"unicode/utf8"

	"parley/internal/actor"
	"parley/internal/i18n"
	"parley/internal/problem"
)

// call is one request on its way through the kernel.
type call struct {
	*API
	w      http.ResponseWriter
	r      *http.Request
	answer *answer
	locale *i18n.Locale
	ref    string
	route  *Route
	actor  actor.Actor
	token  string
}

type callKey struct{}

// callOf is the call that a handler runs in.
func callOf(ctx context.Context) *call { return ctx.Value(callKey{}).(*call) }

// referenceHeader is set by whoever serves us, so that both log one reference.
const referenceHeader = "X-Request-Id"

func (a *API) begin(w http.ResponseWriter, r *http.Request) *call {
	c := &call{API: a, w: w, answer: newAnswer(), ref: w.Header().Get(referenceHeader)}
	if c.ref == "" {
		c.ref = rand.Text()[:8]
	}
	c.locale = a.opts.Bundle.Locale(a.opts.Bundle.Negotiate(r.Header.Get("Accept-Language")), time.UTC)
	c.r = r.WithContext(context.WithValue(r.Context(), callKey{}, c))
	return c
}

// end sends the answer; a panic becomes one as well.
func (c *call) end() {
	if v := recover(); v != nil {
		if v == http.ErrAbortHandler {
			panic(v)
		}
		c.fail(fmt.Errorf("panic: %v\n%s", v, debug.Stack()))
	}
	c.send()
}

// serve answers, or says why not.
func (c *call) serve() error {
	_, pattern := c.mux.Handler(c.r)
	if c.route = c.routes[pattern]; c.route == nil {
		return c.nowhere()
	}
	if c.route.open {
		c.mux.ServeHTTP(c.answer, c.r)
		return nil
	}
	if err := c.enter(); err != nil {
		return err
	}
	if err := c.goodAddress(); err != nil {
		return err
	}
	body, err := c.body()
	if err != nil {
		return err
	}
	work := func() {
		c.r.Body = io.NopCloser(bytes.NewReader(body))
		c.mux.ServeHTTP(c.answer, c.r)
	}
	if c.r.Method == http.MethodPost {
		return c.once(body, work)
	}
	work()
	return nil
}

// nowhere tells an address that does not exist from a method that is not
// possible there.
func (c *call) nowhere() error {
	c.mux.ServeHTTP(c.answer, c.r)
	if c.answer.status != http.StatusMethodNotAllowed {
		return notFound()
	}
	c.w.Header().Set("Allow", c.answer.Header().Get("Allow"))
	return problem.New(problem.Invalid, "api.no_method")
}

// enter finds who asks, and whether they may, and may now. Cookies count for
// nothing here: only a token that the caller put into the request itself.
func (c *call) enter() error {
	scheme, token, ok := strings.Cut(c.r.Header.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return problem.New(problem.Unauthenticated, "api.no_token")
	}
	c.token = strings.TrimSpace(token)
	var err error
	if c.actor, err = c.opts.Authenticate(c.r.Context(), c.token); err != nil {
		return fmt.Errorf("authenticating: %w", err)
	}
	if wait := c.limit.take(c.actor.Token); wait > 0 {
		return &limited{wait}
	}
	if len(c.route.Needs) == 0 {
		return nil
	}
	for _, right := range c.route.Needs {
		if c.actor.CanSomewhere(right) {
			return nil
		}
	}
	return c.actor.Require(c.route.Needs[0])
}

// goodAddress refuses text that no database keeps; a JSON body is looked at when
// it is read.
func (c *call) goodAddress() error {
	query, err := url.QueryUnescape(c.r.URL.RawQuery)
	if err != nil || !utf8.ValidString(query) || !utf8.ValidString(c.r.URL.Path) || strings.ContainsRune(query+c.r.URL.Path, 0) {
		return problem.New(problem.Invalid, "api.bad_text").Because(err)
	}
	return nil
}

// body reads the whole request: it must be known before anything is done. How
// slowly it may come is for whoever serves us to say.
func (c *call) body() ([]byte, error) {
	if c.r.Body == nil || c.r.Method == http.MethodGet || c.r.Method == http.MethodHead {
		return nil, nil
	}
	b, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, c.route.maxBody))
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return nil, problem.New(problem.Invalid, "api.too_large", "size", c.locale.Bytes(large.Limit)).Because(err)
	}
	if err != nil {
		return nil, problem.New(problem.Invalid, "api.cut_off").Because(err)
	}
	return b, nil
}
