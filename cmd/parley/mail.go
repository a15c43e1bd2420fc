package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"parley/internal/app"
)

type mailCmd struct {
	Test mailTestCmd `cmd:"" help:"Send a test to an address, now, and say what the mail server answered."`
}

type mailTestCmd struct {
	address
	letters
	To string `help:"Who gets it." required:"" placeholder:"ADDRESS"`
}

func (c *mailTestCmd) Run(ctx context.Context, s *streams) error {
	server, err := c.server()
	if err != nil {
		return err
	}
	if server.Host == "" {
		return errors.New("no mail server is set: give --smtp and --mail-from, or PARLEY_SMTP and PARLEY_MAIL_FROM")
	}
	u, err := url.Parse(strings.TrimSuffix(c.URL, "/"))
	if err != nil {
		return fmt.Errorf("reading --url: %w", err)
	}
	if err := app.TestMail(ctx, u, server, c.To); err != nil {
		return fmt.Errorf("%s did not take it: %w", server, err)
	}
	_, err = fmt.Fprintf(s.out, "%s took a test from %s to %s. Look whether it arrives.\n", server, server.From.Address, c.To)
	return err
}
