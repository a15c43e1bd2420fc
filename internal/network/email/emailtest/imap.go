package emailtest

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"

	"parley/internal/network/networktest"
)

// session is one connection to the mailbox.
type session struct {
	*imapmemserver.UserSession
	f    *Fake
	conn *imapserver.Conn
}

var errCut = errors.New("the connection was cut")

// pass lets a command through, or makes of a fault what IMAP would say.
func (s *session) pass(op, path string) error {
	o := s.f.serve(op, "GET", path, nil, func() {})
	switch {
	case o.usual:
		return nil
	case o.cut:
		s.conn.NetConn().Close()
		return errCut
	case o.status == 200:
		_, _ = io.WriteString(s.conn.NetConn(), "* 3 FETCH (UID ") // a line without an end
		s.conn.NetConn().Close()
		return errCut
	case o.status == 429:
		return refusal(imap.ResponseCodeLimit, s.f.wait(o))
	case o.status >= 530 && o.status < 540:
		return refusal(imap.ResponseCodeAuthenticationFailed, o.said)
	case o.status >= 500:
		return refusal(imap.ResponseCodeUnavailable, "Temporary problem")
	}
	return refusal(imap.ResponseCodeLimit, o.said)
}

func refusal(code imap.ResponseCode, said string) error {
	return &imap.Error{Type: imap.StatusResponseTypeNo, Code: code, Text: said}
}

// Login also spends what is armed for streams: a stream begins with it, and has no
// command of its own that could be refused before it counts as open.
func (s *session) Login(user, password string) error {
	if s.f.Armed(networktest.OpStream) {
		first, _ := s.f.Peek(networktest.OpStream)
		err := s.pass(networktest.OpStream, "/imap/login")
		for again, ok := s.f.Peek(networktest.OpStream); first.Cut && ok && again.Cut; again, ok = s.f.Peek(networktest.OpStream) {
			s.f.Take(networktest.OpStream) // nothing connects a second time by itself
		}
		if err != nil {
			return err
		}
	}
	return s.UserSession.Login(user, password)
}

// Select begins a reading.
func (s *session) Select(name string, o *imap.SelectOptions) (*imap.SelectData, error) {
	if err := s.pass(networktest.OpPoll, "/imap/select/"+name); err != nil {
		return nil, err
	}
	return s.UserSession.Select(name, o)
}

// Search may be asked while people go on writing.
func (s *session) Search(kind imapserver.NumKind, by *imap.SearchCriteria, o *imap.SearchOptions) (*imap.SearchData, error) {
	if err := s.pass(networktest.OpRead, "/imap/search"); err != nil {
		return nil, err
	}
	return s.UserSession.Search(kind, by, o)
}

// List marks the folder of sent mail, as RFC 6154 has it.
func (s *session) List(w *imapserver.ListWriter, ref string, patterns []string, o *imap.ListOptions) error {
	for _, name := range []string{"INBOX", "Drafts", "Gesendet", "Ausgang"} {
		if _, err := s.UserSession.Status(name, &imap.StatusOptions{}); err != nil {
			continue
		}
		data := &imap.ListData{Mailbox: name, Delim: '/'}
		if strings.HasPrefix(name, "Ges") || name == "Ausgang" {
			data.Attrs = []imap.MailboxAttr{imap.MailboxAttrSent}
		}
		if err := w.WriteList(data); err != nil {
			return err
		}
	}
	return nil
}

// Append takes a copy.
func (s *session) Append(name string, r imap.LiteralReader, o *imap.AppendOptions) (*imap.AppendData, error) {
	raw, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	var data *imap.AppendData
	done := s.f.serve(networktest.OpUpload, "PUT", "/imap/append/"+name, raw, func() {
		data, err = s.UserSession.Append(name, literal{strings.NewReader(string(raw))}, o)
		s.f.kept(networktest.Write{Op: networktest.OpUpload, ID: messageID(raw), Body: raw})
	})
	switch {
	case done.usual:
		return data, err
	case done.cut:
		s.conn.NetConn().Close()
		return nil, errCut
	}
	return nil, refusal(imap.ResponseCodeUnavailable, "Temporary problem")
}

// messageID finds it in a mail's header.
func messageID(raw []byte) string {
	head, _, _ := bytes.Cut(raw, []byte("\r\n\r\n"))
	for line := range strings.SplitSeq(strings.ReplaceAll(string(head), "\r\n ", " "), "\r\n") {
		if name, v, ok := strings.Cut(line, ":"); ok && strings.EqualFold(name, "Message-ID") {
			return strings.Trim(v, " <>")
		}
	}
	return ""
}

// Flags are all that any mail of a folder bears.
func (f *Fake) Flags(folder string) []imap.Flag {
	s := imapmemserver.NewUserSession(f.user)
	defer s.Close()
	data, err := s.Select(folder, &imap.SelectOptions{})
	must(err)
	return data.Flags
}
