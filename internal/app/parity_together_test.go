package app

import (
	"parley/internal/conversation"
	"parley/internal/id"
)

// formsTogether is what members change where they work on the same conversations.
func formsTogether() map[string]counterpart {
	return map[string]counterpart{
		"POST /w/{workspace}/inbox/{conversation}/notes":               by("addNote"),
		"POST /w/{workspace}/inbox/{conversation}/notes/{note}/edit":   by("editNote"),
		"POST /w/{workspace}/inbox/{conversation}/notes/{note}/delete": by("deleteNote"),
		"POST /w/{workspace}/inbox/{conversation}/handover":            by("handOverConversation"),
		"POST /w/{workspace}/inbox/{conversation}/handback":            by("handBackConversation"),
		"POST /w/{workspace}/inbox/{conversation}/draft":               by("saveDraft"),
		"POST /w/{workspace}/inbox/{conversation}/claim/ask":           by("askForConversation"),
		"POST /w/{workspace}/inbox/{conversation}/give":                by("giveConversation"),
		"POST /w/{workspace}/inbox/{conversation}/keep":                by("keepConversation"),
		"POST /w/{workspace}/inbox/{conversation}/take":                by("takeConversation"),
		"POST /w/{workspace}/settings/together":                        by("setRules"),
	}
}

// bodiesTogether are what the operations for that take.
func bodiesTogether() map[string]string {
	return map[string]string{"addNote": `{"text":"Ask the ferry."}`, "editNote": `{"text":"Ask the harbour."}`,
		"handOverConversation": `{"note":"Yours"}`, "handBackConversation": `{}`, "saveDraft": `{"version":0,"text":"It"}`}
}

// idsTogether is something of each kind beside a conversation.
func (d *desk) idsTogether(c id.ID) map[string]id.ID {
	d.Helper()
	note, err := d.Desk.AddNote(background, d.owner, c, conversation.NoteIn{Text: "Ask the ferry."})
	d.must(err)
	return map[string]id.ID{"note": note}
}
