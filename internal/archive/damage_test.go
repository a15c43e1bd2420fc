package archive_test

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"parley/internal/archive"
	"parley/internal/db"
)

func unzip(t testing.TB, b []byte) map[string][]byte {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if files[f.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// forgery is an archive taken apart, to be put together wrongly.
type forgery struct {
	t     testing.TB
	files map[string][]byte
	m     archive.Manifest
	extra []string // entries added beside, empty
	raw   []byte   // the manifest, if not m
}

func (f *forgery) table(name string) *archive.Table {
	for i := range f.m.Tables {
		if f.m.Tables[i].Name == name {
			return &f.m.Tables[i]
		}
	}
	f.t.Fatalf("there is no table %s", name)
	return nil
}

// rows replaces a table's entry, and makes the manifest agree with it.
func (f *forgery) rows(name, content string) {
	t := f.table(name)
	sum := sha256.Sum256([]byte(content))
	t.Rows, t.Bytes, t.SHA256 = int64(strings.Count(content, "\n")), int64(len(content)), hex.EncodeToString(sum[:])
	f.files[name+".jsonl"] = []byte(content)
}

// swap replaces words inside a table's entry.
func (f *forgery) swap(name, old, now string) {
	content := string(f.files[name+".jsonl"])
	if !strings.Contains(content, old) {
		f.t.Fatalf("%s holds no %s: %.200s", name, old, content)
	}
	f.rows(name, strings.Replace(content, old, now, 1))
}

func (f *forgery) zip() []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	add := func(name string, content []byte) {
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: method(content)})
		if err != nil {
			f.t.Fatal(err)
		}
		if _, err := w.Write(content); err != nil {
			f.t.Fatal(err)
		}
	}
	for name, content := range f.files {
		if name != "manifest.json" {
			add(name, content)
		}
	}
	for _, name := range f.extra {
		add(name, nil)
	}
	raw := f.raw
	if raw == nil {
		var err error
		if raw, err = json.Marshal(f.m); err != nil {
			f.t.Fatal(err)
		}
	}
	if len(raw) > 0 {
		add("manifest.json", raw)
	}
	if err := z.Close(); err != nil {
		f.t.Fatal(err)
	}
	return b.Bytes()
}

// method packs only what is large, to be quick.
func method(content []byte) uint16 {
	if len(content) > 10<<20 {
		return zip.Deflate
	}
	return zip.Store
}

func forge(t testing.TB, b []byte, edit func(*forgery)) []byte {
	t.Helper()
	f := &forgery{t: t, files: unzip(t, b)}
	if err := json.Unmarshal(f.files["manifest.json"], &f.m); err != nil {
		t.Fatal(err)
	}
	edit(f)
	return f.zip()
}

// forgeries are archives that no Parley wrote, each put together with right sums.
var forgeries = map[string]func(f *forgery){
	"no manifest":              func(f *forgery) { f.raw = []byte{} },
	"a manifest of garbage":    func(f *forgery) { f.raw = []byte("{{{") },
	"a manifest that is large": func(f *forgery) { f.raw = bytes.Repeat([]byte(" "), 2<<20) },
	"another format":           func(f *forgery) { f.m.Format = "photo album" },
	"no version":               func(f *forgery) { f.m.Schema = 0 },
	"an unknown table": func(f *forgery) {
		f.m.Tables = append(f.m.Tables, archive.Table{Name: "invoice", Columns: []archive.Column{{Name: "id", Type: db.Integer}}})
		f.rows("invoice", "{\"id\":1}\n")
	},
	"a table whose name is SQL": func(f *forgery) {
		f.m.Tables = append(f.m.Tables, archive.Table{Name: "job; drop table job", Columns: []archive.Column{{Name: "id", Type: db.Integer}}})
		f.rows("job; drop table job", "")
	},
	"a table twice":   func(f *forgery) { f.m.Tables = append(f.m.Tables, *f.table("node")) },
	"a missing table": func(f *forgery) { f.m.Tables = f.m.Tables[1:]; delete(f.files, f.m.Tables[0].Name+".jsonl") },
	"an unknown column": func(f *forgery) {
		f.table("node").Columns = append(f.table("node").Columns, archive.Column{Name: "colour", Type: db.Text})
		f.swap("node", `{"`, `{"colour":"red","`)
	},
	"a column whose name is SQL": func(f *forgery) { f.table("node").Columns[0].Name = `number"` },
	"a column of a type unknown": func(f *forgery) { f.table("node").Columns[0].Type = "float" },
	"a column of another type": func(f *forgery) {
		f.table("node").Columns[1].Type = db.Bytes
		f.swap("node", `"somebody"`, `"AAAA"`)
	},
	"a column missing in a row":         func(f *forgery) { f.swap("node", `"seen":0`, `"lease":0`) },
	"a column twice in a row":           func(f *forgery) { f.swap("node", `"seen":0`, `"seen":0,"seen":1`) },
	"a column unknown in a row":         func(f *forgery) { f.swap("node", `"seen":0`, `"seen":0,"colour":1`) },
	"text where an integer belongs":     func(f *forgery) { f.swap("node", `"seen":0`, `"seen":"0"`) },
	"an integer with a fraction":        func(f *forgery) { f.swap("node", `"seen":0`, `"seen":0.5`) },
	"an integer of more than 64 bits":   func(f *forgery) { f.swap("node", `"seen":0`, `"seen":9223372036854775808`) },
	"an integer where a text belongs":   func(f *forgery) { f.swap("node", `"somebody"`, `7`) },
	"an object where a text belongs":    func(f *forgery) { f.swap("node", `"somebody"`, `{"a":[[[]]]}`) },
	"U+0000 in a text":                  func(f *forgery) { f.swap("node", `somebody`, `some\u0000body`) },
	"bytes that are no UTF-8":           func(f *forgery) { f.swap("node", `somebody`, "some\xffbody") },
	"bytes that are not base64":         func(f *forgery) { f.swap("setting", `"value":"`, `"value":"!`) },
	"an array for a row":                func(f *forgery) { f.rows("node", "[1,2]\n") },
	"half a row":                        func(f *forgery) { f.rows("node", `{"number":1,"own`+"\n") },
	"two rows on a line":                func(f *forgery) { f.swap("node", "}\n", "}{}\n") },
	"an empty line":                     func(f *forgery) { f.swap("node", "}\n", "}\n\n") },
	"a row that is very long":           func(f *forgery) { f.rows("node", strings.Repeat(" ", 65<<20)+"\n") },
	"a null where none may be":          func(f *forgery) { f.swap("node", `"somebody"`, `null`) },
	"a row twice":                       func(f *forgery) { c := string(f.files["node.jsonl"]); f.rows("node", c+c) },
	"a row of which the schema says no": func(f *forgery) { f.swap("conversation", `"open"`, `"ajar"`) },
	"a row without what it refers to":   func(f *forgery) { f.rows("identity", "") },
	"a wrong number of rows":            func(f *forgery) { f.table("node").Rows++ },
	"a wrong sum":                       func(f *forgery) { f.table("node").SHA256 = strings.Repeat("0", 64) },
	"a wrong size":                      func(f *forgery) { f.table("node").Bytes++ },
	"a negative size":                   func(f *forgery) { f.table("node").Bytes = -1 },
	"an entry more":                     func(f *forgery) { f.extra = []string{"readme.txt"} },
	"an entry twice":                    func(f *forgery) { f.extra = []string{"node.jsonl"} },
	"a way out of the folder":           func(f *forgery) { f.extra = []string{"../../etc/cron.d/parley"} },
	"a way from the root":               func(f *forgery) { f.extra = []string{"/etc/passwd"} },
	"a folder":                          func(f *forgery) { f.extra = []string{"node/"} },
	"an entry missing":                  func(f *forgery) { delete(f.files, "node.jsonl") },
	"a key that was changed":            func(f *forgery) { f.files["parley.key"] = []byte("kez") },
	"a key that is not announced":       func(f *forgery) { f.m.Key = nil },
	"very many entries": func(f *forgery) {
		for i := range 20_000 {
			f.extra = append(f.extra, fmt.Sprintf("%060d", i))
		}
	},
}

func TestWhatNoParleyWroteIsRefused(t *testing.T) {
	t.Parallel()
	source := migrated(t, db.SQLite)
	fill(t, source)
	good, _ := write(t, source, []byte("key"))
	var into []*db.DB
	for _, kind := range kinds() {
		into = append(into, migrated(t, kind))
	}
	for name, edit := range forgeries {
		bad := forge(t, good, edit)
		for _, d := range into {
			err := read(d, bad, archive.ReadOptions{Key: func([]byte) error { t.Errorf("%s: the key was kept", name); return nil }})
			if !errors.Is(err, archive.ErrDamaged) {
				t.Errorf("%s, %s: %v", d.Dialect(), name, err)
			}
		}
	}
	for _, d := range into {
		empty(t, d)
		if err := read(d, forge(t, good, func(*forgery) {}), archive.ReadOptions{}); err != nil {
			t.Errorf("%s: what was put together rightly is refused too: %v", d.Dialect(), err)
		}
	}
}

func TestANewerArchiveIsRefused(t *testing.T) {
	t.Parallel()
	source := migrated(t, db.SQLite)
	good, _ := write(t, source, nil)
	for name, edit := range map[string]func(*forgery){
		"schema": func(f *forgery) { f.m.Schema += 1000; f.m.Program = "7.3" },
		"layout": func(f *forgery) { f.m.Layout++; f.m.Program = "7.3" },
	} {
		d := open(t, db.SQLite)
		err := read(d, forge(t, good, edit), archive.ReadOptions{})
		if !errors.Is(err, archive.ErrNewer) || !strings.Contains(err.Error(), "7.3") {
			t.Errorf("%s: %v", name, err)
		}
		if tables, err := d.Tables(context.Background(), d.Read()); err != nil || len(tables) != 0 {
			t.Errorf("%s: it made tables first: %v (%v)", name, tables, err)
		}
	}
}

func TestATornArchiveIsRefused(t *testing.T) {
	t.Parallel()
	source := migrated(t, db.SQLite)
	fill(t, source)
	good, _ := write(t, source, nil)
	d := open(t, db.SQLite)
	for i := range 60 {
		n := len(good) * i / 60
		if err := read(d, good[:n], archive.ReadOptions{}); !errors.Is(err, archive.ErrDamaged) {
			t.Errorf("%d of %d bytes: %v", n, len(good), err)
		}
	}
	for name, b := range map[string][]byte{"nothing": nil, "a text": []byte("Dear Parley"), "zeros": make([]byte, 4096)} {
		if err := read(d, b, archive.ReadOptions{}); !errors.Is(err, archive.ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if tables, err := d.Tables(context.Background(), d.Read()); err != nil || len(tables) != 0 {
		t.Errorf("it made tables first: %v (%v)", tables, err)
	}
}

// A disk that cannot be read is not an archive that is damaged.
func TestABadDiskIsToldFromABadArchive(t *testing.T) {
	t.Parallel()
	good, _ := write(t, migrated(t, db.SQLite), nil)
	broken := errors.New("input/output error")
	_, err := archive.Open(badDisk{broken}, int64(len(good)))
	if !errors.Is(err, broken) || errors.Is(err, archive.ErrDamaged) {
		t.Error(err)
	}
}

type badDisk struct{ err error }

func (d badDisk) ReadAt([]byte, int64) (int, error) { return 0, d.err }
