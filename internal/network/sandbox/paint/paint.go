// Package paint draws the sandbox's pictures: faces, emblems and what people
// photograph in a small town. Plain shapes, made anew from a seed each time;
// the same seed gives the same bytes. There is no art here but our own.
package paint

import (
	"bytes"
	"hash/fnv"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"
	"math/rand/v2"

	"golang.org/x/image/vector"
)

// canvas is a picture of w by h points, drawn with smooth edges.
type canvas struct {
	img  *image.RGBA
	w, h float64
}

func newCanvas(w, h int, back color.RGBA) *canvas {
	c := &canvas{image.NewRGBA(image.Rect(0, 0, w, h)), float64(w), float64(h)}
	draw.Draw(c.img, c.img.Bounds(), image.NewUniform(back), image.Point{}, draw.Src)
	return c
}

// point is a place on a canvas, from its upper left corner.
type point struct{ x, y float64 }

// polygon fills the area between points. Only the box around them is worked
// on: the rasterizer goes through all of its area, however little is filled.
func (c *canvas) polygon(fill color.RGBA, ps ...point) {
	box := image.Rectangle{Min: image.Pt(math.MaxInt32, math.MaxInt32), Max: image.Pt(math.MinInt32, math.MinInt32)}
	for _, p := range ps {
		box.Min.X, box.Min.Y = min(box.Min.X, int(math.Floor(p.x))), min(box.Min.Y, int(math.Floor(p.y)))
		box.Max.X, box.Max.Y = max(box.Max.X, int(math.Ceil(p.x))), max(box.Max.Y, int(math.Ceil(p.y)))
	}
	box = box.Intersect(c.img.Bounds())
	if box.Empty() {
		return
	}
	at := func(p point) (x, y float32) {
		return float32(p.x - float64(box.Min.X)), float32(p.y - float64(box.Min.Y))
	}
	r := vector.NewRasterizer(box.Dx(), box.Dy())
	r.MoveTo(at(ps[0]))
	for _, p := range ps[1:] {
		r.LineTo(at(p))
	}
	r.ClosePath()
	r.Draw(c.img, box, image.NewUniform(fill), image.Point{})
}

func (c *canvas) rect(fill color.RGBA, x, y, w, h float64) {
	c.polygon(fill, point{x, y}, point{x + w, y}, point{x + w, y + h}, point{x, y + h})
}

// ellipse fills an ellipse around (x, y).
func (c *canvas) ellipse(fill color.RGBA, x, y, rx, ry float64) { c.arc(fill, x, y, rx, ry, 0, 1) }

// arc fills the part of an ellipse between two turns (0 to 1, clockwise from
// the right), closed by its chord.
func (c *canvas) arc(fill color.RGBA, x, y, rx, ry, from, to float64) {
	const steps = 64
	ps := make([]point, 0, steps+1)
	for i := range steps + 1 {
		a := 2 * math.Pi * (from + (to-from)*float64(i)/steps)
		ps = append(ps, point{x + rx*math.Cos(a), y + ry*math.Sin(a)})
	}
	c.polygon(fill, ps...)
}

// line draws a stroke of a width.
func (c *canvas) line(fill color.RGBA, from, to point, width float64) {
	dx, dy := to.x-from.x, to.y-from.y
	n := math.Hypot(dx, dy)
	if n == 0 {
		return
	}
	ox, oy := -dy/n*width/2, dx/n*width/2
	c.polygon(fill, point{from.x + ox, from.y + oy}, point{to.x + ox, to.y + oy},
		point{to.x - ox, to.y - oy}, point{from.x - ox, from.y - oy})
}

func (c *canvas) png() []byte {
	var b bytes.Buffer
	enc := png.Encoder{CompressionLevel: png.BestSpeed}
	_ = enc.Encode(&b, c.img) // a buffer takes everything
	return b.Bytes()
}

// chance is randomness that depends on a name alone.
func chance(name string) *rand.Rand {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name))
	return rand.New(rand.NewPCG(h.Sum64(), 0x9E3779B97F4A7C15))
}

func rgb(hex uint32) color.RGBA {
	return color.RGBA{uint8(hex >> 16), uint8(hex >> 8), uint8(hex), 255}
}

// shade makes a colour darker (below 1) or lighter (above 1).
func shade(c color.RGBA, by float64) color.RGBA {
	f := func(v uint8) uint8 { return uint8(min(255, float64(v)*by)) }
	return color.RGBA{f(c.R), f(c.G), f(c.B), 255}
}

func pick[T any](r *rand.Rand, of []T) T { return of[r.IntN(len(of))] }
