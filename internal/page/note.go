package page

import (
	"time"

	"parley/internal/problem"
)

// NoteView is what a colleague wrote beside a conversation. HTML is shown as it
// is: whoever fills it in has made it safe.
type NoteView struct {
	ID      string
	By      string
	HTML    string
	At      time.Time
	Edited  time.Time // zero: never
	Written string    // as its writer typed it
	Edit    string    // where the writer's changes go; "" is not offered
	Delete  string
}

// NoteFormView is where a note is written.
type NoteFormView struct {
	ID      string
	Action  string
	Body    string
	Label   string // of the button that keeps it
	Problem *problem.Problem
}

// PanelView is something that can be done beside answering: a button that opens
// to a form. One of them is open at a time.
type PanelView struct {
	ID    string
	Label string
	Icon  string
	Key   string
	Open  bool
}
