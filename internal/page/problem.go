package page

import (
	"context"
	"slices"

	"parley/internal/problem"
)

// ProblemView is a problem in the reader's language.
type ProblemView struct {
	Kind      problem.Kind
	What      string
	Next      string
	Field     string
	Reference string // of an internal error
}

// problemView says err in the reader's language unless one of fields shows it.
func problemView(ctx context.Context, err error, fields []string) (ProblemView, bool) {
	p := problem.Of(err)
	if p == nil || (p.Field != "" && slices.Contains(fields, p.Field)) {
		return ProblemView{}, false
	}
	view := ProblemView{Kind: p.Kind, Field: p.Field}
	view.What, view.Next = Locale(ctx).Problem(p)
	if p.Kind == problem.Internal {
		view.Reference = viewOf(ctx).ref
	}
	return view, true
}
