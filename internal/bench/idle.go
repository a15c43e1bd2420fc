package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Idle starts this very program's demo as a process of its own, measures the
// time until its first page is there, signs in, lets it live for a while with a
// browser that looks at the inbox now and then, and reads how much memory it
// keeps.
func Idle(ctx context.Context, o Options) ([]Metric, error) {
	if o.For == 0 {
		o.For = 10 * time.Minute
	}
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding this program: %w", err)
	}
	var starts []time.Duration
	for range 4 { // the last one stays
		cold, d, err := startDemo(ctx, self)
		if err != nil {
			return nil, err
		}
		starts = append(starts, cold)
		if len(starts) < 4 {
			d.end()
			continue
		}
		defer d.end()
		resident, most, err := d.live(ctx, o)
		if err != nil {
			return nil, err
		}
		return []Metric{
			{"cold_start_ms", ms(quantile(starts, 0.5)), "ms"},
			{"cold_start_max_ms", ms(quantile(starts, 1)), "ms"},
			{"resident_mb", resident, "MB"},
			{"resident_max_mb", most, "MB"},
			{"after_minutes", o.For.Minutes(), "minutes"},
		}, nil
	}
	return nil, errors.New("the demo was never started")
}

// demo is a running process.
type demo struct {
	cmd  *exec.Cmd
	base string
}

func startDemo(ctx context.Context, self string) (time.Duration, *demo, error) {
	cmd := exec.CommandContext(ctx, self, "demo", "--listen", "127.0.0.1:0")
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, nil, err
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, nil, fmt.Errorf("starting the demo: %w", err)
	}
	d := &demo{cmd: cmd}
	lines := bufio.NewScanner(out)
	address := regexp.MustCompile(`http://\S+`)
	for lines.Scan() && d.base == "" {
		d.base = address.FindString(lines.Text())
	}
	go io.Copy(io.Discard, out)
	for {
		res, err := http.Get(d.base + "/demo")
		if err == nil {
			io.Copy(io.Discard, res.Body)
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return time.Since(began), d, nil
			}
		}
		if time.Since(began) > 30*time.Second {
			d.end()
			return 0, nil, errors.New("the demo's first page did not come within 30 s")
		}
		time.Sleep(time.Millisecond)
	}
}

func (d *demo) end() {
	d.cmd.Process.Signal(syscall.SIGTERM)
	d.cmd.Wait()
}

// live keeps a browser open and reads the memory now and then.
func (d *demo) live(ctx context.Context, o Options) (last, most float64, err error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return 0, 0, err
	}
	browser := &http.Client{Jar: jar}
	res, err := browser.PostForm(d.base+"/demo", url.Values{"email": {"ana@millbrook.example"}})
	if err != nil {
		return 0, 0, fmt.Errorf("entering the demo: %w", err)
	}
	inbox := res.Request.URL.String()
	res.Body.Close()
	end := time.Now().Add(o.For)
	for n := 0; time.Now().Before(end); n++ {
		select {
		case <-ctx.Done():
			return 0, 0, ctx.Err()
		case <-time.After(min(5*time.Second, time.Until(end))):
		}
		if res, err := browser.Get(inbox); err == nil {
			io.Copy(io.Discard, res.Body)
			res.Body.Close()
		}
		if last, err = resident(d.cmd.Process.Pid); err != nil {
			return 0, 0, err
		}
		most = max(most, last)
		progress(o, "idle", int(o.For.Seconds()-time.Until(end).Seconds()), int(o.For.Seconds()))
	}
	return last, most, nil
}

// resident is a process's resident memory in MB of 10^6 bytes, as Linux tells it.
func resident(pid int) (float64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, fmt.Errorf("reading the memory of the demo: %w", err)
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 64)
			return kb * 1024 / 1e6, err
		}
	}
	return 0, errors.New("this system does not tell a process's memory")
}
