package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"time"

	"parley/internal/network"
)

// How long an upload may take to become ready, and how often to ask.
const (
	readyWithin = time.Hour
	readyPoll   = 5 * time.Second
)

// thaw reads what Plan froze.
func thaw(p network.Plan, i int) (network.Step, frozen, error) {
	var f frozen
	if i < 0 || i >= len(p.Steps) {
		return network.Step{}, f, refused(network.BadInput, "step", "")
	}
	if err := json.Unmarshal(p.Steps[i].Body, &f); err != nil {
		return network.Step{}, f, &network.Error{Kind: network.Version, Native: "plan", Err: fmt.Errorf("reading step %d: %w", i, err)}
	}
	return p.Steps[i], f, nil
}

// Do performs one step.
func (c *Connector) Do(ctx context.Context, a network.Account, p network.Plan, i int) (network.Delivery, error) {
	step, f, err := thaw(p, i)
	if err != nil {
		return network.Delivery{}, err
	}
	if step.Kind == network.Create && step.Done != nil {
		return network.Delivery{State: network.Sent, Ref: *step.Done, Evidence: "done before"}, nil
	}
	switch f.What {
	case whatMedia:
		return c.doMedia(ctx, a, step, f)
	case whatContainer:
		return c.doContainer(ctx, a, p, step, f)
	case whatPost, whatPublish:
		return c.doCreate(ctx, a, p, step, f)
	}
	return network.Delivery{}, refused(network.Version, "plan", "")
}

// doMedia uploads, or asks whether what was uploaded is ready. An upload that
// has expired meanwhile is made again.
func (c *Connector) doMedia(ctx context.Context, a network.Account, step network.Step, f frozen) (network.Delivery, error) {
	if step.Done == nil {
		return c.upload(ctx, a, f)
	}
	path := "/uploads/" + url.PathEscape(step.Done.ID)
	res, err := c.do(ctx, request{account: a, method: http.MethodGet, path: path}, nil) // the status says it all
	switch {
	case network.KindOf(err) == network.BadMedia && native(err) == "expired":
		return c.upload(ctx, a, f)
	case err != nil:
		return network.Delivery{}, err
	case res.status != http.StatusPartialContent:
		return network.Delivery{State: network.Sent, Ref: *step.Done, At: c.env.Now(), Evidence: "GET " + path + " 200"}, nil
	}
	since, err := time.Parse(time.RFC3339, step.Done.Version)
	if err != nil || c.env.Now().Sub(since) > readyWithin {
		return network.Delivery{}, refused(network.BadMedia, "never_ready", "sandbox.never_ready")
	}
	return network.Delivery{State: network.Pending, Ref: *step.Done, PollAfter: readyPoll, Evidence: "GET " + path + " 206"}, nil
}

func native(err error) string {
	if e, ok := err.(*network.Error); ok {
		return e.Native
	}
	return ""
}

// upload sends a file. Its Ref remembers since when it is on its way.
func (c *Connector) upload(ctx context.Context, a network.Account, f frozen) (network.Delivery, error) {
	if f.Media == nil {
		return network.Delivery{}, refused(network.Version, "plan", "")
	}
	file, err := c.env.Media(ctx, a, f.Media.Digest)
	if err != nil {
		return network.Delivery{}, &network.Error{Kind: network.BadMedia, Native: "file", Err: fmt.Errorf("reading the attachment: %w", err)}
	}
	body, kind, err := form(file, f.Media)
	if err != nil {
		return network.Delivery{}, &network.Error{Kind: network.BadMedia, Native: "file", Err: err}
	}
	var m wireMedia
	res, err := c.do(ctx, request{account: a, method: http.MethodPost, path: "/media", raw: body, write: true,
		header: map[string]string{"Content-Type": kind}}, &m)
	if err != nil {
		return network.Delivery{}, err
	}
	ref := network.Ref{ID: m.ID, Version: c.env.Now().UTC().Format(time.RFC3339)}
	d := network.Delivery{State: network.Sent, Ref: ref, At: c.env.Now(), Evidence: fmt.Sprintf("POST /media %d", res.status)}
	if res.status == http.StatusAccepted {
		d.State, d.PollAfter = network.Pending, readyPoll
	}
	return d, nil
}

// form is a multipart body, the same bytes for the same file.
func form(file []byte, m *medium) (body []byte, contentType string, err error) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	if err := w.SetBoundary(fmt.Sprintf("parley-%x", m.Digest[:16])); err != nil {
		return nil, "", err
	}
	if err := w.WriteField("alt", m.Alt); err != nil {
		return nil, "", err
	}
	part, err := w.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {`form-data; name="file"; filename="file"`}, "Content-Type": {m.MIME},
	})
	if err == nil {
		_, err = part.Write(file)
	}
	if err == nil {
		err = w.Close()
	}
	return b.Bytes(), w.FormDataContentType(), err
}

// words fills in what earlier steps have made: ids of media, and the part
// before. The same plan gives the same bytes.
func words(p network.Plan, step network.Step, f frozen) ([]byte, error) {
	if f.Post == nil {
		return nil, refused(network.Version, "plan", "")
	}
	n := *f.Post
	for _, i := range step.After {
		if i < 0 || i >= len(p.Steps) || p.Steps[i].Done == nil {
			return nil, refused(network.BadInput, "order", "")
		}
		if p.Steps[i].Kind == network.Create {
			n.InReplyTo = p.Steps[i].Done.ID
		} else {
			n.Media = append(n.Media, p.Steps[i].Done.ID)
		}
	}
	return json.Marshal(n)
}

// doContainer prepares a post; nothing is public yet.
func (c *Connector) doContainer(ctx context.Context, a network.Account, p network.Plan, step network.Step, f frozen) (network.Delivery, error) {
	body, err := words(p, step, f)
	if err != nil {
		return network.Delivery{}, err
	}
	var k wireContainer
	if _, err := c.do(ctx, request{account: a, method: http.MethodPost, path: "/containers", raw: body, write: true}, &k); err != nil {
		return network.Delivery{}, err
	}
	if k.ID == "" {
		return network.Delivery{}, &network.Error{Kind: network.Ambiguous, Native: "200", Message: "The answer holds no container."}
	}
	return network.Delivery{State: network.Sent, Ref: network.Ref{ID: k.ID}, At: c.env.Now(), Evidence: "POST /containers 200"}, nil
}

// doCreate makes the post public: the one irreversible request.
func (c *Connector) doCreate(ctx context.Context, a network.Account, p network.Plan, step network.Step, f frozen) (network.Delivery, error) {
	if err := c.stillThemselves(ctx, a, f.Keep); err != nil {
		return network.Delivery{}, err
	}
	if step.Proof == network.ProofKey && c.env.Now().Unix() > f.Until {
		// The key may be forgotten, and a repeat would be a second post: look first.
		if d, err := c.readBack(ctx, a, p, step, f); err != nil || d.State == network.Sent {
			return d, err
		}
	}
	q, err := c.createRequest(a, p, step, f)
	if err != nil {
		return network.Delivery{}, err
	}
	var made wirePost
	if _, err := c.do(ctx, q, &made); err != nil {
		return network.Delivery{}, err
	}
	if made.ID == "" {
		return network.Delivery{}, &network.Error{Kind: network.Ambiguous, Native: "200", Message: "The answer holds no post."}
	}
	return sentAs(made, q.method+" "+q.path+" 200", c.env.Now()), nil
}

func (c *Connector) createRequest(a network.Account, p network.Plan, step network.Step, f frozen) (request, error) {
	q := request{account: a, write: true, method: http.MethodPost, path: "/posts"}
	if f.What == whatPublish {
		done := containerOf(p, step)
		if done == nil {
			return q, refused(network.BadInput, "order", "")
		}
		q.path, q.raw = "/containers/"+url.PathEscape(done.ID)+"/publish", []byte("{}")
		return q, nil
	}
	body, err := words(p, step, f)
	if err != nil {
		return q, err
	}
	q.raw = body
	switch step.Proof {
	case network.ProofID:
		q.method, q.path = http.MethodPut, "/posts/"+url.PathEscape(step.WantID)
		q.header = map[string]string{"If-None-Match": "*"}
	case network.ProofKey:
		q.header = map[string]string{"Idempotency-Key": step.Key}
	}
	return q, nil
}

// containerOf is the container a publish step waits for.
func containerOf(p network.Plan, step network.Step) *network.Ref {
	if len(step.After) != 1 || step.After[0] < 0 || step.After[0] >= len(p.Steps) {
		return nil
	}
	return p.Steps[step.After[0]].Done
}

func sentAs(made wirePost, evidence string, now time.Time) network.Delivery {
	m, ok := message(made, network.Account{}, now)
	if !ok {
		m.Ref = network.Ref{ID: made.ID}
	}
	return network.Delivery{State: network.Sent, Ref: m.Ref, At: m.Created, Evidence: evidence}
}

// stillThemselves stops when a handle now belongs to somebody else: the words
// were meant for another person.
func (c *Connector) stillThemselves(ctx context.Context, a network.Account, keep []kept) error {
	for _, k := range keep {
		if k.Handle == "" {
			continue
		}
		var p wirePerson
		_, err := c.do(ctx, request{account: a, method: http.MethodGet, path: "/people/" + url.PathEscape(k.Handle)}, &p)
		if network.KindOf(err) == network.Gone {
			continue // renamed or away; the post names them by id
		}
		if err != nil {
			return err
		}
		if p.ID != k.ID {
			return refused(network.Policy, "other_person", "sandbox.other_person")
		}
	}
	return nil
}
