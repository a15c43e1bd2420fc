package page

import (
	"context"
	"strconv"
)

// LabelView is a word that says what something is about, with its colour: one of
// clay, amber, olive, leaf, lake, sky, plum, rose.
type LabelView struct {
	Name    string
	Hue     string
	Retired bool // shown where it is, offered nowhere
}

// hue is the class that has the label's colour.
func (l LabelView) hue() string { return "label-" + l.Hue }

// LabelChooser is everything that can be put on something. Action is a path that
// a form posts "put" or "take" with a label's id to.
type LabelChooser struct {
	Action  string
	Choices []LabelChoice
	Manage  string // where labels are made and changed; "" for who may not
}

// LabelChoice is one of them.
type LabelChoice struct {
	LabelView
	ID string
	On bool
}

// verb is what choosing it does.
func (c LabelChoice) verb() string {
	if c.On {
		return "take"
	}
	return "put"
}

// says is what choosing it does, for who cannot see the mark.
func (c LabelChoice) says(ctx context.Context) string {
	return T(ctx, "page.label."+c.verb(), "name", c.Name)
}

func (c LabelChoice) pressed() string { return strconv.FormatBool(c.On) }
