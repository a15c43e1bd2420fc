package email

import (
	"bytes"
	"context"
	"io"
	"strconv"
	"strings"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-message"

	"parley/internal/network"
)

// wholeMail is the largest mail that is read for what is attached: base64 makes a
// third more of it.
const wholeMail = network.FetchMost/3*4 + 1<<20

// Fetch reads an attachment out of the mailbox, where it stays.
func (n *Network) Fetch(ctx context.Context, a network.Account, ref network.Ref, media network.Media) ([]byte, error) {
	number, ok := strings.CutPrefix(media.URL, network.InPlace)
	want, err := strconv.Atoi(number)
	if !ok || err != nil || want < 1 {
		return nil, &network.Error{Kind: network.BadInput, Native: "attachment", Err: err}
	}
	m, err := n.open(ctx, a)
	if err != nil {
		return nil, err
	}
	defer m.close()
	it, err := m.where(a, ref.ID)
	if err != nil {
		return nil, err
	}
	if it.size > wholeMail {
		return nil, &network.Error{Kind: network.BadMedia, Native: "size", Help: "email.help.attachment_size"}
	}
	items, err := m.sections([]uint32{it.uid}, &imap.FetchItemBodySection{Peek: true}, wholeMail)
	if err != nil {
		return nil, err
	}
	if len(items) == 0 {
		return nil, filedAway()
	}
	return attachmentOf(items[0].raw, want)
}

// where finds a mail in the folders that are read.
func (m *mailbox) where(a network.Account, id string) (item, error) {
	for _, f := range []network.Feed{network.Direct, network.Own} {
		if _, err := m.lookAt(a, f); err != nil {
			if network.KindOf(err) == network.Gone {
				continue
			}
			return item{}, err
		}
		if it, ok, err := m.find(messageIDOf(id), id); err != nil || ok {
			return it, err
		}
	}
	return item{}, filedAway()
}

func filedAway() error {
	return &network.Error{Kind: network.Gone, Native: "attachment", Help: "email.help.filed_away"}
}

// attachmentOf is the wanted one of a mail's files, counted as they are told.
func attachmentOf(raw []byte, want int) ([]byte, error) {
	head, rest := split(raw)
	e, _ := message.ReadWithOptions(io.MultiReader(bytes.NewReader(head), strings.NewReader("\r\n"), bytes.NewReader(rest)),
		&message.ReadOptions{MaxHeaderBytes: maxHeader * 2})
	if e == nil {
		return nil, filedAway()
	}
	w := walker{left: maxParts, want: want}
	w.entity(e, 0)
	switch {
	case len(w.files) < want:
		return nil, filedAway()
	case len(w.bytes) > network.FetchMost:
		return nil, &network.Error{Kind: network.BadMedia, Native: "size", Help: "email.help.attachment_size"}
	}
	return w.bytes, nil
}
