package app_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"parley/internal/app"
	"parley/internal/db"
)

func TestWhoMayReadTheMetrics(t *testing.T) {
	t.Parallel()
	a, err := app.Open(context.Background(), app.Config{Data: t.TempDir(), URL: &url.URL{Scheme: "http", Host: "localhost"},
		MetricsFrom: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	for name, tc := range map[string]struct {
		from, forwarded string
		code            int
	}{
		"this machine":            {"127.0.0.1:5", "", 200},
		"this machine, IPv6":      {"[::1]:5", "", 200},
		"through a proxy here":    {"127.0.0.1:5", "203.0.113.9", 404},
		"somebody":                {"203.0.113.9:5", "", 404},
		"whom the operator names": {"10.1.2.3:5", "", 200},
	} {
		r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
		r.RemoteAddr = tc.from
		if tc.forwarded != "" {
			r.Header.Set("X-Forwarded-For", tc.forwarded)
		}
		w := httptest.NewRecorder()
		a.Handler().ServeHTTP(w, r)
		if w.Code != tc.code || (tc.code == 200) != strings.Contains(w.Body.String(), "parley_jobs_waiting") {
			t.Errorf("%s: %d", name, w.Code)
		}
	}
}

func TestConfigThatCannotWorkIsRefusedWithAReason(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*app.Config)
		says   string
	}{
		"no place":         {func(c *app.Config) { c.Data = "" }, "--data"},
		"no address":       {func(c *app.Config) { c.URL = nil }, "--url"},
		"a path in it":     {func(c *app.Config) { c.URL = &url.URL{Scheme: "https", Host: "x.example", Path: "/parley"} }, "--url"},
		"another protocol": {func(c *app.Config) { c.URL = &url.URL{Scheme: "ftp", Host: "x.example"} }, "--url"},
		"no PostgreSQL":    {func(c *app.Config) { c.Postgres = "::" }, "postgres://"},
	} {
		c := app.Config{Data: t.TempDir(), URL: &url.URL{Scheme: "http", Host: "localhost"}}
		tc.change(&c)
		_, err := app.Open(context.Background(), c)
		if err == nil || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// An older program must not write into what a newer one has made.
func TestANewerDatabaseIsRefused(t *testing.T) {
	t.Parallel()
	c := app.Config{Data: t.TempDir(), URL: &url.URL{Scheme: "http", Host: "localhost"}}
	a, err := app.Open(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	err = a.DB.InTx(context.Background(), func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.Exec(ctx, `insert into schema_version (version_id, is_applied) values (9999, 1)`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	a.Close()
	if a, err = app.Open(context.Background(), c); err == nil {
		a.Close()
		t.Fatal("an older program opened a newer database")
	}
	if !strings.Contains(err.Error(), "9999") {
		t.Errorf("it says %v", err)
	}
}
