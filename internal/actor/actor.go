// Package actor says who acts: one member in one workspace with the rights they
// hold at this moment, or a named part of Parley acting by itself. Every verb
// takes one and asks it before changing anything.
package actor

import (
	"parley/internal/id"
	"parley/internal/problem"
)

// Right is one thing a member may do. Roles (owner, steward, …) are bundles of
// rights and live in team; verbs ask for rights only.
type Right string

const (
	ReadConversations Right = "conversation.read"
	Claim             Right = "conversation.claim"
	Reply             Right = "conversation.reply"    // an answer leaves in their own name
	Note              Right = "conversation.note"     // write notes for colleagues; nobody outside sees them
	Moderate          Right = "conversation.moderate" // mute, block, report, hide
	ErasePerson       Right = "person.erase"
	ManageAccounts    Right = "account.manage" // connect, reconnect, disconnect, import
	ManageTeam        Right = "team.manage"    // members, teams, grants below owner
	ManageWorkspace   Right = "workspace.manage"
	OwnWorkspace      Right = "workspace.own" // make and unmake owners
	ReadAudit         Right = "audit.read"
	ReadHealth        Right = "health.read" // account health, unknown and failed sends
	Self              Right = "self"        // one's own sessions, tokens, name
)

// Scope narrows a grant. The zero Scope is the whole workspace.
type Scope struct {
	Kind string // "" | "account" | "team"
	ID   id.ID
}

// Grant is one right within one scope.
type Grant struct {
	Right Right
	Scope Scope
}

// Actor is who acts. The zero Actor may do nothing.
type Actor struct {
	Workspace id.ID
	Member    id.ID  // 0 when Parley acts by itself
	Name      string // shown name, or the acting part of Parley
	System    string // "poller", "delivery", "retention"…; "" for a member
	Token     id.ID  // the API token used; 0 for a browser session
	Grants    []Grant
}

// System is Parley acting by itself in a workspace. It holds every right: what
// it does was decided by code, not by somebody's input.
func System(workspace id.ID, part string) Actor {
	return Actor{Workspace: workspace, System: part, Name: part}
}

// Can reports whether the actor holds a right for the whole workspace or for
// one of the given scopes. Without scopes only a workspace-wide grant counts.
func (a Actor) Can(r Right, in ...Scope) bool {
	if a.Workspace == 0 {
		return false
	}
	if a.System != "" {
		return true
	}
	if a.Member == 0 {
		return false
	}
	for _, g := range a.Grants {
		if g.Right != r {
			continue
		}
		if g.Scope == (Scope{}) {
			return true
		}
		for _, s := range in {
			if g.Scope == s {
				return true
			}
		}
	}
	return false
}

// CanSomewhere reports whether the actor holds a right in any scope at all.
func (a Actor) CanSomewhere(r Right) bool {
	if a.Can(r) {
		return true
	}
	for _, g := range a.Grants {
		if g.Right == r && a.Workspace != 0 && a.Member != 0 {
			return true
		}
	}
	return false
}

// Require is Can as an error with a sentence for the member.
func (a Actor) Require(r Right, in ...Scope) error {
	if a.Can(r, in...) {
		return nil
	}
	return problem.New(problem.Forbidden, "forbidden", "right", string(r))
}

// Scopes lists where the actor holds a right; all reports the whole workspace.
func (a Actor) Scopes(r Right) (scopes []Scope, all bool) {
	if a.Can(r) {
		return nil, true
	}
	for _, g := range a.Grants {
		if g.Right == r {
			scopes = append(scopes, g.Scope)
		}
	}
	return scopes, false
}
