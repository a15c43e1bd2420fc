package app

// notifyForms is what the pages of notifications can change.
func notifyForms() map[string]counterpart {
	return map[string]counterpart{
		"POST /notifications/settings":                          by("chooseNotifications"),
		"POST /notifications/stop/{secret}":                     none("it is for whoever reads the mail, whose mail program posts it"),
		"POST /w/{workspace}/inbox/{conversation}/ask":          by("ask"),
		"POST /w/{workspace}/asks/{ask}/revoke":                 by("revokeAsk"),
		"POST /ask/{secret}":                                    none("it is for people who are not signed in: their link is what they have"),
		"POST /notifications/read":                              by("readAllNotifications"),
		"POST /w/{workspace}/notifications/{notification}/read": by("readNotification"),
	}
}
