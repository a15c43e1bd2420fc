package secret

import (
	"context"
	"fmt"

	"parley/internal/db"
)

// Checked is what Check found.
type Checked struct {
	Rows   int     // sealed values seen
	Older  int     // of these, sealed with a key that is not the current one
	Broken []error // one for each that cannot be opened, without its content
}

// Check opens every value of the columns and keeps none. It changes nothing.
func (k *Keyring) Check(ctx context.Context, q db.Queryer, columns []Column) (Checked, error) {
	var sum Checked
	for _, c := range columns {
		for after, more := []any(nil), true; more; {
			rows, err := c.read(ctx, q, after)
			if err != nil {
				return sum, fmt.Errorf("reading %s.%s: %w", c.Table, c.Column, err)
			}
			for _, r := range rows {
				after = r.key
				k.checkRow(c, r, &sum)
			}
			more = len(rows) == batch
		}
	}
	return sum, nil
}

func (k *Keyring) checkRow(c Column, r row, sum *Checked) {
	if len(r.sealed) == 0 {
		return
	}
	sum.Rows++
	if _, err := k.Open(c.AAD(r.key), r.sealed); err != nil {
		sum.Broken = append(sum.Broken, fmt.Errorf("%s %v: %w", c.Table, r.key, err))
	} else if k.NeedsReseal(r.sealed) {
		sum.Older++
	}
}
