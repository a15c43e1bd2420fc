package email

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"mime"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"time"
	"unicode/utf8"

	"parley/internal/network"
	"parley/internal/text"
)

// Lines of a header are folded here (RFC 5322, section 2.1.1), those of a body end
// at 76 letters (RFC 2045, section 6.7).
const (
	foldAt  = 76
	lineMax = 76
)

// head writes the header of a mail. Nothing a member or an outside person wrote
// can begin a line of its own in it: each value is one clean line, and what is not
// ASCII is encoded.
func (f frozen) head() ([]byte, error) {
	from, err := mailAddress(f.Name, f.From)
	if err != nil {
		return nil, err
	}
	to, err := mailAddress(f.ToName, f.To)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	field(&b, "Date", f.Date.UTC().Format(time.RFC1123Z))
	field(&b, "From", from)
	field(&b, "To", to)
	field(&b, "Message-ID", "<"+f.MessageID+">")
	if f.InReplyTo != "" {
		field(&b, "In-Reply-To", "<"+f.InReplyTo+">")
	}
	if len(f.References) > 0 {
		field(&b, "References", "<"+strings.Join(f.References, "> <")+">")
	}
	field(&b, "Subject", encoded(f.Subject, 400))
	if f.Lang != "" && langForm.MatchString(f.Lang) {
		field(&b, "Content-Language", f.Lang)
	}
	field(&b, "MIME-Version", "1.0")
	return b.Bytes(), nil
}

// mailAddress writes a name and an address.
func mailAddress(name, addr string) (string, error) {
	a, ok := written(name, addr)
	if !ok {
		return "", &network.Error{Kind: network.BadInput, Native: "address", Help: "email.help.no_such_reader"}
	}
	return (&mail.Address{Name: a.name, Address: a.addr}).String(), nil
}

// encoded is a line of words as a header may hold it (RFC 2047).
func encoded(s string, most int) string {
	return mime.QEncoding.Encode("utf-8", text.CleanLine(s, most))
}

// field writes one, folded at spaces. Whatever is in value, it stays one field.
func field(b *bytes.Buffer, name, value string) {
	value = strings.Join(strings.FieldsFunc(value, func(r rune) bool { return r == '\r' || r == '\n' || r == 0 }), " ")
	line := name + ":"
	for _, word := range strings.Split(value, " ") {
		if len(line)+1+len(word) > foldAt && len(word) < foldAt && line != "" {
			b.WriteString(line + "\r\n")
			line = ""
		}
		line += " " + word
	}
	b.WriteString(line + "\r\n")
}

// message writes the whole mail; files are the bytes of what is attached, in
// order. The same frozen mail is written to the same bytes.
func (f frozen) message(files [][]byte) ([]byte, error) {
	head, err := f.head()
	if err != nil {
		return nil, err
	}
	b := bytes.NewBuffer(head)
	if len(files) == 0 {
		f.words(b)
		return b.Bytes(), nil
	}
	boundary := f.boundary()
	field(b, "Content-Type", `multipart/mixed; boundary="`+boundary+`"`)
	b.WriteString("\r\n")
	if strings.TrimSpace(f.Text) != "" {
		b.WriteString("--" + boundary + "\r\n")
		f.words(b)
		b.WriteString("\r\n")
	}
	for i, one := range f.Files {
		b.WriteString("--" + boundary + "\r\n")
		one.write(b, files[i])
	}
	b.WriteString("--" + boundary + "--\r\n")
	return b.Bytes(), nil
}

// boundary follows from the Message-ID; a line of ours cannot begin with it,
// since quoted-printable writes "=" as "=3D".
func (f frozen) boundary() string {
	sum := sha256.Sum256([]byte(f.MessageID))
	return "=_" + hex.EncodeToString(sum[:12])
}

// words writes the text as a part. What is ASCII in short lines stays as it is;
// everything else is quoted-printable, which every server passes on unchanged.
func (f frozen) words(b *bytes.Buffer) {
	body := strings.ReplaceAll(strings.TrimRight(text.Clean(f.Text), "\n"), "\n", "\r\n") + "\r\n"
	if simple(body) {
		field(b, "Content-Type", "text/plain; charset=us-ascii")
		field(b, "Content-Transfer-Encoding", "7bit")
		b.WriteString("\r\n" + body)
		return
	}
	field(b, "Content-Type", "text/plain; charset=utf-8")
	field(b, "Content-Transfer-Encoding", "quoted-printable")
	b.WriteString("\r\n")
	w := quotedprintable.NewWriter(b)
	_, _ = w.Write([]byte(body)) // into memory
	_ = w.Close()
}

// simple reports text that needs no encoding. A line that begins with "From " is
// changed by some programs on the way.
func simple(body string) bool {
	for line := range strings.SplitSeq(body, "\r\n") {
		if len(line) > lineMax || strings.HasPrefix(line, "From ") || strings.HasPrefix(line, "--=_") || strings.HasSuffix(line, " ") {
			return false
		}
		for i := range len(line) {
			if line[i] >= utf8.RuneSelf || line[i] < ' ' && line[i] != '\t' {
				return false
			}
		}
	}
	return true
}

// write writes a file as a part.
func (a attached) write(b *bytes.Buffer, raw []byte) {
	field(b, "Content-Type", mime.FormatMediaType(a.MIME, map[string]string{"name": a.Name}))
	field(b, "Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": a.Name}))
	if a.Alt != "" {
		field(b, "Content-Description", encoded(a.Alt, 900))
	}
	field(b, "Content-Transfer-Encoding", "base64")
	b.WriteString("\r\n")
	text := base64.StdEncoding.EncodeToString(raw)
	for len(text) > 0 {
		n := min(lineMax, len(text))
		b.WriteString(text[:n] + "\r\n")
		text = text[n:]
	}
}

func parseType(kind string) (string, map[string]string, error) { return mime.ParseMediaType(kind) }

// ending is the usual end of a file's name.
func ending(kind string) string {
	base, _, _ := parseType(kind)
	known := map[string]string{"image/png": ".png", "image/jpeg": ".jpg", "image/gif": ".gif", "image/webp": ".webp",
		"video/mp4": ".mp4", "audio/mpeg": ".mp3", "application/pdf": ".pdf", "text/plain": ".txt"}
	return known[base]
}

// wordOf names a file after what it is.
func wordOf(kind string) string {
	switch kind {
	case "image", "video", "audio":
		return kind
	}
	return "file"
}
