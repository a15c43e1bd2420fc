package media_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"testing"
)

// Corners of a test picture, clockwise from the top left.
var corners = [4]color.NRGBA{{220, 0, 0, 255}, {0, 220, 0, 255}, {0, 0, 220, 255}, {220, 220, 0, 255}}

// quarters draws a picture of four fields, so that one can see how it is turned.
func quarters(w, h int) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := corners[0]
			switch right, low := x >= w/2, y >= h/2; {
			case right && low:
				c = corners[2]
			case right:
				c = corners[1]
			case low:
				c = corners[3]
			}
			img.SetNRGBA(x, y, c)
		}
	}
	return img
}

// seen names the corners of a picture by number, clockwise from the top left.
func seen(img image.Image) (out [4]int) {
	b := img.Bounds()
	dx, dy := b.Dx()/4, b.Dy()/4
	for i, p := range []image.Point{{b.Min.X + dx, b.Min.Y + dy}, {b.Max.X - 1 - dx, b.Min.Y + dy}, {b.Max.X - 1 - dx, b.Max.Y - 1 - dy}, {b.Min.X + dx, b.Max.Y - 1 - dy}} {
		out[i] = -1
		r, g, bl, _ := img.At(p.X, p.Y).RGBA()
		for n, c := range corners {
			cr, cg, cb, _ := c.RGBA()
			if near(r, cr) && near(g, cg) && near(bl, cb) {
				out[i] = n
			}
		}
	}
	return out
}

func near(a, b uint32) bool { return max(a, b)-min(a, b) < 30<<8 }

func asJPEG(t testing.TB, img image.Image) []byte {
	t.Helper()
	var w bytes.Buffer
	if err := jpeg.Encode(&w, img, &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	return w.Bytes()
}

func asPNG(t testing.TB, img image.Image) []byte {
	t.Helper()
	var w bytes.Buffer
	if err := png.Encode(&w, img); err != nil {
		t.Fatal(err)
	}
	return w.Bytes()
}

// asGIF makes an animation of n frames, each covering part of the screen only,
// with a comment in it.
func asGIF(t testing.TB, n int) []byte {
	t.Helper()
	g := gif.GIF{Config: image.Config{Width: 40, Height: 20}, LoopCount: 3}
	palette := color.Palette{color.Transparent, corners[0], corners[1], corners[2], corners[3]}
	for i := range n {
		f := image.NewPaletted(image.Rect(10, 5, 30, 15), palette)
		for p := range f.Pix {
			f.Pix[p] = uint8(1 + i%4)
		}
		g.Image = append(g.Image, f)
		g.Delay = append(g.Delay, 10)
		g.Disposal = append(g.Disposal, gif.DisposalBackground)
	}
	var w bytes.Buffer
	if err := gif.EncodeAll(&w, &g); err != nil {
		t.Fatal(err)
	}
	b := w.Bytes()
	comment := append([]byte{0x21, 0xFE, byte(len(secret))}, secret...)
	return append(append(b[:len(b)-1:len(b)-1], append(comment, 0)...), 0x3B)
}

// asWebP makes a lossless WebP of one colour: five prefix codes of a single
// symbol each, so that the pixels themselves take no bits (RFC 9649, section 3).
func asWebP(w, h int, c color.NRGBA) []byte {
	var v bits
	v.put(0x2f, 8)
	v.put(uint64(w-1), 14)
	v.put(uint64(h-1), 14)
	if c.A < 255 {
		v.put(1, 1)
	} else {
		v.put(0, 1)
	}
	v.put(0, 3) // version
	v.put(0, 3) // no transform, no colour cache, no meta prefix codes
	for _, s := range []uint8{c.G, c.R, c.B, c.A, 0} {
		v.put(0b101, 3) // simple code, one symbol, of eight bits
		v.put(uint64(s), 8)
	}
	return riff(chunkOf("VP8L", v.b))
}

type bits struct {
	b []byte
	n int
}

func (v *bits) put(value uint64, n int) {
	for i := range n {
		if v.n%8 == 0 {
			v.b = append(v.b, 0)
		}
		v.b[v.n/8] |= byte(value>>i&1) << (v.n % 8)
		v.n++
	}
}

func chunkOf(name string, b []byte) []byte {
	out := binary.LittleEndian.AppendUint32([]byte(name), uint32(len(b)))
	out = append(out, b...)
	if len(b)%2 == 1 {
		out = append(out, 0)
	}
	return out
}

func riff(chunks ...[]byte) []byte {
	body := []byte("WEBP")
	for _, c := range chunks {
		body = append(body, c...)
	}
	return append(binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(body))), body...)
}

// secret is what must be gone from every picture that was prepared.
const secret = "52.5163N 13.3777E"

// exif is a TIFF block with an orientation and a place.
func exif(order binary.AppendByteOrder, orientation int) []byte {
	head := "II*\x00"
	if order == binary.AppendByteOrder(binary.BigEndian) {
		head = "MM\x00*"
	}
	b := order.AppendUint32([]byte(head), 8)
	b = order.AppendUint16(b, 2)
	// ImageDescription, an ASCII text, at offset 38.
	b = order.AppendUint16(b, 0x010E)
	b = order.AppendUint16(b, 2)
	b = order.AppendUint32(b, uint32(len(secret)))
	b = order.AppendUint32(b, 38)
	// Orientation, one SHORT.
	b = order.AppendUint16(b, 0x0112)
	b = order.AppendUint16(b, 3)
	b = order.AppendUint32(b, 1)
	b = order.AppendUint16(b, uint16(orientation))
	b = order.AppendUint16(b, 0)
	b = order.AppendUint32(b, 0)
	return append(b, secret...)
}

func jpegWithExif(b, exif []byte) []byte {
	body := append([]byte("Exif\x00\x00"), exif...)
	seg := binary.BigEndian.AppendUint16([]byte{0xFF, 0xE1}, uint16(len(body)+2))
	comment := binary.BigEndian.AppendUint16([]byte{0xFF, 0xFE}, uint16(len(secret)+2))
	out := append([]byte{0xFF, 0xD8}, append(comment, secret...)...)
	return append(append(append(out, seg...), body...), b[2:]...)
}

func pngWithChunk(b []byte, name string, body []byte) []byte {
	c := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	c = append(append(c, name...), body...)
	c = binary.BigEndian.AppendUint32(c, crc32.ChecksumIEEE(c[4:]))
	const header = 8 + 25 // signature and IHDR
	return append(append(append([]byte{}, b[:header]...), c...), b[header:]...)
}
