package secret_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"parley/internal/problem"
	"parley/internal/secret"
)

func TestSealAndOpen(t *testing.T) {
	t.Parallel()
	ring := secret.InMemory()
	for _, plain := range []string{"", "x", "a refresh token", strings.Repeat("long ", 10_000)} {
		sealed := ring.Seal("account.secret:1", []byte(plain))
		if len(sealed) != len(plain)+secret.Overhead {
			t.Errorf("%d bytes became %d, want %d more", len(plain), len(sealed), secret.Overhead)
		}
		if len(plain) > 4 && bytes.Contains(sealed, []byte(plain)) {
			t.Error("the plain text stands in the sealed value")
		}
		got, err := ring.Open("account.secret:1", sealed)
		if err != nil || string(got) != plain {
			t.Errorf("Open gave %d bytes, %v", len(got), err)
		}
	}
}

func TestSealingTwiceDiffers(t *testing.T) {
	t.Parallel()
	ring := secret.InMemory()
	if bytes.Equal(ring.Seal("a", []byte("same")), ring.Seal("a", []byte("same"))) {
		t.Error("equal tokens can be told from their sealed values")
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	ring := secret.InMemory()
	sealed := ring.Seal("account:1", []byte("a token"))
	changed := func(at int) []byte {
		b := bytes.Clone(sealed)
		b[at] ^= 1
		return b
	}
	cases := []struct {
		name   string
		aad    string
		sealed []byte
		want   error
		code   string
	}{
		{"another row", "account:2", sealed, secret.ErrDamaged, "secret.damaged"},
		{"no place", "", sealed, secret.ErrDamaged, "secret.damaged"},
		{"nothing", "account:1", nil, secret.ErrDamaged, "secret.damaged"},
		{"cut short", "account:1", sealed[:len(sealed)-1], secret.ErrDamaged, "secret.damaged"},
		{"only a head", "account:1", sealed[:5], secret.ErrDamaged, "secret.damaged"},
		{"longer", "account:1", append(bytes.Clone(sealed), 0), secret.ErrDamaged, "secret.damaged"},
		{"another version", "account:1", changed(0), secret.ErrDamaged, "secret.damaged"},
		{"another key id", "account:1", changed(1), secret.ErrUnknownKey, "secret.unknown_key"},
		{"another nonce", "account:1", changed(5), secret.ErrDamaged, "secret.damaged"},
		{"another text", "account:1", changed(len(sealed) - 17), secret.ErrDamaged, "secret.damaged"},
		{"another tag", "account:1", changed(len(sealed) - 1), secret.ErrDamaged, "secret.damaged"},
		{"another ring", "account:1", secret.InMemory().Seal("account:1", []byte("a token")), secret.ErrUnknownKey, "secret.unknown_key"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := ring.Open(c.aad, c.sealed)
			if got != nil || !errors.Is(err, c.want) || !problem.Is(err, c.code) {
				t.Fatalf("Open = %q, %v; want %v as %s", got, err, c.want, c.code)
			}
			if strings.Contains(err.Error(), "token") {
				t.Errorf("the error tells what was sealed: %v", err)
			}
		})
	}
}

func TestUnknownKeySaysWhatToRestore(t *testing.T) {
	t.Parallel()
	_, err := secret.InMemory().Open("a", secret.InMemory().Seal("a", []byte("x")))
	if err == nil || !strings.Contains(err.Error(), "restore the key file") {
		t.Errorf("got %v", err)
	}
}

func TestRotateKeepsWhatWasSealed(t *testing.T) {
	t.Parallel()
	ring := secret.InMemory()
	old := ring.CurrentID()
	before := ring.Seal("a", []byte("before"))
	id, err := ring.Rotate(secret.NewKey())
	if err != nil || id != ring.CurrentID() || id == old {
		t.Fatalf("Rotate = %q, %v; current %q, before %q", id, err, ring.CurrentID(), old)
	}
	after := ring.Seal("a", []byte("after"))
	if !ring.NeedsReseal(before) || ring.NeedsReseal(after) {
		t.Error("NeedsReseal does not tell old from new")
	}
	if got, err := ring.Open("a", before); err != nil || string(got) != "before" {
		t.Errorf("after rotating, the old value opens as %q, %v", got, err)
	}
	if err := ring.Drop(id); err == nil {
		t.Error("the current key was dropped")
	}
	if err := ring.Drop(old); err != nil {
		t.Fatal(err)
	}
	if _, err := ring.Open("a", before); !errors.Is(err, secret.ErrUnknownKey) {
		t.Errorf("after dropping its key, the old value gives %v", err)
	}
	if err := ring.Drop(old); err == nil {
		t.Error("a key was dropped twice")
	}
	if _, err := ring.Rotate(secret.Key{}); err == nil {
		t.Error("the zero key was accepted")
	}
}

func TestNeedsResealOfRubbish(t *testing.T) {
	t.Parallel()
	ring := secret.InMemory()
	for _, b := range [][]byte{nil, {}, {1, 2, 3}, bytes.Repeat([]byte{7}, 100)} {
		if ring.NeedsReseal(b) {
			t.Errorf("%v would be sealed anew", b)
		}
	}
}

// Whatever is sealed, rotated and dropped in whatever order: a value opens
// exactly as long as its key is there.
func TestRingProperties(t *testing.T) {
	t.Parallel()
	type value struct{ key, plain, aad, sealed string }
	rapid.Check(t, func(t *rapid.T) {
		ring := secret.InMemory()
		alive := map[string]bool{ring.CurrentID(): true}
		var values []value
		t.Repeat(map[string]func(*rapid.T){
			"seal": func(t *rapid.T) {
				v := value{key: ring.CurrentID(), plain: rapid.String().Draw(t, "plain"), aad: rapid.String().Draw(t, "aad")}
				v.sealed = string(ring.Seal(v.aad, []byte(v.plain)))
				values = append(values, v)
			},
			"rotate": func(t *rapid.T) {
				id, err := ring.Rotate(secret.NewKey())
				if err != nil {
					t.Fatal(err)
				}
				alive[id] = true
			},
			"drop": func(t *rapid.T) {
				id := rapid.SampledFrom(ring.IDs()).Draw(t, "id")
				if err := ring.Drop(id); (err == nil) == (id == ring.CurrentID()) {
					t.Fatalf("dropping %s while %s is current: %v", id, ring.CurrentID(), err)
				} else if err == nil {
					delete(alive, id)
				}
			},
			"": func(t *rapid.T) {
				for _, v := range values {
					got, err := ring.Open(v.aad, []byte(v.sealed))
					if alive[v.key] != (err == nil) || (err == nil && string(got) != v.plain) {
						t.Fatalf("key there: %v; Open = %q, %v; want %q", alive[v.key], got, err, v.plain)
					}
					if ring.NeedsReseal([]byte(v.sealed)) != (v.key != ring.CurrentID()) {
						t.Fatal("NeedsReseal disagrees with the current key")
					}
				}
			},
		})
	})
}

func TestFirstStartMakesAPrivateFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "secret.key")
	if _, err := secret.Load(path); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("Load of a missing file: %v, want ErrNotExist", err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Fatal("Load made a file")
	}
	ring, err := secret.LoadOrCreate(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the file has mode %v, %v", info.Mode(), err)
	}
	again, err := secret.LoadOrCreate(path)
	if err != nil || again.CurrentID() != ring.CurrentID() {
		t.Fatalf("the second start has another key: %v", err)
	}
	if got, err := again.Open("a", ring.Seal("a", []byte("x"))); err != nil || string(got) != "x" {
		t.Errorf("the second start cannot open what the first sealed: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".key-*")); len(left) != 0 {
		t.Errorf("temporary files with keys were left: %v", left)
	}
}

func TestManyFirstStartsAgreeOnOneKey(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "secret.key")
	ids := make([]string, 16)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			ring, err := secret.LoadOrCreate(path)
			if err != nil {
				t.Error(err)
				return
			}
			ids[i] = ring.CurrentID()
		})
	}
	wg.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Fatalf("different keys: %v", ids)
		}
	}
}

func TestRotationIsSeenByARunningProcess(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "secret.key")
	desk, err := secret.LoadOrCreate(path)
	if err != nil {
		t.Fatal(err)
	}
	command, err := secret.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := command.Rotate(secret.NewKey()); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("after rotating, the file has mode %v, %v", info.Mode(), err)
	}
	if got, err := desk.Open("a", command.Seal("a", []byte("new"))); err != nil || string(got) != "new" {
		t.Fatalf("the running desk cannot open what the new key sealed: %v", err)
	}
	if desk.CurrentID() != command.CurrentID() {
		t.Error("having met the new key, the desk still seals with the old one")
	}
	if len(desk.IDs()) != 2 {
		t.Errorf("keys: %v", desk.IDs())
	}
}

func TestARunningProcessNeverSealsWithADroppedKey(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "secret.key")
	desk, err := secret.LoadOrCreate(path)
	if err != nil {
		t.Fatal(err)
	}
	command, err := secret.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	old := command.CurrentID()
	if _, err := command.Rotate(secret.NewKey()); err != nil {
		t.Fatal(err)
	}
	if err := command.Drop(old); err != nil {
		t.Fatal(err)
	}
	// The desk has opened nothing since: nothing told it.
	if got, err := command.Open("a", desk.Seal("a", []byte("connected just now"))); err != nil || string(got) != "connected just now" {
		t.Errorf("what the desk sealed is lost: %v", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if got, err := desk.Open("a", desk.Seal("a", []byte("x"))); err != nil || string(got) != "x" {
		t.Errorf("without its file the desk stopped sealing: %v", err)
	}
}

func TestExposedFilesAreRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		mode fs.FileMode
		ok   bool
	}{{0o600, true}, {0o400, true}, {0o440, true}, {0o640, true}, {0o644, false}, {0o604, false}, {0o602, false}, {0o660, false}, {0o777, false}} {
		path := filepath.Join(t.TempDir(), "secret.key")
		if _, err := secret.LoadOrCreate(path); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, c.mode); err != nil {
			t.Fatal(err)
		}
		_, err := secret.Load(path)
		if (err == nil) != c.ok {
			t.Errorf("mode %v: %v", c.mode, err)
		}
		if !c.ok && (!problem.Is(err, "secret.exposed") || !strings.Contains(err.Error(), "chmod 600 "+path)) {
			t.Errorf("mode %v: the refusal does not say what to do: %v", c.mode, err)
		}
	}
}

func TestDamagedFilesAreRefusedWithoutTellingKeys(t *testing.T) {
	t.Parallel()
	key := "c3VwZXJzZWNyZXRzdXBlcnNlY3JldHN1cGVyc2VjcmU="
	for name, content := range map[string]string{
		"empty":            ``,
		"no JSON":          `key=` + key,
		"cut":              `{"current":"00000001","keys":{"00000001":"` + key,
		"no keys":          `{"current":"00000001","keys":{}}`,
		"nothing in it":    `{}`,
		"current missing":  `{"current":"00000002","keys":{"00000001":"` + key + `"}}`,
		"short key":        `{"current":"00000001","keys":{"00000001":"` + key[:20] + `"}}`,
		"key is no base64": `{"current":"00000001","keys":{"00000001":"!` + key + `"}}`,
		"bad id":           `{"current":"1","keys":{"1":"` + key + `"}}`,
		"wrong type":       `{"current":"00000001","keys":["` + key + `"]}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "secret.key")
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := secret.LoadOrCreate(path)
			if !problem.Is(err, "secret.key_file") {
				t.Fatalf("got %v, want secret.key_file", err)
			}
			if strings.Contains(err.Error(), key[:12]) {
				t.Errorf("the error shows a key: %v", err)
			}
			if now, _ := os.ReadFile(path); string(now) != content {
				t.Error("the damaged file was replaced")
			}
		})
	}
}

// Nothing that prints, logs or marshals shows a key, wherever it stands.
func TestNothingShowsAKey(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "secret.key")
	ring, err := secret.LoadOrCreate(path)
	if err != nil {
		t.Fatal(err)
	}
	var onDisk struct{ Keys map[string]string }
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &onDisk); err != nil || len(onDisk.Keys) != 1 {
		t.Fatalf("reading the file: %v", err)
	}
	var text string
	for _, v := range onDisk.Keys {
		text = v
	}
	key, err := secret.ParseKey(text)
	if err != nil {
		t.Fatal(err)
	}
	type holder struct {
		Key    secret.Key
		Ring   *secret.Keyring
		hidden secret.Key
		ring   *secret.Keyring
	}
	var log bytes.Buffer
	for _, handler := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
		slog.New(handler).Info("opened", "key", key, "ring", ring, "both", holder{key, ring, key, ring}, "list", []secret.Key{key})
	}
	for _, v := range []any{key, &key, ring, holder{key, ring, key, ring}, &holder{key, ring, key, ring},
		[]secret.Key{key}, map[string]secret.Key{"k": key}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%b", "%o", "%c", "%U", "%T"} {
			fmt.Fprintf(&log, verb+"\n", v)
		}
		if b, err := json.Marshal(v); err == nil {
			log.Write(b)
		}
	}
	for _, bad := range secret.Renderings(key) {
		if strings.Contains(log.String(), bad) {
			t.Errorf("a key shows as %q…", bad[:4])
		}
	}
	if !strings.Contains(log.String(), "[secret]") {
		t.Error("nothing was printed at all")
	}
}

func FuzzOpen(f *testing.F) {
	ring := secret.InMemory()
	good := ring.Seal("row:1", []byte("a token"))
	f.Add("row:1", good)
	f.Add("row:2", good)
	f.Add("row:1", good[:30])
	f.Add("row:1", append([]byte{1}, make([]byte, 60)...))
	f.Add("", []byte{})
	f.Fuzz(func(t *testing.T, aad string, sealed []byte) {
		got, err := ring.Open(aad, sealed)
		if err == nil && (aad != "row:1" || !bytes.Equal(sealed, good) || string(got) != "a token") {
			t.Fatalf("opened what was never sealed: %x", sealed)
		}
		if err != nil && !errors.Is(err, secret.ErrDamaged) && !errors.Is(err, secret.ErrUnknownKey) {
			t.Fatalf("an error of no kind: %v", err)
		}
		ring.NeedsReseal(sealed)
	})
}
