// Package call asks a running Parley from the command line: every operation of the
// API by its name, described by the server itself, so that whatever the API can do
// a script can, without a library.
//
// Not its business: what operations there are and who may use them (the server).
package call

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Caller is whom to ask, as whom, and where to write what was answered.
type Caller struct {
	Server *url.URL
	Token  string
	Key    string // the Idempotency-Key; "" makes one
	All    bool   // of a list, all pages, one item a line
	Out    io.Writer
	HTTP   *http.Client // nil: one that waits a minute
}

// Call does an operation. Arguments are name=value: what stands in the path, the
// query and the fields of the body; name=@file takes the value from a file. stdin,
// where it is not nil, is the whole body instead of fields.
//
// What was refused is an error that says why and what to do; so is an argument
// that the operation does not know.
func (c Caller) Call(ctx context.Context, operation string, arguments []string, stdin io.Reader) error {
	doc, err := c.document(ctx)
	if err != nil {
		return err
	}
	op, err := doc.find(operation)
	if err != nil {
		return err
	}
	r, err := op.request(arguments, stdin)
	if err != nil {
		return err
	}
	for {
		answer, err := c.do(ctx, r)
		if err != nil {
			return err
		}
		next, err := c.show(answer)
		if err != nil || next == "" {
			return err
		}
		r.query.Set("cursor", next)
	}
}

// List writes what can be asked, by section.
func (c Caller) List(ctx context.Context) error {
	doc, err := c.document(ctx)
	if err != nil {
		return err
	}
	section := ""
	for _, op := range doc.operations {
		if op.section != section {
			section = op.section
			fmt.Fprintf(c.Out, "\n%s\n", section)
		}
		fmt.Fprintf(c.Out, "  %-26s %s\n", op.name, op.summary)
	}
	return nil
}

// Describe writes what one operation does and takes.
func (c Caller) Describe(ctx context.Context, operation string) error {
	doc, err := c.document(ctx)
	if err != nil {
		return err
	}
	op, err := doc.find(operation)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.Out, "%s: %s\n", op.name, op.summary)
	if op.about != "" {
		fmt.Fprintln(c.Out, op.about)
	}
	if len(op.takes) > 0 {
		fmt.Fprintln(c.Out)
	}
	for _, t := range op.takes {
		fmt.Fprintf(c.Out, "  %-20s %s\n", t.name+"=", strings.TrimSpace(t.says()))
	}
	return nil
}

func (c Caller) client() *http.Client {
	if c.HTTP != nil {
		return c.HTTP
	}
	return &http.Client{Timeout: time.Minute}
}

func (c Caller) document(ctx context.Context) (*document, error) {
	answer, err := c.do(ctx, &request{method: http.MethodGet, path: "/openapi.json", query: url.Values{}})
	if err != nil {
		return nil, err
	}
	return read(answer)
}

// do asks once. Whether a request whose answer was lost was heard nobody knows, so
// the error says how to ask again without doing it twice.
func (c Caller) do(ctx context.Context, r *request) ([]byte, error) {
	u := c.Server.JoinPath("/api/v1" + r.path)
	u.RawQuery = r.query.Encode()
	req, err := http.NewRequestWithContext(ctx, r.method, u.String(), bytes.NewReader(r.body))
	if err != nil {
		return nil, err
	}
	key := c.Key
	if r.method != http.MethodGet {
		if key == "" {
			key = rand.Text()
		}
		req.Header.Set("Idempotency-Key", key)
	}
	if c.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.Token)
	}
	if r.mime != "" {
		req.Header.Set("Content-Type", r.mime)
	}
	resp, err := c.client().Do(req)
	if err != nil {
		if r.method != http.MethodGet && ctx.Err() == nil {
			return nil, fmt.Errorf("%w\nNobody knows whether it was heard: run it again with --key=%s, and it is done once", err, key)
		}
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 64<<20))
	if err != nil {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	if resp.StatusCode > 299 {
		return nil, refusal(resp.Status, body)
	}
	return body, nil
}

// refusal is a problem (RFC 9457) as a person reads it.
func refusal(status string, body []byte) error {
	var p struct {
		Title, Detail string
		Errors        []struct{ Message, Location string }
	}
	if json.Unmarshal(body, &p) != nil || p.Title == "" {
		return fmt.Errorf("the server answers %s; is that the address of a Parley?", status)
	}
	lines := []string{p.Title}
	if p.Detail != "" {
		lines = append(lines, p.Detail)
	}
	for _, e := range p.Errors {
		lines = append(lines, strings.TrimSpace(e.Location+": "+e.Message))
	}
	return errors.New(strings.Join(lines, "\n"))
}

// show writes an answer, and says where the next page begins if that is wanted.
func (c Caller) show(answer []byte) (next string, err error) {
	if len(bytes.TrimSpace(answer)) == 0 {
		return "", nil
	}
	if c.All {
		var list struct {
			Items []json.RawMessage `json:"items"`
			Next  json.RawMessage   `json:"next"`
		}
		if err := json.Unmarshal(answer, &list); err == nil && list.Items != nil {
			for _, item := range list.Items {
				if _, err := fmt.Fprintf(c.Out, "%s\n", item); err != nil {
					return "", err
				}
			}
			var cursor string
			if json.Unmarshal(list.Next, &cursor) != nil {
				cursor = "" // the log goes by number, and ends nowhere
			}
			return cursor, nil
		}
	}
	var pretty bytes.Buffer
	if json.Indent(&pretty, answer, "", "  ") == nil {
		answer = append(bytes.TrimSpace(pretty.Bytes()), '\n')
	}
	_, err = c.Out.Write(answer)
	return "", err
}

// closest are names that somebody may have meant.
func closest(name string, all []string) []string {
	var near []string
	folded := strings.ToLower(name)
	for _, one := range all {
		if l := strings.ToLower(one); strings.Contains(l, folded) || strings.Contains(folded, l) {
			near = append(near, one)
		}
	}
	slices.Sort(near)
	return near[:min(len(near), 5)]
}
