package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
)

// ACME says whether certificates are got by themselves, and from whom.
type ACME struct {
	On        bool
	Email     string
	Directory string // "" is Let's Encrypt
	Cache     string // folder
}

const (
	// stopWithin is how long requests under way may take once told to stop.
	stopWithin = 15 * time.Second
	// headWithin bounds how slowly a browser may send its request head. What comes
	// after it the kernel bounds while it moves, because uploads and live streams last.
	headWithin = 10 * time.Second
	idleFor    = 2 * time.Minute
)

// SetUpLink is the one-time link with which the first person sets up an
// installation that has none; "" once it has.
func (a *App) SetUpLink(ctx context.Context) (string, error) {
	secret, needed, err := a.Team.FirstRun(ctx)
	if err != nil || !needed {
		return "", err
	}
	return a.Config.URL.JoinPath("set-up", secret).String(), nil
}

// Serve works and answers on ln until ctx ends, then lets requests under way
// finish: first no new ones, then the workers, so that nothing is half done.
func (a *App) Serve(ctx context.Context, ln net.Listener, certs ACME) error {
	server := &http.Server{Handler: a.Handler(), ReadHeaderTimeout: headWithin, IdleTimeout: idleFor, MaxHeaderBytes: 64 << 10}
	running, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	defer stop(nil)
	answered := make(chan error, 2)
	if certs.On {
		m := certs.manager(a.Config.URL.Hostname())
		server.TLSConfig = m.TLSConfig()
		go func() { answered <- server.ServeTLS(ln, "", "") }()
		plain := &http.Server{Addr: ":80", Handler: m.HTTPHandler(nil), ReadTimeout: headWithin, WriteTimeout: headWithin, IdleTimeout: idleFor}
		go func() { answered <- plain.ListenAndServe() }()
		defer plain.Close()
	} else {
		go func() { answered <- server.Serve(ln) }()
	}
	worked := make(chan error, 1)
	go func() { worked <- a.Run(running) }()
	a.Config.Logger.Info("serving", "url", a.Config.URL.String(), "version", Version())

	var err error
	select {
	case <-ctx.Done():
	case err = <-answered:
		err = fmt.Errorf("answering requests: %w", err)
	case err = <-worked:
		worked <- nil
	}
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
	defer cancel()
	a.Kernel.Hub().Close() // streams never end by themselves
	if e := server.Shutdown(late); e != nil {
		server.Close()
		a.Config.Logger.Warn("some requests were cut off", "err", e)
	}
	stop(context.Canceled)
	return errors.Join(err, <-worked)
}

func (c ACME) manager(host string) *autocert.Manager {
	m := &autocert.Manager{Prompt: autocert.AcceptTOS, HostPolicy: autocert.HostWhitelist(host), Email: c.Email, Cache: autocert.DirCache(c.Cache)}
	if c.Directory != "" {
		m.Client = &acme.Client{DirectoryURL: c.Directory}
	}
	return m
}
