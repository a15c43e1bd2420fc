package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"parley/internal/id"
)

const schemaPrefix = "#/components/schemas/"

// newRegistry names and describes Go types for the document.
func newRegistry() huma.Registry {
	r := huma.NewMapRegistry(schemaPrefix, schemaName)
	r.RegisterTypeAlias(reflect.TypeFor[id.ID](), reflect.TypeFor[ID]())
	r.RegisterTypeAlias(reflect.TypeFor[huma.ErrorModel](), reflect.TypeFor[Problem]())
	return r
}

// ID is an id in a path or a query. In bodies it is an id.ID; the library reads
// a number where it is not wrapped.
type ID struct{ id.ID }

// Schema implements huma.SchemaProvider.
func (ID) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Pattern: `^[0-7OoIiLl][0-9A-TV-Za-tv-z]{12}$`,
		Examples: []any{id.ID(268_435_456_000_001).String()}, Description: "The id of something. Ids sort by the time they were made."}
}

// schemaName is what a Go type is called in the document: memberJSON is Member,
// a body of inviteIn is InviteRequest, List[memberJSON] is MemberList.
func schemaName(t reflect.Type, hint string) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	name := t.Name()
	if name == "" {
		name = hint
	}
	outer, inner, generic := strings.Cut(strings.TrimSuffix(name, "]"), "[")
	name = plainName(outer)
	if generic {
		name = plainName(inner) + name
	}
	return name
}

func plainName(s string) string {
	s = s[strings.LastIndex(s, ".")+1:]
	s = strings.TrimSuffix(s, "JSON")
	if base, ok := strings.CutSuffix(s, "InBody"); ok {
		s = base + "Request"
	}
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// tidy corrects what the library assumes: our lists are never null.
func tidy(schemas map[string]*huma.Schema) {
	for _, s := range schemas {
		for _, p := range s.Properties {
			if p.Type == huma.TypeArray {
				p.Nullable = false
			}
		}
	}
}

// loosen lets answers hold more than the document says, so that a later version
// can add to them; requests hold nothing that is not understood.
func loosen(doc *huma.OpenAPI) {
	schemas, asked := doc.Components.Schemas, map[string]bool{}
	var mark func(s *huma.Schema)
	mark = func(s *huma.Schema) {
		if s == nil || asked[s.Ref] {
			return
		}
		if s.Ref != "" {
			asked[s.Ref] = true
			s = schemas.SchemaFromRef(s.Ref)
		}
		mark(s.Items)
		for _, p := range s.Properties {
			mark(p)
		}
	}
	for _, item := range doc.Paths {
		for _, op := range []*huma.Operation{item.Post, item.Put, item.Patch} {
			if op == nil || op.RequestBody == nil {
				continue
			}
			for _, c := range op.RequestBody.Content {
				mark(c.Schema)
			}
		}
	}
	for name, s := range schemas.Map() {
		if strict, ok := s.AdditionalProperties.(bool); ok && !strict && !asked[schemaPrefix+name] {
			s.AdditionalProperties = nil
		}
	}
}

// visible panics where a type embeds an unexported struct: encoding/json sees its
// fields and the library does not, so the document would lie.
func visible(t reflect.Type, seen map[reflect.Type]bool) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		visible(t.Elem(), seen)
	case reflect.Struct:
		if seen[t] {
			return
		}
		seen[t] = true
		for i := range t.NumField() {
			f := t.Field(i)
			if f.Anonymous && !f.IsExported() {
				panic(fmt.Sprintf("api: %s embeds %s, which is not exported", t, f.Type))
			}
			if f.IsExported() {
				visible(f.Type, seen)
			}
		}
	}
}

func marshal(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// unmarshal reads JSON, and refuses text that no database keeps. The library
// calls it twice: first into an any, to look at it, then into the input.
func unmarshal(b []byte, v any) error {
	if !utf8.Valid(b) {
		return errors.New("the text is not valid UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	if err := dec.Decode(v); err != nil {
		return badJSON(err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return errors.New("something follows after the JSON value")
	}
	if any, ok := v.(*any); ok && hasNul(*any) {
		return errNul
	}
	return nil
}

var errNul = errors.New("the text holds U+0000, which cannot be kept")

// badJSON says what is wrong with JSON without quoting it.
func badJSON(err error) error {
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("it is not valid JSON, near byte %d", syntax.Offset)
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return errors.New("the JSON ends too early")
	default:
		return errors.New("a value does not fit")
	}
}

func hasNul(v any) bool {
	switch v := v.(type) {
	case string:
		return strings.ContainsRune(v, 0)
	case []any:
		for _, one := range v {
			if hasNul(one) {
				return true
			}
		}
	case map[string]any:
		for k, one := range v {
			if strings.ContainsRune(k, 0) || hasNul(one) {
				return true
			}
		}
	}
	return false
}
