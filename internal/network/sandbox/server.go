package sandbox

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"parley/internal/network"
)

// maxBody is the largest request the network reads.
const maxBody = 20 << 20

// Operations a Fault can strike, as networktest names them.
const (
	opCreate   = "create"
	opUpload   = "upload"
	opStatus   = "status"
	opPoll     = "poll"
	opRefresh  = "refresh"
	opEdit     = "edit"
	opDelete   = "delete"
	opStream   = "stream"
	opDescribe = "describe"
	opRead     = "read"
	opAct      = "act"
)

// call is one request with its body read and its account known.
type call struct {
	*http.Request
	body []byte
	desk *desk
	now  time.Time
}

// answer is what a handler says: JSON, or the connection cut unanswered.
type answer struct {
	status int
	header http.Header
	body   any
	raw    []byte // instead of body, as it is
	cut    bool
}

// handler answers one kind of request, with the world locked.
type handler func(*world, *call) answer

func (s *Server) routes() {
	s.open("POST /token", (*world).token)
	s.open("DELETE /token", (*world).revoke)
	s.open("GET /media/{name}", (*world).serveMedia)
	s.open("GET /pictures/{name}", (*world).servePicture)
	s.open("GET /portraits/{name}", (*world).servePortrait)
	s.handle("GET /describe", opDescribe, (*world).describe)
	s.handle("GET /events", opPoll, (*world).events)
	s.handle("GET /posts", opRead, (*world).readPosts)
	s.handle("GET /posts/{id}", opRead, (*world).readPost)
	s.handle("GET /posts/{id}/thread", opRead, (*world).readThread)
	s.handle("GET /posts/{id}/counts", opRead, (*world).counts)
	s.handle("GET /accounts/{id}/posts", opRead, (*world).ownPosts)
	s.handle("GET /people/{handle}", opRead, (*world).lookup)
	s.handle("POST /posts", opCreate, (*world).createKeyed)
	s.handle("PUT /posts/{id}", opCreate, (*world).putPost)
	s.handle("DELETE /posts/{id}", opDelete, (*world).deletePost)
	s.handle("POST /containers", opUpload, (*world).prepare)
	s.handle("GET /containers/{id}", opRead, (*world).readContainer)
	s.handle("POST /containers/{id}/publish", opCreate, (*world).publishContainer)
	s.handle("POST /media", opUpload, (*world).uploadMedia)
	s.handle("GET /uploads/{id}", opStatus, (*world).uploadStatus)
	s.handle("POST /acts", opAct, (*world).act)
	s.mux.HandleFunc("GET "+prefix+"/stream", s.stream)
}

// open serves a request that needs no token.
func (s *Server) open(pattern string, h handler) { s.serve(pattern, "", false, h) }

// handle serves a request of one operation with a valid token.
func (s *Server) handle(pattern, op string, h handler) { s.serve(pattern, op, true, h) }

func (s *Server) serve(pattern, op string, signedIn bool, h handler) {
	method, path, _ := strings.Cut(pattern, " ")
	s.mux.HandleFunc(method+" "+prefix+path, func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, maxBody))
		if err != nil {
			respond(rw, refuse(http.StatusRequestEntityTooLarge, network.BadInput, "too_large", "The request is too large."))
			return
		}
		respond(rw, s.world.answer(r, body, op, signedIn, h))
	})
}

// answer locks the world, lets happen what is due, and handles one request
// under the fault armed for it, if any.
func (w *world) answer(r *http.Request, body []byte, op string, signedIn bool, h handler) answer {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.catchUp()
	c := &call{Request: r, body: body, now: w.now()}
	if op == "" && strings.HasSuffix(r.URL.Path, "/token") && bytes.Contains(body, []byte(`"refresh"`)) {
		op = opRefresh
	}
	if op == opCreate && r.Header.Get("If-Match") != "" {
		op = opEdit
	}
	f, struck := w.faults.take(op)
	if struck && f.Delay > 0 {
		w.pass(f.Delay)
		c.now = w.now()
	}
	usual := func() answer {
		if signedIn {
			if refused, ok := w.admit(c); !ok {
				return refused
			}
		}
		a := h(w, c)
		w.budget(c.desk, &a)
		return a
	}
	if !struck || !f.Cut && f.Status == 0 {
		return usual()
	}
	if f.Commit {
		usual()
	}
	return answer{status: f.Status, header: f.Header, raw: f.Body, cut: f.Cut}
}

// pass lets time go by: on a clock that can be moved, else on the network's own.
func (w *world) pass(d time.Duration) {
	if c, ok := w.clock.(interface{ Advance(time.Duration) }); ok {
		c.Advance(d)
		return
	}
	w.shift += d
}

func respond(rw http.ResponseWriter, a answer) {
	if a.cut {
		panic(http.ErrAbortHandler) // net/http's way to close a connection unanswered
	}
	for k, v := range a.header {
		rw.Header()[http.CanonicalHeaderKey(k)] = v
	}
	if a.body == nil {
		rw.WriteHeader(a.status)
		_, _ = rw.Write(a.raw)
		return
	}
	b, err := json.Marshal(a.body)
	if err != nil {
		rw.WriteHeader(http.StatusInternalServerError)
		return
	}
	rw.Header().Set("Content-Type", "application/json")
	rw.WriteHeader(a.status)
	_, _ = rw.Write(b)
}

func ok(body any) answer { return answer{status: http.StatusOK, body: body} }

func picture(png []byte, etag string) answer {
	return answer{status: http.StatusOK, raw: png, header: http.Header{
		"Content-Type": {"image/png"}, "Cache-Control": {"public, max-age=86400"}, "Etag": {`"` + etag + `"`},
	}}
}

func refuse(status int, kind network.Kind, native, message string) answer {
	return answer{status: status, body: wireError{Kind: kind, Native: native, Message: message}}
}

var notFound = refuse(http.StatusNotFound, network.Gone, "not_found", "There is no such post.")

// decode reads a JSON body into v.
func (c *call) decode(v any) bool { return json.Unmarshal(c.body, v) == nil }

// number reads a query parameter, within 0 and most; absent is fallback.
func (c *call) number(name string, fallback, most int64) int64 {
	n, err := strconv.ParseInt(c.URL.Query().Get(name), 10, 64)
	if err != nil || n < 0 {
		return fallback
	}
	return min(n, most)
}
