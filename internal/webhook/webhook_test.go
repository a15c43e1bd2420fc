package webhook

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"parley/internal/actor"
	"parley/internal/clock"
	"parley/internal/db"
	"parley/internal/db/dbtest"
	"parley/internal/event"
	"parley/internal/id"
	"parley/internal/job"
	"parley/internal/outbound"
	"parley/internal/problem"
	"parley/internal/secret"
)

const town, harbour id.ID = 1, 2

var morning = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// bundle is two workspaces with hooks, a log to write into, and a receiver.
type bundle struct {
	testing.TB
	db    *db.DB
	clock *clock.Fake
	log   *event.Log
	hooks *Hooks
	at    *receiver
}

func setup(t testing.TB) *bundle {
	t.Helper()
	b := &bundle{TB: t, db: dbtest.New(t), clock: clock.NewFake(morning), at: newReceiver(t)}
	b.log = event.NewLog(b.clock, nil)
	for _, w := range []id.ID{town, harbour} {
		b.in(func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `insert into workspace (id, slug, name, locale, zone, created, closed, keep_days) values ($1, $2, 'W', 'en', 'UTC', 1, 0, 0)`, w, fmt.Sprint("w", int64(w)))
			return err
		})
	}
	b.hooks = b.process(1)
	return b
}

// process is one that works on the same database, until the test ends.
func (b *bundle) process(node int) *Hooks {
	ids := id.NewMaker(b.clock, node)
	jobs := job.New(b.db, b.clock, ids, slog.New(slog.DiscardHandler), fmt.Sprint("node", node), 4)
	h := New(Options{DB: b.db, Clock: b.clock, IDs: ids, Log: b.log, Jobs: jobs, Keys: secret.InMemory(), Logger: slog.New(slog.DiscardHandler),
		HTTP: outbound.New(outbound.Options{AllowPrivate: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, AnyPort: true, Timeout: 5 * time.Second})})
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- jobs.Run(ctx) }()
	b.Cleanup(func() { stop(); <-done })
	return h
}

func (b *bundle) in(do func(context.Context, *db.Tx) error) {
	b.Helper()
	if err := b.db.InTx(context.Background(), do); err != nil {
		b.Fatal(err)
	}
}

func steward(w id.ID) actor.Actor {
	return actor.Actor{Workspace: w, Member: 7, Grants: []actor.Grant{{Right: actor.ManageWorkspace}, {Right: actor.ReadAudit}}}
}

// happens writes an event about something.
func (b *bundle) happens(w id.ID, verb, kind string) {
	b.Helper()
	b.in(func(ctx context.Context, tx *db.Tx) error {
		b.log.Record(tx, steward(w), event.Entry{Verb: verb, Kind: kind, Subject: 9})
		return nil
	})
}

func (b *bundle) hook(w id.ID, groups ...Group) (Hook, string) {
	b.Helper()
	h, key, err := b.hooks.Create(context.Background(), steward(w), b.at.URL, groups)
	if err != nil {
		b.Fatal(err)
	}
	return h, key
}

func (b *bundle) one(w, hook id.ID) Hook {
	b.Helper()
	h, err := load(context.Background(), b.db.Read(), w, hook)
	if err != nil {
		b.Fatal(err)
	}
	return h
}

// until lets time pass, step by step, until something holds.
func (b *bundle) until(what string, step time.Duration, holds func() bool) {
	b.Helper()
	for end := time.Now().Add(20 * time.Second); !holds(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			b.Fatalf("waited in vain until %s; heard %q", what, b.at.heard())
		}
		b.clock.Advance(step)
	}
}

// patient lets time pass up to the next try of a hook, so that no lease runs out
// while one is under way.
func (b *bundle) patient(what string, hook id.ID, holds func() bool) {
	b.Helper()
	b.until(what, 50*time.Millisecond, func() bool {
		if wait := b.one(town, hook).Due.Sub(b.clock.Now()); wait > 0 {
			b.clock.Advance(wait)
		}
		return holds()
	})
}

// receiver keeps what it is told, and answers with the statuses it is given, then 204.
type receiver struct {
	*httptest.Server
	mu      sync.Mutex
	got     []heard
	answers []int
	before  func() // what happens before it answers
}

type heard struct {
	id, at, signature string
	body              []byte
	message           message
}

func newReceiver(t testing.TB) *receiver {
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		one := heard{req.Header.Get("webhook-id"), req.Header.Get("webhook-timestamp"), req.Header.Get("webhook-signature"), body, message{}}
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.before != nil {
			r.before()
		}
		if err := json.Unmarshal(body, &one.message); err != nil {
			t.Error(err)
		}
		status := http.StatusNoContent
		if len(r.answers) > 0 {
			status, r.answers = r.answers[0], r.answers[1:]
		}
		if status == http.StatusFound {
			w.Header().Set("Location", "/elsewhere")
		}
		if status < lostAnswer {
			r.got = append(r.got, one)
		}
		if status == lostAnswer {
			r.got = append(r.got, one)
			panic(http.ErrAbortHandler)
		}
		w.WriteHeader(status)
		if status >= 300 {
			io.WriteString(w, "not\u202e today\n")
		}
	}))
	r.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	t.Cleanup(r.Close)
	return r
}

// lostAnswer takes the message and breaks the connection.
const lostAnswer = 299

func (r *receiver) answer(statuses ...int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answers = append(r.answers, statuses...)
}

func (r *receiver) heard() (verbs []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, one := range r.got {
		verbs = append(verbs, one.message.Type)
	}
	return verbs
}

func (r *receiver) count() int { return len(r.heard()) }

func TestEventsAreToldInOrderAndSigned(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.happens(town, "conversation.claimed", "conversation")
	_, key := b.hook(town)
	for n := range 30 {
		b.happens(town, fmt.Sprint("conversation.step", n), "conversation")
		b.happens(harbour, "secret.plan", "conversation")
	}
	b.until("all is told", time.Second, func() bool { return b.at.count() == 31 })
	want := []string{"webhook.created"}
	for n := range 30 {
		want = append(want, fmt.Sprint("conversation.step", n))
	}
	if got := b.at.heard(); !slices.Equal(got, want) {
		t.Errorf("heard %q", got)
	}
	raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(key, "whsec_"))
	if err != nil || len(raw) != 32 || !strings.HasPrefix(key, "whsec_") {
		t.Fatalf("the secret %q: %v", key, err)
	}
	for _, one := range b.at.got {
		m := hmac.New(sha256.New, raw)
		m.Write([]byte(one.id + "." + one.at + "." + string(one.body)))
		if want := "v1," + base64.StdEncoding.EncodeToString(m.Sum(nil)); one.signature != want {
			t.Errorf("%s is signed %s, want %s", one.id, one.signature, want)
		}
		if want := fmt.Sprintf("evt_%s_%d", town, one.message.Data.N); one.id != want {
			t.Errorf("the id is %s, want %s", one.id, want)
		}
	}
}

// The example of the specification ("Verifying signatures").
func TestSignature(t *testing.T) {
	t.Parallel()
	key, err := base64.StdEncoding.DecodeString("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		t.Fatal(err)
	}
	got := Sign(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", []byte(`{"test": 2432232314}`))
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestAHookIsToldWhatItAskedFor(t *testing.T) {
	t.Parallel()
	b := setup(t)
	h, _ := b.hook(town, Sending, Accounts)
	for verb, kind := range map[string]string{"conversation.claimed": "conversation", "member.joined": "member", "label.created": "label"} {
		b.happens(town, verb, kind)
	}
	b.happens(town, "delivery.failed", "delivery")
	b.happens(town, "account.broken", "account")
	b.until("all is read", time.Second, func() bool { return b.one(town, h.ID).Cursor == 6 })
	if got := b.at.heard(); !slices.Equal(got, []string{"webhook.created", "delivery.failed", "account.broken"}) {
		t.Errorf("heard %q", got)
	}
	other, _ := b.hook(town, Conversations)
	if err := b.hooks.Ping(context.Background(), steward(town), h.ID); err != nil {
		t.Fatal(err)
	}
	b.until("the test is told", time.Second, func() bool { return b.one(town, other.ID).Cursor == 8 && b.one(town, h.ID).Cursor == 8 })
	if got := b.at.heard()[3:]; !slices.Equal(slices.Sorted(slices.Values(got)), []string{"webhook.created", "webhook.pinged"}) {
		t.Errorf("a test of one hook was told %q", got)
	}
}

// A receiver that was away hears everything, in order; what it may have heard
// comes again under the same id.
func TestNothingIsLeftOutWhileAReceiverIsAway(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.at.answer(500, 429, 302, lostAnswer)
	h, _ := b.hook(town)
	for n := range 3 {
		b.happens(town, fmt.Sprint("conversation.step", n), "conversation")
	}
	b.until("it fails", time.Second, func() bool { return b.one(town, h.ID).Tries == 1 })
	failing := b.one(town, h.ID)
	if failing.Failing.IsZero() || !strings.HasPrefix(failing.Said, "500 ") || strings.ContainsRune(failing.Said, '\u202e') || failing.Cursor != 0 {
		t.Errorf("%+v", failing)
	}
	b.patient("all is told", h.ID, func() bool { return b.at.count() == 5 })
	want := []string{"webhook.created", "webhook.created", "conversation.step0", "conversation.step1", "conversation.step2"}
	if got := b.at.heard(); !slices.Equal(got, want) || b.at.got[0].id != b.at.got[1].id {
		t.Errorf("heard %q", got)
	}
	b.until("it is well", time.Second, func() bool { return b.one(town, h.ID).Failing.IsZero() })
	if well := b.one(town, h.ID); well.Said != "" || well.Tries != 0 || well.Sent.IsZero() {
		t.Errorf("%+v", well)
	}
}

func TestAReceiverThatIsGoneIsGivenUp(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.at.answer(410)
	h, _ := b.hook(town)
	b.until("it is given up", time.Second, func() bool { return b.one(town, h.ID).GaveUp })
	b.happens(town, "conversation.claimed", "conversation")
	for range 50 {
		b.clock.Advance(time.Minute)
		time.Sleep(time.Millisecond)
	}
	if b.at.count() != 0 {
		t.Errorf("a hook that was given up is told %q", b.at.heard())
	}
	if err := b.hooks.Resume(context.Background(), steward(town), h.ID, false); err != nil {
		t.Fatal(err)
	}
	b.until("it is told what it missed", time.Second, func() bool { return b.at.count() == 4 })
	if got := b.at.heard(); !slices.Equal(got, []string{"webhook.created", "webhook.gave_up", "conversation.claimed", "webhook.resumed"}) {
		t.Errorf("heard %q", got)
	}
}

func TestPatienceEnds(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.at.answer(slices.Repeat([]int{503}, 100)...)
	h, _ := b.hook(town)
	b.patient("it is given up", h.ID, func() bool { return b.one(town, h.ID).GaveUp })
	w := b.one(town, h.ID)
	if w.Paused.Sub(w.Failing) < patience || w.Tries < 10 || w.Tries > 40 {
		t.Errorf("given up after %s and %d tries", w.Paused.Sub(w.Failing), w.Tries)
	}
}

func TestAPausedHookMayLeaveOutWhatHappened(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := context.Background()
	h, _ := b.hook(town)
	b.until("it is told", time.Second, func() bool { return b.at.count() == 1 })
	for _, err := range []error{b.hooks.Pause(ctx, steward(town), h.ID)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	b.happens(town, "conversation.claimed", "conversation")
	if err := b.hooks.Resume(ctx, steward(town), h.ID, true); err != nil {
		t.Fatal(err)
	}
	b.happens(town, "conversation.released", "conversation")
	b.until("it is told again", time.Second, func() bool { return b.at.count() >= 3 })
	if got := b.at.heard(); slices.Contains(got, "conversation.claimed") || !slices.Contains(got, "conversation.released") {
		t.Errorf("heard %q", got)
	}
	if err := b.hooks.Remove(ctx, steward(town), h.ID); err != nil {
		t.Fatal(err)
	}
	if all, err := b.hooks.All(ctx, steward(town)); err != nil || len(all) != 0 {
		t.Errorf("%v, %v", all, err)
	}
}

// A hook of ours must not be a way to speak to machines inside.
func TestAddressesInsideAreNotReached(t *testing.T) {
	t.Parallel()
	b := setup(t)
	h, _, err := b.hooks.Create(context.Background(), steward(town), "https://10.0.0.1/hook", nil)
	if err != nil {
		t.Fatal(err)
	}
	b.until("it fails", time.Second, func() bool { return b.one(town, h.ID).Tries > 0 })
	if said := b.one(town, h.ID).Said; said != outbound.ErrPrivate.Error() {
		t.Errorf("it says %q", said)
	}
}

func TestWhatCannotBeAHook(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for address, code := range map[string]string{"": "webhook.no_address", "example.org": "webhook.bad_address", "https://": "webhook.bad_address",
		"http://example.org/": "webhook.not_https", "ftp://example.org/": "webhook.not_https", "https://me:pass@example.org/": "webhook.bad_address",
		"https://example.org/#x": "webhook.bad_address", "https://example.org/" + strings.Repeat("x", 3000): "webhook.bad_address", "https://exa mple.org": "webhook.bad_address",
		"javascript:alert(1)": "webhook.bad_address"} {
		if _, _, err := b.hooks.Create(context.Background(), steward(town), address, nil); !problem.Is(err, code) {
			t.Errorf("%q: %v, want %s", address, err, code)
		}
	}
	if _, _, err := b.hooks.Create(context.Background(), steward(town), b.at.URL, []Group{"weather"}); !problem.Is(err, "webhook.group") {
		t.Errorf("%v", err)
	}
	for range most {
		b.hook(town)
	}
	if _, _, err := b.hooks.Create(context.Background(), steward(town), b.at.URL, nil); !problem.Is(err, "webhook.too_many") {
		t.Errorf("%v", err)
	}
	reader := actor.Actor{Workspace: town, Member: 7, Grants: []actor.Grant{{Right: actor.ManageWorkspace}}}
	if _, _, err := b.hooks.Create(context.Background(), reader, b.at.URL, nil); problem.Of(err) == nil || problem.Of(err).Kind != problem.Forbidden {
		t.Errorf("who may not read the log lets another program read it: %v", err)
	}
}

// A receiver that takes its time is told in turns, and misses nothing.
func TestALongAbsenceIsToldInTurns(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.at.before = func() { b.clock.Advance(25 * time.Second) }
	h, _ := b.hook(town)
	for n := range 9 {
		b.happens(town, fmt.Sprint("conversation.step", n), "conversation")
	}
	b.until("all is told", time.Millisecond*500, func() bool { return b.one(town, h.ID).Cursor == 10 })
	turns := 0
	if err := b.db.Read().Row(context.Background(), `select count(*) from job where kind = 'webhook.tell' and state = 'done'`).Scan(&turns); err != nil {
		t.Fatal(err)
	}
	if turns < 3 {
		t.Errorf("ten events of 25 seconds each were told in %d turns", turns)
	}
	for i, one := range slices.Compact(b.at.heard()) {
		if want := append([]string{"webhook.created"}, steps(9)...)[i]; one != want {
			t.Errorf("heard %q at %d, want %q", one, i, want)
		}
	}
}

func steps(n int) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprint("conversation.step", i))
	}
	return all
}

// Two processes on one database tell each event once.
func TestTwoProcessesTellOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.process(2)
	h, _ := b.hook(town)
	for n := range 40 {
		b.happens(town, fmt.Sprint("conversation.step", n), "conversation")
	}
	// The clock goes slowly: a lease that runs out while work goes on is another test's.
	b.until("all is told", 50*time.Millisecond, func() bool { return b.one(town, h.ID).Cursor == 41 })
	if got := b.at.heard(); len(got) != 41 {
		t.Errorf("%d were told, want 41", len(got))
	}
}

func TestTheSecretIsSealedAndBelongsToItsHook(t *testing.T) {
	t.Parallel()
	b := setup(t)
	one, key := b.hook(town)
	two, _ := b.hook(town)
	raw, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(key, "whsec_"))
	var sealed []byte
	if err := b.db.Read().Row(context.Background(), `select secret from webhook where id = $1`, one.ID).Scan(&sealed); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(sealed), string(raw)) {
		t.Error("the secret stands in the database")
	}
	b.in(func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.Exec(ctx, `update webhook set secret = $1 where id = $2`, sealed, two.ID)
		return err
	})
	if _, err := b.hooks.key(context.Background(), town, two.ID); err == nil {
		t.Error("a secret opens where it was not sealed for")
	}
}
