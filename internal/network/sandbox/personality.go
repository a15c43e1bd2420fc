package sandbox

import (
	"fmt"
	"time"

	"parley/internal/network"
	"parley/internal/text"
)

// Reset is how a network tells when its rate limit ends.
type Reset string

const (
	ResetSeconds  Reset = "retry-after"      // Retry-After: 30
	ResetDate     Reset = "retry-after-date" // Retry-After: an HTTP date
	ResetISO      Reset = "iso"              // X-RateLimit-Reset, RFC 3339, and no Retry-After
	ResetEpoch    Reset = "epoch"            // RateLimit-Reset, seconds since 1970
	ResetLeft     Reset = "left"             // X-Ratelimit-Reset, seconds left
	ResetTelegram Reset = "parameters"       // body: parameters.retry_after
	ResetExtras   Reset = "extras"           // body: extras.wait_seconds
	ResetSentence Reset = "sentence"         // body: "try again in 3 minutes"
	ResetMidnight Reset = "midnight"         // body: the zone whose midnight ends it
	ResetNothing  Reset = "nothing"
)

// Personality is one kind of network the sandbox can be.
type Personality struct {
	Name         string
	Proof        network.Proof
	Text         text.Rule
	Visibilities []network.Visibility
	Limit        int           // requests in a Window, for each token
	Window       time.Duration //
	Reset        Reset
	MediaPolls   int           // status requests until an upload is ready
	KeyLife      time.Duration // how long an Idempotency-Key is remembered
	TokenLife    time.Duration
	Edits        bool
	Streams      bool
	Counts       []string // what is told about a post
}

// container and unattached media live this long, as on Instagram.
const draftLife = 24 * time.Hour

var (
	wide   = []network.Visibility{network.Public, network.Unlisted, network.Followers, network.DirectTo}
	narrow = []network.Visibility{network.Public, network.DirectTo}
)

// Personalities are all kinds, the first the default. Each way to prove a lost
// answer, each counting unit and most forms of a rate limit occur once.
func Personalities() []Personality {
	return []Personality{
		{
			Name: "key", Proof: network.ProofKey, Visibilities: wide, Edits: true, Streams: true,
			Text:  text.Rule{Unit: text.Graphemes, Max: 500, URLWeight: 23, CWCounts: true, MentionDomainFree: true},
			Limit: 3000, Window: 5 * time.Minute, Reset: ResetISO, KeyLife: time.Hour, TokenLife: 30 * 24 * time.Hour,
			Counts: []string{"likes", "reposts", "replies", "quotes"},
		},
		{
			Name: "id", Proof: network.ProofID, Visibilities: narrow, Streams: true,
			Text:  text.Rule{Unit: text.Graphemes, Max: 300, MaxBytes: 3000},
			Limit: 3000, Window: 5 * time.Minute, Reset: ResetEpoch, TokenLife: 2 * time.Hour,
			Counts: []string{"likes", "reposts", "replies", "quotes"},
		},
		{
			Name: "container", Proof: network.ProofContainer, Visibilities: narrow,
			Text:  text.Rule{Unit: text.UTF16, Max: 500, MaxLinks: 5},
			Limit: 3000, Window: 5 * time.Minute, Reset: ResetSeconds, MediaPolls: 2, TokenLife: 60 * 24 * time.Hour,
			Counts: []string{"views", "likes", "reposts", "replies", "quotes"},
		},
		{
			Name: "readback", Proof: network.ProofReadback, Visibilities: wide, Edits: true, Streams: true,
			Text:  text.Rule{Unit: text.CodePoints, Max: 5000, CWCounts: true},
			Limit: 3000, Window: 5 * time.Minute, Reset: ResetLeft, TokenLife: 2 * time.Hour,
			Counts: []string{"likes", "reposts", "replies"},
		},
		{
			Name: "none", Proof: network.ProofNone, Visibilities: narrow, Edits: true,
			Text:  text.Rule{Unit: text.UTF16, Max: 4096},
			Limit: 3000, Window: 5 * time.Minute, Reset: ResetTelegram, TokenLife: 365 * 24 * time.Hour,
			Counts: []string{"likes"},
		},
		{
			Name: "weighted", Proof: network.ProofReadback, Visibilities: narrow, Streams: true,
			Text:  text.Rule{Unit: text.Weighted, Max: 280, URLWeight: 23},
			Limit: 3000, Window: 15 * time.Minute, Reset: ResetMidnight, MediaPolls: 1, TokenLife: 2 * time.Hour,
			Counts: []string{"views", "likes", "reposts", "replies", "quotes", "clicks"},
		},
	}
}

func personality(name string) (Personality, error) {
	all := Personalities()
	if name == "" {
		return all[0], nil
	}
	for _, p := range all {
		if p.Name == name {
			return p, nil
		}
	}
	return Personality{}, fmt.Errorf("the sandbox has no personality %q", name)
}
