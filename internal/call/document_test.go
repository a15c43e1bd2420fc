package call

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestValuesTakeTheTypeOfTheirField(t *testing.T) {
	t.Parallel()
	of := func(s string) schema {
		var out schema
		if err := json.Unmarshal([]byte(s), &out); err != nil {
			t.Fatal(err)
		}
		return out
	}
	for _, one := range []struct{ schema, typed, want string }{
		{`{"type":"string"}`, `12`, `"12"`},
		{`{"type":"string"}`, `say "hello"`, `"say \"hello\""`},
		{`{"type":["string","null"]}`, `true`, `"true"`},
		{`{"type":"integer"}`, `12`, `12`},
		{`{"type":"boolean"}`, `true`, `true`},
		{`{"type":["array","null"],"items":{"type":"string"}}`, `a, b`, `["a","b"]`},
		{`{"type":"array","items":{"type":"string"}}`, `["a, b"]`, `["a, b"]`},
		{`{"type":"array","items":{"type":"integer"}}`, `1,2`, `[1,2]`},
		{`{"type":"object"}`, `{"a":1}`, `{"a":1}`},
		{`{}`, `plain words`, `"plain words"`},
	} {
		got, err := of(one.schema).value(one.typed)
		if err != nil || string(got) != one.want {
			t.Errorf("%s of %s: %s, %v, want %s", one.typed, one.schema, got, err, one.want)
		}
	}
	for schema, typed := range map[string]string{`{"type":"integer"}`: "many", `{"type":"boolean"}`: "perhaps", `{"type":"object"}`: "{a", `{"type":"array","items":{"type":"integer"}}`: "1,x"} {
		if got, err := of(schema).value(typed); err == nil || !strings.Contains(err.Error(), "no JSON of type") {
			t.Errorf("%s of %s: %s, %v", typed, schema, got, err)
		}
	}
}

// Whatever stands at the address, it is no reason to crash.
func FuzzDocument(f *testing.F) {
	for _, s := range []string{``, `{}`, `null`, `{"paths":{"/x":{"get":{"operationId":"x"}}}}`, `{"paths":{"/x":{"post":{"operationId":"x","tags":["t"],"requestBody":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Y"}}}}}}}}`,
		`{"paths":{"/x":null}}`, `<html>`} {
		f.Add(s, "x", "a=b")
	}
	f.Fuzz(func(t *testing.T, raw, name, argument string) {
		d, err := read([]byte(raw))
		if err != nil {
			return
		}
		if op, err := d.find(name); err == nil && !strings.Contains(argument, "=@") {
			_, _ = op.request([]string{argument}, nil)
		}
	})
}
