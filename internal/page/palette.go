package page

import "context"

// keyGroups are the parts of the list of keys, named as keys.js names them.
func keyGroups() []string { return []string{"list", "thread", "write", "all"} }

// place is somewhere the palette leads to.
type place struct {
	ID, Label, Href, Icon string
	Hue                   string // of a workspace, whose label is its own name
}

// places are the pages of the workspace that the actor may see, and their own.
func places(ctx context.Context) []place {
	v := viewOf(ctx)
	var all []place
	if v.workspace.ID != 0 {
		for _, item := range v.kernel.opts.Nav {
			if item.Right == "" || Can(ctx, item.Right) {
				all = append(all, place{ID: "go-" + item.Name, Label: T(ctx, item.Label), Href: Link(ctx, item.Path), Icon: item.Icon})
			}
		}
	}
	if v.kernel.opts.Account != "" {
		all = append(all, place{ID: "go-me", Label: T(ctx, "page.me.settings"), Href: v.kernel.opts.Account, Icon: "settings"})
	}
	return all
}

// otherWorkspaces are those of the visitor that are not open now.
func otherWorkspaces(ctx context.Context) []place {
	var all []place
	for _, w := range viewOf(ctx).visitor.Workspaces {
		if w.ID != viewOf(ctx).workspace.ID {
			all = append(all, place{ID: "workspace-" + w.ID.String(), Label: w.Name, Href: link(w.Slug, "inbox"), Hue: hue(w.Slug)})
		}
	}
	return all
}
