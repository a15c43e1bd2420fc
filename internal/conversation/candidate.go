package conversation

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"parley/internal/actor"
	"parley/internal/id"
	"parley/internal/text"
)

// Found is somebody who might be meant.
type Found struct {
	Person   id.ID
	Identity Identity
}

const foundMost = 12

const (
	foundColumns = `select p.one, i.id, i.source, s.network, s.instance, i.remote_id, i.handle, i.name, i.url, i.avatar, i.bot from (
		select workspace, id from identity where workspace = $1 and `
	// The rows of a cross join are taken in the order in which it is written.
	foundBy = ` limit 50) f cross join identity i cross join person p cross join source s
		where i.workspace = f.workspace and i.id = f.id and p.workspace = i.workspace and p.id = i.person and s.workspace = i.workspace and s.id = i.source
		and exists (select 1 from conversation c where c.workspace = i.workspace and c.identity = i.id) order by i.id desc`
)

// FindPeople looks for people by the beginning of their handle or their name,
// whatever its case and accents. It looks at the first fifty of each.
func (d *Desk) FindPeople(ctx context.Context, a actor.Actor, words string) ([]Found, error) {
	if !a.CanSomewhere(actor.ReadConversations) {
		return nil, a.Require(actor.ReadConversations)
	}
	from := strings.TrimPrefix(text.Fold(text.CleanLine(words, 100)), "@")
	if from == "" {
		return nil, nil
	}
	var all []Found
	for _, column := range []string{"folded", "called"} {
		found, err := d.found(ctx, a, column+` >= $2 and `+column+` < $3 order by `+column, from, from+"\U0010FFFF")
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return each(all), nil
}

// Alike are other people whose own profile gives the same address, or a handle that
// only one can have. Nobody is joined by that: a member decides.
func (d *Desk) Alike(ctx context.Context, a actor.Actor, person id.ID) ([]Found, error) {
	s, err := d.see(ctx, d.db.Read(), a, actor.ReadConversations, person)
	if err != nil {
		return nil, err
	}
	var all []Found
	for _, i := range s.identities {
		for column, key := range map[string]string{"folded": ownHandle(i.Handle), "url": i.URL} {
			if key == "" {
				continue
			}
			found, err := d.found(ctx, a, column+` = $2`, key)
			if err != nil {
				return nil, err
			}
			all = append(all, found...)
		}
	}
	return slices.DeleteFunc(each(all), func(f Found) bool { return f.Person == s.one }), nil
}

// ownHandle is a handle that holds a domain, folded: no two people have it. Others
// are given by each server anew, and "ana" may be anybody.
func ownHandle(handle string) string {
	if !strings.Contains(handle, ".") {
		return ""
	}
	return text.Fold(handle)
}

// found reads who meets a condition and has spoken where the actor may read.
func (d *Desk) found(ctx context.Context, a actor.Actor, condition string, args ...any) ([]Found, error) {
	rows, err := d.db.Read().Query(ctx, foundColumns+condition+foundBy, append([]any{a.Workspace}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("looking for people: %w", err)
	}
	defer rows.Close()
	var all []Found
	var s somebody
	for rows.Next() {
		var f Found
		var bot int64
		i := &f.Identity
		if err := rows.Scan(&f.Person, &i.Identity, &i.source, &i.Network, &i.Instance, &i.RemoteID, &i.Handle, &i.Name, &i.URL, &i.Avatar, &bot); err != nil {
			return nil, fmt.Errorf("looking for people: %w", err)
		}
		i.Bot, i.Person.Person = bot != 0, f.Person
		all = append(all, f)
		s.identities = append(s.identities, *i)
	}
	if err := rows.Close(); err != nil || len(all) == 0 {
		return nil, err
	}
	if _, everything := readable(a); everything {
		return all, nil
	}
	seen, err := s.spokeTo(ctx, d.db.Read(), a, actor.ReadConversations)
	return slices.DeleteFunc(all, func(f Found) bool { return !slices.Contains(seen, f.Identity.Identity) }), err
}

// each leaves every person once, as many as a choice can hold.
func each(all []Found) []Found {
	var out []Found
	for _, f := range all {
		if len(out) < foundMost && !slices.ContainsFunc(out, func(o Found) bool { return o.Person == f.Person }) {
			out = append(out, f)
		}
	}
	return out
}
