package email

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"parley/internal/network"
)

var update = flag.Bool("update", false, "write what was read beside the corpus")

// Every mail of the corpus is read as the file beside it says. The mails are
// written by us, in the manner of the programs their names tell.
func TestCorpus(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/mail/*.eml")
	if err != nil || len(files) < 12 {
		t.Fatalf("%d mails, %v", len(files), err)
	}
	now := time.Date(2026, 11, 12, 9, 30, 0, 0, time.UTC)
	n := New(network.Env{Now: func() time.Time { return now }}, Options{})
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			t.Parallel()
			raw, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			raw = bytes.ReplaceAll(raw, []byte("\n"), []byte("\r\n"))
			e, _ := n.event(us, item{uid: 1, came: now.Add(-time.Minute), size: int64(len(raw)), raw: raw}, false)
			got := shown(e)
			want := strings.TrimSuffix(name, ".eml") + ".txt"
			if *update {
				if err := os.WriteFile(want, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			b, err := os.ReadFile(want)
			if err != nil || string(b) != got {
				t.Errorf("read as\n%s\nwant\n%s (%v)", got, b, err)
			}
		})
	}
}

// shown is an event as text.
func shown(e network.Event) string {
	var b strings.Builder
	p := e.Post
	fmt.Fprintf(&b, "id %s\nparent %s\nfrom %s <%s>\nat %s\nquiet %v\n", p.ID, p.ParentID, p.Author.Name, p.Author.Handle, p.Created.Format(time.RFC3339), e.Quiet)
	for _, to := range p.To {
		fmt.Fprintf(&b, "to %s <%s>\n", to.Name, to.Handle)
	}
	for _, m := range p.Media {
		fmt.Fprintf(&b, "file %s %s %q %d\n", m.Kind, m.MIME, m.Alt, m.Size)
	}
	for _, s := range p.Text.Spans {
		fmt.Fprintf(&b, "span %s %q %s\n", s.Kind, p.Text.Body[s.Start:s.End], s.Target)
	}
	return b.String() + "\n" + p.Text.Body + "\n"
}
