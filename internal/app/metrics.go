package app

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// metrics are for the operator: how the program is, never how a member works.
func (a *App) metrics() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	write, read := a.DB.Pools()
	r.MustRegister(collectors.NewDBStatsCollector(write, "write"))
	if read != write {
		r.MustRegister(collectors.NewDBStatsCollector(read, "read"))
	}
	r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "parley_live_streams", Help: "Browsers that are connected for live updates."},
		func() float64 { return float64(a.Kernel.Hub().Streams()) }))
	for _, g := range gauges {
		r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: g.name, Help: g.help}, func() float64 { return a.count(g.query) }))
	}
	return r
}

// gauges are counted when they are asked for, from the heads of indexes.
var gauges = []struct{ name, help, query string }{
	{"parley_jobs_waiting", "Jobs that are due or will be.", `select count(*) from job where state = 'waiting'`},
	{"parley_jobs_failed", "Jobs that were given up within the last month.", `select count(*) from job where state = 'failed'`},
	{"parley_accounts_broken", "Accounts that only a member can mend.", `select count(*) from account where state = 'broken'`},
	{"parley_feeds_failing", "Feeds whose last reading failed.", `select count(*) from account_feed where failures > 0`},
	{"parley_deliveries_unknown", "Sends of which nobody knows whether they left.", `select count(*) from delivery where state = 'unknown'`},
	{"parley_deliveries_failed", "Sends that did not leave and wait for a member.", `select count(*) from delivery where state = 'failed'`},
}

func (a *App) count(query string) float64 {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	var n int64
	if err := a.DB.Read().Row(ctx, query).Scan(&n); err != nil {
		return -1
	}
	return float64(n)
}
