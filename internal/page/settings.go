package page

import (
	"context"

	"parley/internal/actor"
)

// settings are the pages on which a workspace is set up, in the order of the tabs
// above each. A capability adds its own line.
func settings() []NavItem {
	return []NavItem{
		{Name: "workspace", Label: "settings.workspace", Path: "settings", Right: actor.ManageWorkspace},
		{Name: "answers", Label: "settings.answers", Path: "settings/answers", Right: actor.ManageWorkspace},
		{Name: "together", Label: "settings.together", Path: "settings/together", Right: actor.ManageWorkspace},
		{Name: "labels", Label: "settings.labels", Path: "settings/labels", Right: actor.ManageWorkspace},
		{Name: "webhooks", Label: "settings.webhooks", Path: "settings/webhooks", Right: actor.ManageWorkspace},
	}
}

// settingsTabs are those that the visitor may open.
func settingsTabs(ctx context.Context, current string) []Tab {
	var tabs []Tab
	for _, item := range settings() {
		if item.Right == "" || Can(ctx, item.Right) {
			tabs = append(tabs, Tab{Label: T(ctx, item.Label), Href: Link(ctx, item.Path), Current: item.Name == current})
		}
	}
	return tabs
}
