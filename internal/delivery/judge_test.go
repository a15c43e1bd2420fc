package delivery

import (
	"context"
	"fmt"
	"testing"
	"time"

	"parley/internal/network"
	"parley/internal/problem"
)

// kinds is the closed list, and what each means for a write that was asked for.
var kinds = []struct {
	kind   network.Kind
	create finding
	upload finding
	code   string // why a delivery that fails of it failed
}{
	{network.Auth, foundRefused, foundRefused, whyAuth},
	{network.Scope, foundRefused, foundRefused, whyScope},
	{network.RateLimited, foundWait, foundWait, ""},
	{network.Paid, foundRefused, foundRefused, whyPaid},
	{network.Duplicate, foundDoubt, foundAbsent, ""},
	{network.TooLong, foundRefused, foundRefused, whyTooLong},
	{network.BadMedia, foundRefused, foundRefused, whyMedia},
	{network.BadInput, foundRefused, foundRefused, whyInput},
	{network.Gone, foundRefused, foundRefused, whyGone},
	{network.Policy, foundRefused, foundRefused, whyPolicy},
	{network.Suspended, foundRefused, foundRefused, whySuspended},
	{network.Window, foundRefused, foundRefused, whyWindow},
	{network.Version, foundRefused, foundRefused, whyVersion},
	{network.Transient, foundAbsent, foundAbsent, ""},
	{network.Ambiguous, foundDoubt, foundAbsent, ""},
}

func TestJudgeEachKind(t *testing.T) {
	t.Parallel()
	create, upload := network.Step{Kind: network.Create}, network.Step{Kind: network.Upload}
	for _, tc := range kinds {
		a := answer{called: true, err: fmt.Errorf("doing: %w", refusal(tc.kind))}
		if v := judge(create, false, a); v.found != tc.create {
			t.Errorf("%s of a create means %s, want %s", tc.kind, v.found, tc.create)
		}
		if v := judge(upload, false, a); v.found != tc.upload {
			t.Errorf("%s of an upload means %s, want %s", tc.kind, v.found, tc.upload)
		}
		if v := judge(upload, true, a); v.found != tc.upload {
			t.Errorf("%s of a repeated upload means %s, want %s", tc.kind, v.found, tc.upload)
		}
		// A refusal of the repeat says nothing about the first.
		if v := judge(create, true, a); v.found != foundDoubt {
			t.Errorf("%s of a repeated create means %s, want doubt", tc.kind, v.found)
		}
	}
}

func TestJudgeAnswersAndOddErrors(t *testing.T) {
	t.Parallel()
	held := problem.New(problem.Gone, "account.disconnected")
	create := network.Step{Kind: network.Create}
	taken := network.Step{Kind: network.Create, Done: &network.Ref{ID: "c1"}}
	upload := network.Step{Kind: network.Upload}
	state := func(s network.State) answer { return answer{called: true, delivery: network.Delivery{State: s}} }
	id := answer{called: true, delivery: network.Delivery{State: network.Pending, Ref: network.Ref{ID: "c1"}}}
	for name, tc := range map[string]struct {
		step    network.Step
		inDoubt bool
		answer  answer
		want    finding
	}{
		"sent":                       {create, false, state(network.Sent), foundSent},
		"sent at the second request": {create, true, state(network.Sent), foundSent},
		"pending":                    {create, false, state(network.Pending), foundPending},
		"pending, repeated":          {create, true, state(network.Pending), foundDoubt},
		"pending with id, repeated":  {create, true, id, foundPending},
		"not sent":                   {create, false, state(network.NotSent), foundAbsent},
		"not sent, repeated":         {create, true, state(network.NotSent), foundDoubt},
		"unknown":                    {create, false, state(network.Unknown), foundDoubt},
		"no state at all":            {create, false, state(""), foundDoubt},
		"an upload's unknown":        {upload, false, state(network.Unknown), foundAbsent},
		"unknown, but taken before":  {taken, false, state(network.Unknown), foundAbsent},
		"no kind":                    {create, false, answer{called: true, err: errUnmarked}, foundDoubt},
		"deadline":                   {create, false, answer{called: true, err: context.DeadlineExceeded}, foundDoubt},
		"an upload's deadline":       {upload, false, answer{called: true, err: context.DeadlineExceeded}, foundAbsent},
		"a problem from a connector": {create, false, answer{called: true, err: held}, foundDoubt},
		"never asked":                {create, false, answer{err: errUnmarked}, foundAbsent},
		"never asked the second":     {create, true, answer{err: errUnmarked}, foundDoubt},
		"no account":                 {create, false, answer{err: held}, foundRefused},
		"no account for the second":  {create, true, answer{err: held}, foundDoubt},
	} {
		if v := judge(tc.step, tc.inDoubt, tc.answer); v.found != tc.want {
			t.Errorf("%s means %s, want %s", name, v.found, tc.want)
		}
	}
}

func TestJudgeProof(t *testing.T) {
	t.Parallel()
	now := start
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	state := func(s network.State) answer { return answer{called: true, delivery: network.Delivery{State: s}} }
	fresh := attempt{first: ago(2 * time.Minute)}
	for name, tc := range map[string]struct {
		proof  network.Proof
		open   attempt
		answer answer
		want   finding
		until  time.Duration // from now; 0: as usual
	}{
		"there":                       {network.ProofReadback, fresh, state(network.Sent), foundSent, 0},
		"not found once":              {network.ProofReadback, fresh, state(network.NotSent), foundLook, confirm},
		"not found again too soon":    {network.ProofReadback, attempt{absent: ago(59 * time.Second)}, state(network.NotSent), foundLook, confirm},
		"not found a minute later":    {network.ProofReadback, attempt{absent: ago(time.Minute)}, state(network.NotSent), foundAbsent, 0},
		"not found, container":        {network.ProofContainer, fresh, state(network.NotSent), foundLook, confirm},
		"not found by our id":         {network.ProofID, fresh, state(network.NotSent), foundAbsent, 0},
		"not found, key":              {network.ProofKey, fresh, state(network.NotSent), foundAbsent, 0},
		"not found, key may be gone":  {network.ProofKey, attempt{first: ago(keyLife)}, state(network.NotSent), foundLook, confirm},
		"no idea":                     {network.ProofReadback, fresh, state(network.Unknown), foundLook, 0},
		"no idea, key":                {network.ProofKey, fresh, state(network.Unknown), foundAgain, 0},
		"no idea, id":                 {network.ProofID, attempt{first: ago(99 * time.Hour)}, state(network.Unknown), foundAgain, 0},
		"no idea, key may be gone":    {network.ProofKey, attempt{first: ago(keyLife)}, state(network.Unknown), foundLook, 0},
		"still at it":                 {network.ProofContainer, fresh, state(network.Pending), foundLook, 0},
		"no idea for long":            {network.ProofReadback, attempt{looked: ago(proveFor)}, state(network.Unknown), foundNothing, 0},
		"no idea for long, key":       {network.ProofKey, attempt{first: ago(time.Minute), looked: ago(proveFor)}, state(network.Unknown), foundNothing, 0},
		"not found at last":           {network.ProofReadback, attempt{looked: ago(proveFor)}, state(network.NotSent), foundLook, confirm},
		"there at last":               {network.ProofReadback, attempt{looked: ago(2 * proveFor)}, state(network.Sent), foundSent, 0},
		"cannot be read":              {network.ProofReadback, fresh, answer{called: true, err: refusal(network.Transient)}, foundLook, 0},
		"cannot be read for long":     {network.ProofReadback, attempt{looked: ago(proveFor)}, answer{called: true, err: refusal(network.Auth)}, foundNothing, 0},
		"account away for long":       {network.ProofID, attempt{looked: ago(proveFor)}, answer{err: problem.New(problem.Gone, "x")}, foundNothing, 0},
		"told to wait for long, wait": {network.ProofReadback, attempt{looked: ago(proveFor)}, answer{called: true, err: &network.Error{Kind: network.RateLimited, RetryAt: now.Add(time.Hour)}}, foundLook, time.Hour},
	} {
		v := judgeProof(network.Step{Kind: network.Create, Proof: tc.proof}, tc.open, tc.answer, now)
		if v.found != tc.want {
			t.Errorf("%s means %s, want %s", name, v.found, tc.want)
		}
		if want := now.Add(tc.until); tc.until != 0 && !v.until.Equal(want) {
			t.Errorf("%s: until %v, want %v", name, v.until, want)
		}
	}
}

func TestNext(t *testing.T) {
	t.Parallel()
	now := start
	plan := network.Plan{Steps: []network.Step{
		{Kind: network.Upload, Proof: network.ProofNone},
		{Kind: network.Create, Proof: network.ProofReadback},
		{Kind: network.Create, Proof: network.ProofKey},
		{Kind: network.Create, Proof: network.ProofNone},
		{Kind: network.Create, Proof: "smoke signals"},
		{Kind: network.Create, Proof: network.ProofReadback, Done: &network.Ref{ID: "c"}},
	}}
	with := func(s State, steps string, open *attempt) row {
		return row{state: s, plan: plan, progress: []progress(steps), open: open}
	}
	at := func(step int, since time.Duration) *attempt {
		opened := now.Add(-since)
		return &attempt{step: step, first: opened, opened: opened, deadline: opened.Add(doLimit)}
	}
	over := func(a *attempt) *attempt { a.ended = a.opened.Add(time.Second); return a }
	again := func(a *attempt) *attempt { a.again = true; return a }
	wait := func(d time.Duration) move { return move{kind: moveWait, at: now.Add(d)} }
	waiting, telling := with(Planned, "......", nil), with(Sending, "dd....", nil)
	waiting.due, telling.untold, telling.due = now.Add(time.Minute), 1, now.Add(time.Minute)
	for name, tc := range map[string]struct {
		r    row
		want move
	}{
		"fresh":                         {with(Accepted, "", nil), move{kind: movePlan}},
		"planned":                       {with(Planned, "......", nil), move{kind: moveDo, step: 0}},
		"not yet":                       {waiting, wait(time.Minute)},
		"next step":                     {with(Sending, "dd....", nil), move{kind: moveDo, step: 2}},
		"pending step":                  {with(Sending, "p.....", nil), move{kind: moveDo, step: 0}},
		"all done":                      {with(Sending, "dddddd", nil), move{kind: moveTell}},
		"tell before anything":          {telling, move{kind: moveTell}},
		"under way":                     {with(Sending, "d.....", at(1, time.Second)), wait(doLimit + margin - time.Second)},
		"under way elsewhere, perhaps":  {with(Sending, "d.....", at(1, doLimit)), wait(margin)},
		"over by the clock":             {with(Sending, "d.....", at(1, doLimit+margin)), move{kind: moveProve, step: 1}},
		"over":                          {with(Sending, "d.....", over(at(1, 2*time.Second))), move{kind: moveProve, step: 1}},
		"an upload, over":               {with(Sending, "......", over(at(0, 2*time.Second))), move{kind: moveDo, step: 0}},
		"an upload, under way":          {with(Sending, "......", at(0, time.Second)), wait(doLimit + margin - time.Second)},
		"key, asked":                    {with(Sending, "dd....", again(over(at(2, 2*time.Second)))), move{kind: moveDo, step: 2}},
		"key, asked and gone":           {with(Sending, "dd....", again(over(at(2, keyLife)))), move{kind: moveProve, step: 2}},
		"key, not asked":                {with(Sending, "dd....", over(at(2, 2*time.Second))), move{kind: moveProve, step: 2}},
		"no proof, perhaps not kept":    {with(Sending, "ddd...", over(at(3, 2*time.Second))), wait(margin - time.Second)},
		"no proof":                      {with(Sending, "ddd...", over(at(3, margin+time.Second))), move{kind: moveUnknown, step: 3}},
		"no proof, node silent":         {with(Sending, "ddd...", at(3, doLimit+margin)), move{kind: moveUnknown, step: 3}},
		"a proof nobody knows":          {with(Sending, "dddd..", over(at(4, time.Hour))), move{kind: moveUnknown, step: 4}},
		"taken by the network":          {with(Sending, "ddddd.", over(at(5, time.Second))), move{kind: moveDo, step: 5}},
		"failed, whatever stands there": {with(Failed, "......", nil), move{kind: moveNone}},
		"unknown":                       {with(Unknown, "d.....", over(at(1, time.Hour))), move{kind: moveNone}},
		"sent":                          {with(Sent, "......", nil), move{kind: moveNone}},
		"discarded":                     {with(Discarded, "......", nil), move{kind: moveNone}},
		"called back":                   {with(CalledBack, "......", nil), move{kind: moveNone}},
	} {
		if m := next(tc.r, now); m != tc.want {
			t.Errorf("%s: %+v, want %+v", name, m, tc.want)
		}
	}
}

func TestPauseGrowsAndIsBounded(t *testing.T) {
	t.Parallel()
	last := time.Duration(0)
	for n := 1; n < 100; n++ {
		d := pause(n, 0)
		if d < last || d > longestPause || pause(n, 63) < d || pause(n, 63) > d*5/4 {
			t.Fatalf("pause %d is %v to %v after %v", n, d, pause(n, 63), last)
		}
		last = d
	}
	if pause(1, 0) != firstLook || last != longestPause {
		t.Errorf("from %v to %v", pause(1, 0), last)
	}
}
