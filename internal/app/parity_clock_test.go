package app

// clockForms are those of who is answered when.
func clockForms() map[string]counterpart {
	return map[string]counterpart{
		"POST /w/{workspace}/settings/answers": by("setPromise"),
	}
}
