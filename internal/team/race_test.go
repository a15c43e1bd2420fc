package team

import (
	"context"
	"testing"

	"parley/internal/db"
	"parley/internal/db/dbtest"
	"parley/internal/id"
	"parley/internal/problem"
)

// A password that was right when it was read, and changed while its slow hash
// was being compared, opens nothing.
func TestAPasswordChangedWhileItIsChecked(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	change := func(q string) {
		t.Helper()
		err := d.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, q)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	look := func(read loginRow) error {
		return d.InTx(ctx, func(ctx context.Context, tx *db.Tx) error { return unchanged(ctx, tx, read) })
	}
	change(`insert into login (id, email, email_folded, name, password, locale, created, removed) values (7, 'a@b.c', 'a@b.c', 'A', 'old', 'en', 1, 0)`)
	read, err := loginOf(ctx, d.Read(), id.ID(7))
	if err != nil {
		t.Fatal(err)
	}
	if err := look(read); err != nil {
		t.Errorf("unchanged: %v", err)
	}
	change(`update login set password = 'new'`)
	if err := look(read); !problem.Is(err, "team.sign_in") {
		t.Errorf("changed: %v", err)
	}
	read.password = "new"
	change(`update login set removed = 2, email = '', email_folded = '', password = ''`)
	if err := look(read); !problem.Is(err, "team.sign_in") {
		t.Errorf("removed: %v", err)
	}
}
