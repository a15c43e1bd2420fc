package outbound

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// ErrRedirect says that a redirect was refused: too many, or one that would have
// carried credentials over an open line.
var ErrRedirect = errors.New("redirect refused")

// credentials are the headers that prove who we are.
var credentials = []string{"Authorization", "Cookie", "Dpop", "Proxy-Authorization", "X-Api-Key", "Api-Key"}

// checkRedirect follows redirects of reading requests, at most five. A write is
// never carried elsewhere: its caller gets the redirect as the answer.
func checkRedirect(req *http.Request, via []*http.Request) error {
	if !reading(via[0].Method) {
		return http.ErrUseLastResponse
	}
	if len(via) > maxRedirects {
		return fmt.Errorf("%w: more than %d", ErrRedirect, maxRedirects)
	}
	// An address we came from may hold a token in its query.
	req.Header.Del("Referer")
	for _, earlier := range via {
		if !strings.EqualFold(earlier.URL.Host, req.URL.Host) {
			// net/http keeps them for a subdomain, which need not be the same owner's.
			for _, h := range credentials {
				req.Header.Del(h)
			}
			break
		}
	}
	if req.URL.Scheme == "http" && via[len(via)-1].URL.Scheme == "https" {
		for _, h := range credentials {
			if req.Header.Get(h) != "" {
				return fmt.Errorf("%w: credentials would leave unencrypted", ErrRedirect)
			}
		}
	}
	return nil
}
