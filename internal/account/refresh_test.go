package account

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"parley/internal/id"
	"parley/internal/network"
)

// use does something that needs a credential which works.
func (h *house) use(account id.ID) error {
	return h.With(ctx, here, account, func(_ context.Context, n network.Network, a network.Account) error {
		return h.stage.enter("use", a)
	})
}

func TestARefusedCredentialIsRefreshedOnce(t *testing.T) {
	t.Parallel()
	h := setup(t)
	account := h.connect()
	must(t, h.use(account))
	if h.stage.count("refresh") != 0 {
		t.Fatal("refreshed for nothing")
	}
	h.stage.expire()
	must(t, h.use(account))
	must(t, h.use(account))
	if n, uses := h.stage.count("refresh"), h.stage.count("use"); n != 1 || uses != 4 {
		t.Errorf("refreshed %d times in %d uses", n, uses)
	}
	if acc := h.account(account); acc.Generation != 2 || acc.State != Connected {
		t.Errorf("%+v", acc)
	}
}

func TestACredentialIsRefreshedBeforeItEnds(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.stage.lives = time.Hour
	account := h.connect()
	h.clock.Advance(time.Hour - margin - time.Second)
	must(t, h.use(account))
	if h.stage.count("refresh") != 0 {
		t.Error("too early")
	}
	h.clock.Advance(2 * time.Second)
	// The server has trouble, but the credential still works for a moment.
	h.stage.fail("refresh", refused(network.Transient))
	must(t, h.use(account))
	must(t, h.use(account))
	if n, uses := h.stage.count("refresh"), h.stage.count("use"); n != 2 || uses != 3 {
		t.Errorf("refreshed %d times in %d uses", n, uses)
	}
	if got := h.account(account).Expires; !got.Equal(h.clock.Now().Add(time.Hour)) {
		t.Errorf("ends at %v", got)
	}
	// Once it has ended there is nothing to go on with.
	h.clock.Advance(2 * time.Hour)
	h.stage.fail("refresh", refused(network.Transient))
	if err := h.use(account); network.KindOf(err) != network.Transient || h.stage.count("use") != 3 {
		t.Errorf("%v", err)
	}
	if h.account(account).State != Connected {
		t.Error("a refresh that failed for a moment broke the account")
	}
	must(t, h.use(account))
}

func TestTwoWorkersRefreshOnce(t *testing.T) {
	t.Parallel()
	h := setup(t)
	account := h.connect()
	other := h.another()
	h.stage.expire()
	// The first to refresh lets the second find the lease taken before it goes on.
	waiting := h.clock.Waiters()
	h.stage.on("refresh", func() {
		h.until(func() bool { return h.clock.Waiters() > waiting })
	})
	var wg sync.WaitGroup
	for _, node := range []*house{h, other} {
		wg.Go(func() {
			if err := node.use(account); err != nil {
				t.Error(err)
			}
		})
	}
	h.until(func() bool { return h.account(account).Generation == 2 })
	h.clock.Advance(refreshLook)
	wg.Wait()
	if n := h.stage.count("refresh"); n != 1 {
		t.Errorf("refreshed %d times", n)
	}
}

// A member reconnects while a refresh is on its way: what the member did counts.
func TestARefreshThatCameLateIsNotSaved(t *testing.T) {
	t.Parallel()
	h := setup(t)
	account := h.connect()
	h.stage.expire()
	h.stage.on("refresh", func() {
		h.stage.on("refresh", nil)
		h.stage.mu.Lock()
		h.stage.rotate()
		h.stage.mu.Unlock()
		h.connect()
	})
	// The refresh token it had is used up by now, so the stage says invalid_grant;
	// that is about the old credential and must not break the new one.
	if err := h.use(account); network.KindOf(err) != network.Auth {
		t.Errorf("%v", err)
	}
	acc := h.account(account)
	if acc.State != Connected || acc.Generation != 2 {
		t.Errorf("%+v", acc)
	}
	must(t, h.use(account))

	// The same with a refresh that succeeds: it loses against the reconnection.
	h.stage.expire()
	h.stage.on("refresh", func() {
		h.stage.on("refresh", nil)
		h.exec(`update account set secret_generation = secret_generation + 1`)
	})
	before := h.token(account)
	h.use(account)
	if h.token(account) != before || h.account(account).Generation != 3 {
		t.Errorf("%s, generation %d", h.token(account), h.account(account).Generation)
	}
}

func TestARefreshTokenThatIsNoMoreBreaksTheAccount(t *testing.T) {
	t.Parallel()
	h := setup(t)
	account := h.connect()
	reading := h.claim(network.Mentions)
	h.stage.mu.Lock()
	h.stage.access, h.stage.refresh = "access-7", "refresh-7"
	h.stage.mu.Unlock()
	for range 2 {
		if err := h.use(account); network.KindOf(err) != network.Auth {
			t.Errorf("%v", err)
		}
	}
	acc := h.account(account)
	if acc.State != Broken || acc.Reason != "auth" || acc.Message != "we do not know this token" || acc.Since != start {
		t.Errorf("%+v", acc)
	}
	if n := h.told("account.broken"); n != 1 {
		t.Errorf("told %d times", n)
	}
	if n := h.stage.count("refresh"); n != 1 {
		t.Errorf("refreshed %d times", n)
	}
	if _, err := h.store(ctx, &reading, network.Account{}, network.Page{}); !errors.Is(err, errFenced) {
		t.Errorf("whoever reads a broken account: %v", err)
	}
	h.clock.Advance(time.Hour)
	same(t, h.turn(), nil)

	h.connect()
	same(t, h.turn(), []string{"mentions", "own", "watch"})
	hs, err := h.Health(ctx, steward())
	must(t, err)
	if hs[0].Level != Fine || len(hs[0].Signs) != 0 {
		t.Errorf("%+v", hs[0].Signs)
	}
}

// Refused with a fresh credential too: no refresh can help.
func TestACredentialRefusedTwiceBreaksTheAccount(t *testing.T) {
	t.Parallel()
	h := setup(t)
	account := h.connect()
	h.stage.fail("use", refused(network.Auth), &network.Error{Kind: network.Auth, Help: "stage.help"})
	if err := h.use(account); network.KindOf(err) != network.Auth {
		t.Errorf("%v", err)
	}
	if acc := h.account(account); acc.State != Broken || acc.Help != "stage.help" {
		t.Errorf("%+v", acc)
	}
	// On a network without refresh the first refusal counts.
	p := setup(t)
	p.Use(plainly(p.stage))
	account = p.connect()
	p.stage.fail("use", refused(network.Auth))
	if err := p.use(account); network.KindOf(err) != network.Auth || p.account(account).State != Broken {
		t.Errorf("%v, %v", err, p.account(account).State)
	}
}

// Other refusals are none of the credential's business.
func TestOtherRefusalsBreakNothing(t *testing.T) {
	t.Parallel()
	h := setup(t)
	account := h.connect()
	own := errors.New("our own trouble")
	for _, err := range []error{refused(network.Transient), refused(network.RateLimited), refused(network.Policy), refused(network.Ambiguous), own, context.Canceled} {
		h.stage.fail("use", err)
		if got := h.use(account); !errors.Is(got, err) {
			t.Errorf("got %v, want %v", got, err)
		}
	}
	if acc := h.account(account); acc.State != Connected || h.stage.count("refresh") != 0 {
		t.Errorf("%+v", acc)
	}
}

// Whoever refreshes and is never heard of again holds the others up for a minute.
func TestARefreshThatDiedIsTakenOver(t *testing.T) {
	t.Parallel()
	h := setup(t)
	account := h.connect()
	h.stage.expire()
	mine, err := h.claimRefresh(ctx, here, account, 1)
	if err != nil || !mine {
		t.Fatal(mine, err)
	}
	done := make(chan error)
	go func() { done <- h.use(account) }()
	h.until(func() bool { return h.clock.Waiters() > 0 })
	if h.stage.count("refresh") != 0 {
		t.Error("refreshed beside another")
	}
	h.clock.Advance(refreshLease + time.Second)
	must(t, <-done)
}
