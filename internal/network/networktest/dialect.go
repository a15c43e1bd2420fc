package networktest

import (
	"net/http"
	"time"

	"parley/internal/network"
)

// Situation is something that every network says in words of its own.
type Situation string

const (
	MediaFailed   Situation = "media failed"       // OpStatus: what was uploaded can't be used
	MediaExpired  Situation = "media expired"      // OpStatus: what was uploaded is no longer there
	MediaUsed     Situation = "media used"         // returning true says that media can't be attached twice
	TokenDead     Situation = "token dead"         // any operation: the access token is not valid
	RefreshDead   Situation = "refresh dead"       // OpRefresh: only a human can reconnect
	RefreshEmpty  Situation = "refresh empty"      // OpRefresh: a new access token without a refresh token
	AccountClosed Situation = "account suspended"  // OpCreate, OpPoll: our account is suspended
	RepliesClosed Situation = "replies not wanted" // OpCreate: what is answered takes no answers
)

// Dialect is implemented by a Fake that says situations natively. Status,
// header and body are its own; the suite fills in Op where it is left empty.
// false: the network has no words for it, and the suite's own are used, or the
// variant is left out where there are none.
type Dialect interface {
	Native(Situation) (Fault, bool)
}

// Limit is one form in which a network tells the end of a rate limit. Want is
// the instant a connector must read from it.
type Limit struct {
	Name  string
	Fault Fault
	Want  time.Time
}

// Limiter is implemented by a Fake whose network tells rate limits in certain
// forms only. Without it the suite uses every form that stands in a header.
// The server's clock shows now; the limit ends at reset, in full seconds.
type Limiter interface {
	Limits(reset, now time.Time) []Limit
}

// Latecomer is implemented by a Fake whose network can show an item later than
// younger ones: its id, or its time, sorts before what was told already.
type Latecomer interface {
	SayLate(network.Post) network.Ref
}

// Impostor is implemented by a Fake whose handles can pass to somebody else.
type Impostor interface {
	Usurp(handle string) // from now on another person has this handle
}

// Socket is implemented by a Fake whose network does not speak HTTP. It listens by
// itself, tells what arrived as Requests, each GET for a read and anything else
// for a write, calls hold before it acts on a request and seen before it answers,
// and stops with Close.
type Socket interface {
	Watch(hold, seen func(*http.Request))
	Close() error
}

// Keeper is implemented by a Fake whose network takes nothing back: what was said
// stays with those who got it. Change does nothing there.
type Keeper interface {
	NothingIsTakenBack()
}

// Teller is implemented by a Fake that says which counts its network tells.
type Teller interface {
	Counts() []string // network.Counts keys
}

// own are the suite's words for situations; a network that speaks HTTP like
// most understands them.
var own = map[Situation]Fault{
	MediaFailed:  {Status: 422, Body: []byte(`{"error":"the file cannot be processed"}`)},
	MediaExpired: {Status: 404, Body: []byte(`{"error":"Record not found"}`)},
	TokenDead:    {Status: 401, Body: []byte(`{"error":"The access token is invalid"}`)},
	RefreshDead:  {Status: 400, Body: []byte(`{"error":"invalid_grant"}`)},
}

// native is the fault for a situation, for one operation.
func (r *rig) native(s Situation, op string) (Fault, bool) {
	if d, ok := r.fake.(Dialect); ok {
		if f, ok := d.Native(s); ok {
			if f.Op == "" {
				f.Op = op
			}
			return f, true
		}
	}
	f, ok := own[s]
	f.Op = op
	return f, ok
}
