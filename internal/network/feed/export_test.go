package feed

// For tests of what has no way in from outside.
var (
	Absolute = absolute
	HandleOf = handleOf
)
