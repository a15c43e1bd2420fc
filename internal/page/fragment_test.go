package page_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/a-h/templ"

	"parley/internal/actor"
	"parley/internal/clock"
	"parley/internal/page"
	"parley/internal/page/pagetest"
)

// shared is a kernel whose page /w/harbour/list is one fragment; made counts how
// often it was built.
func shared(t *testing.T, o page.Options, build func() (templ.Component, error)) (*page.Kernel, *atomic.Int64) {
	t.Helper()
	var made atomic.Int64
	k := pagetest.Kernel(t, o)
	k.Member("GET /list", func(_ http.ResponseWriter, r *page.Request) error {
		return r.Fragment("list "+r.URL.Query().Get("tab"), func(context.Context) (templ.Component, error) {
			made.Add(1)
			return build()
		})
	})
	return k, &made
}

func list(k *page.Kernel, query string, header ...string) *httptest.ResponseRecorder {
	r := pagetest.SignIn(request("GET", "/w/harbour/list"+query, ""))
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return serve(k, r)
}

func TestOneEventCostsOneRendering(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("<li>a conversation</li>", 200)
	begun := make(chan struct{})
	k, made := shared(t, pagetest.Options(t), func() (templ.Component, error) {
		<-begun
		return words(long), nil
	})
	var wg sync.WaitGroup
	for range 500 {
		wg.Go(func() {
			w := list(k, "", "Accept-Encoding", "zstd")
			if w.Code != 200 || w.Header().Get("Content-Encoding") != "zstd" {
				t.Errorf("%d %q", w.Code, w.Header().Get("Content-Encoding"))
			}
		})
	}
	close(begun)
	wg.Wait()
	if n := made.Load(); n != 1 {
		t.Errorf("made %d times for 500 browsers, want once", n)
	}
}

func TestFragmentIsMadeAnewFor(t *testing.T) {
	t.Parallel()
	o := pagetest.Options(t)
	now, ok := o.Clock.(*clock.Fake)
	if !ok {
		t.Fatal("the test clock is no fake")
	}
	k, made := shared(t, o, func() (templ.Component, error) { return words("x"), nil })
	for _, step := range []struct {
		name string
		do   func()
		want int64
	}{
		{"the first visitor", func() { list(k, "") }, 1},
		{"the second visitor", func() { list(k, "") }, 1},
		{"another view", func() { list(k, "?tab=mine") }, 2},
		{"another language", func() { list(k, "", "Accept-Language", "pl") }, 2}, // there is no Polish: English again
		{"another zone", func() {
			r := pagetest.SignIn(request("GET", "/w/harbour/list", ""))
			r.AddCookie(&http.Cookie{Name: "parley-zone", Value: "Asia/Tokyo"})
			serve(k, r)
		}, 3},
		{"an event elsewhere", func() { k.Hub().Publish(page.Notice{Workspace: 2, Number: 9}); list(k, "") }, 3},
		{"an event here", func() { k.Hub().Publish(page.Notice{Workspace: 1, Number: 9}); list(k, "") }, 4},
		{"the same event again", func() { list(k, "") }, 4},
		{"a minute later", func() { now.Advance(time.Minute); list(k, "") }, 5},
	} {
		step.do()
		if got := made.Load(); got != step.want {
			t.Errorf("after %s it was made %d times, want %d", step.name, got, step.want)
		}
	}
}

func TestFragmentNotModified(t *testing.T) {
	t.Parallel()
	k, _ := shared(t, pagetest.Options(t), func() (templ.Component, error) { return words("the same"), nil })
	etag := list(k, "").Header().Get("Etag")
	k.Hub().Publish(page.Notice{Workspace: 1, Number: 2}) // made again, with the same words
	if w := list(k, "", "If-None-Match", etag); w.Code != 304 || w.Body.Len() != 0 {
		t.Errorf("%d with %d bytes, want 304 with none", w.Code, w.Body.Len())
	}
	if w := list(k, "", "If-None-Match", `"other"`); w.Code != 200 {
		t.Errorf("%d for another tag", w.Code)
	}
}

func TestFragmentThatFailsIsTriedAgain(t *testing.T) {
	t.Parallel()
	var n atomic.Int64
	k, made := shared(t, pagetest.Options(t), func() (templ.Component, error) {
		switch n.Add(1) {
		case 1:
			return nil, errors.New("database away")
		case 2:
			panic("a defect")
		}
		return words("fine"), nil
	})
	for i, want := range []int{500, 500, 200} {
		if w := list(k, ""); w.Code != want {
			t.Errorf("try %d: %d, want %d", i+1, w.Code, want)
		}
	}
	if made.Load() != 3 {
		t.Errorf("made %d times", made.Load())
	}
}

// A fragment that others see must not know who asked first.
func TestNobodyLooksInsideAFragment(t *testing.T) {
	t.Parallel()
	k := pagetest.Kernel(t, pagetest.Options(t))
	var me page.Visitor
	var can bool
	var link string
	k.Member("GET /list", func(_ http.ResponseWriter, r *page.Request) error {
		return r.Fragment("list", func(context.Context) (templ.Component, error) {
			return templ.ComponentFunc(func(ctx context.Context, _ io.Writer) error {
				me, can, link = page.Me(ctx), page.Can(ctx, actor.Reply), page.Link(ctx, "inbox")
				return nil
			}), nil
		})
	})
	list(k, "")
	if me.SignedIn() || me.Name != "" || can || link != "/w/harbour/inbox" {
		t.Errorf("inside it is %+v, who can reply: %v, link %q", me, can, link)
	}
}
