package page

import (
	"context"
	"maps"

	"github.com/a-h/templ"
)

// attributes of a button. Map order does not matter: templ sorts.
func (b ButtonView) attributes() templ.Attributes {
	a := templ.Attributes{}
	maps.Copy(a, b.Attrs)
	if b.Href == "" {
		a["type"] = "submit"
		if b.Plain {
			a["type"] = "button"
		}
		if b.Name != "" {
			a["name"], a["value"] = b.Name, b.Value
		}
	}
	if b.IconOnly {
		a["title"] = b.Label
	}
	if b.Key != "" {
		a["data-key"] = b.Key
		a["data-key-label"] = b.Label
	}
	return a
}

func (f FieldView) id() string { return "field-" + f.Name }

func (f FieldView) kind() string {
	if f.Type == "" {
		return "text"
	}
	return f.Type
}

func (f FieldView) wrong() bool { return f.Problem != nil && f.Problem.Field == f.Name }

// what is wrong and what to do, as one line under the input.
func (f FieldView) what(ctx context.Context) string {
	what, next := Locale(ctx).Problem(f.Problem)
	if next == "" {
		return what
	}
	return what + " " + next
}

func (f FieldView) attributes() templ.Attributes {
	a := templ.Attributes{}
	maps.Copy(a, f.Attrs)
	if f.Required {
		a["required"] = true
	}
	if f.Autocomplete != "" {
		a["autocomplete"] = f.Autocomplete
	}
	var describedBy string
	if f.Help != "" {
		describedBy = f.id() + "-help"
	}
	if f.wrong() {
		a["aria-invalid"] = "true"
		describedBy += " " + f.id() + "-problem"
	}
	if describedBy != "" {
		a["aria-describedby"] = describedBy
	}
	return a
}

// points reports whether a sign points to where one reads on, and so the other
// way where one reads from right to left.
func points(icon string) bool {
	switch icon {
	case "back", "send", "reply", "external":
		return true
	}
	return false
}
