package page

func (n CalloutView) icon() string {
	switch n.Kind {
	case Good:
		return "check"
	case Warning:
		return "clock"
	case Bad:
		return "alert"
	default:
		return "info"
	}
}
