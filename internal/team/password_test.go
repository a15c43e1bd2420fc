package team

import (
	"context"
	"strings"
	"testing"

	"parley/internal/problem"
)

func TestHashVerifiesOnlyItsPassword(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := newHasher(Cost{Memory: 8, Passes: 1, Threads: 1})
	phc, err := h.hash(ctx, "Zürich im Regen")
	if err != nil || !strings.HasPrefix(phc, "$argon2id$v=19$m=8,t=1,p=1$") {
		t.Fatal(phc, err)
	}
	again, _ := h.hash(ctx, "Zürich im Regen")
	if again == phc {
		t.Error("two hashes of one password are alike: the salt is missing")
	}
	for password, want := range map[string]bool{
		"Zürich im Regen":       true,
		"Zu\u0308rich im Regen": true, // the same, typed on a keyboard that composes
		"zürich im Regen":       false,
		"Zürich im Regen ":      false,
		"":                      false,
	} {
		if ok, stale, err := h.verify(ctx, password, phc); ok != want || stale || err != nil {
			t.Errorf("%q: ok %v, stale %v, err %v", password, ok, stale, err)
		}
	}
}

// The known answer is RFC 9106's algorithm as the reference implementation
// prints it (phc-winner-argon2, test.c: password, somesalt, t=2, m=2^16, p=1).
func TestHashIsArgon2id(t *testing.T) {
	t.Parallel()
	const phc = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	ok, stale, err := newHasher(Cost{}).verify(context.Background(), "password", phc)
	if !ok || !stale || err != nil {
		t.Errorf("ok %v, stale %v, err %v", ok, stale, err)
	}
}

func TestBrokenHashesNeverVerifyAndNeverPanic(t *testing.T) {
	t.Parallel()
	h := newHasher(Cost{Memory: 8, Passes: 1, Threads: 1})
	for _, phc := range []string{"", "$", "$$$$$", "$argon2id$v=19$m=8,t=1,p=1$$", "$argon2id$v=19$m=8,t=0,p=1$c2FsdA$a2V5a2V5a2V5",
		"$argon2id$v=19$m=8,t=1,p=0$c2FsdA$a2V5a2V5a2V5", "$argon2i$v=19$m=8,t=1,p=1$c2FsdA$a2V5a2V5a2V5",
		"$argon2id$v=16$m=8,t=1,p=1$c2FsdA$a2V5a2V5a2V5", "$argon2id$v=19$m=8,t=1,p=1$!$a2V5a2V5a2V5"} {
		if ok, _, err := h.verify(context.Background(), "", phc); ok || err == nil {
			t.Errorf("%q: ok %v, err %v", phc, ok, err)
		}
	}
}

func TestHasherWaitsNoLongerThanItsCaller(t *testing.T) {
	t.Parallel()
	h := newHasher(Cost{Memory: 8, Passes: 1, Threads: 1})
	for range hashers {
		h.slot <- struct{}{}
	}
	ctx, stop := context.WithCancel(context.Background())
	stop()
	if _, err := h.hash(ctx, "x"); err == nil {
		t.Error("hashed although all slots were taken")
	}
}

func TestCheckPassword(t *testing.T) {
	t.Parallel()
	for password, code := range map[string]string{
		"a quiet afternoon":          "",
		"twelve chars":               "",
		"пароль для ратуши":          "",
		"":                           "team.password_short",
		"elevenchars":                "team.password_short",
		"aaaaaaaaaaaaaaaa":           "team.password_easy",
		"abababababababab":           "team.password_easy",
		"qwertyuiop12":               "team.password_easy",
		"1234567890123":              "team.password_easy",
		"Password1234567890":         "team.password_easy",
		"anna.mertens1":              "team.password_easy",
		"Anna Mertens 26":            "team.password_easy",
		"a quiet\x00afternoon":       "team.password_unreadable",
		"a quiet \xffafternoon":      "team.password_unreadable",
		strings.Repeat("long ", 300): "team.password_long",
	} {
		err := checkPassword(password, "anna.mertens@example.org", "Anna Mertens")
		if code == "" && err != nil || code != "" && !problem.Is(err, code) {
			t.Errorf("%.40q: got %v, want %q", password, err, code)
		}
	}
}
