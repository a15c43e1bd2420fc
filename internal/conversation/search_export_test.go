package conversation

// Bound makes searches do with little, so that small tests go every way.
func (d *Desk) Bound(look, few, walk int) { d.bounds = bounds{look: look, few: few, walk: walk} }
