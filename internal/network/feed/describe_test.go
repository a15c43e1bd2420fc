package feed_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"parley/internal/network"
	"parley/internal/network/feed"
)

// sentences is the English catalogue.
func sentences(t *testing.T) map[string]string {
	t.Helper()
	b, err := feed.Catalogue.ReadFile("catalogue/en.json")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestDescribeRefusesWhateverWrites(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	says := sentences(t)
	a := s.account()
	a.Extra = map[string]string{feed.ExtraFormat: "Atom 1.0"}
	caps, err := s.Describe(context.Background(), a)
	if err != nil {
		t.Fatal(err)
	}
	for _, ability := range []network.Ability{
		network.CanPost, network.CanReply, network.CanDirect, network.CanThread, network.CanMedia, network.CanEdit,
		network.CanDelete, network.CanWarn, network.CanLang, network.CanLike, network.CanRepost, network.CanFollow,
		network.CanMute, network.CanBlock, network.CanReport, network.CanStream, network.CanMentions, network.CanMetrics,
	} {
		g, told := caps.Can[ability]
		if !told || g.OK || says[g.Why] == "" {
			t.Errorf("%s: %+v, which says %q", ability, g, says[g.Why])
		}
	}
	if !caps.Can[network.CanImport].OK || len(caps.Feeds) != 1 || caps.Feeds[0] != network.Items || caps.API != "Atom 1.0" {
		t.Errorf("%+v", caps)
	}
	if caps.Proof != network.ProofNone || len(caps.Visibilities) != 0 || !caps.Until.After(noon.Add(time.Hour)) {
		t.Errorf("%+v", caps)
	}
	if got := s.asked(); len(got) != 0 {
		t.Errorf("Describe asked %v", got)
	}
	for name, has := range map[string]bool{
		"Publisher": is[network.Publisher](s.Network), "Deleter": is[network.Deleter](s.Network), "Editor": is[network.Editor](s.Network),
		"Actor": is[network.Actor](s.Network), "Streamer": is[network.Streamer](s.Network), "Authorizer": is[network.Authorizer](s.Network),
	} {
		if has {
			t.Errorf("a feed is a %s", name)
		}
	}
}

func is[T any](v any) bool {
	_, ok := v.(T)
	return ok
}

// Every key that stands in the code has its sentence, and every sentence is used.
func TestCatalogue(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var code strings.Builder
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		code.Write(b)
	}
	used := map[string]bool{}
	for _, m := range regexp.MustCompile(`"(feed\.[a-z.]+[a-z])"`).FindAllStringSubmatch(code.String(), -1) {
		if m[1] != "feed.json" { // a file name in discover.go
			used[m[1]] = true
		}
	}
	for _, m := range regexp.MustCompile(`no\("([a-z]+)"\)`).FindAllStringSubmatch(code.String(), -1) {
		used["feed.why."+m[1]] = true
	}
	says := sentences(t)
	for key := range used {
		if says[key] == "" {
			t.Errorf("%s has no sentence", key)
		}
	}
	for key, sentence := range says {
		if !used[key] {
			t.Errorf("%s is used nowhere", key)
		}
		if strings.Contains(sentence, "!") || strings.Contains(strings.ToLower(sentence), "please") {
			t.Errorf("%s: %s", key, sentence)
		}
	}
}
