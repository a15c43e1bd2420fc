// Package people is a small town that talks: a population with names,
// temperaments, languages and memory, driven by a grammar and a clock.
//
// They write to the town hall, the library and the bus company; wait for an
// answer, remind us when none comes, answer what we ask, thank us, complain
// when we are curt, correct themselves, take things back, joke and disappear.
// Somebody who writes again remembers what it was last time, and quotes what we
// said. No sentence comes twice within Window messages.
//
// Everything follows from Options.Seed, the times given to Step, and what was
// Heard in between; how often Step is called makes no difference. What they
// say is written down in text/, one file for each language, in the notation of
// grammar.go.
//
// The package knows no network: a Stage carries out what the people do. It is
// not safe for concurrent use.
package people

import "time"

// Window is within how many messages no sentence is said twice.
const Window = 500

// Desk is an organisation the people write to. Kind is "townhall", "library",
// "buses", or "" for one that hears of everything.
type Desk struct {
	Handle string `json:"handle"`
	Name   string `json:"name"`
	Kind   string `json:"kind,omitempty"`
}

// Town is the desks of Ostermere, where nobody says otherwise.
func Town() []Desk {
	return []Desk{
		{Handle: "townhall", Name: "Ostermere Town Hall", Kind: "townhall"},
		{Handle: "library", Name: "Ostermere Library", Kind: "library"},
		{Handle: "buses", Name: "Ostermere Buses", Kind: "buses"},
	}
}

// Persona is somebody as others see them.
type Persona struct {
	ID, Handle, Name, Lang string
}

// Picture is a photograph: a scene of package paint and its seed. An empty Alt
// is a description that was not given, as people don't.
type Picture struct {
	Scene, Seed, Alt string
}

// Line is one thing said. Desk is the handle of the desk it is about;
// Addressed, that it is written to the desk and not only beside it.
type Line struct {
	Who        Persona
	Desk       string
	Addressed  bool
	Text       string
	Lang       string // BCP 47
	Warning    string
	Visibility string // "public" or "direct"
	ReplyTo    string
	Quote      string
	Pictures   []Picture
}

// Ours is what one of our accounts said.
type Ours struct {
	ID, Desk, ReplyTo string
	Text, Lang        string
	Private           bool
}

// Stage carries out what the people do, at once and without calling back.
// Whatever id it is given may be gone already; that is not the people's fault.
type Stage interface {
	// Say makes a person speak and returns the id of what they said.
	Say(at time.Time, l Line) string
	// Answer makes a desk speak in the history before Options.Live: an answer,
	// or with replyTo "" something for everybody. "" says that it could not.
	Answer(at time.Time, desk, replyTo, text, lang string) string
	Edit(at time.Time, id, text string)
	Delete(at time.Time, id string)
	Like(who Persona, id string)
}

// Options make an Engine. Before Live the desk answers by itself and days pass
// between messages; from then on they come every 8 to 40 seconds.
type Options struct {
	Seed  uint64
	Start time.Time
	Live  time.Time
	Desks []Desk
	Staff []string       // first names that sign the desk's answers before Live
	Langs []string       // only these languages; nil is all
	Zone  *time.Location // of the town, for good mornings; nil is UTC
	Stage Stage
}
