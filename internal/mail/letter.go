package mail

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	netmail "net/mail"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"

	"parley/internal/id"
	"parley/internal/text"
)

// Bounds of what a letter may hold, in bytes.
const (
	maxLine      = 900
	maxParagraph = 20_000
)

// check refuses a letter that could not be sent or would not be what it says.
func (l *Letter) check() error {
	if l.To == "" || l.Subject == "" || l.Purpose == "" {
		return errors.New("a letter needs an address, a subject and a purpose")
	}
	for _, v := range []*string{&l.Name, &l.As, &l.Subject, &l.Why} {
		*v = text.DisplaySafe(text.CleanLine(*v, maxLine))
	}
	for _, list := range [][]string{l.Text, l.After} {
		for i := range list {
			list[i] = text.DisplaySafe(clip(text.Clean(list[i]), maxParagraph))
		}
	}
	for i := range l.Items {
		l.Items[i].Text = text.DisplaySafe(text.CleanLine(l.Items[i].Text, maxLine))
	}
	return nil
}

func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// message makes the same bytes of a letter whenever it is asked.
func (s *Service) message(ctx context.Context, letter id.ID, l Letter, made time.Time) (*gomail.Msg, error) {
	words := s.Words(l.Locale, nil)
	m := gomail.NewMsg(gomail.WithEncoding(gomail.EncodingQP), gomail.WithNoDefaultUserAgent(), gomail.WithBoundary("parley-"+letter.String()))
	from := s.Server.From
	if l.As != "" {
		from.Name = l.As
	} else if from.Name == "" {
		from.Name = "Parley"
	}
	m.FromMailAddress(&from)
	m.ToMailAddress(&netmail.Address{Name: l.Name, Address: l.To})
	m.Subject(l.Subject)
	m.SetMessageIDWithValue(letter.String() + "." + l.Purpose + "@" + s.host())
	m.SetDateWithValue(made.UTC())
	// Nobody's absence note answers it (RFC 3834, section 5; the second is Microsoft's).
	m.SetGenHeader("Auto-Submitted", "auto-generated")
	m.SetGenHeader("X-Auto-Response-Suppress", "All")
	if l.Leave.Link != "" {
		m.SetGenHeader("List-Unsubscribe", "<"+l.Leave.Link+">") // RFC 2369, RFC 8058
		m.SetGenHeader("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")
	}
	m.SetBodyString(gomail.TypeTextPlain, plain(l))
	var html bytes.Buffer
	if err := letterPage(l, words.Name(), words.Dir()).Render(ctx, &html); err != nil {
		return nil, fmt.Errorf("rendering a letter: %w", err)
	}
	m.AddAlternativeString(gomail.TypeTextHTML, html.String())
	return m, nil
}

// host is what Message-IDs and greetings are made with.
func (s *Service) host() string {
	if h := s.URL.Hostname(); strings.Contains(h, ".") && !strings.Contains(h, ":") {
		return h
	}
	return "parley.localhost"
}

// plain is a letter for people who read text.
func plain(l Letter) string {
	var b strings.Builder
	for _, p := range l.Text {
		b.WriteString(p + "\n\n")
	}
	for _, i := range l.Items {
		b.WriteString("* " + i.Text + "\n")
		if i.Link != "" {
			b.WriteString("  " + i.Link + "\n")
		}
	}
	if len(l.Items) > 0 {
		b.WriteString("\n")
	}
	if l.Action.Link != "" {
		b.WriteString(l.Action.Label + ":\n" + l.Action.Link + "\n\n")
	}
	for _, p := range l.After {
		b.WriteString(p + "\n\n")
	}
	b.WriteString("-- \n")
	if l.Why != "" {
		b.WriteString(l.Why + "\n")
	}
	if l.Leave.Link != "" {
		b.WriteString(l.Leave.Label + ": " + l.Leave.Link + "\n")
	}
	return b.String()
}
