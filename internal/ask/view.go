package ask

import (
	"net/url"
	"time"

	"parley/internal/problem"
)

// state is a sentence about how a question stands.
func (k Ask) state(now time.Time) string {
	switch {
	case k.Delivery != 0:
		return "ask.state.sent"
	case !k.Answered.IsZero():
		return "ask.state.answered"
	case !k.Revoked.IsZero():
		return "ask.state.revoked"
	case !now.Before(k.Until):
		return "ask.state.late"
	default:
		return "ask.state.open"
	}
}

func faultOf(err error) *problem.Problem { return problem.Of(err) }

// signIn leads to the sign-in and back.
func signIn(back string) string { return "/sign-in?" + url.Values{"return": {back}}.Encode() }
