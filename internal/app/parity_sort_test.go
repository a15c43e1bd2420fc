package app

import (
	"parley/internal/conversation"
	"parley/internal/id"
)

// sortForms are the forms about what keeps the desk in order.
func sortForms() map[string]counterpart {
	return map[string]counterpart{
		"POST /w/{workspace}/inbox/{conversation}/labels":    by("putLabel", "takeLabel"),
		"POST /w/{workspace}/settings/labels":                by("createLabel"),
		"POST /w/{workspace}/settings/labels/{label}":        by("changeLabel"),
		"POST /w/{workspace}/settings/labels/{label}/merge":  by("mergeLabel"),
		"POST /w/{workspace}/settings/labels/{label}/retire": by("retireLabel", "restoreLabel"),
		"POST /w/{workspace}/inbox/{conversation}/snooze":    by("snoozeConversation"),
		"POST /w/{workspace}/inbox/{conversation}/wake":      by("wakeConversation"),
		"POST /w/{workspace}/under/{message}":                by("finishConversations", "labelConversations"),
		"POST /w/{workspace}/views":                          by("saveView"),
		"POST /w/{workspace}/views/{view}/remove":            by("removeView"),
	}
}

// sortBodies are what their operations take.
func sortBodies() map[string]string {
	return map[string]string{
		"createLabel": `{"name":"Bridges"}`, "changeLabel": `{"name":"Bridges"}`, "snoozeConversation": `{"until":"2026-03-03T09:00:00Z"}`, "finishConversations": `{"conversations":["` + id.ID(1).String() + `"]}`,
		"labelConversations": `{"label":"` + id.ID(1).String() + `","conversations":["` + id.ID(1).String() + `"]}`, "saveView": `{"name":"All","query":"box=all"}`, "mergeLabel": `{"into":"` + id.ID(1).String() + `"}`,
	}
}

// sortIDs are what their paths name.
func (d *desk) sortIDs() map[string]id.ID {
	d.Helper()
	l, err := d.Desk.CreateLabel(background, d.owner, "Roads", "")
	d.must(err)
	v, err := d.Desk.SaveView(background, d.owner, conversation.SavedView{Name: "All", Query: "box=all"})
	d.must(err)
	return map[string]id.ID{"label": l.ID, "view": v.ID, "post": d.posted()}
}
