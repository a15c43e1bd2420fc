package media

import (
	"errors"
	"io"
)

var errGIF = errors.New("not the blocks of a GIF")

// gifFrames counts the pictures of a GIF and their pixels without unpacking
// them (GIF89a specification, sections 17 to 27).
func gifFrames(b []byte) (frames int, area int64, err error) {
	r := blocks{b: b}
	r.skip(6) // signature
	screen := r.take(7)
	r.colours(screen, 4)
	for {
		switch kind := r.take(1); {
		case r.short && frames > 0:
			return frames, area, nil // the trailer is missing; decoders forgive that
		case r.short:
			return 0, 0, io.ErrUnexpectedEOF
		case kind[0] == 0x21: // extension
			r.skip(1)
			r.chain()
		case kind[0] == 0x2C: // picture
			d := r.take(9)
			r.colours(d, 8)
			r.skip(1) // code size
			r.chain()
			if !r.short || len(d) == 9 {
				frames++
				area += int64(word(d[4:])) * int64(word(d[6:]))
			}
		case kind[0] == 0x3B: // trailer
			return frames, area, nil
		default:
			return 0, 0, errGIF
		}
	}
}

// blocks reads along; short tells that it ran out.
type blocks struct {
	b     []byte
	short bool
}

// take returns n bytes, or zeros once there are too few.
func (r *blocks) take(n int) []byte {
	if len(r.b) < n {
		r.b, r.short = nil, true
		return make([]byte, n)
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *blocks) skip(n int) { r.take(n) }

// colours skips the table that the flags at d[at] announce.
func (r *blocks) colours(d []byte, at int) {
	if flags := d[at]; flags&0x80 != 0 {
		r.skip(3 << (flags&7 + 1))
	}
}

// chain skips sub-blocks up to the empty one that ends them.
func (r *blocks) chain() {
	for !r.short {
		n := int(r.take(1)[0])
		if n == 0 {
			return
		}
		r.skip(n)
	}
}

func word(b []byte) int { return int(b[0]) | int(b[1])<<8 }
