package bluesky

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"parley/internal/network"
	"parley/internal/network/bluesky/record"
)

// identity is one account: its DID, the handle that leads to it, and the server
// its document names.
type identity struct{ DID, Handle, PDS string }

// maxDocument bounds, in bytes, a DID document or the text of a well-known file.
const maxDocument = 64 << 10

// resolve goes from a handle (or a DID) to the account, checking both ways
// (https://atproto.com/specs/handle, "Handle Resolution"; …/specs/did).
func (n *Network) resolve(ctx context.Context, name string) (identity, error) {
	did := name
	if !record.ValidDID(name) {
		var err error
		if did, err = n.didOf(ctx, name); err != nil {
			return identity{}, err
		}
	}
	doc, err := n.document(ctx, did)
	if err != nil {
		return identity{}, err
	}
	if doc.PDS == "" {
		return identity{}, badInput("bluesky.help.no_pds", "the document of %s names no server", did)
	}
	handle := doc.handle(name)
	if name == did {
		handle = doc.handle("")
		if back, err := n.didOf(ctx, handle); err != nil || back != did {
			handle = ""
		}
	}
	if handle == "" {
		return identity{}, badInput("bluesky.help.handle_mismatch", "the document of %s does not name %.60q", did, name)
	}
	return identity{DID: did, Handle: handle, PDS: doc.PDS}, nil
}

// didOf resolves a handle: by DNS, else by the well-known file.
func (n *Network) didOf(ctx context.Context, handle string) (string, error) {
	if !record.ValidHandle(handle) {
		return "", badInput("bluesky.help.not_a_handle", "%.60q is no handle", handle)
	}
	did, dnsErr := n.didByDNS(ctx, handle)
	if did != "" {
		return did, nil
	}
	did, webErr := n.didByWeb(ctx, handle)
	if did != "" {
		return did, nil
	}
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	return "", &network.Error{Kind: network.BadInput, Native: "HandleNotFound", Help: "bluesky.help.handle_not_found",
		Err: errors.Join(dnsErr, webErr)}
}

func (n *Network) didByDNS(ctx context.Context, handle string) (string, error) {
	if n.opt.Resolver == nil {
		return "", nil
	}
	records, err := n.opt.Resolver.LookupTXT(ctx, "_atproto."+handle)
	if err != nil {
		var missing *net.DNSError
		if errors.As(err, &missing) && missing.IsNotFound {
			return "", nil
		}
		return "", fmt.Errorf("looking up _atproto.%s: %w", handle, err)
	}
	var found []string
	for _, r := range records {
		if did, ok := strings.CutPrefix(strings.TrimSpace(r), "did="); ok && record.ValidDID(did) {
			found = append(found, did)
		}
	}
	// Two different answers are none (…/specs/handle, "DNS TXT Method").
	slices.Sort(found)
	if found = slices.Compact(found); len(found) == 1 {
		return found[0], nil
	}
	return "", nil
}

func (n *Network) didByWeb(ctx context.Context, handle string) (string, error) {
	raw, err := n.get(ctx, "https://"+handle+"/.well-known/atproto-did")
	if err != nil {
		return "", err
	}
	if did := strings.TrimSpace(string(raw)); record.ValidDID(did) {
		return did, nil
	}
	return "", errors.New("the well-known file holds no DID")
}

// handleAt asks a server to resolve a handle. Not found is the empty string.
func (n *Network) handleAt(ctx context.Context, base, handle string) (string, error) {
	var out struct{ DID string }
	_, err := n.send(ctx, call{base: base, method: "com.atproto.identity.resolveHandle", query: url.Values{"handle": {handle}}}, &out)
	var e *network.Error
	if errors.As(err, &e) && (e.Kind == network.Gone || e.Native == "InvalidRequest") {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	if !record.ValidDID(out.DID) {
		return "", nil
	}
	return out.DID, nil
}

// document is what a DID document says, as far as it matters here.
type document struct {
	PDS     string
	handles []string
}

// handle is the one handle of the document: want if it is named, the first if
// want is "", else "".
func (d document) handle(want string) string {
	if want == "" && len(d.handles) > 0 {
		return d.handles[0]
	}
	if slices.Contains(d.handles, want) {
		return want
	}
	return ""
}

// document fetches the document of a did:plc or did:web.
func (n *Network) document(ctx context.Context, did string) (document, error) {
	address, err := n.documentAddress(did)
	if err != nil {
		return document{}, badInput("bluesky.help.handle_not_found", "%w", err)
	}
	raw, err := n.get(ctx, address)
	if err != nil {
		if ctx.Err() != nil {
			return document{}, ctx.Err()
		}
		return document{}, &network.Error{Kind: network.Transient, Native: "DidNotResolved", Help: "bluesky.help.no_document", Err: err}
	}
	d, err := parseDocument(raw, did)
	if err != nil {
		return document{}, badInput("bluesky.help.no_pds", "%w", err)
	}
	return d, nil
}

// documentAddress: did:plc is in the directory; did:web:<host> has it at a
// well-known path. AT Protocol knows no did:web with a path.
func (n *Network) documentAddress(did string) (string, error) {
	if strings.HasPrefix(did, "did:plc:") {
		return n.opt.PLC + "/" + did, nil
	}
	host, ok := strings.CutPrefix(did, "did:web:")
	if !ok || strings.Contains(host, ":") {
		return "", fmt.Errorf("%.80q is of no method that is used here", did)
	}
	host, err := url.PathUnescape(host)
	if err != nil {
		return "", err
	}
	scheme := "https"
	if name, _, err := net.SplitHostPort(host); err == nil && loopback(name) {
		scheme = "http"
	}
	return scheme + "://" + host + "/.well-known/did.json", nil
}

func parseDocument(raw []byte, did string) (document, error) {
	var d struct {
		ID          string   `json:"id"`
		AlsoKnownAs []string `json:"alsoKnownAs"`
		Service     []struct {
			ID       string `json:"id"`
			Type     string `json:"type"`
			Endpoint any    `json:"serviceEndpoint"`
		} `json:"service"`
	}
	if err := json.Unmarshal(raw, &d); err != nil {
		return document{}, fmt.Errorf("reading the document of %s: %w", did, err)
	}
	if d.ID != did {
		return document{}, fmt.Errorf("the document of %s is that of %.80q", did, d.ID)
	}
	var out document
	for _, aka := range d.AlsoKnownAs {
		if h, ok := strings.CutPrefix(aka, "at://"); ok && record.ValidHandle(h) {
			out.handles = append(out.handles, strings.ToLower(h))
		}
	}
	for _, s := range d.Service {
		address, _ := s.Endpoint.(string)
		if s.Type != "AtprotoPersonalDataServer" || s.ID != "#atproto_pds" && s.ID != did+"#atproto_pds" {
			continue
		}
		base, err := serverAddress(address)
		if err != nil {
			return document{}, fmt.Errorf("the document of %s: %w", did, err)
		}
		out.PDS = base
		break
	}
	return out, nil
}

// get reads a small file of the identity layer.
func (n *Network) get(ctx context.Context, address string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	res, err := n.env.HTTP.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %d", req.URL.Host, res.StatusCode)
	}
	raw, err := io.ReadAll(io.LimitReader(res.Body, maxDocument+1))
	if err == nil && len(raw) > maxDocument {
		err = fmt.Errorf("the answer of %s is longer than %d bytes", req.URL.Host, maxDocument)
	}
	return raw, err
}
