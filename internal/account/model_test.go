package account

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"parley/internal/id"
	"parley/internal/network"
)

// Three nodes claim, freeze in the middle of a page, wake up, renew and give back
// in any order, while members disconnect and reconnect. Whatever they do: what is
// stored is exactly what stands before the bookmark, the bookmark never goes
// back, and only who claimed last can move it.
func TestLeasesAsAModel(t *testing.T) {
	t.Parallel()
	h := setup(t)
	nodes := []*house{h, on(t, h.db, h.clock, "node-2", h.stage, h.Keys), on(t, h.db, h.clock, "node-3", h.stage, h.Keys)}
	h.stage.caps.Feeds, h.stage.pageSize = []network.Feed{network.Mentions}, 2
	run := 0
	rapid.Check(t, func(rt *rapid.T) {
		run++
		h.exec(`update account set state = 'disconnected'`) // of earlier runs
		h.stage.remote.RemoteID = fmt.Sprint("run-", run)
		h.stage.log = map[network.Feed][]network.Event{}
		m := &leaseModel{t: rt, h: h, nodes: nodes, account: h.connect()}
		for range rapid.IntRange(6, 24).Draw(rt, "steps") {
			m.step()
			m.check()
		}
	})
}

type leaseModel struct {
	t       *rapid.T
	h       *house
	nodes   []*house
	account id.ID
	said    int
	off     bool

	hands  []inHand // leases somebody believes to hold
	holder int64    // the generation that counts; 0: nobody's
	until  time.Time
	cursor int
}

type inHand struct {
	node *house
	l    lease
}

func (m *leaseModel) step() {
	switch rapid.SampledFrom([]string{"say", "claim", "claim", "page", "page", "page", "settle", "settle", "hint", "wait", "wait", "beat", "off", "on"}).Draw(m.t, "what") {
	case "say":
		m.said++
		m.h.stage.say(network.Mentions, fmt.Sprintf("%d-%03d", m.account, m.said))
	case "claim":
		m.claim(rapid.SampledFrom(m.nodes).Draw(m.t, "node"))
	case "page":
		m.page()
	case "settle":
		m.settle()
	case "hint":
		m.nodes[0].pollNow(ctx, &lease{workspace: here, account: m.account}, rapid.Bool().Draw(m.t, "opened"))
	case "wait":
		m.h.clock.Advance(time.Duration(rapid.SampledFrom([]int{1, 30, 91, 91, 600}).Draw(m.t, "seconds")) * time.Second)
	case "beat":
		m.beat(rapid.SampledFrom(m.nodes).Draw(m.t, "node"))
	case "off":
		must(m.h.t, m.h.Disconnect(ctx, steward(), m.account))
		m.off, m.holder = true, 0
	case "on":
		m.h.connect()
		m.off, m.holder = false, 0
	}
}

func (m *leaseModel) claim(n *house) {
	leases, err := n.claimFeeds(ctx, 100)
	must(m.h.t, err)
	for _, l := range leases {
		if l.account != m.account || l.feed != network.Mentions {
			n.release(ctx, l)
			continue
		}
		now := m.h.clock.Now()
		if m.off || m.holder != 0 && !now.After(m.until) {
			m.t.Fatalf("claimed at %v; off %v, held until %v", now, m.off, m.until)
		}
		if at, _ := strconv.Atoi(string(l.cursor.Opaque)); at != m.cursor {
			m.t.Fatalf("begins at %d, the bookmark stands at %d", at, m.cursor)
		}
		m.holder, m.until = l.generation, now.Add(feedLease)
		m.hands = append(m.hands, inHand{n, l})
	}
}

// pick takes any lease in hand, also one that was lost long ago.
func (m *leaseModel) pick() (*inHand, int) {
	if len(m.hands) == 0 {
		return nil, 0
	}
	i := rapid.IntRange(0, len(m.hands)-1).Draw(m.t, "hand")
	return &m.hands[i], i
}

func (m *leaseModel) page() {
	hand, _ := m.pick()
	if hand == nil {
		return
	}
	page, err := m.h.stage.Poll(ctx, network.Account{Secret: m.h.stage.secret()}, network.Mentions, hand.l.cursor)
	must(m.h.t, err)
	_, err = hand.node.store(ctx, &hand.l, network.Account{}, page)
	valid := hand.l.generation == m.holder
	if valid && err != nil || !valid && !errors.Is(err, errFenced) {
		m.t.Fatalf("a page under generation %d, %d holds: %v", hand.l.generation, m.holder, err)
	}
	if valid {
		m.until = m.h.clock.Now().Add(feedLease)
		m.cursor, _ = strconv.Atoi(string(page.Next.Opaque))
	}
}

func (m *leaseModel) settle() {
	hand, i := m.pick()
	if hand == nil {
		return
	}
	o := outcome{wait: time.Minute, moved: true}
	if rapid.Bool().Draw(m.t, "fails") {
		o.err = refused(network.Transient)
	}
	before := m.h.number(`select failures + 1000 * lease from account_feed where account = $1 and feed = 'mentions'`, m.account)
	must(m.h.t, hand.node.settle(ctx, hand.l, o))
	after := m.h.number(`select failures + 1000 * lease from account_feed where account = $1 and feed = 'mentions'`, m.account)
	if hand.l.generation == m.holder {
		m.holder = 0
	} else if before != after {
		m.t.Fatal("how it went was stored by somebody who had lost the lease")
	}
	m.hands = slices.Delete(m.hands, i, i+1)
}

// beat renews what a node holds, as far as it still does.
func (m *leaseModel) beat(n *house) {
	n.mu.Lock()
	clear(n.held)
	n.mu.Unlock()
	ended := map[int64]func() bool{}
	for _, hand := range m.hands {
		if hand.node == n {
			held, _ := n.hold(ctx, hand.l)
			ended[hand.l.generation] = func() bool { return held.Err() != nil }
		}
	}
	must(m.h.t, n.renewLeases(ctx))
	for generation, over := range ended {
		if over() == (generation == m.holder) {
			m.t.Fatalf("generation %d, %d holds: ended %v", generation, m.holder, over())
		}
		if generation == m.holder {
			m.until = m.h.clock.Now().Add(feedLease)
		}
	}
}

func (m *leaseModel) check() {
	rows, err := m.h.db.Read().Query(ctx, `select message from heard where account = $1 order by message`, m.account)
	must(m.h.t, err)
	defer rows.Close()
	n := 0
	for rows.Next() {
		var got string
		must(m.h.t, rows.Scan(&got))
		if n++; got != fmt.Sprintf("%d-%03d", m.account, n) {
			m.t.Fatalf("message %d is %s", n, got)
		}
	}
	if n != m.cursor {
		m.t.Fatalf("%d stored, the bookmark stands at %d", n, m.cursor)
	}
}
