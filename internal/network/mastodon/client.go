package mastodon

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"

	"parley/internal/network"
	"parley/internal/outbound"
)

// maxAnswer bounds what is read of one answer, in bytes: a page of 80 long
// posts fits many times over.
const maxAnswer = 12 << 20

// effect is what a request may have done when its answer is lost.
type effect int

const (
	reads  effect = iota // nothing: a lost answer is Transient
	writes               // something that must not happen twice: a lost answer is Ambiguous
)

// request is one call of the API.
type request struct {
	method string
	path   string // below the instance's address
	query  url.Values
	body   []byte
	ctype  string
	key    string // Idempotency-Key
	effect effect
	bare   bool // this server's 404 carries no error object, so any 404 counts as gone
}

// answer is what came back, whatever its status.
type answer struct {
	status int
	header http.Header
	body   []byte
	url    *url.URL // after redirects
}

func get(path string, query url.Values) request {
	return request{method: http.MethodGet, path: path, query: query}
}

func post(path string) request {
	return request{method: http.MethodPost, path: path, effect: writes}
}

// with adds a JSON body. JSON rather than a form, because snac decodes a form
// before it splits it and loses what follows an & in the text.
func (q request) with(v any) request {
	b, err := json.Marshal(v)
	if err != nil {
		panic("mastodon: a request that is no JSON: " + err.Error()) // our own types only
	}
	q.body, q.ctype = b, "application/json"
	return q
}

func (q request) form(v url.Values) request {
	q.body, q.ctype = []byte(v.Encode()), "application/x-www-form-urlencoded"
	return q
}

// call performs a request with the account's token and decodes a successful
// answer into out (nil: not looked at). Every error is an *Error or ctx's own.
func (n *Network) call(ctx context.Context, a network.Account, q request, out any) (answer, error) {
	tok, err := token(a)
	if err != nil {
		return answer{}, err
	}
	ans, err := n.send(ctx, n.http, a.Instance, tok.Access, q)
	if err != nil {
		return ans, err
	}
	if ans.status < 200 || ans.status > 299 {
		return ans, n.refusal(q, ans, tok.secrets()...)
	}
	return ans, ans.decode(q, out)
}

// decode reads a JSON answer. A broken answer to a write says nothing about
// whether it was done.
func (ans answer) decode(q request, out any) error {
	if out == nil {
		return nil
	}
	if err := lenient(ans.body, out); err != nil {
		kind := network.Transient
		if q.effect == writes {
			kind = network.Ambiguous
		}
		return &network.Error{Kind: kind, Native: "bad_json", Message: "the answer is not what the API promises", Err: err}
	}
	return nil
}

// lenient decodes JSON. A field of the wrong type is left empty instead of
// spoiling the rest: callers check what they cannot do without.
func lenient(b []byte, out any) error {
	err := json.Unmarshal(b, out)
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) && wrong.Field != "" {
		return nil
	}
	return err
}

// send makes one request over the wire and reads the whole answer.
func (n *Network) send(ctx context.Context, client *http.Client, base, token string, q request) (answer, error) {
	addr := base + q.path
	if len(q.query) > 0 {
		addr += "?" + q.query.Encode()
	}
	var body io.Reader
	if q.body != nil {
		body = bytes.NewReader(q.body)
	}
	r, err := http.NewRequestWithContext(ctx, q.method, addr, body)
	if err != nil {
		return answer{}, &network.Error{Kind: network.BadInput, Native: "address", Help: "mastodon.help.address", Err: err}
	}
	// Without GetBody net/http cannot repeat a request by itself. It would, for
	// one that carries an Idempotency-Key, and not every server honours that.
	r.GetBody = nil
	r.Header.Set("Accept", "application/json")
	if q.ctype != "" {
		r.Header.Set("Content-Type", q.ctype)
	}
	if q.key != "" {
		r.Header.Set("Idempotency-Key", q.key)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := client.Do(r)
	if err != nil {
		return answer{}, lost(ctx, q, err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	ans := answer{status: res.StatusCode, header: res.Header, body: b, url: res.Request.URL}
	if len(b) > maxAnswer || errors.Is(err, outbound.ErrTooLarge) {
		return ans, &network.Error{Kind: lostKind(q), Native: tooLarge, Message: "the answer is larger than 12 MiB"}
	}
	if err != nil && (ans.status < 300 || ans.status >= 500) {
		return ans, lost(ctx, q, err)
	}
	return ans, nil
}

// tooLarge is the Native of an answer beyond maxAnswer.
const tooLarge = "too_large"

// lost is what a request that got no answer has come to.
func lost(ctx context.Context, q request, err error) error {
	if q.effect == reads && ctx.Err() != nil {
		return ctx.Err()
	}
	kind := lostKind(q)
	if outbound.NotSent(err) {
		kind = network.Transient
	}
	return &network.Error{Kind: kind, Native: "no_answer", Err: err}
}

func lostKind(q request) network.Kind {
	if q.effect == writes {
		return network.Ambiguous
	}
	return network.Transient
}
