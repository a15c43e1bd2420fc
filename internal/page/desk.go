package page

// noted reports whether a row has a third line.
func (r Row) noted() bool {
	return r.Claimed != "" || !r.Waiting.IsZero() || r.Account != "" ||
		r.State == Sending || r.State == Failed || r.State == Unknown
}
