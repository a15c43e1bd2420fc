package page

import "testing"

func TestLean(t *testing.T) {
	t.Parallel()
	for _, one := range []struct{ name, raw, want string }{
		{"a.js", "// why\n/** @param {string} a */\nlet a = 1; // kept\n\n/**\n * long\n */\n  b();\n", "let a = 1; // kept\nb();\n"},
		{"a.js", "const t = `\n  // stays\n  x`;\n  c();\n", "const t = `\n  // stays\n  x`;\nc();\n"},
		{"a.js", "/* one */ d();\n", "/* one */ d();\n"},
		{"a.css", "/* a\n   b */\n@layer x {\n  a { color: red; }\n}\n", "@layer x {\na { color: red; }\n}\n"},
		{"a.svg", "  <svg/>\n", "  <svg/>\n"},
	} {
		if got := string(lean(one.name, []byte(one.raw))); got != one.want {
			t.Errorf("%s: %q, want %q", one.raw, got, one.want)
		}
	}
}
