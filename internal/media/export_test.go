package media

// Occupy takes a desk, until leave is called.
func (p *Proxy) Occupy() (leave func()) {
	p.desks <- struct{}{}
	return func() { <-p.desks }
}
