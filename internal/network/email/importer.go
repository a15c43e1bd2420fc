package email

import (
	"context"
	"slices"
	"time"

	"github.com/emersion/go-imap/v2"

	"parley/internal/network"
)

// Import walks back through a folder by the day its mails came.
func (n *Network) Import(ctx context.Context, a network.Account, f network.Feed, since time.Time, c network.Cursor) (network.Page, error) {
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
	if !known || at.Validity != box.validity {
		// Numbered anew: what was read already is known when it comes again.
		at = mark{Validity: box.validity}
	}
	by := &imap.SearchCriteria{Since: since.UTC().Truncate(24 * time.Hour)}
	if at.Below > 1 {
		var set imap.UIDSet
		set.AddRange(1, imap.UID(at.Below-1))
		by.UID = []imap.UIDSet{set}
	}
	uids, err := m.search(by)
	if err != nil {
		return network.Page{}, err
	}
	page := network.Page{More: len(uids) > pageMails}
	uids = uids[max(0, len(uids)-pageMails):]
	items, gaps, err := m.fetchAll(uids)
	if err != nil {
		return network.Page{}, err
	}
	if page.Events, err = m.events(a, f, items, false); err != nil {
		return network.Page{}, err
	}
	slices.Reverse(page.Events)
	page.Events = append(page.Events, gaps...)
	if len(uids) > 0 {
		at.Below = uids[0]
	}
	page.More = page.More && at.Below > 1
	page.Next = at.cursor()
	return page, nil
}
