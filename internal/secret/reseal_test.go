package secret_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"parley/internal/db"
	"parley/internal/db/dbtest"
	"parley/internal/secret"
)

// vault is a table of sealed values with a key of two columns.
type vault struct {
	d    *db.DB
	ring *secret.Keyring
}

func setup(t *testing.T, rows int) vault {
	t.Helper()
	v := vault{d: dbtest.New(t), ring: secret.InMemory()}
	v.exec(t, "create table vault (workspace bigint not null, name text not null, sealed bytea, primary key (workspace, name))")
	for i := range rows {
		ws, name := int64(i%3), fmt.Sprintf("row %d", i)
		v.exec(t, "insert into vault (workspace, name, sealed) values ($1, $2, $3)", ws, name, v.ring.Seal(place([]any{ws, name}), []byte("token of "+name)))
	}
	return v
}

func (v vault) exec(t *testing.T, q string, args ...any) {
	t.Helper()
	err := v.d.InTx(context.Background(), func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.Exec(ctx, q, args...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// place is where a row's value belongs.
func place(key []any) string { return fmt.Sprintf("vault:%d:%s", key[0], key[1]) }

func columns() []secret.Column {
	return []secret.Column{{Table: "vault", Key: []string{"workspace", "name"}, Column: "sealed", AAD: place}}
}

// check opens every row and counts those not sealed with the current key.
func (v vault) check(t *testing.T) (rows, old int) {
	t.Helper()
	r, err := v.d.Read().Query(context.Background(), "select workspace, name, sealed from vault where sealed is not null")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for r.Next() {
		var ws int64
		var name string
		var sealed []byte
		if err := r.Scan(&ws, &name, &sealed); err != nil {
			t.Fatal(err)
		}
		rows++
		if v.ring.NeedsReseal(sealed) {
			old++
		}
		if plain, err := v.ring.Open(place([]any{ws, name}), sealed); err != nil || string(plain) != "token of "+name {
			t.Errorf("%s opens as %q, %v", name, plain, err)
		}
	}
	if err := r.Err(); err != nil {
		t.Fatal(err)
	}
	return rows, old
}

func TestResealCarriesEveryRowOver(t *testing.T) {
	t.Parallel()
	v := setup(t, 257) // more than two batches
	v.exec(t, "insert into vault (workspace, name, sealed) values (9, 'none', null)")
	old := v.ring.CurrentID()
	if _, err := v.ring.Rotate(secret.NewKey()); err != nil {
		t.Fatal(err)
	}
	got, err := v.ring.Reseal(context.Background(), v.d, columns())
	if err != nil || got.Rows != 257 || got.Sealed != 257 || got.Broken != 0 {
		t.Fatalf("Reseal = %+v, %v", got, err)
	}
	if rows, left := v.check(t); rows != 257 || left != 0 {
		t.Errorf("%d rows, %d with the old key", rows, left)
	}
	if err := v.ring.Drop(old); err != nil {
		t.Fatal(err)
	}
	v.check(t)
	again, err := v.ring.Reseal(context.Background(), v.d, columns())
	if err != nil || again.Rows != 257 || again.Sealed != 0 {
		t.Errorf("a second Reseal = %+v, %v; want nothing to do", again, err)
	}
}

func TestResealGoesOnWhereItWasStopped(t *testing.T) {
	t.Parallel()
	v := setup(t, 250)
	if _, err := v.ring.Rotate(secret.NewKey()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	seen := 0
	stopping := columns()
	stopping[0].AAD = func(key []any) string {
		if seen++; seen == 120 { // within the second batch
			cancel()
		}
		return place(key)
	}
	if _, err := v.ring.Reseal(ctx, v.d, stopping); err == nil {
		t.Fatal("a cancelled Reseal reports no error")
	}
	_, left := v.check(t)
	if left == 0 || left == 250 {
		t.Fatalf("%d rows are left; the test means to stop in between", left)
	}
	got, err := v.ring.Reseal(context.Background(), v.d, columns())
	if err != nil || got.Sealed != left {
		t.Fatalf("going on: %+v, %v; %d rows were left", got, err, left)
	}
	if _, left := v.check(t); left != 0 {
		t.Errorf("%d rows still have the old key", left)
	}
}

func TestResealLeavesWhatItCannotOpen(t *testing.T) {
	t.Parallel()
	v := setup(t, 10)
	lost := secret.InMemory().Seal("anywhere", []byte("words nobody can read"))
	v.exec(t, "insert into vault (workspace, name, sealed) values (1, 'lost', $1)", lost)
	if _, err := v.ring.Rotate(secret.NewKey()); err != nil {
		t.Fatal(err)
	}
	got, err := v.ring.Reseal(context.Background(), v.d, columns())
	if !errors.Is(err, secret.ErrUnknownKey) || got.Sealed != 10 || got.Broken != 1 {
		t.Fatalf("Reseal = %+v, %v", got, err)
	}
	var kept []byte
	if err := v.d.Read().Row(context.Background(), "select sealed from vault where name = 'lost'").Scan(&kept); err != nil || string(kept) != string(lost) {
		t.Errorf("the row that cannot be opened was changed: %v", err)
	}
}
