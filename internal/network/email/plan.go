package email

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"parley/internal/network"
	"parley/internal/text"
)

const (
	maxFiles     = 10
	maxFileBytes = 10 << 20
	maxText      = 200_000 // bytes
)

// frozen is what Step.Body holds. Everything that ends up in the mail's bytes is
// in it, so that sending it again sends the same.
type frozen struct {
	From       string     `json:"from"` // our address
	Name       string     `json:"name,omitempty"`
	To         string     `json:"to"`
	ToName     string     `json:"to_name,omitempty"`
	Subject    string     `json:"subject"`
	MessageID  string     `json:"message_id"`
	InReplyTo  string     `json:"in_reply_to,omitempty"`
	References []string   `json:"references,omitempty"`
	Parent     string     `json:"parent,omitempty"` // the id of what it answers
	Date       time.Time  `json:"date"`
	Lang       string     `json:"lang,omitempty"`
	Text       string     `json:"text"`
	Files      []attached `json:"files,omitempty"`
	Copy       bool       `json:"copy,omitempty"` // the step that keeps a copy
}

// attached is a file that leaves with a mail.
type attached struct {
	Digest [32]byte `json:"digest"`
	MIME   string   `json:"mime"`
	Name   string   `json:"name"`
	Alt    string   `json:"alt,omitempty"`
}

// idPrefix begins the Message-IDs of mails that Parley sends.
const idPrefix = "parley."

// ourID reports a Message-ID that Parley made.
func ourID(id string) bool { return strings.HasPrefix(id, idPrefix) }

// newID makes the Message-ID of a draft: the same draft gets the same one.
func newID(a network.Account, key string) string {
	sum := sha256.Sum256([]byte(a.RemoteID + "\n" + key))
	name := strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:15]))
	return idPrefix + name + "@" + address{addr: a.RemoteID}.domain()
}

// Plan freezes a mail. It looks up what it answers, for its subject and its place
// among the mails before it, and writes nothing.
func (n *Network) Plan(ctx context.Context, a network.Account, d network.Draft) (network.Plan, error) {
	if err := admissible(d); err != nil {
		return network.Plan{}, err
	}
	part := d.Parts[0]
	f := frozen{From: a.RemoteID, Name: a.Name, MessageID: newID(a, d.Key), Date: d.At.UTC().Truncate(time.Second), Lang: part.Lang, Text: text.Clean(part.Text)}
	if f.Date.IsZero() {
		f.Date = n.now().UTC().Truncate(time.Second)
	}
	if err := f.answer(ctx, n, a, d, part); err != nil {
		return network.Plan{}, err
	}
	if err := f.attach(ctx, n, a, part.Media); err != nil {
		return network.Plan{}, err
	}
	if _, err := f.head(); err != nil {
		return network.Plan{}, err
	}
	return f.plan(d.Key, a.Extra[extraSaves] == "yes")
}

// plan is the steps of a mail. Where the server keeps what it sends, looking there
// proves a lost answer; elsewhere nothing does, and a second step keeps a copy.
func (f frozen) plan(key string, saves bool) (network.Plan, error) {
	p := network.Plan{Key: key}
	body, err := json.Marshal(f)
	if err != nil {
		return p, fmt.Errorf("freezing a mail: %w", err)
	}
	send := network.Step{Kind: network.Create, WantID: f.MessageID, Proof: network.ProofNone, Body: body, Parts: []int{0}}
	if saves {
		send.Proof = network.ProofReadback
		p.Steps = []network.Step{send}
		return p, nil
	}
	// An upload, because nobody outside sees it and a repeat finds it done.
	keep := network.Step{Kind: network.Upload, WantID: f.MessageID, Proof: network.ProofReadback, Body: []byte(`{"copy":true}`), After: []int{0}}
	p.Steps = []network.Step{send, keep}
	return p, nil
}

// admissible checks what needs no look-up.
func admissible(d network.Draft) error {
	if len(d.Parts) != 1 {
		return &network.Error{Kind: network.Policy, Native: "Parts", Help: "email.why.thread"}
	}
	part := d.Parts[0]
	switch {
	case part.Warning != "":
		return &network.Error{Kind: network.Policy, Native: "Warning", Help: "email.why.warning"}
	case part.Visibility != "" && part.Visibility != network.DirectTo:
		return &network.Error{Kind: network.Policy, Native: "Visibility", Help: "email.why.post"}
	case strings.TrimSpace(text.Clean(part.Text)) == "" && len(part.Media) == 0:
		return &network.Error{Kind: network.BadInput, Native: "Empty", Help: "email.help.empty"}
	case len(part.Text) > maxText:
		return &network.Error{Kind: network.TooLong, Native: "Text", Help: "email.help.too_large"}
	case d.ReplyTo == nil && len(part.Keep) == 0:
		return &network.Error{Kind: network.Policy, Native: "To", Help: "email.why.post"}
	}
	return nil
}

// answer fills in to whom, about what and after what.
func (f *frozen) answer(ctx context.Context, n *Network, a network.Account, d network.Draft, part network.Part) error {
	var to network.Person
	if d.ReplyTo != nil {
		to = d.ReplyTo.Author
	}
	if len(part.Keep) > 0 {
		to = part.Keep[0]
	}
	f.To, f.ToName = to.RemoteID, to.Name
	if strings.EqualFold(to.Handle, to.RemoteID) {
		f.To = to.Handle // as they spell it themselves
	}
	f.Subject = "Re:"
	if d.ReplyTo != nil {
		if err := f.follow(ctx, n, a, *d.ReplyTo, to); err != nil {
			return err
		}
	}
	if _, ok := written("", f.To); !ok {
		return &network.Error{Kind: network.BadInput, Native: "To", Help: "email.help.no_such_reader"}
	}
	return nil
}

// follow puts the mail behind what it answers. The mail that is answered tells
// its subject and what came before it; if it was deleted or filed away, what was
// stored of it must do.
func (f *frozen) follow(ctx context.Context, n *Network, a network.Account, parent network.Post, to network.Person) error {
	f.Parent = parent.ID
	id, want := messageIDOf(parent.ID), parent.ID
	sent := strings.HasPrefix(parent.ID, reportPrefix)
	if sent {
		// The report says what became of a mail of ours; it is that mail that goes on.
		id, want = messageIDOf(parent.ParentID), parent.ParentID
	}
	l, found, err := n.lookUp(ctx, a, id, want, sent)
	if err != nil {
		return err
	}
	if id != "" && len(ids("<"+id+">")) == 1 {
		f.InReplyTo = id
	}
	if !found {
		f.Subject = asReply(firstLine(parent))
		if f.InReplyTo != "" {
			f.References = []string{f.InReplyTo}
		}
		return nil
	}
	f.Subject = asReply(l.subject)
	f.References = chain(l.references, l.inReplyTo, f.InReplyTo)
	if reply := l.answersTo(a); !sent && reply.addr != "" && l.writer(a).key() == to.RemoteID {
		f.To = reply.addr
		if reply.name != "" {
			f.ToName = reply.name
		}
	}
	return nil
}

// lookUp finds the header of a mail in the mailbox.
func (n *Network) lookUp(ctx context.Context, a network.Account, messageID, want string, sent bool) (letter, bool, error) {
	if messageID == "" {
		return letter{}, false, nil
	}
	m, err := n.open(ctx, a)
	if err != nil {
		return letter{}, false, err
	}
	defer m.close()
	feed := network.Direct
	if sent {
		feed = network.Own
	}
	if _, err := m.lookAt(a, feed); err != nil {
		if sent && network.KindOf(err) == network.Gone {
			return letter{}, false, nil
		}
		return letter{}, false, err
	}
	it, ok, err := m.find(messageID, want)
	if err != nil || !ok {
		return letter{}, false, err
	}
	return parse(it.raw), true, nil
}

// asReply is the subject of an answer.
func asReply(subject string) string {
	if replyForm.MatchString(subject) {
		return subject
	}
	return strings.TrimSpace("Re: " + subject)
}

// firstLine is what a stored mail was about: a mail that began something has its
// subject in front.
func firstLine(p network.Post) string {
	if p.ParentID != "" {
		return ""
	}
	line, _, _ := strings.Cut(p.Text.Body, "\n")
	return text.CleanLine(line, 150)
}

// chain is the References of an answer (RFC 5322, section 3.6.4). Of a long one
// the beginning and the end are kept, as programs look at these.
func chain(before []string, inReplyTo, parent string) []string {
	list := slices.Clone(before)
	if len(list) == 0 && inReplyTo != "" {
		list = []string{inReplyTo}
	}
	if parent != "" {
		list = append(slices.DeleteFunc(list, func(id string) bool { return id == parent }), parent)
	}
	if len(list) > 20 {
		list = append(list[:1:1], list[len(list)-19:]...)
	}
	return list
}

// attach freezes the files. Their bytes must be there now, and those that were
// meant.
func (f *frozen) attach(ctx context.Context, n *Network, a network.Account, media []network.Media) error {
	if len(media) > maxFiles {
		return &network.Error{Kind: network.BadMedia, Native: "Files", Help: "email.help.files"}
	}
	for i, m := range media {
		raw, err := n.bytes(ctx, a, m.Digest)
		if err != nil {
			return err
		}
		if len(raw) > maxFileBytes {
			return &network.Error{Kind: network.BadMedia, Native: "Files", Help: "email.help.files"}
		}
		kind, _, err := parseType(m.MIME)
		if err != nil || kind == "" {
			kind = "application/octet-stream"
		}
		f.Files = append(f.Files, attached{Digest: m.Digest, MIME: kind, Name: fmt.Sprintf("%s-%d%s", wordOf(m.Kind), i+1, ending(kind)), Alt: text.CleanLine(m.Alt, 900)})
	}
	return nil
}

func (n *Network) bytes(ctx context.Context, a network.Account, digest [32]byte) ([]byte, error) {
	raw, err := n.env.Media(ctx, a, digest)
	if err != nil {
		return nil, &network.Error{Kind: network.Transient, Native: "media", Err: err}
	}
	if sum := sha256.Sum256(raw); !bytes.Equal(sum[:], digest[:]) {
		return nil, &network.Error{Kind: network.BadMedia, Native: "media", Help: "email.help.files"}
	}
	return raw, nil
}

// thaw reads the mail of a plan; it stands in the first step.
func thaw(p network.Plan) (frozen, error) {
	var f frozen
	if len(p.Steps) == 0 || json.Unmarshal(p.Steps[0].Body, &f) != nil || f.MessageID == "" {
		return f, &network.Error{Kind: network.BadInput, Native: "BadPlan"}
	}
	return f, nil
}
