package email

import (
	"net/mail"
	"strings"

	"github.com/emersion/go-message/charset"
	"mime"

	"parley/internal/network"
	"parley/internal/text"
)

// maxAddresses bounds how many of a header's addresses are looked at.
const maxAddresses = 200

// address is one of a header's, as it was written.
type address struct {
	name string
	addr string
}

// key is what makes two spellings one address. The part before the @ may tell
// letters apart in theory (RFC 5321, section 2.4); no provider does.
func (a address) key() string { return strings.ToLower(a.addr) }

func (a address) domain() string {
	return strings.ToLower(a.addr[strings.LastIndexByte(a.addr, '@')+1:])
}

func (a address) person() network.Person {
	return network.Person{Network: Name, Instance: Instance, RemoteID: a.key(), Handle: a.addr, Name: a.name, URL: "mailto:" + a.addr}
}

// String is how it is written in a line for readers.
func (a address) String() string {
	if a.name == "" || strings.EqualFold(a.name, a.addr) {
		return a.addr
	}
	return a.name + " <" + a.addr + ">"
}

// words decodes what a header says in other charsets (RFC 2047).
func words() *mime.WordDecoder { return &mime.WordDecoder{CharsetReader: charset.Reader} }

// decode makes one clean line of a header's value.
func decode(v string, most int) string {
	if d, err := words().DecodeHeader(v); err == nil {
		v = d
	}
	return text.CleanLine(legacy(v), most)
}

// addresses reads a header's list. What cannot be read as one is looked through
// for anything that is an address: a mail with a broken header still has a writer.
func addresses(v string) []address {
	if v == "" || len(v) > 64<<10 {
		v = v[:min(len(v), 64<<10)]
	}
	parser := mail.AddressParser{WordDecoder: words()}
	list, err := parser.ParseList(v)
	if err != nil {
		return loose(v)
	}
	var out []address
	for _, a := range list[:min(len(list), maxAddresses)] {
		if w, ok := written(a.Name, a.Address); ok {
			out = append(out, w)
		}
	}
	return out
}

// loose finds addresses in what breaks the rules.
func loose(v string) []address {
	var out []address
	for _, one := range strings.FieldsFunc(v, func(r rune) bool { return r == ',' || r == ';' || r == '\r' || r == '\n' }) {
		name, addr := "", strings.TrimSpace(one)
		if open := strings.LastIndexByte(one, '<'); open >= 0 {
			name = one[:open]
			addr = strings.TrimSpace(strings.TrimRight(one[open+1:], "> \t"))
		}
		if w, ok := written(decode(strings.Trim(name, "\"' \t"), 200), addr); ok && len(out) < maxAddresses {
			out = append(out, w)
		}
	}
	return out
}

// written accepts an address that can be written to.
func written(name, addr string) (address, bool) {
	addr = text.CleanLine(addr, 320)
	at := strings.LastIndexByte(addr, '@')
	if at < 1 || at == len(addr)-1 || strings.ContainsAny(addr, " \t<>\"(),:;[]\\") {
		return address{}, false
	}
	if read, err := mail.ParseAddress("<" + addr + ">"); err != nil || read.Address != addr {
		return address{}, false
	}
	return address{name: text.CleanLine(legacy(name), 200), addr: addr}, true
}

// answersNobody reports an address behind which nobody reads.
func (a address) answersNobody() bool {
	local := a.key()[:max(0, strings.LastIndexByte(a.addr, '@'))]
	local = strings.NewReplacer("-", "", "_", "", ".", "").Replace(local)
	return strings.HasPrefix(local, "noreply") || strings.HasPrefix(local, "donotreply") || strings.HasPrefix(local, "nepasrepondre") || local == "mailerdaemon" || local == "postmaster"
}
