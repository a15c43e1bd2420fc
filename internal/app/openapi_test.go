package app

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// document is an OpenAPI document as far as it is looked at.
type document struct {
	OpenAPI    string
	Info       struct{ Title, Version string }
	Paths      map[string]map[string]operation
	Tags       []struct{ Name, Description string }
	Components struct {
		Schemas         map[string]schema
		SecuritySchemes map[string]any
	}
}

type operation struct {
	OperationID, Summary string
	Tags                 []string
	Security             []map[string][]string
	Rights               []string `json:"x-parley-rights"`
	Parameters           []struct {
		Name, In string
		Required bool
		Schema   schema
	}
	RequestBody *struct {
		Content map[string]struct{ Schema schema }
	}
	Responses map[string]struct {
		Description string
		Content     map[string]struct{ Schema schema }
	}
}

type schema struct {
	Type                 any
	Ref                  string `json:"$ref"`
	Properties           map[string]schema
	Required             []string
	Items                *schema
	AdditionalProperties any
	Description          string
}

// The document says what OpenAPI 3.1 asks for, and what our house asks for:
// every reference leads somewhere, every operation has its own name, every hole
// of a path is described, every refusal is a Problem, nothing is of no type.
func TestTheDocumentHolds(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	raw := o.ask("", "GET", "/openapi.json", "", "Authorization", "")
	var doc document
	raw.into(t, &doc)
	if doc.OpenAPI != "3.1.0" || doc.Info.Title != "Parley" || doc.Info.Version == "" {
		t.Errorf("%s %+v", doc.OpenAPI, doc.Info)
	}
	w := walk{t, doc, map[string]bool{}}
	names, methods := map[string]bool{}, []string{"get", "post", "put", "patch", "delete"}
	for path, item := range doc.Paths {
		for method, op := range item {
			at := method + " " + path
			if !slices.Contains(methods, method) {
				t.Errorf("%s is no method", at)
			}
			if op.OperationID == "" || names[op.OperationID] || op.Summary == "" || strings.HasSuffix(op.Summary, ".") {
				t.Errorf("%s: name %q, summary %q", at, op.OperationID, op.Summary)
			}
			names[op.OperationID] = true
			w.operation(at, path, op)
		}
	}
	if len(names) != len(o.operations().Routes()) || len(names) < 50 {
		t.Errorf("%d operations in the document, %d routes", len(names), len(o.operations().Routes()))
	}
	for name, s := range doc.Components.Schemas {
		w.schema("schema "+name, s)
	}
	for name := range doc.Components.Schemas {
		if !w.used["#/components/schemas/"+name] {
			t.Errorf("schema %s is used nowhere", name)
		}
		if !regexp.MustCompile(`^[A-Z][A-Za-z]+$`).MatchString(name) || strings.HasSuffix(name, "JSON") {
			t.Errorf("a schema is called %s", name)
		}
	}
	for _, tag := range doc.Tags {
		if tag.Description == "" {
			t.Errorf("nothing is said of %s", tag.Name)
		}
	}
}

type walk struct {
	testing.TB
	doc  document
	used map[string]bool
}

func (w walk) operation(at, path string, op operation) {
	w.Helper()
	described := map[string]bool{}
	for _, p := range op.Parameters {
		described[p.In+" "+p.Name] = true
		if p.In == "path" && (!p.Required || !strings.Contains(path, "{"+p.Name+"}")) {
			w.Errorf("%s: parameter %s", at, p.Name)
		}
		if !slices.Contains([]string{"path", "query", "header"}, p.In) {
			w.Errorf("%s: a parameter in the %s", at, p.In)
		}
		w.schema(at+" "+p.Name, p.Schema)
	}
	for _, m := range regexp.MustCompile(`\{(\w+)\}`).FindAllStringSubmatch(path, -1) {
		if !described["path "+m[1]] {
			w.Errorf("%s: nothing is said of {%s}", at, m[1])
		}
	}
	if strings.HasPrefix(at, "post ") && !described["header Idempotency-Key"] {
		w.Errorf("%s: nothing is said of its key", at)
	}
	if len(op.Tags) != 1 || !slices.ContainsFunc(w.doc.Tags, func(t struct{ Name, Description string }) bool { return t.Name == op.Tags[0] }) {
		w.Errorf("%s: tags %q", at, op.Tags)
	}
	var asked []string
	for _, s := range op.Security {
		rights, ok := s["token"]
		if !ok || len(s) != 1 {
			w.Errorf("%s: security %v", at, op.Security)
		}
		asked = append(asked, rights...)
	}
	if len(op.Security) == 0 || !slices.Equal(asked, op.Rights) {
		w.Errorf("%s: security %v, rights %v", at, op.Security, op.Rights)
	}
	if op.RequestBody != nil {
		for kind, c := range op.RequestBody.Content {
			w.schema(at+" "+kind, c.Schema)
		}
	}
	w.responses(at, op)
}

func (w walk) responses(at string, op operation) {
	w.Helper()
	good := 0
	for status, r := range op.Responses {
		if r.Description == "" {
			w.Errorf("%s: nothing is said of %s", at, status)
		}
		if strings.HasPrefix(status, "2") {
			good++
		}
		for kind, c := range r.Content {
			w.schema(at+" "+status, c.Schema)
			if (status == "default") != (kind == "application/problem+json" && c.Schema.Ref == "#/components/schemas/Problem") {
				w.Errorf("%s: %s is %s %s", at, status, kind, c.Schema.Ref)
			}
		}
	}
	if _, refuses := op.Responses["default"]; !refuses || good != 1 {
		w.Errorf("%s: responses %v", at, op.Responses)
	}
}

func (w walk) schema(at string, s schema) {
	w.Helper()
	if s.Ref != "" {
		name, ok := strings.CutPrefix(s.Ref, "#/components/schemas/")
		if _, there := w.doc.Components.Schemas[name]; !ok || !there {
			w.Errorf("%s: %s leads nowhere", at, s.Ref)
		}
		w.used[s.Ref] = true
		return
	}
	if s.Type == nil {
		w.Errorf("%s has no type", at)
	}
	for _, name := range s.Required {
		if _, ok := s.Properties[name]; !ok {
			w.Errorf("%s requires %s, which it does not have", at, name)
		}
	}
	for name, p := range s.Properties {
		if !regexp.MustCompile(`^[a-z][a-z_]*$`).MatchString(name) {
			w.Errorf("%s has a property %q", at, name)
		}
		w.schema(at+"."+name, p)
	}
	if s.Items != nil {
		w.schema(at+"[]", *s.Items)
	}
	if m, ok := s.AdditionalProperties.(map[string]any); ok {
		b, err := json.Marshal(m)
		if err != nil {
			w.Fatal(err)
		}
		var each schema
		if err := json.Unmarshal(b, &each); err != nil {
			w.Fatal(fmt.Errorf("%s: %w", at, err))
		}
		w.schema(at+"{}", each)
	}
}
