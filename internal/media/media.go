// Package media keeps pictures and other files by what they are: the SHA-256 of
// their bytes, in the database, so that a backup is one thing and every node sees
// the same.
//
// Whatever comes in is judged by its bytes, never by its name or by what a
// server says. Pictures are decoded and encoded anew (Prepare), which drops where
// and when they were taken and whatever else hides in a file; bounds on bytes
// and pixels hold before anything is unpacked. A file stays while something
// holds it (Store.Hold) and goes with the last that lets go.
//
// Not its business: who may see a file (the capability that holds it), alt texts
// (they belong to the use, not to the bytes), addresses and routes (page).
package media

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"time"

	"parley/internal/problem"
)

// Catalogue holds the sentences of refusals.
//
//go:embed catalogue/*.json
var Catalogue embed.FS

// Digest names a file: the SHA-256 of its bytes.
type Digest = [32]byte

// Sum is the digest of b.
func Sum(b []byte) Digest { return sha256.Sum256(b) }

// Name is a digest as it stands in addresses: 64 hexadecimal digits.
func Name(d Digest) string { return hex.EncodeToString(d[:]) }

// ParseName reads what Name wrote. Anything else is no file.
func ParseName(s string) (Digest, error) {
	var d Digest
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(d) || hex.EncodeToString(b) != s {
		return d, notFound().Because(fmt.Errorf("%q is no digest", s))
	}
	copy(d[:], b)
	return d, nil
}

// Kind is what a file is, in the words of network.Media.
type Kind = string

const (
	Image Kind = "image"
	Video Kind = "video"
	Audio Kind = "audio"
)

// Media describes a stored file. Width and Height are 0 where they are not known.
type Media struct {
	Digest        Digest
	Kind          Kind
	MIME          string
	Width, Height int
	Size          int64 // bytes
	Created       time.Time
}

// Prepared is a file ready to be stored.
type Prepared struct {
	Media // without Created
	Bytes []byte
	Thumb *Prepared // a smaller picture of it; nil if none was asked for
}

func prepared(kind Kind, mime string, b []byte, width, height int) Prepared {
	return Prepared{
		Media: Media{Digest: Sum(b), Kind: kind, MIME: mime, Width: width, Height: height, Size: int64(len(b))},
		Bytes: b,
	}
}

// Limits say what is accepted and what becomes of it. A zero field is the
// default named beside it.
type Limits struct {
	Bytes   int64 // of the input; 16 MB
	Pixels  int   // width × height of the input, for an animation of all frames together; 40 million
	Edge    int   // the longer side of the result; 0: as it is
	Out     int64 // bytes of the result, reached by stronger compression and scaling; 0: as it comes
	Thumb   int   // the longer side of a thumbnail; 0: none
	Animate bool  // keep a GIF's movement, unscaled; otherwise its first picture is kept
}

const (
	defaultBytes  = 16_000_000
	defaultPixels = 40_000_000
)

func (l Limits) bytes() int64 {
	if l.Bytes <= 0 {
		return defaultBytes
	}
	return l.Bytes
}

func (l Limits) pixels() int {
	if l.Pixels <= 0 {
		return defaultPixels
	}
	return l.Pixels
}

// Upload is for what a member attaches to an answer.
func Upload() Limits { return Limits{Edge: 2560, Thumb: 480, Animate: true} }

// Attached is for pictures that people outside sent us.
func Attached() Limits { return Limits{Edge: 2048, Thumb: 480} }

// Avatar is for pictures of people.
func Avatar() Limits { return Limits{Bytes: 8_000_000, Pixels: 20_000_000, Edge: 256} }

func tooLarge(limit int64) *problem.Problem {
	return problem.New(problem.Invalid, "media.too_large", "limit", int(max(1, limit/1_000_000)))
}

func tooManyPixels(limit int) *problem.Problem {
	return problem.New(problem.Invalid, "media.too_many_pixels", "limit", max(1, limit/1_000_000))
}

func tooManyFrames() *problem.Problem {
	return problem.New(problem.Invalid, "media.too_many_frames", "limit", maxFrames)
}

func unknownType() *problem.Problem { return problem.New(problem.Invalid, "media.unknown_type") }

func broken(err error) *problem.Problem {
	return problem.New(problem.Invalid, "media.broken").Because(err)
}

func notFound() *problem.Problem { return problem.New(problem.NotFound, "media.not_found") }
