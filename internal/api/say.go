package api

import (
	"context"

	"parley/internal/i18n"
	"parley/internal/problem"
)

// Locale speaks the language that the caller of an operation asked for, with
// times in UTC.
func Locale(ctx context.Context) *i18n.Locale { return callOf(ctx).locale }

// Reason is why something is as it is, inside an answer that is no refusal.
type Reason struct {
	Code   string `json:"code" doc:"For programs. Codes do not change."`
	Title  string `json:"title" doc:"What is the matter, in the language of Accept-Language."`
	Detail string `json:"detail,omitempty" doc:"What to do about it."`
}

// ReasonOf tells a problem as a Reason; nil stays nil.
func ReasonOf(ctx context.Context, p *problem.Problem) *Reason {
	if p == nil {
		return nil
	}
	what, next := Locale(ctx).Problem(p)
	return &Reason{Code: p.Code, Title: what, Detail: next}
}

// Why tells a catalogue key as a Reason; "" is nil.
func Why(ctx context.Context, key string) *Reason {
	if key == "" {
		return nil
	}
	r := &Reason{Code: key, Title: Locale(ctx).T(key)}
	if next := key + ".next"; Locale(ctx).Has(next) {
		r.Detail = Locale(ctx).T(next)
	}
	return r
}
