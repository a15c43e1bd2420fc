// Package emailtest plays a provider of mail: a mailbox over IMAP and a submission
// service over SMTP, which misbehave on command. It is the double the connector is
// tested with. Of the connector it knows one thing, how an id is made of a mail's
// header, because the suite wants to hear it beforehand.
package emailtest

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"mime"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"

	"parley/internal/network"
	"parley/internal/network/networktest"
)

// Who is at home here.
const (
	Address  = "info@millbrook.example"
	Password = "correct horse battery"
)

// Options vary the provider.
type Options struct {
	Saves    bool        // it keeps what it sends among the sent mail
	Implicit *tls.Config // encrypted from the first byte; nil: not
	StartTLS *tls.Config // encrypted when asked; nil: not offered
	Auth     string      // what submission offers; "" is PLAIN LOGIN
	MaxSize  int         // of a mail; 0: not told
}

// Fake is one provider with one mailbox. It is safe for concurrent use.
type Fake struct {
	*networktest.Faults
	now  func() time.Time
	opt  Options
	user *imapmemserver.User

	imap       *imapserver.Server
	imapAt     net.Listener
	smtpAt     net.Listener
	conns      map[net.Conn]bool
	mu         sync.Mutex
	ledger     []networktest.Write
	serial     int
	hold, seen func(*http.Request)
}

// New starts a provider on this machine. Close stops it.
func New(env networktest.Env, opt Options) *Fake {
	f := &Fake{Faults: networktest.NewFaults(env), now: env.Now, opt: opt, conns: map[net.Conn]bool{}}
	f.user = imapmemserver.NewUser(Address, Password)
	for _, name := range []string{"INBOX", "Drafts", "Gesendet"} {
		must(f.user.Create(name, nil))
	}
	f.imap = imapserver.New(&imapserver.Options{
		NewSession: func(c *imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
			return &session{UserSession: imapmemserver.NewUserSession(f.user), f: f, conn: c}, nil, nil
		},
		Caps: imap.CapSet{imap.CapIMAP4rev1: {}, imap.CapNamespace: {}, imap.CapUIDPlus: {}, imap.CapMove: {},
			imap.CapSpecialUse: {}, imap.CapListExtended: {}},
		TLSConfig: opt.StartTLS, InsecureAuth: opt.StartTLS == nil, Logger: log.New(discard{}, "", 0),
	})
	f.imapAt, f.smtpAt = f.listen(), f.listen()
	go f.imap.Serve(f.imapAt)
	go f.serveSMTP()
	return f
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

func (f *Fake) listen() net.Listener {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	if f.opt.Implicit != nil {
		l = tls.NewListener(l, f.opt.Implicit)
	}
	return l
}

// must is for what only a machine without loopback or memory refuses.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

// Close ends both servers.
func (f *Fake) Close() error {
	err := errors.Join(f.smtpAt.Close(), f.imap.Close())
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.conns {
		c.Close()
	}
	return err
}

// ServeHTTP serves nothing: mail does not speak HTTP.
func (f *Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) }

// Watch sets what is called around each request.
func (f *Fake) Watch(hold, seen func(*http.Request)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hold, f.seen = hold, seen
}

// NothingIsTakenBack: what was mailed stays with its reader.
func (*Fake) NothingIsTakenBack() {}

// Change does nothing.
func (*Fake) Change(network.Ref, *network.Post) {}

// IMAP and SMTP are where the servers listen.
func (f *Fake) IMAP() string { return f.imapAt.Addr().String() }

// SMTP is where mail is handed in.
func (f *Fake) SMTP() string { return f.smtpAt.Addr().String() }

// Account is the mailbox as SignIn would have connected it.
func (f *Fake) Account() network.Account {
	blob, err := json.Marshal(map[string]string{"password": Password})
	must(err)
	a := network.Account{ID: "email", Network: "email", Instance: "mailto:", RemoteID: Address, Handle: Address, Name: "Town of Millbrook",
		URL: "mailto:" + Address, Secret: network.Secret{Blob: blob},
		Extra: map[string]string{"imap": "plain://" + f.IMAP(), "smtp": "plain://" + f.SMTP(), "user": Address, "sent": "Gesendet"}}
	if f.opt.Saves {
		a.Extra["saves"] = "yes"
	}
	return a
}

// Ledger is what left, and what was put into folders.
func (f *Fake) Ledger() []networktest.Write {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.ledger)
}

func (f *Fake) kept(w networktest.Write) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ledger = append(f.ledger, w)
}

// Say makes somebody write to us.
func (f *Fake) Say(p network.Post) network.Ref {
	f.mu.Lock()
	f.serial++
	n := f.serial
	f.mu.Unlock()
	id := fmt.Sprintf("%d.%d@outside.example", n, f.now().UnixNano())
	if p.ID != "" {
		id = p.ID + "@outside.example"
	}
	addr := p.Author.Handle
	if !strings.Contains(addr, "@") {
		addr += "@outside.example"
	}
	date, subject := f.now().Format(time.RFC1123Z), "A question"
	var b strings.Builder
	fmt.Fprintf(&b, "Return-Path: <%s>\r\nReceived: from outside.example by mx.millbrook.example; %s\r\n", addr, date)
	fmt.Fprintf(&b, "From: %s <%s>\r\nTo: <%s>\r\nDate: %s\r\nMessage-ID: <%s>\r\nSubject: %s\r\n",
		mime.QEncoding.Encode("utf-8", p.Author.Name), addr, Address, date, id, subject)
	if parent, _, _ := strings.Cut(p.ParentID, "#"); parent != "" {
		fmt.Fprintf(&b, "In-Reply-To: <%s>\r\n", parent)
	}
	b.WriteString("MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n")
	b.WriteString(strings.ReplaceAll(p.Text.Body, "\n", "\r\n") + "\r\n")
	f.Deliver(b.String())
	sum := sha256.Sum256([]byte(strings.ToLower(addr) + "\n" + date + "\n" + subject))
	return network.Ref{ID: id + "#" + hex.EncodeToString(sum[:5])}
}

// Deliver puts a mail into INBOX as it is.
func (f *Fake) Deliver(raw string) { f.File("INBOX", raw) }

// File puts a mail into a folder as it is.
func (f *Fake) File(folder, raw string) {
	_, err := f.user.Append(folder, literal{strings.NewReader(raw)}, &imap.AppendOptions{Time: f.now()})
	must(err)
}

type literal struct{ *strings.Reader }

func (l literal) Size() int64 { return int64(l.Len()) }

// Renumber makes a folder anew with the same mails: its UIDVALIDITY is another one,
// and so are their UIDs.
func (f *Fake) Renumber(folder string, mails ...string) {
	must(f.user.Delete(folder))
	must(f.user.Create(folder, nil))
	for _, raw := range mails {
		f.File(folder, raw)
	}
}

// Rename gives a folder another name.
func (f *Fake) Rename(from, to string) { must(f.user.Rename(from, to, nil)) }

// Native are the words in which servers of mail say things.
func (*Fake) Native(s networktest.Situation) (networktest.Fault, bool) {
	switch s {
	case networktest.TokenDead:
		return networktest.Fault{Status: 535, Body: []byte("5.7.8 Error: authentication failed")}, true
	case networktest.AccountClosed:
		return networktest.Fault{Status: 550, Header: http.Header{"X-At": {"sender"}}, Body: []byte("5.7.1 This account has been suspended")}, true
	case networktest.RepliesClosed:
		return networktest.Fault{Status: 550, Header: http.Header{"X-At": {"reader"}}, Body: []byte("5.7.1 Recipient address rejected: takes no mail from you")}, true
	}
	return networktest.Fault{}, false
}

// Limits are the forms in which servers of mail say how long to wait.
func (*Fake) Limits(reset, now time.Time) []networktest.Limit {
	wait := reset.Sub(now)
	clock := time.Time{}.Add(wait).Format("15:04:05")
	return []networktest.Limit{
		{Name: "as a clock", Fault: networktest.Fault{Status: 451, Body: []byte("4.7.1 Greylisted, please come back in " + clock)}, Want: reset},
		{Name: "in words", Fault: networktest.Fault{Status: 450, Body: fmt.Appendf(nil, "4.2.1 Too many mails, try again in %d seconds", int(wait.Seconds()))}, Want: reset},
	}
}

// outcome is what became of a request.
type outcome struct {
	usual  bool // it is answered as always
	cut    bool
	status int
	said   string
	header http.Header
}

// serve passes something a client wants through the faults, as a request of HTTP:
// that is what they are about.
func (f *Fake) serve(op, method, path string, body []byte, usual func()) (o outcome) {
	r := httptest.NewRequest(method, path, bytes.NewReader(body))
	f.mu.Lock()
	hold, seen := f.hold, f.seen
	f.mu.Unlock()
	if hold != nil {
		hold(r)
	}
	w := httptest.NewRecorder()
	func() {
		defer func() {
			if p := recover(); p != nil && p != http.ErrAbortHandler {
				panic(p)
			} else if p != nil {
				o.cut = true
			}
		}()
		f.Serve(op, w, r, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Usual", "yes")
			usual()
		})
	}()
	if seen != nil {
		seen(r)
	}
	o.usual = !o.cut && w.Header().Get("X-Usual") != ""
	o.status, o.said, o.header = w.Code, w.Body.String(), w.Header()
	return o
}

// wait is what a fault says about when to come back, as a server of mail would.
func (f *Fake) wait(o outcome) string {
	after := o.header.Get("Retry-After")
	if after == "" {
		return "Too many requests"
	}
	if at, err := http.ParseTime(after); err == nil {
		after = fmt.Sprint(int(at.Sub(f.now().Truncate(time.Second)).Seconds()))
	}
	return "Too many requests, try again in " + after + " seconds"
}

var (
	_ networktest.Fake    = (*Fake)(nil)
	_ networktest.Socket  = (*Fake)(nil)
	_ networktest.Keeper  = (*Fake)(nil)
	_ networktest.Dialect = (*Fake)(nil)
	_ networktest.Limiter = (*Fake)(nil)
)
