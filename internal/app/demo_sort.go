package app

import (
	"context"
	"fmt"

	"parley/internal/actor"
)

// demoLabels are the words that the town hall of the demo sorts by.
func (a *App) demoLabels(ctx context.Context, who actor.Actor) error {
	for _, name := range []string{"Roads and paths", "Library", "Council", "Complaint", "Praise", "Press"} {
		if _, err := a.Desk.CreateLabel(ctx, who, name, ""); err != nil {
			return fmt.Errorf("making the label %s: %w", name, err)
		}
	}
	return nil
}
