package page

import (
	"context"
	"net/url"
	"strconv"
	"time"

	"github.com/a-h/templ"

	"parley/internal/text"
)

func sameDay(ctx context.Context, a, b time.Time) bool {
	zone := Locale(ctx).Zone()
	ay, am, ad := a.In(zone).Date()
	by, bm, bd := b.In(zone).Date()
	return ay == by && am == bm && ad == bd
}

// webOnly is s if it is an absolute http or https address, else "": remote
// servers may send javascript: and data: addresses.
func webOnly(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return ""
	}
	return u.String()
}

// size reserves the picture's place before it is loaded.
func (m Media) size() templ.Attributes {
	if m.Width <= 0 || m.Height <= 0 {
		return nil
	}
	return templ.Attributes{"width": strconv.Itoa(m.Width), "height": strconv.Itoa(m.Height)}
}

func (m Media) kindKey() string {
	switch m.Kind {
	case "image", "video", "gifv", "audio":
		return m.Kind
	}
	return "file"
}

// said is what a message says itself; past is what it repeats below.
func (m Message) said() text.Text { said, _ := m.Text.Split(); return said }
func (m Message) past() text.Text { _, past := m.Text.Split(); return past }

// fileName is what a file is called.
func (m Media) fileName(ctx context.Context) string {
	if m.Alt == "" {
		return T(ctx, "message.media.attachment")
	}
	return m.Alt
}
