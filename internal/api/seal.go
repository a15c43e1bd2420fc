package api

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/http"
)

// seal closes what is kept of a request with the token that made it, of which
// the database has only a hash: a kept answer may hold an invitation's link.
type seal struct {
	key  [sha256.Size]byte
	bind []byte // what the ciphertext belongs to
}

// stored is an answer inside its seal.
type stored struct {
	Type string
	Body []byte
}

// sealFor derives the key. A token is 256 random bits, so a hash is enough.
func sealFor(token string, k answerKey) seal {
	return seal{key: sha256.Sum256([]byte("parley api answer 1\n" + token)), bind: fmt.Appendf(nil, "%d\n%d\n%s", k.workspace, k.token, k.key)}
}

// request is a keyed hash of what was asked: equal requests have equal ones, and
// nobody without the token can try which request it might have been.
func (s seal) request(r *http.Request, body []byte) []byte {
	mac := hmac.New(sha256.New, s.key[:])
	for _, field := range [][]byte{[]byte(r.Method), []byte(r.URL.Path), []byte(r.URL.RawQuery), body} {
		binary.Write(mac, binary.BigEndian, uint64(len(field))) // a hash takes everything
		mac.Write(field)
	}
	return mac.Sum(nil)
}

func (s seal) gcm() (cipher.AEAD, error) {
	block, err := aes.NewCipher(s.key[:])
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

func (s seal) close(a stored) ([]byte, error) {
	plain, err := json.Marshal(a)
	if err != nil {
		return nil, fmt.Errorf("writing an answer: %w", err)
	}
	gcm, err := s.gcm()
	if err != nil {
		return nil, fmt.Errorf("sealing an answer: %w", err)
	}
	return gcm.Seal(nil, nil, plain, s.bind), nil
}

func (s seal) open(sealed []byte) (stored, error) {
	var a stored
	gcm, err := s.gcm()
	if err != nil {
		return a, err
	}
	plain, err := gcm.Open(nil, nil, sealed, s.bind)
	if err != nil {
		return a, err
	}
	return a, json.Unmarshal(plain, &a)
}
