package blueskytest

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Lifetimes as on a real PDS.
const (
	accessLife  = 2 * time.Hour
	refreshLife = 90 * 24 * time.Hour
	grace       = 2 * time.Hour // how long a used refresh token gives the same pair
)

type token struct {
	did, scope string
	until      time.Time
}

type pair struct {
	access, refresh string
	at              time.Time
}

// session makes a pair of tokens; f.mu is held.
func (f *Fake) session(did string) pair {
	now := f.now()
	return pair{
		access:  f.jwt(did, f.scope, now, accessLife),
		refresh: f.jwt(did, "com.atproto.refresh", now, refreshLife),
		at:      now,
	}
}

func (f *Fake) jwt(did, scope string, now time.Time, life time.Duration) string {
	part := func(v any) string {
		raw, _ := json.Marshal(v)
		return base64.RawURLEncoding.EncodeToString(raw)
	}
	t := part(map[string]string{"typ": "at+jwt", "alg": "HS256"}) + "." + part(map[string]any{
		"scope": scope, "sub": did, "aud": "did:web:pds.test",
		"iat": now.Unix(), "exp": now.Add(life).Unix(), "jti": fmt.Sprint(f.tick()),
	}) + ".c2lnbmF0dXJl"
	f.tokens[t] = token{did, scope, now.Add(life)}
	return t
}

// Expire ends every access token at once; refresh tokens live on.
func (f *Fake) Expire() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for k, t := range f.tokens {
		if t.scope != "com.atproto.refresh" {
			t.until = f.now()
			f.tokens[k] = t
		}
	}
}

// Forget makes every token unknown, as after a password change.
func (f *Fake) Forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tokens = map[string]token{}
}

// bearer finds a request's token.
func (f *Fake) bearer(r *http.Request) (token, func(http.ResponseWriter)) {
	raw, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return token{}, refuse(http.StatusUnauthorized, "AuthMissing", "Authentication Required")
	}
	t, ok := f.tokens[raw]
	if !ok {
		return token{}, refuse(http.StatusBadRequest, "InvalidToken", "Token could not be verified")
	}
	if !f.now().Before(t.until) {
		return token{}, refuse(http.StatusBadRequest, "ExpiredToken", "Token has expired")
	}
	return t, nil
}

func (f *Fake) authorize(r *http.Request, chat bool) (did string, refused func(http.ResponseWriter)) {
	t, refused := f.bearer(r)
	if refused != nil {
		return "", refused
	}
	if t.scope == "com.atproto.refresh" {
		return "", refuse(http.StatusBadRequest, "InvalidToken", "Bad token scope")
	}
	if chat && t.scope == "com.atproto.appPass" {
		return "", refuse(http.StatusBadRequest, "InvalidToken", "Bad token method")
	}
	return t.did, nil
}

func refuse(status int, name, message string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) { fail(w, status, name, message) }
}

func (f *Fake) createSession(w http.ResponseWriter, r *http.Request, _ string) {
	var in struct{ Identifier, Password string }
	_ = json.NewDecoder(r.Body).Decode(&in)
	did := in.Identifier
	if d, ok := f.handles[in.Identifier]; ok {
		did = d
	}
	if did != f.us || in.Password != f.password {
		fail(w, http.StatusUnauthorized, "AuthenticationRequired", "Invalid identifier or password")
		return
	}
	f.told(w, f.session(did), did)
}

func (f *Fake) told(w http.ResponseWriter, p pair, did string) {
	answer(w, map[string]any{
		"accessJwt": p.access, "refreshJwt": p.refresh, "did": did, "handle": f.people[did].handle, "active": true,
	})
}

func (f *Fake) refreshSession(w http.ResponseWriter, r *http.Request, _ string) {
	f.sessionCall(w, r, func(raw string, t token) {
		p, ok := f.renewed[raw]
		if f.ended[raw] || ok && f.now().Sub(p.at) > grace {
			fail(w, http.StatusBadRequest, "ExpiredToken", "Token has been revoked")
			return
		}
		if !ok {
			p = f.session(t.did)
			f.renewed[raw] = p
		}
		f.told(w, p, t.did)
	})
}

func (f *Fake) getSession(w http.ResponseWriter, _ *http.Request, who string) {
	answer(w, map[string]any{"did": who, "handle": f.people[who].handle, "active": true})
}

func (f *Fake) deleteSession(w http.ResponseWriter, r *http.Request, _ string) {
	// The access token is not looked up by a real PDS: it works until it expires.
	f.sessionCall(w, r, func(raw string, _ token) {
		f.ended[raw] = true
		w.WriteHeader(http.StatusOK)
	})
}

// sessionCall is a call made with a refresh token.
func (f *Fake) sessionCall(w http.ResponseWriter, r *http.Request, then func(raw string, t token)) {
	t, refused := f.bearer(r)
	if refused != nil {
		refused(w)
		return
	}
	if t.scope != "com.atproto.refresh" {
		fail(w, http.StatusBadRequest, "InvalidToken", "Invalid token type")
		return
	}
	then(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), t)
}

func (f *Fake) health(w http.ResponseWriter, _ *http.Request, _ string) {
	answer(w, map[string]string{"version": "0.4.217"})
}

func (f *Fake) describe(w http.ResponseWriter, _ *http.Request, _ string) {
	answer(w, map[string]any{
		"did": "did:web:pds.test", "availableUserDomains": []string{".test"}, "inviteCodeRequired": false,
		"links": map[string]string{}, "contact": map[string]string{},
	})
}

// meet finds or makes a person; f.mu need not be held before the Fake is used.
func (f *Fake) meet(id, handle, name string) *person {
	did := id
	if !strings.HasPrefix(did, "did:") {
		sum := sha256.Sum256([]byte(id))
		did = "did:plc:" + strings.ToLower(base32.StdEncoding.EncodeToString(sum[:15]))
	}
	if p, ok := f.people[did]; ok {
		return p
	}
	if handle == "" {
		handle = strings.ToLower(strings.NewReplacer(":", "-", "_", "-").Replace(id))
	}
	if !strings.Contains(handle, ".") {
		handle += ".test"
	}
	p := &person{did, handle, name}
	f.people[did], f.handles[handle] = p, did
	return p
}

// Usurp gives a handle to somebody else.
func (f *Fake) Usurp(handle string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !strings.Contains(handle, ".") {
		handle += ".test"
	}
	if old, ok := f.people[f.handles[handle]]; ok {
		old.handle = "handle.invalid"
	}
	delete(f.handles, handle)
	f.meet(fmt.Sprintf("usurper-%d", f.tick()), handle, "Somebody Else")
}

func (f *Fake) resolveHandle(w http.ResponseWriter, r *http.Request, _ string) {
	did, ok := f.handles[strings.ToLower(r.URL.Query().Get("handle"))]
	if !ok {
		fail(w, http.StatusBadRequest, "HandleNotFound", "Unable to resolve handle")
		return
	}
	answer(w, map[string]string{"did": did})
}

// plc is the directory.
func (f *Fake) plc(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p, ok := f.people[strings.TrimPrefix(r.URL.Path, "/")]
	if !ok {
		w.WriteHeader(http.StatusNotFound)
		answer(w, map[string]string{"message": "DID not registered: " + r.URL.Path[1:]})
		return
	}
	answer(w, map[string]any{
		"@context": []string{"https://www.w3.org/ns/did/v1"}, "id": p.did, "alsoKnownAs": []string{"at://" + p.handle},
		"service": []map[string]string{{
			"id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": f.base,
		}},
	})
}

func (f *Fake) wellKnown(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	did, ok := f.handles[r.Host]
	if !ok {
		http.NotFound(w, r)
		return
	}
	fmt.Fprint(w, did)
}
