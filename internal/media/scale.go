package media

import (
	"image"

	"golang.org/x/image/draw"
)

// fit scales a picture down so that its longer side is at most edge. Smaller
// pictures, and an edge of 0, come back as they are.
func fit(img image.Image, edge int) image.Image {
	w, h := img.Bounds().Dx(), img.Bounds().Dy()
	long := max(w, h)
	if edge <= 0 || long <= edge {
		return img
	}
	dw, dh := max(1, w*edge/long), max(1, h*edge/long)
	// First whole blocks of pixels are averaged, then what is left, less than a
	// halving, is interpolated. Kernels that do both at once keep 32 bytes for
	// each pixel of a strip as wide as the result and as high as the source.
	if n := long / edge; n > 1 {
		img = average(img, n)
	}
	out := image.NewRGBA(image.Rect(0, 0, dw, dh))
	draw.ApproxBiLinear.Scale(out, out.Bounds(), img, img.Bounds(), draw.Src, nil)
	return out
}

// average makes one pixel of every n×n. A rest at the right or lower border
// makes a pixel of its own.
func average(img image.Image, n int) *image.RGBA {
	b := img.Bounds()
	out := image.NewRGBA(image.Rect(0, 0, (b.Dx()+n-1)/n, (b.Dy()+n-1)/n))
	strip := image.NewRGBA(image.Rect(0, 0, b.Dx(), min(n, b.Dy())))
	for y := 0; y < out.Rect.Dy(); y++ {
		rows := min(n, b.Dy()-y*n)
		area := image.Rect(0, 0, b.Dx(), rows)
		draw.Draw(strip, area, img, image.Pt(b.Min.X, b.Min.Y+y*n), draw.Src)
		for x := 0; x < out.Rect.Dx(); x++ {
			cols := min(n, b.Dx()-x*n)
			blend(out.Pix[out.PixOffset(x, y):], strip, x*n, cols, rows)
		}
	}
	return out
}

// blend writes the mean of cols×rows pixels of strip, from x on, to the four
// bytes of to. Colours are premultiplied, so that what cannot be seen does not
// shine through.
func blend(to []uint8, strip *image.RGBA, x, cols, rows int) {
	var sum [4]uint64
	for r := range rows {
		line := strip.Pix[strip.PixOffset(x, r):]
		for c := range cols {
			for i := range sum {
				sum[i] += uint64(line[4*c+i])
			}
		}
	}
	n := uint64(cols * rows)
	for i := range sum {
		to[i] = uint8((sum[i] + n/2) / n)
	}
}

// turned applies an EXIF orientation (CIPA DC-008, section 4.6.4): 1 is upright,
// 2 to 8 are the mirrored and rotated ones.
func turned(img image.Image, orientation int) image.Image {
	if orientation < 2 || orientation > 8 {
		return img
	}
	b := img.Bounds()
	src := image.NewRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	draw.Draw(src, src.Bounds(), img, b.Min, draw.Src)
	w, h := b.Dx(), b.Dy()
	dw, dh := w, h
	if orientation >= 5 {
		dw, dh = h, w
	}
	out := image.NewRGBA(image.Rect(0, 0, dw, dh))
	for y := range h {
		for x := range w {
			tx, ty := place(orientation, x, y, w, h)
			copy(out.Pix[out.PixOffset(tx, ty):][:4], src.Pix[src.PixOffset(x, y):][:4])
		}
	}
	return out
}

// place is where the pixel at x, y of a w×h picture goes.
func place(orientation, x, y, w, h int) (int, int) {
	switch orientation {
	case 2:
		return w - 1 - x, y
	case 3:
		return w - 1 - x, h - 1 - y
	case 4:
		return x, h - 1 - y
	case 5:
		return y, x
	case 6:
		return h - 1 - y, x
	case 7:
		return h - 1 - y, w - 1 - x
	default:
		return y, w - 1 - x
	}
}
