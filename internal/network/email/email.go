// Package email reads and answers a mailbox: what people write to an
// organisation's address stands beside what they say on networks, and the answer
// leaves as an ordinary mail.
//
// It reads INBOX and the folder of sent mail over IMAP (RFC 3501, 9051), never
// marks, moves or deletes anything there, and sends over SMTP submission (RFC
// 6409). A mail is private between us and who wrote it; all mails of one person to
// one of our addresses are one conversation. What only machines said, automatic
// replies, newsletters, reports about mail that did not arrive, is told apart
// (RFC 3834, RFC 3464), so that it makes nobody wait for an answer.
//
// An answer has its Message-ID before it leaves. Where a mailbox keeps what its
// server sends by itself, a lost answer is settled by looking for that id among
// sent mail; elsewhere it cannot be settled, and a member decides.
//
// Connections are always encrypted, but for one to this machine that was asked for
// in words. All of them go through Env.Dial.
//
// Not its business: spam, reading mail that a filter put into other folders,
// newsletters of our own, and the mail Parley itself sends to members (mail).
package email

import (
	"context"
	"crypto/x509"
	"embed"
	"net"
	"time"

	"parley/internal/network"
)

// Name of the network in rows, addresses and catalogue keys.
const Name = "email"

// Instance is the same for all mailboxes: who writes to two of our addresses is
// one person, and a mail that reaches both is one message.
const Instance = "mailto:"

// Catalogue holds every sentence of this package that people may see.
//
//go:embed catalogue/*.json
var Catalogue embed.FS

// Keys of Account.Extra.
const (
	extraIMAP  = "imap"  // a server, as server.String writes it
	extraSMTP  = "smtp"  //
	extraUser  = "user"  // the login name
	extraSent  = "sent"  // the folder of sent mail
	extraSaves = "saves" // "yes": the server keeps what it sends by itself
)

// Fields of the connect form.
const (
	fieldAddress  = "address"
	fieldPassword = "password"
	fieldName     = "name"
	fieldUser     = "user"
	fieldIMAP     = "imap"
	fieldSMTP     = "smtp"
)

// Resolver finds the servers a domain names; *net.Resolver is one.
type Resolver interface {
	LookupSRV(ctx context.Context, service, proto, name string) (string, []*net.SRV, error)
}

// Options are what the connector needs besides its Env. The zero value serves.
type Options struct {
	Resolver Resolver       // nil: the system's
	RootCAs  *x509.CertPool // nil: the system's
}

// Ports are those that servers of mail answer on.
func Ports() []uint16 { return []uint16{143, 993, 25, 465, 587} }

// Network is the connector. It keeps nothing between calls and is safe for
// concurrent use.
type Network struct {
	env network.Env
	opt Options
}

// New makes the connector.
func New(env network.Env, opt Options) *Network {
	if opt.Resolver == nil {
		opt.Resolver = net.DefaultResolver
	}
	return &Network{env: env, opt: opt}
}

// Info says what the connect page asks for.
func (*Network) Info() network.Info {
	return network.Info{
		Name:  Name,
		Title: "email.title",
		Fields: []network.Field{
			{Name: fieldAddress, Label: "email.field.address", Help: "email.field.address.help"},
			{Name: fieldPassword, Label: "email.field.password", Help: "email.field.password.help", Secret: true},
			{Name: fieldName, Label: "email.field.name", Help: "email.field.name.help", Optional: true},
			{Name: fieldUser, Label: "email.field.user", Help: "email.field.user.help", Optional: true},
			{Name: fieldIMAP, Label: "email.field.imap", Help: "email.field.imap.help", Optional: true},
			{Name: fieldSMTP, Label: "email.field.smtp", Help: "email.field.smtp.help", Optional: true},
		},
	}
}

func (n *Network) now() time.Time { return n.env.Now() }

var (
	_ network.Network   = (*Network)(nil)
	_ network.SignIner  = (*Network)(nil)
	_ network.Poller    = (*Network)(nil)
	_ network.Importer  = (*Network)(nil)
	_ network.Streamer  = (*Network)(nil)
	_ network.Fetcher   = (*Network)(nil)
	_ network.Publisher = (*Network)(nil)
)
