package app

// clockForms are those of who is answered when.
func clockForms() map[string]counterpart {
	return map[string]counterpart{
		"POST /w/{workspace}/settings/answers":                by("setPromise"),
		"POST /w/{workspace}/inbox/{conversation}/urgent":     by("markUrgent"),
		"POST /w/{workspace}/inbox/{conversation}/not-urgent": by("notUrgent"),
		"POST /w/{workspace}/inbox/next":                      by("takeNext"),
	}
}
