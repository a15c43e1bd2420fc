package text_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"parley/internal/text"
)

type vector struct {
	Name    string      `json:"name"`
	Rule    text.Rule   `json:"rule"`
	Text    string      `json:"text"`
	Repeat  int         `json:"repeat"` // the text is meant this many times; 0 is once
	Warning string      `json:"warning"`
	Want    text.Result `json:"want"`
}

func vectors(t *testing.T) []vector {
	t.Helper()
	b, err := os.ReadFile("testdata/count.json")
	if err != nil {
		t.Fatalf("reading the vectors: %v", err)
	}
	var vs []vector
	if err := json.Unmarshal(b, &vs); err != nil {
		t.Fatalf("reading the vectors: %v", err)
	}
	if len(vs) < 150 {
		t.Fatalf("%d vectors, too few to be the whole file", len(vs))
	}
	for i := range vs {
		vs[i].Text = strings.Repeat(vs[i].Text, max(1, vs[i].Repeat))
	}
	return vs
}

func TestCountVectors(t *testing.T) {
	t.Parallel()
	for _, v := range vectors(t) {
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			if got := text.Count(v.Rule, v.Text, v.Warning); got != v.Want {
				t.Errorf("Count(%q) is %+v, want %+v", v.Text, got, v.Want)
			}
		})
	}
}

// TestCountInTheBrowser runs the same vectors through the module the composer
// loads. Where there is no node only the build server insists.
func TestCountInTheBrowser(t *testing.T) {
	t.Parallel()
	node, err := exec.LookPath("node")
	if err != nil {
		if os.Getenv("PARLEY_CI") != "" {
			t.Fatalf("node is needed here: %v", err)
		}
		t.Log("no node on PATH: the browser's count is not compared")
		return
	}
	out, err := exec.Command(node, "--test", "../page/static/js/count_test.mjs").CombinedOutput()
	if err != nil {
		t.Fatalf("the browser counts otherwise: %v\n%s", err, out)
	}
}

func TestCountOfInvalidUTF8(t *testing.T) {
	t.Parallel()
	for _, unit := range []text.Unit{text.Graphemes, text.CodePoints, text.UTF16, text.Weighted} {
		got := text.Count(text.Rule{Unit: unit, Max: 10}, "a\xff\xfeb", "")
		if got.Bytes != 4 || !got.Fits {
			t.Errorf("%s: %+v", unit, got)
		}
	}
}

// TestCountGrows checks what a member relies on while typing: joining two texts
// by a space never counts less than either.
func TestCountGrows(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rule := text.Rule{
			Unit:      rapid.SampledFrom([]text.Unit{text.Graphemes, text.CodePoints, text.UTF16, text.Weighted}).Draw(t, "unit"),
			URLWeight: rapid.SampledFrom([]int{0, 23}).Draw(t, "url"),
		}
		a, b := rapid.String().Draw(t, "a"), rapid.String().Draw(t, "b")
		both := text.Count(rule, a+" "+b, "").Used
		if one := text.Count(rule, a, "").Used; both < one {
			t.Fatalf("%q counts %d, with more after it %d", a, one, both)
		}
	})
}

func FuzzCount(f *testing.F) {
	f.Add("hello @user@host.example https://example.org/a_(b)?c=d", "cw", 10, 20)
	f.Add("👨‍👩‍👧‍👦🇩🇪e\u0301\xff", "", 3, 0)
	f.Add("https://"+strings.Repeat("(", 100), "#tag", 0, 1)
	f.Fuzz(func(t *testing.T, body, warning string, limit, bytes int) {
		for _, unit := range []text.Unit{text.Graphemes, text.CodePoints, text.UTF16, text.Weighted} {
			for _, plain := range []bool{true, false} {
				rule := text.Rule{Unit: unit, Max: limit, MaxBytes: bytes, CWCounts: plain, MentionDomainFree: !plain}
				if !plain {
					rule.URLWeight = 23
				}
				r := text.Count(rule, body, warning)
				if r.Used < 0 || r.Links < 0 || r.Bytes < len(body) {
					t.Fatalf("%+v of %q is impossible", r, body)
				}
				over := limit > 0 && r.Used > limit || bytes > 0 && r.Bytes > bytes
				if r.Fits == over {
					t.Fatalf("%+v of %q under %+v: Fits is wrong", r, body, rule)
				}
				if limit > 0 && r.Used+r.Left != limit {
					t.Fatalf("%+v: used and left are not %d", r, limit)
				}
			}
		}
	})
}
