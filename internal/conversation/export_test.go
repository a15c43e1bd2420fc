package conversation

// LookAt lets a narrowed list look at so few conversations for a page that a test
// meets the bound.
func LookAt(d *Desk, n int) { d.look = n }

// Canonical is the address of a list as the pages write it.
func Canonical(query string) string { return canonical(query) }
