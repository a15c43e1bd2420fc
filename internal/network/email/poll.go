package email

import (
	"context"
	"errors"
	"time"

	"github.com/emersion/go-imap/v2"

	"parley/internal/network"
)

const (
	pageMails = 25
	// margin is how far before the last known mail a folder is read again that was
	// numbered anew: its days are the server's, not ours.
	margin = 3 * 24 * time.Hour
)

// Poll reads what came into INBOX since, or what was sent since. It finds
// everything behind the highest UID it has seen; a folder that was numbered anew
// is read again from shortly before the newest mail known.
func (n *Network) Poll(ctx context.Context, a network.Account, f network.Feed, c network.Cursor) (network.Page, error) {
	m, err := n.open(ctx, a)
	if err != nil {
		return network.Page{}, err
	}
	defer m.close()
	box, err := m.lookAt(a, f)
	if err != nil {
		return network.Page{}, err
	}
	at, known := readMark(c)
	var page network.Page
	switch {
	case !known, c.IsZero():
		if !known {
			page.Events = append(page.Events, n.gap("email.gap.bookmark", time.Time{}))
		}
		return m.begin(a, f, box, page)
	case at.Validity != box.validity:
		since := max(1, at.Came-int64(margin/time.Second)) // 1: nothing is known, so from the beginning
		at = mark{Validity: box.validity, Came: at.Came, Know: at.Know, Since: since, Met: at.Know == ""}
	case at.Since == 0 && box.next != 0 && box.next <= at.Last+1:
		page.Next = at.cursor()
		return page, nil
	}
	return m.goOn(a, f, at, page)
}

// begin reads the newest page of a folder that was never read.
func (m *mailbox) begin(a network.Account, f network.Feed, box folder, page network.Page) (network.Page, error) {
	at := mark{Validity: box.validity}
	uids, err := m.newest(box, pageMails)
	if err != nil {
		return page, err
	}
	if box.next > 0 {
		at.Last = box.next - 1
	}
	return m.read(a, f, at, uids, page)
}

// goOn reads the next page behind a mark.
func (m *mailbox) goOn(a network.Account, f network.Feed, at mark, page network.Page) (network.Page, error) {
	var since time.Time
	if at.Since > 1 {
		since = day(at.Since)
	}
	uids, err := m.after(at.Last, since)
	if err != nil {
		return page, err
	}
	if page.More = len(uids) > pageMails; page.More {
		uids = uids[:pageMails]
	}
	know, renumbered := at.Know, at.Since != 0
	page, err = m.read(a, f, at, uids, page)
	if err != nil || !renumbered {
		return page, err
	}
	next, _ := readMark(page.Next)
	for _, e := range page.Events {
		next.Met = next.Met || e.Post != nil && short(e.Post.ID) == know
	}
	if !page.More {
		if !next.Met {
			// Whether anything came between the newest mail known and the oldest here
			// cannot be told.
			page.Events = append(page.Events, m.n.gap("email.gap.renumbered", day(next.Came)))
		}
		next.Since, next.Met = 0, false
	} else {
		next.Know = know
	}
	page.Next = next.cursor()
	return page, nil
}

// read fetches mails and moves the mark behind them.
func (m *mailbox) read(a network.Account, f network.Feed, at mark, uids []uint32, page network.Page) (network.Page, error) {
	items, gaps, err := m.fetchAll(uids)
	if err != nil {
		return page, err
	}
	events, err := m.events(a, f, items, true)
	if err != nil {
		return page, err
	}
	for i, it := range items {
		at.read(it, events[i].Post.ID)
	}
	page.Events = append(page.Events, events...)
	page.Events = append(page.Events, gaps...)
	for _, u := range uids { // what is gone meanwhile is passed all the same
		at.Last = max(at.Last, u)
	}
	page.Next = at.cursor()
	return page, nil
}

// fetchAll fetches mails; what a server cannot hand out together is asked for one
// by one, so that one mail it has lost does not keep the others back.
func (m *mailbox) fetchAll(uids []uint32) (items []item, gaps []network.Event, err error) {
	items, err = m.fetch(uids, false)
	var said *network.Error
	if err == nil || !errors.As(err, &said) || !refusedFetch(said) {
		return items, nil, err
	}
	items = nil
	for _, u := range uids {
		one, err := m.fetch([]uint32{u}, false)
		switch {
		case err == nil:
			items = append(items, one...)
		case errors.As(err, &said) && refusedFetch(said):
			gaps = append(gaps, m.n.gap("email.gap.unreadable", time.Time{}))
		default:
			return nil, nil, err
		}
	}
	return items, gaps, nil
}

// refusedFetch reports a NO or BAD without a reason that concerns the account: the
// mail itself is what the server cannot cope with.
func refusedFetch(e *network.Error) bool {
	switch imap.ResponseCode(e.Native) {
	case imap.ResponseCode(imap.StatusResponseTypeNo), imap.ResponseCode(imap.StatusResponseTypeBad), imap.ResponseCodeCorruption, imap.ResponseCodeParse, imap.ResponseCodeUnknownCTE:
		return true
	}
	return false
}

// events reads mails, and, where who answers whom matters now, finds out which of
// the mails we hold theirs answer.
func (m *mailbox) events(a network.Account, f network.Feed, items []item, parents bool) ([]network.Event, error) {
	events := make([]network.Event, len(items))
	here := map[string]string{}
	for i, it := range items {
		e, l := m.n.event(a, it, f == network.Own)
		events[i] = e
		if l.messageID != "" {
			here[l.messageID] = e.Post.ID
		}
	}
	var asked []string
	for _, e := range events {
		id := e.Post.ParentID
		if _, known := here[id]; id != "" && !known && !ourID(id) {
			asked = append(asked, id)
		}
	}
	if parents {
		if err := m.findParents(a, f, asked, here); err != nil {
			return nil, err
		}
	}
	for _, e := range events {
		if id, ok := here[e.Post.ParentID]; ok {
			e.Post.ParentID = id
		}
	}
	return events, nil
}

// findParents looks up the ids of mails in INBOX by their Message-IDs. A mail that
// is not there, because it is one of ours or was filed away, is known by its
// Message-ID alone. So it is where a server cannot search for it.
func (m *mailbox) findParents(a network.Account, f network.Feed, asked []string, found map[string]string) error {
	if len(asked) == 0 {
		return nil
	}
	if f == network.Own {
		if _, err := m.look("INBOX"); err != nil {
			return err
		}
	}
	for _, id := range asked {
		if _, done := found[id]; done {
			continue
		}
		it, ok, err := m.find(id, "")
		if err != nil {
			return err
		}
		if ok {
			e, _ := m.n.event(a, it, false)
			found[id] = e.Post.ID
		}
	}
	return nil
}

// find looks in the open folder for the mail with a Message-ID, and, if want is
// given, with exactly that id. Only its header is fetched. A server that cannot
// search has not got it.
func (m *mailbox) find(messageID, want string) (item, bool, error) {
	if messageID == "" {
		return item{}, false, nil
	}
	uids, err := m.byMessageID(messageID)
	if err != nil {
		var said *network.Error
		if errors.As(err, &said) && refusedFetch(said) {
			return item{}, false, nil
		}
		return item{}, false, err
	}
	items, err := m.fetch(uids[:min(len(uids), pageMails)], true)
	if err != nil {
		return item{}, false, err
	}
	for _, it := range items {
		// Servers look for a part of the header's text.
		if l := parse(it.raw); l.messageID == messageID && (want == "" || want == l.id(false) || want == l.id(true)) {
			return it, true, nil
		}
	}
	return item{}, false, nil
}

// lookAt opens the folder of a feed.
func (m *mailbox) lookAt(a network.Account, f network.Feed) (folder, error) {
	switch f {
	case network.Direct:
		return m.look("INBOX")
	case network.Own:
		return m.lookAtSent(a)
	}
	return folder{}, &network.Error{Kind: network.Policy, Native: "feed " + string(f), Help: "email.why.mentions"}
}

// lookAtSent opens the folder of sent mail, also after somebody renamed it.
func (m *mailbox) lookAtSent(a network.Account) (folder, error) {
	name := a.Extra[extraSent]
	box, err := m.look(name)
	var said *network.Error
	if err == nil || !errors.As(err, &said) || said.Kind != network.Gone && !refusedFetch(said) {
		return box, err
	}
	if name, err = m.sentFolder(); err != nil {
		return folder{}, err
	}
	if name == "" {
		return folder{}, &network.Error{Kind: network.Gone, Native: "sent", Help: "email.help.no_sent"}
	}
	return m.look(name)
}

func (n *Network) gap(note string, at time.Time) network.Event {
	if at.IsZero() {
		at = n.now()
	}
	return network.Event{Kind: network.KindGap, Note: note, At: at}
}
