package archive

import (
	"archive/zip"
	"bufio"
	"compress/flate"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Archive is an open archive. What its manifest says is believed only after Check.
type Archive struct {
	Manifest Manifest
	id       [sha256.Size]byte // of the manifest
	files    map[string]*zip.File
}

// Bounds against files made to exhaust whoever reads them. Rows compress by ten
// to thirty times, so what unfolds to far more is not believed.
const (
	maxDirectory = 1 << 20 // bytes that listing the entries may read
	maxRatio     = 300
	freeRatio    = 1 << 30 // bytes that are unfolded whatever their ratio
)

// Open reads the manifest of an archive of size bytes and compares it with the
// entries that are there. ErrDamaged, ErrNewer.
func Open(r io.ReaderAt, size int64) (*Archive, error) {
	limited := &bounded{r: r, left: maxDirectory}
	z, err := zip.NewReader(limited, size)
	if err != nil {
		return nil, unreadable(err)
	}
	limited.left = -1
	a := &Archive{files: map[string]*zip.File{}}
	var packed uint64
	for _, f := range z.File {
		if _, twice := a.files[f.Name]; twice {
			return nil, damaged("it has two entries %.80q", f.Name)
		}
		const encrypted = 1
		if f.Flags&encrypted != 0 || (f.Method != zip.Deflate && f.Method != zip.Store) {
			return nil, damaged("its entry %.80q is packed in a way Parley does not use", f.Name)
		}
		a.files[f.Name] = f
		packed += f.CompressedSize64
		if packed > uint64(size) { // entries that lie in each other
			return nil, damaged("its entries are larger than itself")
		}
	}
	if err := a.readManifest(); err != nil {
		return nil, err
	}
	return a, a.compare(size)
}

// bounded lets only so many bytes be read; -1 lifts the bound. An archive that is
// damaged may send its reader anywhere.
type bounded struct {
	r    io.ReaderAt
	left int64
}

func (b *bounded) ReadAt(p []byte, at int64) (int, error) {
	if at < 0 {
		return 0, damaged("it points outside itself")
	}
	if b.left >= 0 {
		if b.left -= int64(len(p)); b.left < 0 {
			return 0, damaged("it lists too many entries")
		}
	}
	return b.r.ReadAt(p, at)
}

func (a *Archive) readManifest() error {
	f := a.files[manifestName]
	if f == nil {
		return damaged("it has no %s", manifestName)
	}
	b, err := small(f, maxManifest)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, &a.Manifest); err != nil {
		return damaged("its %s cannot be read", manifestName)
	}
	a.id = sha256.Sum256(b)
	return a.Manifest.check()
}

// compare holds the manifest against the entries: each is named once, and has
// the size it should have.
func (a *Archive) compare(size int64) error {
	want := map[string]Entry{}
	for _, t := range a.Manifest.Tables {
		want[t.file()] = t.Entry
	}
	if k := a.Manifest.Key; k != nil {
		want[keyName] = *k
	}
	var unpacked uint64
	for name, e := range want {
		f := a.files[name]
		if f == nil {
			return damaged("its entry %s is missing", name)
		}
		if e.Bytes < 0 || f.UncompressedSize64 != uint64(e.Bytes) {
			return damaged("its entry %s does not have the size it should", name)
		}
		if unpacked += uint64(e.Bytes); unpacked > uint64(size)*maxRatio && unpacked > freeRatio {
			return damaged("it would unfold to more than any archive does")
		}
	}
	for name := range a.files {
		if _, known := want[name]; !known && name != manifestName {
			return damaged("it has an entry %.80q that its manifest does not know", name)
		}
	}
	return nil
}

// Check reads everything once: every entry has the sum the manifest gives, and
// every line is a row of its table.
func (a *Archive) Check(ctx context.Context) error {
	for _, t := range a.Manifest.Tables {
		if err := a.each(ctx, t, func([]any, int) error { return nil }); err != nil {
			return err
		}
	}
	_, err := a.Key()
	return err
}

// Key is the content of the file of the sealing keys; nil if it is not inside.
func (a *Archive) Key() ([]byte, error) {
	if a.Manifest.Key == nil {
		return nil, nil
	}
	b, err := small(a.files[keyName], maxKey)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(b)
	if !strings.EqualFold(hex.EncodeToString(sum[:]), a.Manifest.Key.SHA256) {
		return nil, damaged("its entry %s was changed", keyName)
	}
	return b, nil
}

// each calls fn for every row of a table with its values and the length of its
// line, then holds the sum and the number of rows against the manifest.
func (a *Archive) each(ctx context.Context, t Table, fn func(values []any, length int) error) error {
	f, err := a.files[t.file()].Open()
	if err != nil {
		return unreadable(err)
	}
	defer f.Close()
	sum := sha256.New()
	rows := &lines{from: bufio.NewReaderSize(io.TeeReader(f, sum), 64<<10)}
	n := int64(0)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		line, err := rows.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return unreadable(fmt.Errorf("%s, after row %d: %w", t.file(), n, err))
		}
		n++
		values, err := decode(line, t.Columns)
		if err != nil {
			return damaged("row %d of %s: %v", n, t.Name, err)
		}
		if err := fn(values, len(line)); err != nil {
			return err
		}
	}
	if n != t.Rows || !strings.EqualFold(hex.EncodeToString(sum.Sum(nil)), t.SHA256) {
		return damaged("its entry %s was changed", t.file())
	}
	return nil
}

// lines reads one line at a time, in time that grows with its length alone.
type lines struct {
	from *bufio.Reader
	long []byte // a line that is longer than from's buffer
}

// next is a line with its end, good until the next call; io.EOF after the last.
func (l *lines) next() ([]byte, error) {
	l.long = l.long[:0]
	for {
		part, err := l.from.ReadSlice('\n')
		switch {
		case err == nil && len(l.long) == 0:
			return part, nil
		case len(l.long)+len(part) > maxLine:
			return nil, bufio.ErrTooLong
		}
		l.long = append(l.long, part...)
		switch {
		case err == nil || err == io.EOF && len(l.long) > 0:
			return l.long, nil
		case err != bufio.ErrBufferFull:
			return nil, err
		}
	}
}

// small reads an entry that must fit into memory.
func small(f *zip.File, most int64) ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, unreadable(err)
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, most+1))
	if err != nil {
		return nil, unreadable(fmt.Errorf("%s: %w", f.Name, err))
	}
	if int64(len(b)) > most {
		return nil, damaged("its entry %s is too large", f.Name)
	}
	return b, nil
}

// unreadable tells what is wrong with the archive from what is wrong with the
// disk it lies on.
func unreadable(err error) error {
	var corrupt flate.CorruptInputError
	for _, known := range []error{zip.ErrFormat, zip.ErrAlgorithm, zip.ErrChecksum, zip.ErrInsecurePath, bufio.ErrTooLong, io.ErrUnexpectedEOF, io.EOF} {
		if errors.Is(err, known) {
			return damaged("%v", err)
		}
	}
	if errors.As(err, &corrupt) {
		return damaged("%v", err)
	}
	return fmt.Errorf("reading the archive: %w", err)
}
