package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"

	"parley/internal/app"
)

type doctorCmd struct {
	store
	address
	letters
	Full bool `help:"Also read every page of the SQLite file and verify the whole log, which takes minutes on a large installation."`
	JSON bool `help:"The result as JSON." name:"json"`
}

func (c *doctorCmd) Run(ctx context.Context, s *streams) error {
	cfg := c.config(s.errs)
	cfg.URL, _ = url.Parse(c.URL) // what cannot be read is told below
	cfg.MailAddress, cfg.MailFrom = c.SMTP, c.MailFrom
	d, err := app.Examine(ctx, cfg, c.Full)
	if err != nil {
		return err
	}
	if c.JSON {
		e := json.NewEncoder(s.out)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		err = e.Encode(d)
	} else {
		err = tellDiagnosis(s.out, d)
	}
	if err == nil && !d.OK {
		err = errSilent
	}
	return err
}

func tellDiagnosis(w io.Writer, d app.Diagnosis) error {
	wrong, look := 0, 0
	for _, c := range d.Checks {
		mark := "ok   "
		switch c.Level {
		case app.Wrong:
			mark = "WRONG"
			wrong++
		case app.Look:
			mark = "look "
			look++
		}
		fmt.Fprintf(w, "%s  %-12s %s\n", mark, c.Name, c.Says)
		if c.Do != "" {
			fmt.Fprintf(w, "%20s→ %s\n", "", c.Do)
		}
	}
	var err error
	switch {
	case wrong > 0:
		_, err = fmt.Fprintf(w, "\nWrong: %d. To look at: %d.\n", wrong, look)
	case look > 0:
		_, err = fmt.Fprintf(w, "\nNothing is wrong. To look at: %d.\n", look)
	default:
		_, err = fmt.Fprintln(w, "\nEverything is in order.")
	}
	return err
}
