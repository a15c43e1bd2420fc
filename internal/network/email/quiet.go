package email

import (
	"strings"

	"parley/internal/network"
)

// automatic reports a mail that a program answered or wrote with by itself (RFC
// 3834, section 5, and what is used instead of it).
func (l letter) automatic() bool {
	h := l.head
	if v := strings.ToLower(strings.TrimSpace(h.Get("Auto-Submitted"))); v != "" && !strings.HasPrefix(v, "no") {
		return true
	}
	for _, key := range []string{"X-Autoreply", "X-Autorespond", "X-Vacation"} {
		if v := strings.ToLower(h.Get(key)); v != "" && v != "no" {
			return true
		}
	}
	switch strings.ToLower(strings.TrimSpace(h.Get("Precedence"))) {
	case "auto_reply", "auto-reply":
		return true
	}
	// An empty way back says that nobody wants to hear of it.
	return strings.TrimSpace(h.Get("Return-Path")) == "<>"
}

// bulk reports a newsletter: sent to many, and its sender's system says so. Who
// has a mailing list for an address gets everybody's questions through it, so the
// marks of a list alone are not enough.
func (l letter) bulk(a network.Account) bool {
	h := l.head
	switch strings.ToLower(strings.TrimSpace(h.Get("Precedence"))) {
	case "bulk", "junk":
		return true
	}
	// One click to be left alone (RFC 8058): no person writes so.
	if h.Get("List-Unsubscribe-Post") != "" || h.Get("Feedback-Id") != "" && h.Get("List-Unsubscribe") != "" {
		return true
	}
	return h.Get("List-Id") != "" && !l.toUs(a)
}

// toUs reports a mail that names our address, or a colleague's, as its reader.
func (l letter) toUs(a network.Account) bool {
	domain := address{addr: a.RemoteID}.domain()
	for _, list := range [][]address{l.to, l.cc} {
		for _, one := range list {
			if one.domain() == domain {
				return true
			}
		}
	}
	return false
}

// spam reports what our own server took for spam and delivered all the same.
func (l letter) spam() bool {
	for _, key := range []string{"X-Spam-Flag", "X-Spam-Status", "X-Spam"} {
		if v := strings.ToLower(strings.TrimSpace(l.head.Get(key))); strings.HasPrefix(v, "yes") || v == "true" {
			return true
		}
	}
	return false
}

// quiet reports a mail to whose writer nobody owes an answer. Whoever answers us
// does wait, unless it was a program.
func (l letter) quiet(a network.Account) bool {
	switch {
	case l.automatic():
		return true
	case l.from.key() == a.RemoteID: // a copy to ourselves
		return true
	case ourID(l.inReplyTo):
		return false
	}
	return l.bulk(a) || l.spam()
}
