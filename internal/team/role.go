package team

import (
	"slices"

	"parley/internal/actor"
)

// Role is a bundle of rights with a name people use.
type Role string

const (
	Owner       Role = "owner"       // answers for the workspace
	Steward     Role = "steward"     // keeps it running: people, accounts, health
	Voice       Role = "voice"       // speaks in public in their own name
	Contributor Role = "contributor" // prepares what others send
	Reviewer    Role = "reviewer"    // must agree: legal, PR, the board
	Observer    Role = "observer"    // reads along
)

// Roles lists all roles, from the widest to the narrowest.
func Roles() []Role { return []Role{Owner, Steward, Voice, Contributor, Reviewer, Observer} }

// Known reports whether r is one of Roles.
func (r Role) Known() bool { return slices.Contains(Roles(), r) }

// Rights is the one table of what a role may do; docs/rights.md is held to it
// by a test. An unknown role may do nothing. actor.Self is in no bundle: every
// member has it, whatever else they may do.
func (r Role) Rights() []actor.Right {
	switch r {
	case Owner:
		return append(Steward.Rights(), actor.OwnWorkspace)
	case Steward:
		return append(Voice.Rights(), actor.ErasePerson, actor.ManageAccounts, actor.ManageTeam,
			actor.ManageWorkspace, actor.ReadAudit)
	case Voice:
		return []actor.Right{actor.ReadConversations, actor.Claim, actor.Note, actor.Reply, actor.Moderate, actor.ReadHealth}
	case Contributor:
		return []actor.Right{actor.ReadConversations, actor.Claim, actor.Note}
	case Reviewer:
		return []actor.Right{actor.ReadConversations, actor.Note}
	case Observer:
		return []actor.Right{actor.ReadConversations}
	default:
		return nil
	}
}

// Scopable reports whether the role may be given for one account or team only.
func (r Role) Scopable() bool { return r != Owner }

// giver is the right somebody needs to give this role or take it away: only
// owners make and unmake owners.
func (r Role) giver() actor.Right {
	if r == Owner {
		return actor.OwnWorkspace
	}
	return actor.ManageTeam
}

// TokenRights are the rights an API token may carry. Self is not among them: a
// token must not be able to make another one or to end its owner's sessions.
func TokenRights() []actor.Right { return Owner.Rights() }

// expand turns one granted role into the actor's grants, without repetition.
func expand(grants []actor.Grant, r Role, in actor.Scope) []actor.Grant {
	for _, right := range r.Rights() {
		if g := (actor.Grant{Right: right, Scope: in}); !slices.Contains(grants, g) {
			grants = append(grants, g)
		}
	}
	return grants
}
