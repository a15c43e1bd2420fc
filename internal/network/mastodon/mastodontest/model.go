package mastodontest

import (
	"crypto/md5"
	"fmt"
	"slices"
	"strings"
	"time"

	"parley/internal/network"
	"parley/internal/network/mastodon"
)

type person struct {
	id, username, acct, name, url string
	local, bot                    bool
}

type status struct {
	id         string
	author     *person
	source     string
	spoiler    string
	visibility string
	language   string
	created    time.Time
	edited     time.Time
	parent     *status
	mentions   []*person
	media      []*media
	gone       bool
	likes      int
	boosts     int
}

// note is a notification.
type note struct {
	id     string
	kind   string
	status *status
	at     time.Time
}

// person finds somebody by id or handle, or lets them appear.
func (f *Fake) person(id, handle string) *person {
	handle = strings.TrimPrefix(handle, "@")
	username, host, remote := strings.Cut(handle, "@")
	if !remote {
		host = "elsewhere.example"
	}
	full := username + "@" + host
	for _, p := range f.people {
		if strings.EqualFold(p.acct, full) || id != "" && p.id == id {
			return p
		}
	}
	p := &person{id: id, username: username, acct: full, name: username, local: host == f.domain}
	if p.id == "" {
		p.id = fmt.Sprint(1000 + len(f.people))
	}
	p.url = "https://" + host + "/@" + username
	if p.local {
		p.url = f.base + "/@" + username
	}
	f.people[p.id] = p
	return p
}

// find is the status with that id, however it is written.
func (f *Fake) find(id string) *status {
	s := f.statuses[f.lasting(id)]
	if s == nil || s.gone {
		return nil
	}
	return s
}

// lasting is the part of an id that stays.
func (f *Fake) lasting(id string) string {
	if f.dialect == mastodon.Snac && len(id) > 32 {
		return id[len(id)-32:]
	}
	return id
}

// keep stores a new status. id, if given, is taken over where the dialect's own
// ids are numbers.
func (f *Fake) keep(s *status, id string) {
	s.id = f.newID()
	if id != "" && f.dialect != mastodon.Snac && f.statuses[id] == nil {
		s.id = id
	}
	f.statuses[f.lasting(s.id)] = s
	f.order = append(f.order, f.lasting(s.id))
}

// newID makes an id in the dialect's way, higher than all before.
func (f *Fake) newID() string {
	f.serial++
	at := f.now()
	switch f.dialect {
	case mastodon.GoToSocial:
		return ulid(at, f.serial)
	case mastodon.Pleroma:
		return fmt.Sprintf("A%012X%05d", at.UnixMilli(), f.serial)
	case mastodon.Snac:
		return fmt.Sprintf("%010d%x", at.Unix(), md5.Sum(fmt.Append(nil, f.base, f.serial)))
	default:
		return fmt.Sprint(at.UnixMilli()<<16 | int64(f.serial&0xffff))
	}
}

// ulid is 48 bits of milliseconds and a number, in Crockford's alphabet.
func ulid(at time.Time, serial int) string {
	const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	b := make([]byte, 26)
	ms, n := at.UnixMilli(), serial
	for i := 9; i >= 0; i-- {
		b[i], ms = alphabet[ms&31], ms>>5
	}
	for i := 25; i >= 10; i-- {
		b[i], n = alphabet[n&31], n>>5
	}
	return string(b)
}

// less orders ids: by length, then by letters.
func less(a, b string) bool {
	if len(a) != len(b) {
		return len(a) < len(b)
	}
	return a < b
}

// notify tells our account that it was mentioned. A late one gets the id below
// the newest.
func (f *Fake) notify(s *status, late bool) {
	f.serial++
	n := &note{kind: "mention", status: s, at: f.now(), id: fmt.Sprint(100000 + f.serial*10)}
	if f.dialect == mastodon.GoToSocial {
		n.id = ulid(n.at, f.serial*10)
	}
	if last := len(f.notes) - 1; late && last >= 0 {
		n.id = f.notes[last].id[:len(f.notes[last].id)-1] + "/" // below every digit
		if f.dialect != mastodon.GoToSocial {
			var v int
			_, _ = fmt.Sscan(f.notes[last].id, &v)
			n.id = fmt.Sprint(v - 1)
		}
		f.notes = slices.Insert(f.notes, last, n)
	} else {
		f.notes = append(f.notes, n)
	}
	f.tell("notification", f.renderNote(n))
}

// touch stamps an edit and tells the streams.
func (f *Fake) touch(s *status) {
	at := f.now()
	if !at.After(s.edited) {
		at = s.edited.Add(time.Second)
	}
	s.edited = at
	if f.dialect == mastodon.Snac {
		s.id = fmt.Sprintf("%010d%s", at.Unix(), f.lasting(s.id))
	}
	f.tell("status.update", f.render(s))
}

// drop deletes a status; what told of it goes with it.
func (f *Fake) drop(s *status) {
	s.gone = true
	f.notes = slices.DeleteFunc(f.notes, func(n *note) bool { return n.status == s })
	f.tell("delete", s.id)
}

func (f *Fake) ref(s *status) network.Ref {
	r := network.Ref{ID: s.id, URL: s.author.url + "/" + f.lasting(s.id)}
	if f.dialect == mastodon.Snac {
		r.ID = "0000000000" + f.lasting(s.id)
	}
	return r
}

// word is the API's word for a visibility.
func word(v network.Visibility) string {
	switch v {
	case network.Followers:
		return "private"
	case network.DirectTo:
		return "direct"
	case "":
		return "public"
	default:
		return string(v)
	}
}
