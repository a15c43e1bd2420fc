package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"runtime/pprof"
	"slices"
	"strings"
	"time"

	"parley/internal/bench"
)

type benchCmd struct {
	Name     string        `arg:"" help:"inbox, ingest, idle or live; docs/operations.md says what each measures."`
	Messages int           `help:"How many messages." placeholder:"N"`
	Postgres string        `help:"Measure on PostgreSQL, in a schema of its own that is dropped afterwards." placeholder:"DSN"`
	For      time.Duration `help:"How long, where the bench runs for a time."`
	Profile  string        `help:"Write a CPU profile for 'go tool pprof'." type:"path" placeholder:"FILE"`
	JSON     bool          `help:"An array of {\"metric\",\"value\",\"unit\"} instead of a table." name:"json"`
}

func (c *benchCmd) Run(ctx context.Context, s *streams) error {
	run, ok := bench.All()[c.Name]
	if !ok {
		return fmt.Errorf("there is no bench %q; there are %s", c.Name, strings.Join(slices.Sorted(maps.Keys(bench.All())), ", "))
	}
	if c.Profile != "" {
		f, err := os.Create(c.Profile)
		if err != nil {
			return fmt.Errorf("writing a profile: %w", err)
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return fmt.Errorf("profiling: %w", err)
		}
		defer pprof.StopCPUProfile()
	}
	metrics, err := run(ctx, bench.Options{Messages: c.Messages, Postgres: c.Postgres, For: c.For, Progress: s.errs})
	if err != nil {
		return err
	}
	return bench.Print(s.out, metrics, c.JSON)
}
