package app

// notifyForms is what the pages of notifications can change.
func notifyForms() map[string]counterpart {
	return map[string]counterpart{
		"POST /notifications/read":                              by("readAllNotifications"),
		"POST /w/{workspace}/notifications/{notification}/read": by("readNotification"),
	}
}
