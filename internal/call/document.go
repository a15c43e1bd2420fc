package call

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
)

// document is the part of an OpenAPI 3.1 document that a call needs.
type document struct{ operations []*operation }

// operation is something that can be asked.
type operation struct {
	name, section, summary, about string
	method, path                  string
	takes                         []argument
	file                          bool // the body is a file
	body                          bool
}

// argument is a value that an operation takes.
type argument struct {
	name, in, about string
	required        bool
	schema          schema
}

const (
	inPath  = "path"
	inQuery = "query"
	inBody  = "body"
)

type schema struct {
	Ref         string            `json:"$ref"`
	Type        json.RawMessage   `json:"type"`
	Enum        []any             `json:"enum"`
	Properties  map[string]schema `json:"properties"`
	Required    []string          `json:"required"`
	Items       *schema           `json:"items"`
	Description string            `json:"description"`
}

// kind is the type of a schema, without "null".
func (s schema) kind() string {
	var one string
	if json.Unmarshal(s.Type, &one) == nil {
		return one
	}
	var several []string
	_ = json.Unmarshal(s.Type, &several) // no type at all is any
	for _, t := range several {
		if t != "null" {
			return t
		}
	}
	return ""
}

func (t argument) says() string {
	words := t.about
	if t.required {
		words = "(needed) " + words
	}
	if len(t.schema.Enum) > 0 {
		words += fmt.Sprint(" ", t.schema.Enum)
	}
	return words
}

type rawOperation struct {
	OperationID, Summary, Description string
	Tags                              []string
	Parameters                        []struct {
		Name, In, Description string
		Required              bool
		Schema                schema
	}
	RequestBody struct {
		Content map[string]struct{ Schema schema }
	}
}

// read takes a document apart.
func read(raw []byte) (*document, error) {
	var doc struct {
		Paths      map[string]map[string]rawOperation
		Components struct{ Schemas map[string]schema }
		Tags       []struct{ Name string }
	}
	if err := json.Unmarshal(raw, &doc); err != nil || len(doc.Paths) == 0 {
		return nil, fmt.Errorf("what the server says of its operations cannot be read; is that the address of a Parley?")
	}
	order := map[string]int{}
	for i, t := range doc.Tags {
		order[t.Name] = i
	}
	d := &document{}
	for path, methods := range doc.Paths {
		for method, raw := range methods {
			op := &operation{name: raw.OperationID, summary: raw.Summary, about: raw.Description, method: strings.ToUpper(method), path: path}
			if len(raw.Tags) > 0 {
				op.section = raw.Tags[0]
			}
			op.parameters(raw)
			for mime, content := range raw.RequestBody.Content {
				op.body, op.file = true, mime != "application/json"
				op.fields(resolve(content.Schema, doc.Components.Schemas))
			}
			d.operations = append(d.operations, op)
		}
	}
	slices.SortFunc(d.operations, func(a, b *operation) int {
		if a.section != b.section {
			return order[a.section] - order[b.section]
		}
		return strings.Compare(a.name, b.name)
	})
	return d, nil
}

func (o *operation) parameters(raw rawOperation) {
	for _, p := range raw.Parameters {
		if p.In == inPath || p.In == inQuery {
			o.takes = append(o.takes, argument{p.Name, p.In, p.Description, p.Required, p.Schema})
		}
	}
}

func (o *operation) fields(s schema) {
	if o.file {
		o.takes = append(o.takes, argument{"file", inBody, "The file itself: file=@path.", true, s})
		return
	}
	names := make([]string, 0, len(s.Properties))
	for name := range s.Properties {
		if name != "$schema" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		f := s.Properties[name]
		o.takes = append(o.takes, argument{name, inBody, f.Description, slices.Contains(s.Required, name), f})
	}
}

func resolve(s schema, all map[string]schema) schema {
	if name, ok := strings.CutPrefix(s.Ref, "#/components/schemas/"); ok {
		return all[name]
	}
	return s
}

// find is an operation by its name.
func (d *document) find(name string) (*operation, error) {
	names := make([]string, len(d.operations))
	for i, op := range d.operations {
		if op.name == name {
			return op, nil
		}
		names[i] = op.name
	}
	if near := closest(name, names); len(near) > 0 {
		return nil, fmt.Errorf("there is no operation %q; there are: %s", name, strings.Join(near, ", "))
	}
	return nil, fmt.Errorf("there is no operation %q; parley call --list says which there are", name)
}

// request is what is asked.
type request struct {
	method, path string
	query        url.Values
	body         []byte
	mime         string
}

// request puts arguments where the operation takes them.
func (o *operation) request(arguments []string, stdin io.Reader) (*request, error) {
	r := &request{method: o.method, path: o.path, query: url.Values{}}
	given := map[string]bool{}
	fields := map[string]json.RawMessage{}
	for _, a := range arguments {
		name, value, ok := strings.Cut(a, "=")
		i := slices.IndexFunc(o.takes, func(t argument) bool { return t.name == name })
		if !ok || i < 0 {
			return nil, o.unknown(a)
		}
		value, err := content(value)
		if err != nil {
			return nil, err
		}
		given[name] = true
		switch t := o.takes[i]; {
		case t.in == inPath:
			r.path = strings.ReplaceAll(r.path, "{"+name+"}", url.PathEscape(value))
		case t.in == inQuery:
			r.query.Add(name, value)
		case o.file:
			r.body, r.mime = []byte(value), "application/octet-stream"
		default:
			if fields[name], err = t.schema.value(value); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	for _, t := range o.takes {
		if t.required && !given[t.name] && (stdin == nil || t.in != inBody) {
			return nil, fmt.Errorf("%s needs %s=…; parley call %s --describe says what else it takes", o.name, t.name, o.name)
		}
	}
	return r, o.fill(r, fields, stdin)
}

// fill makes the body: of the fields, or of what comes in.
func (o *operation) fill(r *request, fields map[string]json.RawMessage, stdin io.Reader) (err error) {
	if stdin != nil && o.body && r.body == nil {
		if r.body, err = io.ReadAll(io.LimitReader(stdin, 64<<20)); err != nil {
			return fmt.Errorf("reading the body: %w", err)
		}
		if r.mime = "application/json"; o.file {
			r.mime = "application/octet-stream"
		}
		return nil
	}
	if !o.body || o.file || o.method == http.MethodGet {
		return nil
	}
	r.mime = "application/json"
	r.body, err = json.Marshal(fields)
	return err
}

func (o *operation) unknown(a string) error {
	names := make([]string, len(o.takes))
	for i, t := range o.takes {
		names[i] = t.name + "="
	}
	if len(names) == 0 {
		return fmt.Errorf("%s takes nothing, and %q was given", o.name, a)
	}
	return fmt.Errorf("%s does not take %q; it takes %s", o.name, a, strings.Join(names, " "))
}

// content is a value, or what stands in the file it names.
func content(value string) (string, error) {
	name, ok := strings.CutPrefix(value, "@")
	if !ok {
		return value, nil
	}
	raw, err := os.ReadFile(name)
	if err != nil {
		return "", err
	}
	return string(raw), nil
}

// value is what was typed as JSON of the schema's type. Texts are taken as they
// are; lists of texts may be written with commas.
func (s schema) value(typed string) (json.RawMessage, error) {
	kind := s.kind()
	switch {
	case kind == "string", kind == "" && !json.Valid([]byte(typed)):
		return json.Marshal(typed)
	case kind == "array" && !strings.HasPrefix(strings.TrimSpace(typed), "["):
		var parts []json.RawMessage
		for part := range strings.SplitSeq(typed, ",") {
			one := schema{}
			if s.Items != nil {
				one = *s.Items
			}
			v, err := one.value(strings.TrimSpace(part))
			if err != nil {
				return nil, err
			}
			parts = append(parts, v)
		}
		return json.Marshal(parts)
	case !json.Valid([]byte(typed)):
		return nil, fmt.Errorf("%q is no JSON of type %s", typed, kind)
	}
	return json.RawMessage(typed), nil
}
