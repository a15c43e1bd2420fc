package email

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"parley/internal/network"
)

// secret is what Account.Secret holds.
type secret struct {
	Password string `json:"password"`
}

func secretOf(a network.Account) (secret, error) {
	var s secret
	if err := json.Unmarshal(a.Secret.Blob, &s); err != nil || s.Password == "" {
		return s, &network.Error{Kind: network.Auth, Native: "secret", Help: "email.help.reconnect"}
	}
	return s, nil
}

// mailbox is one signed-in IMAP connection. It is used by one goroutine.
type mailbox struct {
	n       *Network
	ctx     context.Context
	c       *imapclient.Client
	arrived chan struct{} // holds one item once the open folder has grown
	folder  string        // the name of the open one
}

// open signs in to the account's mailbox. Close what it returns.
func (n *Network) open(ctx context.Context, a network.Account) (*mailbox, error) {
	s, err := serverOf(a, "imap")
	if err != nil {
		return nil, err
	}
	pass, err := secretOf(a)
	if err != nil {
		return nil, err
	}
	return n.openAt(ctx, s, a.Extra[extraUser], pass.Password)
}

func (n *Network) openAt(ctx context.Context, s server, user, password string) (*mailbox, error) {
	conn, err := n.connect(ctx, s)
	if err != nil {
		return nil, err
	}
	m := &mailbox{n: n, ctx: ctx, arrived: make(chan struct{}, 1)}
	opt := &imapclient.Options{TLSConfig: n.tls(s), UnilateralDataHandler: &imapclient.UnilateralDataHandler{Mailbox: m.grew}}
	if s.mode == starttls {
		if m.c, err = imapclient.NewStartTLS(conn, opt); err != nil {
			return nil, tlsError(ctx, s, err)
		}
	} else {
		m.c = imapclient.New(conn, opt)
	}
	if err := m.c.WaitGreeting(); err != nil {
		m.close()
		return nil, imapError(ctx, err, false, n.now())
	}
	if err := m.c.Login(user, password).Wait(); err != nil {
		m.close()
		return nil, imapError(ctx, err, true, n.now())
	}
	return m, nil
}

// close says goodbye without waiting for an answer: what was asked is answered.
func (m *mailbox) close() {
	m.c.Logout()
	_ = m.c.Close()
}

func (m *mailbox) grew(data *imapclient.UnilateralDataMailbox) {
	if data.NumMessages == nil {
		return
	}
	select {
	case m.arrived <- struct{}{}:
	default: // one is enough
	}
}

func (m *mailbox) wrong(err error) error { return imapError(m.ctx, err, false, m.n.now()) }

// folder is an open folder as it stood when it was opened.
type folder struct {
	validity uint32
	next     uint32 // the UID that the next mail gets at the earliest; 0: not told
	count    uint32
}

// look opens a folder for reading only: nothing done to it can change a flag.
func (m *mailbox) look(name string) (folder, error) {
	data, err := m.c.Select(name, &imap.SelectOptions{ReadOnly: true}).Wait()
	if err != nil {
		return folder{}, m.wrong(err)
	}
	m.folder = name
	return folder{validity: data.UIDValidity, next: uint32(data.UIDNext), count: data.NumMessages}, nil
}

// after finds the mails behind a UID, oldest first; since narrows them by the day
// they came, zero does not.
func (m *mailbox) after(uid uint32, since time.Time) ([]uint32, error) {
	var set imap.UIDSet
	set.AddRange(imap.UID(uid+1), 0)
	found, err := m.search(&imap.SearchCriteria{UID: []imap.UIDSet{set}, Since: since})
	if err != nil {
		return nil, err
	}
	// "n:*" names the last mail even if its UID is smaller (RFC 3501, section 6.4.8).
	out := found[:0]
	for _, u := range found {
		if u > uid {
			out = append(out, u)
		}
	}
	return out, nil
}

// search returns UIDs in ascending order.
func (m *mailbox) search(by *imap.SearchCriteria) ([]uint32, error) {
	data, err := m.c.UIDSearch(by, nil).Wait()
	if err != nil {
		return nil, m.wrong(err)
	}
	uids := data.AllUIDs()
	out := make([]uint32, len(uids))
	for i, u := range uids {
		out[i] = uint32(u)
	}
	return out, nil
}

// byMessageID finds the mails that bear a Message-ID.
func (m *mailbox) byMessageID(id string) ([]uint32, error) {
	return m.search(&imap.SearchCriteria{Header: []imap.SearchCriteriaHeaderField{{Key: "Message-Id", Value: id}}})
}

// item is a mail as the server hands it out: the whole of it, or its beginning.
type item struct {
	uid  uint32
	came time.Time // INTERNALDATE
	size int64
	raw  []byte
}

// fetchBytes is how much of a mail is read. Words come first in nearly every
// mail; what is cut off is an attachment.
const fetchBytes = 512 << 10

// fetch reads mails, in the order of uids. Those that are gone meanwhile are left
// out.
func (m *mailbox) fetch(uids []uint32, headOnly bool) ([]item, error) {
	section := &imap.FetchItemBodySection{Peek: true, Partial: &imap.SectionPartial{Size: fetchBytes}}
	if headOnly {
		section.Specifier = imap.PartSpecifierHeader
	}
	return m.sections(uids, section, fetchBytes)
}

// sections reads a part of mails, at most that many bytes of each.
func (m *mailbox) sections(uids []uint32, section *imap.FetchItemBodySection, most int64) ([]item, error) {
	if len(uids) == 0 {
		return nil, nil
	}
	var set imap.UIDSet
	for _, u := range uids {
		set.AddNum(imap.UID(u))
	}
	cmd := m.c.Fetch(set, &imap.FetchOptions{UID: true, InternalDate: true, RFC822Size: true, BodySection: []*imap.FetchItemBodySection{section}})
	got := map[uint32]item{}
	for msg := cmd.Next(); msg != nil; msg = cmd.Next() {
		if it, ok := readItem(msg, most); ok {
			got[it.uid] = it
		}
	}
	if err := cmd.Close(); err != nil {
		return nil, m.wrong(err)
	}
	var out []item
	for _, u := range uids {
		if it, ok := got[u]; ok {
			out = append(out, it)
		}
	}
	return out, nil
}

func readItem(msg *imapclient.FetchMessageData, most int64) (it item, ok bool) {
	for data := msg.Next(); data != nil; data = msg.Next() {
		switch data := data.(type) {
		case imapclient.FetchItemDataUID:
			it.uid = uint32(data.UID)
		case imapclient.FetchItemDataInternalDate:
			it.came = data.Time
		case imapclient.FetchItemDataRFC822Size:
			it.size = data.Size
		case imapclient.FetchItemDataBodySection:
			if data.Literal == nil {
				continue
			}
			// A server may send more than was asked for; what breaks off here breaks
			// the command too, whose error is looked at.
			it.raw, _ = io.ReadAll(io.LimitReader(data.Literal, most))
			ok = true
		}
	}
	return it, ok && it.uid != 0
}

// newest are the UIDs of the last n mails of a folder, in ascending order.
func (m *mailbox) newest(box folder, n uint32) ([]uint32, error) {
	if box.count == 0 {
		return nil, nil
	}
	var set imap.SeqSet
	set.AddRange(max(1, box.count-min(n, box.count)+1), box.count)
	cmd := m.c.Fetch(set, &imap.FetchOptions{UID: true})
	var out []uint32
	for msg := cmd.Next(); msg != nil; msg = cmd.Next() {
		for data := msg.Next(); data != nil; data = msg.Next() {
			if u, ok := data.(imapclient.FetchItemDataUID); ok {
				out = append(out, uint32(u.UID))
			}
		}
	}
	if err := cmd.Close(); err != nil {
		return nil, m.wrong(err)
	}
	return out, nil
}

// sentFolder finds the folder of sent mail: the one marked so (RFC 6154), else the
// one with a usual name. "" if there is none.
func (m *mailbox) sentFolder() (string, error) {
	var opt *imap.ListOptions
	if caps := m.c.Caps(); caps.Has(imap.CapSpecialUse) && caps.Has(imap.CapListExtended) {
		opt = &imap.ListOptions{ReturnSpecialUse: true}
	}
	list, err := m.c.List("", "*", opt).Collect()
	if err != nil {
		return "", m.wrong(err)
	}
	named := ""
	for _, l := range list {
		for _, attr := range l.Attrs {
			if attr == imap.MailboxAttrSent {
				return l.Mailbox, nil
			}
		}
		last := l.Mailbox
		if l.Delim != 0 {
			last = last[strings.LastIndex(last, string(l.Delim))+1:]
		}
		if named == "" && sentNames[strings.ToLower(last)] {
			named = l.Mailbox
		}
	}
	return named, nil
}

// sentNames are what mail programs call the folder of sent mail.
var sentNames = map[string]bool{
	"sent": true, "sent items": true, "sent messages": true, "sent mail": true, "sent-mail": true,
	"gesendet": true, "gesendete objekte": true, "gesendete elemente": true,
	"envoyés": true, "éléments envoyés": true, "messages envoyés": true,
	"enviados": true, "elementos enviados": true, "inviata": true, "posta inviata": true, "inviati": true,
	"verzonden": true, "verzonden items": true, "wysłane": true, "skickat": true, "sendt": true, "送信済み": true, "寄件備份": true, "已发送": true,
}

// savesByItself reports a server that keeps what its users send, so that a copy
// of ours would be a second one. Gmail and Exchange do; each has an extension of
// its own by which it is known.
func savesByItself(caps imap.CapSet) bool {
	for _, c := range []imap.Cap{"X-GM-EXT-1", "CLIENTACCESSRULES", "CLIENTNETWORKPRESENCELOCATION", "BACKENDAUTHENTICATE"} {
		if caps.Has(c) {
			return true
		}
	}
	return false
}

// keep puts a mail of ours among the sent ones.
func (m *mailbox) keep(name string, raw []byte, at time.Time) error {
	cmd := m.c.Append(name, int64(len(raw)), &imap.AppendOptions{Flags: []imap.Flag{imap.FlagSeen}, Time: at})
	if _, err := cmd.Write(raw); err != nil {
		_ = cmd.Close()
		return m.wrong(fmt.Errorf("keeping a copy: %w", err))
	}
	if err := cmd.Close(); err != nil {
		return m.wrong(err)
	}
	_, err := cmd.Wait()
	return m.wrong(err)
}
