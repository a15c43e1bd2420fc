package mastodon

import (
	"encoding/json"
	"time"

	"parley/internal/network"
)

// place is the bookmark of a feed that pages forward.
//
// Every walk begins at Base. While it goes on, Walk is where it stands, and
// Marks note which id was the newest at what time. A walk that reached the end
// has read everything above Base; an id that was the newest more than the
// overlap before the walk began has nothing uncommitted below it any more, and
// becomes the new Base. So what commits late is read by a later walk, even if
// the program rests for an hour in between.
type place struct {
	Base  string `json:"b"`
	Walk  string `json:"w,omitempty"`
	Began int64  `json:"t,omitempty"` // of this walk, in Unix seconds
	Marks []mark `json:"m,omitempty"`

	Told network.Told `json:"g,omitempty"` // gaps within the overlap
}

type mark struct {
	ID string `json:"i"`
	At int64  `json:"t"` // Unix seconds
}

// apart is the least time between two marks, in seconds: it bounds their number.
const apart = 15

// placeV is the cursor format of place.
const placeV = 1

func readPlace(c network.Cursor) (place, error) {
	var p place
	if err := json.Unmarshal(c.Opaque, &p); err != nil || c.V != placeV || p.Base == "" {
		return p, &network.Error{Kind: network.Version, Native: "cursor", Message: "a bookmark of another version", Err: err}
	}
	return p, nil
}

func (p *place) cursor() network.Cursor {
	b, err := json.Marshal(p)
	if err != nil {
		panic("mastodon: a bookmark that is no JSON: " + err.Error()) // strings and numbers only
	}
	return network.Cursor{V: placeV, Opaque: b}
}

// start is the id to read after.
func (p *place) start(now time.Time) string {
	if p.Walk == "" {
		p.Began = now.Unix()
		return p.Base
	}
	return p.Walk
}

// advance notes that everything up to id was read.
func (p *place) advance(id string, now time.Time) {
	p.Walk = id
	p.mark(id, now)
}

func (p *place) mark(id string, now time.Time) {
	if len(p.Marks) > 0 {
		last := p.Marks[len(p.Marks)-1]
		if last.ID == id || now.Unix()-last.At < apart {
			return
		}
	}
	p.Marks = append(p.Marks, mark{id, now.Unix()})
}

// end closes a walk that found nothing more.
func (p *place) end() {
	settled := p.Began - int64(overlap/time.Second)
	keep := p.Marks[:0]
	for _, m := range p.Marks {
		if m.At <= settled {
			p.Base = m.ID
		} else {
			keep = append(keep, m)
		}
	}
	p.Marks, p.Walk, p.Began = keep, "", 0
}
