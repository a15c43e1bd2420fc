package db

import (
	"context"
	"fmt"
	"strings"
)

// Rows gathers rows for one insert statement.
type Rows struct {
	cols int
	args []any
}

// NewRows expects rows of cols values; capacity is a guess of how many.
func NewRows(cols, capacity int) *Rows { return &Rows{cols: cols, args: make([]any, 0, cols*capacity)} }

// Add appends one row.
func (r *Rows) Add(values ...any) {
	if len(values) != r.cols {
		panic("db: a row of the wrong width")
	}
	r.args = append(r.args, values...)
}

// Len is how many rows there are.
func (r *Rows) Len() int { return len(r.args) / r.cols }

// sizes of the statements a bulk insert is cut into: few shapes, so that each
// stays prepared; a prepared one of 64 wide rows already holds some 50 kB.
var sizes = [...]int{64, 16, 4, 1}

// Insert runs head + values + tail for all rows, in a few statements.
// head is "insert into t (a, b)", tail "" or an "on conflict …".
func (r *Rows) Insert(ctx context.Context, q Queryer, head, tail string) error {
	args := r.args
	for _, size := range sizes {
		for n := size * r.cols; len(args) >= n && n > 0; args = args[n:] {
			if _, err := q.Exec(ctx, head+" values "+Placeholders(size, r.cols)+tail, args[:n]...); err != nil {
				return err
			}
		}
	}
	return nil
}

// In writes "in (…)" for the values, as parameters from number from on, padded
// with the last one to a power of two so that few texts exist. The values must
// not be empty.
func In[T any](from int, vs []T) (text string, args []any) {
	n := padded(len(vs))
	args = make([]any, n)
	for i := range n {
		args[i] = vs[min(i, len(vs)-1)]
	}
	var b strings.Builder
	b.WriteString("in (")
	b.WriteString(List(from, n))
	b.WriteByte(')')
	return b.String(), args
}

// Pairs writes "values (…), (…)" for pairs of integers, as parameters from number
// from on, padded like In. Join with it to look up many rows by two columns: an
// in (…) for each column would try every combination.
func Pairs[A, B ~int64](from int, a []A, b []B) (text string, args []any) {
	n := padded(len(a))
	args = make([]any, 0, 2*n)
	var s strings.Builder
	s.WriteString("values ")
	for i := range n {
		if i > 0 {
			s.WriteByte(',')
		}
		// PostgreSQL takes an untyped parameter in values for text.
		fmt.Fprintf(&s, "(cast($%d as bigint),cast($%d as bigint))", from+2*i, from+2*i+1)
		at := min(i, len(a)-1)
		args = append(args, int64(a[at]), int64(b[at]))
	}
	return s.String(), args
}

func padded(n int) int {
	p := 1
	for p < n {
		p *= 2
	}
	return p
}
