package outbound_test

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"parley/internal/outbound"
)

func TestRedirectsToPrivateAddresses(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, r.URL.Query().Get("to"), http.StatusFound)
	})
	c := client(t, loopback())
	for _, to := range []string{"http://10.0.0.1/", "http://169.254.169.254/latest/meta-data/", "http://[::1]/", "http://[::ffff:10.0.0.1]/", "http://192.168.0.1:443/"} {
		_, _, err := get(t, c, s.URL+"/?to="+to)
		if !errors.Is(err, outbound.ErrPrivate) {
			t.Errorf("%s: %v, want ErrPrivate", to, err)
		}
		if outbound.NotSent(err) {
			t.Errorf("%s: the first request was sent, yet %v says not", to, err)
		}
	}
	for _, to := range []string{"file:///etc/passwd", "gopher://10.0.0.1/", "javascript:alert(1)"} {
		if _, _, err := get(t, c, s.URL+"/?to="+to); !errors.Is(err, outbound.ErrScheme) {
			t.Errorf("%s: %v, want ErrScheme", to, err)
		}
	}
}

func TestRedirectsAreCounted(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		n, _ := strconv.Atoi(r.URL.Query().Get("n"))
		if n == 0 {
			fmt.Fprintf(w, "end, referer %q", r.Referer())
			return
		}
		http.Redirect(w, r, "/?n="+strconv.Itoa(n-1), http.StatusMovedPermanently)
	})
	c := client(t, loopback())
	if _, b, err := get(t, c, s.URL+"/?n=5"); err != nil || string(b) != `end, referer ""` {
		t.Errorf("five: %q, %v", b, err)
	}
	asked.Store(0)
	if _, _, err := get(t, c, s.URL+"/?n=100"); !errors.Is(err, outbound.ErrRedirect) {
		t.Errorf("a hundred: %v", err)
	}
	if n := asked.Load(); n != 6 {
		t.Errorf("asked %d times", n)
	}
}

func TestWritesAreNotRedirected(t *testing.T) {
	t.Parallel()
	var elsewhere atomic.Int32
	other := serve(t, func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) })
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		code, _ := strconv.Atoi(r.URL.Path[1:])
		http.Redirect(w, r, other.URL, code)
	})
	c := client(t, loopback())
	for _, code := range []int{301, 302, 303, 307, 308} {
		resp, err := c.Post(s.URL+"/"+strconv.Itoa(code), "text/plain", strings.NewReader("secret"))
		if err != nil {
			t.Errorf("%d: %v", code, err)
			continue
		}
		resp.Body.Close()
		if resp.StatusCode != code {
			t.Errorf("%d came back as %d", code, resp.StatusCode)
		}
	}
	if elsewhere.Load() != 0 {
		t.Error("a write went elsewhere")
	}
}

func TestCredentialsStayAtHome(t *testing.T) {
	t.Parallel()
	echo := func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.Header.Get("Authorization")+r.Header.Get("Cookie")+r.Header.Get("DPoP"))
	}
	away := serve(t, echo)
	home := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/here":
			http.Redirect(w, r, "/end", http.StatusFound)
		case "/away":
			http.Redirect(w, r, away.URL+"/end", http.StatusFound)
		default:
			echo(w, r)
		}
	})
	ask := func(c *http.Client, url string) (string, error) {
		req, _ := http.NewRequest("GET", url, nil)
		req.Header.Set("Authorization", "Bearer a")
		req.Header.Set("Cookie", "b=c")
		req.Header.Set("DPoP", "d")
		resp, err := c.Do(req)
		if err != nil {
			return "", err
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		return string(b), err
	}
	c := client(t, loopback())
	if got, err := ask(c, home.URL+"/here"); err != nil || got != "Bearer ab=cd" {
		t.Errorf("at home: %q, %v", got, err)
	}
	// Another port is another owner's server.
	if got, err := ask(c, home.URL+"/away"); err != nil || got != "" {
		t.Errorf("away: %q, %v", got, err)
	}
}

func TestCredentialsStayEncrypted(t *testing.T) {
	t.Parallel()
	var plain atomic.Int32
	open := serve(t, func(http.ResponseWriter, *http.Request) { plain.Add(1) })
	secure := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, r.URL.Query().Get("to"), http.StatusFound)
	}))
	t.Cleanup(secure.Close)
	o := loopback()
	o.RootCAs = x509.NewCertPool()
	o.RootCAs.AddCert(secure.Certificate())
	c := client(t, o)

	// The same host, so that nothing was dropped before.
	same := strings.Replace(secure.URL, "https:", "http:", 1)
	req, _ := http.NewRequest("GET", secure.URL+"/?to="+same, nil)
	req.Header.Set("Authorization", "Bearer a")
	if _, err := c.Do(req); !errors.Is(err, outbound.ErrRedirect) {
		t.Errorf("with credentials: %v", err)
	}
	if _, _, err := get(t, c, secure.URL+"/?to="+open.URL); err != nil {
		t.Errorf("without credentials: %v", err)
	}
	if plain.Load() != 1 {
		t.Errorf("the open server was asked %d times", plain.Load())
	}
}
