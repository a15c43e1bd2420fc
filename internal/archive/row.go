package archive

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"parley/internal/db"
)

// row reads values of a table's columns from the database and writes them as a
// line.
type row struct {
	columns []Column
	heads   []string // `{"id":`, `,"name":`
	into    []any
	line    []byte
}

func newRow(columns []Column) *row {
	r := &row{columns: columns}
	for i, c := range columns {
		open := ","
		if i == 0 {
			open = "{"
		}
		r.heads = append(r.heads, open+`"`+c.Name+`":`)
		switch c.Type {
		case db.Integer:
			r.into = append(r.into, new(*int64))
		case db.Text:
			r.into = append(r.into, new(*string))
		default:
			// An empty value comes from SQLite's driver as a nil slice, which only
			// an any tells from null.
			r.into = append(r.into, new(any))
		}
	}
	return r
}

// encode writes the scanned values as one line, good until the next call, and
// counts the texts that had to be repaired.
func (r *row) encode() (line []byte, repaired int64) {
	b := r.line[:0]
	for i, v := range r.into {
		b = append(b, r.heads[i]...)
		switch v := v.(type) {
		case **int64:
			if *v == nil {
				b = append(b, "null"...)
			} else {
				b = strconv.AppendInt(b, **v, 10)
			}
		case **string:
			if *v == nil {
				b = append(b, "null"...)
				continue
			}
			s, mended := repair(**v)
			repaired += mended
			b = appendText(b, s)
		case *any:
			if *v == nil {
				b = append(b, "null"...)
				continue
			}
			raw, _ := (*v).([]byte) // the column has no other type
			b = append(b, '"')
			b = base64.StdEncoding.AppendEncode(b, raw)
			b = append(b, '"')
		}
	}
	r.line = append(b, '}', '\n')
	return r.line, repaired
}

// repair replaces what cannot be carried. Losing a backup over one such character
// would be worse than losing the character.
func repair(s string) (string, int64) {
	if utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 {
		return s, 0
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD"), 1
}

// appendText writes a JSON string (RFC 8259 section 7). s is valid UTF-8.
func appendText(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	from := 0
	for i := range len(s) {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		default:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	return append(append(b, s[from:]...), '"')
}

// decode reads a line back into values to be bound, one for each column in order.
// It accepts what encode writes: every column once and nothing else.
func decode(line []byte, columns []Column) ([]any, error) {
	if !utf8.Valid(line) {
		return nil, errors.New("it is not UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber()
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.New("it is no JSON object")
	}
	values, seen := make([]any, len(columns)), make([]bool, len(columns))
	at := -1
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, errors.New("it is not JSON")
		}
		if at = place(columns, name, at+1); at < 0 {
			return nil, fmt.Errorf("it has a column %.80q", name)
		}
		if seen[at] {
			return nil, fmt.Errorf("it has the column %s twice", columns[at].Name)
		}
		seen[at] = true
		t, err := d.Token()
		if err != nil {
			return nil, errors.New("it is not JSON")
		}
		if values[at], err = value(t, columns[at].Type); err != nil {
			return nil, fmt.Errorf("column %s: %w", columns[at].Name, err)
		}
	}
	if t, err := d.Token(); err != nil || t != json.Delim('}') {
		return nil, errors.New("it is not JSON")
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("something follows the object")
	}
	for i, s := range seen {
		if !s {
			return nil, fmt.Errorf("it lacks the column %s", columns[i].Name)
		}
	}
	return values, nil
}

// place finds a column by its name, first where it is expected.
func place(columns []Column, name any, expected int) int {
	if expected < len(columns) && columns[expected].Name == name {
		return expected
	}
	for i, c := range columns {
		if c.Name == name {
			return i
		}
	}
	return -1
}

// value is a JSON token as the database takes it.
func value(token any, t db.Type) (any, error) {
	if token == nil {
		return nil, nil
	}
	switch t {
	case db.Integer:
		n, ok := token.(json.Number)
		if !ok {
			break
		}
		v, err := strconv.ParseInt(string(n), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%.40s is no 64-bit integer", n)
		}
		return v, nil
	case db.Text:
		s, ok := token.(string)
		if !ok {
			break
		}
		if strings.IndexByte(s, 0) >= 0 {
			return nil, errors.New("it holds U+0000")
		}
		return s, nil
	case db.Bytes:
		s, ok := token.(string)
		if !ok {
			break
		}
		v, err := base64.StdEncoding.Strict().DecodeString(s)
		if err != nil {
			return nil, errors.New("it is not base64")
		}
		return v, nil
	}
	return nil, fmt.Errorf("it is not %s", t)
}
