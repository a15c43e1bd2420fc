package mastodontest

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"parley/internal/network/mastodon"
	"parley/internal/network/networktest"
)

// opAct is the operation of the small acts, which the kit has no name for.
const opAct = "act"

// operation says which kind of fault strikes a request. The list of our own
// posts is a poll when a whole page is asked for, else a look for one post.
func operation(r *http.Request) string {
	p := strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, "/api/v1"), "/api/v2")
	write := r.Method != http.MethodGet && r.Method != http.MethodHead
	switch {
	case p == "/statuses" && write:
		return networktest.OpCreate
	case p == "/media" && write:
		return networktest.OpUpload
	case strings.HasPrefix(p, "/media/") && !write:
		return networktest.OpStatus
	case p == "/notifications":
		return networktest.OpPoll
	case strings.HasPrefix(p, "/accounts/") && strings.HasSuffix(p, "/statuses") && r.URL.Query().Get("limit") == "40":
		return networktest.OpPoll
	case p == "/oauth/token":
		return networktest.OpRefresh
	case p == "/streaming":
		return networktest.OpStream
	case p == "/instance", strings.HasPrefix(p, "/.well-known/"), strings.HasPrefix(p, "/nodeinfo"):
		return networktest.OpDescribe
	case r.Method == http.MethodPut && strings.HasPrefix(p, "/statuses/"):
		return networktest.OpEdit
	case r.Method == http.MethodDelete && strings.HasPrefix(p, "/statuses/"):
		return networktest.OpDelete
	case write && strings.HasPrefix(r.URL.Path, "/api/"):
		return opAct
	default:
		return networktest.OpRead
	}
}

func (f *Fake) routes() *http.ServeMux {
	m := http.NewServeMux()
	open := func(pattern string, h http.HandlerFunc) { m.HandleFunc(pattern, h) }
	in := func(pattern, scope string, h http.HandlerFunc) { m.HandleFunc(pattern, f.signedIn(scope, h)) }

	open("GET /.well-known/nodeinfo", f.nodeinfoIndex)
	open("GET /nodeinfo/2.0", f.nodeinfo)
	open("GET /api/v1/instance", f.instance1)
	if f.dialect != mastodon.Snac && f.dialect != mastodon.Unknown {
		open("GET /api/v2/instance", f.instance2)
	}
	f.oauthRoutes(open)

	in("GET /api/v1/accounts/verify_credentials", "read", f.verifyCredentials)
	in("GET /api/v1/accounts/{id}/statuses", "read", f.accountStatuses)
	in("POST /api/v1/accounts/{id}/{verb}", "write", f.actOnPerson)
	in("GET /api/v1/notifications", "read", f.notifications)
	in("GET /api/v2/search", "read", f.search)
	in("POST /api/v1/statuses", "write", f.create)
	in("GET /api/v1/statuses/{id}", "read", f.show)
	in("PUT /api/v1/statuses/{id}", "write", f.edit)
	in("DELETE /api/v1/statuses/{id}", "write", f.remove)
	in("GET /api/v1/statuses/{id}/context", "read", f.context)
	if f.dialect != mastodon.Pixelfed {
		in("GET /api/v1/statuses/{id}/source", "read", f.source)
	}
	in("POST /api/v1/statuses/{id}/{verb}", "write", f.actOnStatus)
	if f.dialect == mastodon.Mastodon {
		in("GET /api/v1/statuses", "read", f.showMany)
	}
	in("POST /api/v2/media", "write", f.upload)
	if f.dialect != mastodon.Snac {
		in("GET /api/v1/media/{id}", "write", f.mediaStatus)
		in("POST /api/v1/reports", "write", f.report)
	}
	if f.streams() {
		open("GET /api/v1/streaming", f.streaming)
	}
	open("/", func(w http.ResponseWriter, _ *http.Request) { f.refuse(w, http.StatusNotFound, "Record not found") })
	return m
}

func (f *Fake) streams() bool { return f.dialect != mastodon.Snac && f.dialect != mastodon.Pixelfed }

// signedIn lets only a known token with that scope through.
func (f *Fake) signedIn(scope string, h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		t, ok := f.valid(bearer(r))
		f.mu.Unlock()
		switch {
		case !ok:
			f.refuse(w, http.StatusUnauthorized, "The access token is invalid")
		case !slices.ContainsFunc(t.scopes, func(s string) bool { return s == scope || strings.HasPrefix(s, scope+":") }):
			f.refuse(w, http.StatusForbidden, "This action is outside the authorized scopes")
		default:
			h(w, r)
		}
	}
}

func bearer(r *http.Request) string {
	if t, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return t
	}
	return r.URL.Query().Get("access_token")
}

func (f *Fake) nodeinfoIndex(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, object{"links": []object{
		{"rel": "http://nodeinfo.diaspora.software/ns/schema/2.0", "href": f.base + "/nodeinfo/2.0"},
	}})
}

func (f *Fake) nodeinfo(w http.ResponseWriter, _ *http.Request) {
	name := string(f.dialect)
	switch f.dialect {
	case mastodon.Pleroma:
		name = "akkoma"
	case mastodon.Unknown:
		name = "otherware"
	}
	version, _ := f.version()
	answer(w, http.StatusOK, object{
		"version": "2.0", "software": object{"name": name, "version": version}, "protocols": []string{"activitypub"},
	})
}

// limit is how long a post may be.
func (f *Fake) limit() int {
	switch f.dialect {
	case mastodon.GoToSocial, mastodon.Pleroma:
		return 5000
	case mastodon.Snac:
		return 100000
	default:
		return 500
	}
}

func (f *Fake) configuration() object {
	per := 23
	if f.dialect == mastodon.GoToSocial {
		per = 25 // told, and not true: addresses count in full
	}
	return object{
		"statuses": object{"max_characters": f.limit(), "max_media_attachments": 4, "characters_reserved_per_url": per},
		"media_attachments": object{
			"supported_mime_types": []string{"image/jpeg", "image/png", "image/gif", "image/webp", "video/mp4", "audio/mpeg"},
			"image_size_limit":     16 << 20, "video_size_limit": 99 << 20, "description_limit": 1500,
		},
	}
}

func (f *Fake) instance1(w http.ResponseWriter, _ *http.Request) {
	version, _ := f.version()
	out := object{
		"uri": f.domain, "title": "A small town", "version": version, "urls": object{},
		"configuration": f.configuration(),
	}
	if f.streams() {
		out["urls"] = object{"streaming_api": f.streamBase()}
	}
	answer(w, http.StatusOK, out)
}

func (f *Fake) instance2(w http.ResponseWriter, _ *http.Request) {
	version, api := f.version()
	conf := f.configuration()
	conf["urls"] = object{}
	if f.streams() {
		conf["urls"] = object{"streaming": f.streamBase()}
	}
	out := object{"domain": f.domain, "title": "A small town", "version": version, "configuration": conf}
	if api > 0 {
		out["api_versions"] = object{"mastodon": api}
	}
	answer(w, http.StatusOK, out)
}

// streamBase is what the server advertises: GoToSocial says wss even where it
// speaks plain http.
func (f *Fake) streamBase() string {
	if f.dialect == mastodon.GoToSocial {
		return "wss://" + f.domain
	}
	return strings.Replace(f.base, "http", "ws", 1)
}

func (f *Fake) verifyCredentials(w http.ResponseWriter, _ *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := f.renderPerson(f.me)
	out["source"] = object{"privacy": "public", "language": "en", "note": "", "fields": []any{}}
	answer(w, http.StatusOK, out)
}

// paged cuts a list of ids, oldest first, as the request asks, and sets Link.
// The result is newest first, as every page of the API is.
func (f *Fake) paged(w http.ResponseWriter, r *http.Request, ids []string, most int) []string {
	q := r.URL.Query()
	limit, err := strconv.Atoi(q.Get("limit"))
	if err != nil || limit < 1 || limit > most {
		limit = min(most, 20)
	}
	keep := ids[:0:0]
	for _, id := range ids {
		after := first(q.Get("min_id"), q.Get("since_id"))
		if after != "" && !less(after, id) || q.Get("max_id") != "" && !less(id, q.Get("max_id")) {
			continue
		}
		keep = append(keep, id)
	}
	if len(keep) > limit {
		if q.Get("min_id") != "" {
			keep = keep[:limit]
		} else {
			keep = keep[len(keep)-limit:]
		}
	}
	slices.Reverse(keep)
	if len(keep) > 0 {
		link := func(rel, name, id string) string {
			next := url.Values{"limit": {strconv.Itoa(limit)}, name: {id}}
			return "<" + f.base + r.URL.Path + "?" + next.Encode() + `>; rel="` + rel + `"`
		}
		w.Header().Set("Link", link("next", "max_id", keep[len(keep)-1])+", "+link("prev", "min_id", keep[0]))
	}
	return keep
}

func first(vs ...string) string {
	for _, v := range vs {
		if v != "" {
			return v
		}
	}
	return ""
}

func (f *Fake) notifications(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	q := r.URL.Query()
	byID := map[string]*note{}
	var ids []string
	types := q["types[]"]
	if f.dialect == mastodon.Pleroma {
		types = q["include_types[]"]
	}
	for _, n := range f.notes {
		wanted := len(types) == 0 || slices.Contains(types, n.kind)
		if f.held[n.status.author.id] && q.Get("include_filtered") != "true" {
			wanted = false
		}
		if wanted || f.dialect == mastodon.Snac {
			ids, byID[n.id] = append(ids, n.id), n
		}
	}
	if f.dialect == mastodon.Snac {
		ids = ids[max(0, len(ids)-64):]
		slices.Reverse(ids)
	} else {
		ids = f.paged(w, r, ids, 80)
	}
	out := []object{}
	for _, id := range ids {
		out = append(out, f.renderNote(byID[id]))
	}
	answer(w, http.StatusOK, out)
}

func (f *Fake) accountStatuses(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	direct := f.dialect == mastodon.Mastodon || f.dialect == mastodon.GoToSocial
	var ids []string
	for _, id := range f.order {
		s := f.statuses[id]
		if !s.gone && s.author.id == r.PathValue("id") && (direct || s.visibility != "direct") {
			ids = append(ids, s.id)
		}
	}
	slices.SortStableFunc(ids, func(a, b string) int {
		if less(a, b) {
			return -1
		}
		return 1
	})
	if f.dialect == mastodon.Snac {
		ids = ids[max(0, len(ids)-20):]
		slices.Reverse(ids)
	} else {
		ids = f.paged(w, r, ids, 40)
	}
	out := []object{}
	for _, id := range ids {
		out = append(out, f.render(f.find(id)))
	}
	answer(w, http.StatusOK, out)
}
