package main

import (
	"context"
	"errors"
	"io"
	"net/url"
	"os"

	"parley/internal/call"
)

type callCmd struct {
	Server   *url.URL `help:"Address of the installation." default:"http://localhost:8080" env:"PARLEY_SERVER"`
	Token    string   `help:"API token. Better given as PARLEY_TOKEN: the command line is seen by others on this machine." env:"PARLEY_TOKEN"`
	Key      string   `help:"Do it once, however often it is run under this key (Idempotency-Key)."`
	All      bool     `help:"Of a list, all pages, one item a line."`
	Input    bool     `help:"Read the body from the standard input." short:"i"`
	List     bool     `help:"Say which operations there are."`
	Describe bool     `help:"Say what the operation takes."`

	Operation string   `arg:"" optional:"" help:"Name of the operation, such as listConversations."`
	Arguments []string `arg:"" optional:"" help:"name=value, or name=@file."`
}

func (c *callCmd) Run(ctx context.Context, s *streams) error {
	caller := call.Caller{Server: c.Server, Token: c.Token, Key: c.Key, All: c.All, Out: s.out}
	switch {
	case c.List:
		return caller.List(ctx)
	case c.Operation == "":
		return errors.New("which operation? parley call --list says which there are")
	case c.Describe:
		return caller.Describe(ctx, c.Operation)
	}
	var in io.Reader
	if c.Input {
		in = os.Stdin
	}
	return caller.Call(ctx, c.Operation, c.Arguments, in)
}
