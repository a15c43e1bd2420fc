package sandbox

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"parley/internal/clock"
	"parley/internal/network"
	"parley/internal/network/sandbox/people"
)

// What the world keeps at most. Older things are forgotten, as on a real
// network that prunes; a reader who comes too late is told of the gap.
const (
	maxPosts  = 8000
	maxLog    = 6000
	maxMedia  = 200
	maxBytes  = 64 << 20 // of all uploads together
	maxLedger = 10000
	maxActs   = 20000
)

// firstID is where post ids begin: the first integer that a float64 loses, so
// that whoever reads ids as JSON numbers is found out at once. A world adds its
// epoch to it, so that one that is started anew does not give an id twice.
const firstID = 9007199254740993

// epochBits leave room for a million posts in each second a world could begin.
const epochBits = 20

// world is all state of the network. Every method that is not said to lock
// expects mu to be held.
type world struct {
	mu     sync.Mutex
	kind   Personality
	clock  clock.Clock
	shift  time.Duration // set by the control API
	base   string
	seed   uint64
	epoch  int64 // where numbers of posts and logs begin
	seq    int64
	tokens int
	wake   chan struct{} // closed and replaced at each change
	engine *people.Engine

	desks      []*desk
	profiles   map[string]*wirePerson // by id
	handles    map[string]string      // handle → id
	posts      map[string]*post
	order      []string // ids of posts, oldest first
	media      map[string]*upload
	mediaOrder []string
	mediaHeld  int // bytes
	containers map[string]*container
	keys       map[string]keyed
	acts       map[wireAct]bool
	ledger     []Write
	faults     faults
	blind      map[string]time.Time // posts and listings that can't be read until then
	late       []latePost           // kept, but not to be seen yet; in the order of their time
}

// latePost is a post that becomes visible later.
type latePost struct {
	at   time.Time
	post *post
}

// Write is one thing the network kept.
type Write struct {
	Op   string // create|upload|edit|delete|act
	Key  string
	ID   string
	Body []byte
}

// desk is one of our accounts as the network sees it.
type desk struct {
	*wirePerson
	mentions, own eventLog
	suspended     bool
	access        map[string]time.Time // token → until
	refresh       string               // the one valid refresh token
	used          int                  // requests in the current window
	window        time.Time            // its end
}

// post is what was said, with its newest version.
type post struct {
	wirePost
	version int
	desk    *desk // nil: somebody else's
	deleted bool
	locked  bool // no answers allowed
	key     string
	likes   map[string]bool
	reposts map[string]bool
	views   int64
}

// keyed remembers an Idempotency-Key.
type keyed struct {
	post  string
	until time.Time
}

// container is a post prepared and not yet published.
type container struct {
	wireContainer
	desk  *desk
	made  wireNew
	since time.Time
}

func newWorld(o Options) (*world, error) {
	kind, err := personality(o.Personality)
	if err != nil {
		return nil, err
	}
	w := &world{
		kind: kind, clock: o.Clock, base: strings.TrimSuffix(o.BaseURL, "/"), seed: o.Seed, wake: make(chan struct{}),
		profiles: map[string]*wirePerson{}, handles: map[string]string{}, posts: map[string]*post{},
		media: map[string]*upload{}, containers: map[string]*container{}, keys: map[string]keyed{},
		acts: map[wireAct]bool{}, blind: map[string]time.Time{},
	}
	if w.clock == nil {
		w.clock = clock.System{}
	}
	if w.base == "" {
		w.base = Address
	}
	begin := w.now().Add(-o.Backlog)
	w.epoch = begin.Unix() << epochBits
	if o.Population && len(o.Desks) == 0 {
		o.Desks = people.Town()
	}
	for _, d := range o.Desks {
		w.addDesk(d.Handle, d.Name)
	}
	if o.Population {
		w.engine, err = people.New(people.Options{
			Seed: o.Seed, Start: begin, Live: w.now(), Desks: o.Desks, Staff: o.Staff, Zone: o.Zone, Stage: stage{w},
		})
		if err != nil {
			return nil, fmt.Errorf("populating the sandbox: %w", err)
		}
		w.engine.Step(w.now())
	}
	return w, nil
}

// now is the network's own time.
func (w *world) now() time.Time { return w.clock.Now().Add(w.shift) }

// catchUp lets happen what was due by now.
func (w *world) catchUp() {
	w.reveal(w.now())
	if w.engine != nil {
		w.engine.Step(w.now())
	}
}

// changed wakes every open stream.
func (w *world) changed() {
	close(w.wake)
	w.wake = make(chan struct{})
}

// addDesk makes an account of ours, or finds it.
func (w *world) addDesk(handle, name string) *desk {
	if d := w.deskByHandle(handle); d != nil {
		return d
	}
	if name == "" {
		name = handle
	}
	id := "desk-" + w.digest("desk", handle)[:12]
	p := w.addPerson(wirePerson{ID: id, Handle: handle, Name: name})
	d := &desk{wirePerson: p, access: map[string]time.Time{}}
	d.mentions.first, d.own.first = w.epoch+1, w.epoch+1
	w.desks = append(w.desks, d)
	if w.engine != nil {
		w.engine.Welcome(people.Desk{Handle: d.Handle, Name: d.Name})
	}
	return d
}

// addPerson makes a profile, or finds the one with that id.
func (w *world) addPerson(p wirePerson) *wirePerson {
	if have, ok := w.profiles[p.ID]; ok {
		return have
	}
	p.URL = w.base + "/@" + p.Handle
	p.Avatar = w.base + prefix + "/portraits/" + p.ID + ".png"
	w.profiles[p.ID] = &p
	w.handles[p.Handle] = p.ID
	return &p
}

func (w *world) deskByHandle(handle string) *desk {
	for _, d := range w.desks {
		if d.Handle == handle {
			return d
		}
	}
	return nil
}

func (w *world) deskByID(id string) *desk {
	for _, d := range w.desks {
		if d.ID == id {
			return d
		}
	}
	return nil
}

// next is a number never used before.
func (w *world) next() string {
	w.seq++
	return strconv.FormatInt(w.seq, 10)
}

// digest is a deterministic name for something.
func (w *world) digest(parts ...string) string {
	h := sha256.New()
	fmt.Fprintf(h, "%d", w.seed)
	for _, p := range parts {
		fmt.Fprintf(h, "\x00%s", p)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// kept writes into the ledger.
func (w *world) kept(op, key, id string, body []byte) {
	if len(w.ledger) >= maxLedger {
		w.ledger = slices.Delete(w.ledger, 0, maxLedger/10)
	}
	w.ledger = append(w.ledger, Write{op, key, id, body})
}

// publish makes a post public and tells everybody it reaches. p.ID may be
// chosen by the author; "" takes the next.
func (w *world) publish(p *post, at time.Time) *post {
	w.seq++
	p.Seq = w.seq
	if p.ID == "" {
		p.ID = strconv.FormatInt(firstID+w.epoch+w.seq, 10)
	}
	p.version = 1
	p.Version = "1"
	p.Created, p.Indexed = at, at
	p.URL = w.base + "/@" + p.Author.Handle + "/" + p.ID
	p.Spans = w.spans(p.Text)
	if parent := w.posts[p.InReplyTo]; parent != nil {
		p.Root = parent.Root
		if p.Root == "" {
			p.Root = parent.ID
		}
	}
	p.likes, p.reposts = map[string]bool{}, map[string]bool{}
	w.posts[p.ID] = p
	w.order = append(w.order, p.ID)
	w.prunePosts()
	w.deliver(p, at)
	w.changed()
	return p
}

func (w *world) prunePosts() {
	if len(w.order) <= maxPosts {
		return
	}
	n := maxPosts / 10
	for _, id := range w.order[:n] {
		delete(w.posts, id)
	}
	w.order = slices.Delete(w.order, 0, n)
}

// revise gives a post a new version.
func (w *world) revise(p *post, words wireNew, at time.Time) {
	p.version++
	p.Version = strconv.Itoa(p.version)
	p.Text, p.Spans = words.Text, w.spans(words.Text)
	p.Warning = words.Warning
	if words.Lang != "" {
		p.Lang = words.Lang
	}
	p.Edited = at
	w.spread(p, wireEvent{Kind: eventEdit, At: at, Post: snapshot(p)})
	w.changed()
}

// remove deletes a post. Its words are gone from every log at once.
func (w *world) remove(p *post, at time.Time) {
	p.deleted = true
	p.Text, p.Spans, p.Warning, p.Media = "", nil, "", nil
	w.spread(p, wireEvent{Kind: eventDelete, At: at, Gone: p.ID})
	w.changed()
}

// snapshot is a version of a post as it was told.
func snapshot(p *post) *wirePost {
	c := p.wirePost
	c.To = slices.Clone(p.To)
	c.Media = slices.Clone(p.Media)
	return &c
}

// find is a post that can be seen.
func (w *world) find(id string) *post {
	if p := w.posts[id]; p != nil && !p.deleted {
		return p
	}
	return nil
}

// visibleTo reports whether a desk may read a post: private ones only if it
// wrote them or is written to.
func (p *post) visibleTo(d *desk) bool {
	if p.Visibility != string(network.DirectTo) || p.desk == d {
		return true
	}
	return slices.ContainsFunc(p.To, func(t wirePerson) bool { return t.ID == d.ID })
}
