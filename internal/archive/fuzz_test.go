package archive

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"parley/internal/db"
)

var every = []Column{{"id", db.Integer}, {"name", db.Text}, {"body", db.Bytes}}

// tiny is an archive with one table, made without a database.
func tiny(t testing.TB, lines string) []byte {
	var b bytes.Buffer
	w := &writer{zip: zip.NewWriter(&b), made: time.Unix(1_700_000_000, 0)}
	m := Manifest{Format: Format, Layout: Layout, Program: "0.1", Made: w.made, From: db.SQLite, Schema: 1}
	e, err := w.entry("note.jsonl", func(w io.Writer) error { _, err := io.WriteString(w, lines); return err })
	if err != nil {
		t.Fatal(err)
	}
	m.Tables = []Table{{Name: "note", Columns: every, Rows: int64(strings.Count(lines, "\n")), Entry: e}}
	if _, err := w.entry(manifestName, func(w io.Writer) error { _, err := w.Write(m.encode()); return err }); err != nil {
		t.Fatal(err)
	}
	if err := w.zip.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Whatever it is given, reading an archive ends, and says what is wrong in one of
// the words it has.
func FuzzArchive(f *testing.F) {
	good := tiny(f, `{"id":1,"name":"a","body":"AA=="}`+"\n")
	f.Add(good)
	f.Add(good[:len(good)-1])
	f.Add(bytes.Replace(good, []byte("manifest.json"), []byte("../../../json"), 1))
	f.Add([]byte("PK\x05\x06" + strings.Repeat("\x00", 18)))
	f.Add([]byte("PK\x05\x06" + strings.Repeat("\xff", 18)))
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := Open(bytes.NewReader(b), int64(len(b)))
		if err == nil {
			err = a.Check(context.Background())
		}
		if err != nil {
			if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrNewer) {
				t.Errorf("%v", err)
			}
			if !utf8.ValidString(err.Error()) || len(err.Error()) > 1000 {
				t.Errorf("no sentence: %q", err)
			}
			return
		}
		for name := range a.files {
			if strings.ContainsAny(name, `/\`) {
				t.Errorf("an entry %q was accepted", name)
			}
		}
	})
}

// The same behind right checksums, where a fuzzer of whole files never comes.
func FuzzContent(f *testing.F) {
	files := tiny(f, `{"id":1,"name":"a","body":"AA=="}`+"\n")
	a, err := Open(bytes.NewReader(files), int64(len(files)))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(a.Manifest.encode(), []byte(`{"id":1,"name":"a","body":"AA=="}`+"\n"))
	f.Add([]byte(`{"format":"parley archive","layout":1,"schema":1,"tables":[{"name":"note","columns":[{}]}]}`), []byte("\n"))
	f.Add([]byte(`{"format":"parley archive","layout":1,"schema":1,"key":{"bytes":-1}}`), []byte(nil))
	f.Fuzz(func(t *testing.T, manifest, lines []byte) {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		for name, content := range map[string][]byte{manifestName: manifest, "note.jsonl": lines} {
			w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
			if err != nil {
				t.Fatal(err)
			}
			w.Write(content)
		}
		z.Close()
		a, err := Open(bytes.NewReader(b.Bytes()), int64(b.Len()))
		if err == nil {
			err = a.Check(context.Background())
		}
		if err != nil && !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrNewer) {
			t.Errorf("%v", err)
		}
	})
}

// What a row is read as, it is also written as.
func FuzzRow(f *testing.F) {
	f.Add([]byte(`{"id":-9223372036854775808,"name":"\"\\\u2028\ud83d\ude00","body":""}`))
	f.Add([]byte(`{"body":null,"name":null,"id":null}`))
	f.Add([]byte(`{"id":1,"name":"\ud800","body":"!"}`))
	f.Add([]byte(`{"id":1e3,"name":"","body":"AA==","id":2}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		values, err := decode(line, every)
		if err != nil {
			return
		}
		r := newRow(every)
		for i, v := range values {
			switch v := v.(type) {
			case int64:
				n := &v
				*r.into[i].(**int64) = n
			case string:
				s := &v
				*r.into[i].(**string) = s
			case []byte:
				*r.into[i].(*any) = v
			}
		}
		again, repaired := r.encode()
		if repaired != 0 {
			t.Errorf("%q had to be repaired", line)
		}
		back, err := decode(again, every)
		if err != nil || !reflect.DeepEqual(back, values) {
			t.Errorf("%q became %q: %v, not %v (%v)", line, again, back, values, err)
		}
	})
}

// Texts are written as any reader of JSON reads them.
func FuzzText(f *testing.F) {
	f.Add("plain")
	f.Add("\"\\\n\r\t\x00\x1f\x7f\u2028\xff😀")
	f.Fuzz(func(t *testing.T, s string) {
		want, repaired := repair(s)
		if (repaired == 0) != (want == s) {
			t.Errorf("%q became %q, %d repaired", s, want, repaired)
		}
		var got string
		if err := json.Unmarshal(appendText(nil, want), &got); err != nil || got != want {
			t.Errorf("%q is read as %q (%v)", want, got, err)
		}
	})
}
