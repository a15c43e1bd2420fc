package pagetest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/chromedp/chromedp"
)

// axeVersion is the one that ./check installs.
const axeVersion = "4.14.1"

// Axe is the source of axe-core, which judges whether everybody can use a page. It
// stands where PARLEY_AXE says, or where ./check --install puts it; without it the
// test is skipped, or fails where PARLEY_CI is set.
func (b *Tab) Axe() string {
	b.t.Helper()
	path := os.Getenv("PARLEY_AXE")
	if cache, err := os.UserCacheDir(); path == "" && err == nil {
		path = filepath.Join(cache, "parley", "axe-core-"+axeVersion, "node_modules", "axe-core", "axe.min.js")
	}
	source, err := os.ReadFile(path)
	switch {
	case err == nil:
		return string(source)
	case os.Getenv("PARLEY_CI") != "":
		b.t.Fatalf("axe-core is missing: %v", err)
	default:
		b.t.Skip("axe-core is not installed: ./check --install does it, or set PARLEY_AXE to its axe.min.js")
	}
	return ""
}

// Faults is what axe-core finds serious or critical on the page that is open, one
// line each: the rule, what it asks for, and where it is broken.
func (b *Tab) Faults(axe string) []string {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, limit)
	defer cancel()
	// As the browser's own tool it is not subject to the page's policy.
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("if (!window.axe) {"+axe+"\n}; !!window.axe")); err != nil {
		b.t.Fatalf("loading axe-core: %v", err)
	}
	var found []struct {
		ID, Help string
		Nodes    []string
	}
	b.Eval(`axe.run(document, {resultTypes: ["violations"]}).then((r) => r.violations.filter((v) => v.impact === "serious" || v.impact === "critical")
		.map((v) => ({ID: v.id, Help: v.help, Nodes: v.nodes.map((n) => n.target.join(" ") + " " + n.html.slice(0, 160) + " " + (n.any[0]?.message ?? n.all[0]?.message ?? ""))})))`, &found)
	var lines []string
	for _, f := range found {
		for _, node := range f.Nodes {
			lines = append(lines, fmt.Sprintf("%s (%s): %s", f.ID, f.Help, node))
		}
	}
	return lines
}
