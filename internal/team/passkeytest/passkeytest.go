// Package passkeytest is an authenticator in software, to test passkeys with: it
// answers what navigator.credentials would, for a key of its own.
//
// Not its business: being one that people use.
package passkeytest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"testing"
)

// Device holds one key. Change what the test is about.
type Device struct {
	Origin  string // where the browser thinks it is
	RP      string
	Counter uint32 // of uses; a device that never counts stays at 0
	Counts  bool
	Seen    bool // who held it showed a finger, a face or a PIN
	Handle  []byte

	t   testing.TB
	id  []byte
	key *ecdsa.PrivateKey
}

// New makes a device with a key for a relying party.
func New(t testing.TB, origin, rp string) *Device {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	d := &Device{Origin: origin, RP: rp, Seen: true, t: t, id: make([]byte, 24), key: key}
	rand.Read(d.id)
	return d
}

// Copy is the same key in other hands, with the counter of this moment.
func (d *Device) Copy() *Device { c := *d; return &c }

type options struct {
	PublicKey struct {
		Challenge string
		User      struct{ ID string }
	}
}

func (d *Device) read(raw []byte) (o options) {
	d.t.Helper()
	if err := json.Unmarshal(raw, &o); err != nil {
		d.t.Fatalf("the options are no JSON: %v", err)
	}
	return o
}

func text(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// Create answers navigator.credentials.create, without attestation.
func (d *Device) Create(raw []byte) []byte {
	d.t.Helper()
	o := d.read(raw)
	var err error
	if d.Handle, err = base64.RawURLEncoding.DecodeString(o.PublicKey.User.ID); err != nil {
		d.t.Fatalf("the handle is %q: %v", o.PublicKey.User.ID, err)
	}
	// CBOR (RFC 8949): {"fmt": "none", "attStmt": {}, "authData": bytes}.
	auth := d.data(true)
	object := append([]byte("\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x59"), byte(len(auth)>>8), byte(len(auth)))
	return d.answer(map[string]any{
		"clientDataJSON":    text(d.client("webauthn.create", o)),
		"attestationObject": text(append(object, auth...)),
	})
}

// Get answers navigator.credentials.get.
func (d *Device) Get(raw []byte) []byte {
	d.t.Helper()
	if d.Counts {
		d.Counter++
	}
	client, auth := d.client("webauthn.get", d.read(raw)), d.data(false)
	hash := sha256.Sum256(client)
	signed := sha256.Sum256(append(append([]byte{}, auth...), hash[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, d.key, signed[:])
	if err != nil {
		d.t.Fatal(err)
	}
	return d.answer(map[string]any{"clientDataJSON": text(client), "authenticatorData": text(auth),
		"signature": text(signature), "userHandle": text(d.Handle)})
}

func (d *Device) answer(response map[string]any) []byte {
	raw, err := json.Marshal(map[string]any{"id": text(d.id), "rawId": text(d.id), "type": "public-key",
		"response": response, "clientExtensionResults": map[string]any{}})
	if err != nil {
		d.t.Fatal(err)
	}
	return raw
}

func (d *Device) client(kind string, o options) []byte {
	raw, err := json.Marshal(map[string]any{"type": kind, "challenge": o.PublicKey.Challenge, "origin": d.Origin, "crossOrigin": false})
	if err != nil {
		d.t.Fatal(err)
	}
	return raw
}

// data is the authenticator data (WebAuthn, level 3, section 6.1), with the public
// key in COSE (RFC 9053, section 7.1.1) where it is new.
func (d *Device) data(attested bool) []byte {
	rp := sha256.Sum256([]byte(d.RP))
	flags := byte(0x01)
	if d.Seen {
		flags |= 0x04
	}
	if attested {
		flags |= 0x40
	}
	b := binary.BigEndian.AppendUint32(append(append([]byte{}, rp[:]...), flags), d.Counter)
	if !attested {
		return b
	}
	b = append(b, make([]byte, 16)...)
	b = append(binary.BigEndian.AppendUint16(b, uint16(len(d.id))), d.id...)
	point, err := d.key.PublicKey.Bytes() // 4, x, y
	if err != nil {
		d.t.Fatal(err)
	}
	b = append(append(b, "\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20"...), point[1:33]...)
	return append(append(b, "\x22\x58\x20"...), point[33:]...)
}
