package secret_test

import (
	"context"
	"errors"
	"testing"

	"parley/internal/secret"
)

func TestCheckOpensEveryValue(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	v := setup(t, 257) // more than two batches
	got, err := v.ring.Check(ctx, v.d.Read(), columns())
	if err != nil || got.Rows != 257 || got.Older != 0 || len(got.Broken) != 0 {
		t.Fatalf("%+v, %v", got, err)
	}
	if _, err := v.ring.Rotate(secret.NewKey()); err != nil {
		t.Fatal(err)
	}
	v.exec(t, "update vault set sealed = $1 where name = 'row 9'", []byte("no sealed value at all, but long enough for one ........"))
	v.exec(t, "update vault set sealed = (select sealed from vault where name = 'row 1') where name = 'row 2'")
	v.exec(t, "update vault set sealed = $1 where name = 'row 3'", secret.InMemory().Seal(place([]any{0, "row 3"}), nil))
	v.exec(t, "update vault set sealed = null where name = 'row 4'")
	got, err = v.ring.Check(ctx, v.d.Read(), columns())
	if err != nil || got.Rows != 256 || got.Older != 253 || len(got.Broken) != 3 {
		t.Fatalf("%d rows, %d older, %d broken, %v", got.Rows, got.Older, len(got.Broken), err)
	}
	unknown := 0
	for _, e := range got.Broken {
		if errors.Is(e, secret.ErrUnknownKey) {
			unknown++
		} else if !errors.Is(e, secret.ErrDamaged) {
			t.Error(e)
		}
	}
	if unknown != 1 {
		t.Errorf("%d with an unknown key, want 1", unknown)
	}
}
