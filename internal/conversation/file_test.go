package conversation

import (
	"strings"
	"testing"
)

func TestFileName(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"Rechnung Nº 7.pdf":    "Rechnung Nº 7.pdf",
		"../../etc/passwd":     "_.._etc_passwd",
		`C:\x.exe`:             "C__x.exe",
		"":                     "attachment",
		"...":                  "attachment",
		"a\"; filename=x.html": "a_; filename=x.html",
		"photo\u202egpj.exe":   "photogpj.exe",
	} {
		if got := fileName(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	if n := len(fileName(strings.Repeat("ü", 300))); n > 150 {
		t.Errorf("%d bytes", n)
	}
}
