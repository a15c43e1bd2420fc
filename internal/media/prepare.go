package media

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"

	"golang.org/x/image/draw"
	"golang.org/x/image/webp"
)

// Prepare makes a picture fit to be kept and shown: JPEG, PNG, GIF or WebP by
// its bytes, turned upright, scaled down where Limits say so, and encoded anew,
// so that nothing but the picture is left of it. Photographs become JPEG, what
// has transparency or was PNG stays PNG, a moving GIF stays GIF.
//
// Problems: media.too_large, media.too_many_pixels, media.too_many_frames,
// media.unknown_type, media.broken. Uses a lot of processor and up to some eight bytes of memory for
// each pixel: never call it in a transaction, nor many at once.
func Prepare(b []byte, l Limits) (Prepared, error) {
	if int64(len(b)) > l.bytes() {
		return Prepared{}, tooLarge(l.bytes())
	}
	_, mime := sniff(b)
	if mime == "image/gif" {
		return prepareGIF(b, l)
	}
	img, err := decode(b, mime, l)
	if err != nil {
		return Prepared{}, err
	}
	return finish(img, orientation(b, mime), mime == "image/png", l)
}

// finish scales, turns and encodes a decoded picture, and its thumbnail.
func finish(img image.Image, turn int, lossless bool, l Limits) (Prepared, error) {
	whole := turned(fit(img, l.Edge), turn)
	p, err := encode(whole, lossless, l.Out)
	if err != nil {
		return Prepared{}, err
	}
	return withThumb(p, whole, l)
}

func withThumb(p Prepared, whole image.Image, l Limits) (Prepared, error) {
	if l.Thumb <= 0 {
		return p, nil
	}
	thumb, err := encode(fit(whole, l.Thumb), false, 0)
	if err != nil {
		return Prepared{}, err
	}
	p.Thumb = &thumb
	return p, nil
}

// decode unpacks a still picture once its header has shown that it may be.
func decode(b []byte, mime string, l Limits) (image.Image, error) {
	var head func([]byte) (image.Config, error)
	var body func([]byte) (image.Image, error)
	switch mime {
	case "image/jpeg":
		if bytes.Count(b, []byte{0xFF, 0xDA}) > maxScans {
			return nil, broken(fmt.Errorf("more than %d scans", maxScans))
		}
		head = func(b []byte) (image.Config, error) { return jpeg.DecodeConfig(bytes.NewReader(b)) }
		body = func(b []byte) (image.Image, error) { return jpeg.Decode(bytes.NewReader(b)) }
	case "image/png":
		head = func(b []byte) (image.Config, error) { return png.DecodeConfig(bytes.NewReader(b)) }
		body = func(b []byte) (image.Image, error) { return png.Decode(bytes.NewReader(b)) }
	case "image/webp":
		head = func(b []byte) (image.Config, error) { return webp.DecodeConfig(bytes.NewReader(b)) }
		body = func(b []byte) (image.Image, error) { return webp.Decode(bytes.NewReader(b)) }
	default:
		return nil, unknownType()
	}
	c, err := head(b)
	if err != nil {
		return nil, broken(err)
	}
	if err := checkSize(c, l); err != nil {
		return nil, err
	}
	img, err := body(b)
	if err != nil {
		return nil, broken(err)
	}
	return img, nil
}

// maxScans bounds the passes of a progressive JPEG. A dozen are usual; each
// costs time for the whole picture and hardly a byte.
const maxScans = 100

func checkSize(c image.Config, l Limits) error {
	limit := l.pixels()
	switch c.ColorModel {
	case color.RGBA64Model, color.NRGBA64Model:
		limit /= 2 // sixteen bits for each colour need twice the memory
	}
	if c.Width <= 0 || c.Height <= 0 {
		return broken(fmt.Errorf("%d×%d pixels", c.Width, c.Height))
	}
	if c.Width > limit || c.Height > limit/c.Width {
		return tooManyPixels(limit)
	}
	return nil
}

// encode writes a picture in the format that keeps what it has, within limit
// bytes if that is not 0: first by stronger compression, then by making it
// smaller. Below 16 pixels it gives in.
func encode(img image.Image, lossless bool, limit int64) (Prepared, error) {
	keepPNG := lossless
	for {
		p, err := encodeAt(img, keepPNG, limit)
		long := max(p.Width, p.Height)
		if err != nil || limit <= 0 || p.Size <= limit || long <= 16 {
			return p, err
		}
		// A photograph kept as PNG for its own sake becomes a JPEG before it shrinks.
		if keepPNG && opaque(img) {
			keepPNG = false
			continue
		}
		img = fit(img, long*3/4)
	}
}

// encodeAt encodes at the size it has, as well as fits into limit bytes.
func encodeAt(img image.Image, keepPNG bool, limit int64) (p Prepared, err error) {
	if keepPNG || !opaque(img) {
		return encodePNG(img)
	}
	img = fit(img, maxJPEG)
	for _, quality := range []int{88, 76, 64} {
		p, err = encodeJPEG(img, quality)
		if err != nil || limit <= 0 || p.Size <= limit {
			break
		}
	}
	return p, err
}

// maxJPEG is the longest side that JPEG can tell.
const maxJPEG = 65535

func encodeJPEG(img image.Image, quality int) (Prepared, error) {
	var w bytes.Buffer
	if err := jpeg.Encode(&w, img, &jpeg.Options{Quality: quality}); err != nil {
		return Prepared{}, fmt.Errorf("encoding JPEG: %w", err)
	}
	return prepared(Image, "image/jpeg", w.Bytes(), img.Bounds().Dx(), img.Bounds().Dy()), nil
}

func encodePNG(img image.Image) (Prepared, error) {
	var w bytes.Buffer
	if err := png.Encode(&w, eightBit(img)); err != nil {
		return Prepared{}, fmt.Errorf("encoding PNG: %w", err)
	}
	return prepared(Image, "image/png", w.Bytes(), img.Bounds().Dx(), img.Bounds().Dy()), nil
}

// eightBit halves what no screen shows.
func eightBit(img image.Image) image.Image {
	switch img.(type) {
	case *image.RGBA64, *image.NRGBA64, *image.Gray16:
		out := image.NewNRGBA(img.Bounds())
		draw.Draw(out, out.Bounds(), img, img.Bounds().Min, draw.Src)
		return out
	}
	return img
}

func opaque(img image.Image) bool {
	o, ok := img.(interface{ Opaque() bool })
	return ok && o.Opaque()
}

// maxFrames bounds the pictures of a GIF that moves: each takes some fourteen
// thousand bytes of memory, however few pixels it has.
const maxFrames = 1000

// prepareGIF keeps the movement of a GIF, or its first picture.
func prepareGIF(b []byte, l Limits) (Prepared, error) {
	c, err := gif.DecodeConfig(bytes.NewReader(b))
	if err != nil {
		return Prepared{}, broken(err)
	}
	if err := checkSize(c, l); err != nil {
		return Prepared{}, err
	}
	frames, area, err := gifFrames(b)
	if err != nil {
		return Prepared{}, broken(err)
	}
	if !l.Animate || frames == 1 {
		first, err := gif.Decode(bytes.NewReader(b))
		if err != nil {
			return Prepared{}, broken(err)
		}
		return finish(onScreen(first, c), 1, true, l)
	}
	if frames > maxFrames {
		return Prepared{}, tooManyFrames()
	}
	if area > int64(l.pixels()) {
		return Prepared{}, tooManyPixels(l.pixels())
	}
	all, err := gif.DecodeAll(bytes.NewReader(b))
	if err != nil {
		return Prepared{}, broken(err)
	}
	var w bytes.Buffer
	if err := gif.EncodeAll(&w, all); err != nil {
		return Prepared{}, broken(fmt.Errorf("encoding GIF: %w", err))
	}
	return withThumb(prepared(Image, "image/gif", w.Bytes(), c.Width, c.Height), onScreen(all.Image[0], c), l)
}

// onScreen puts a frame, which may cover a part only, where it belongs.
func onScreen(frame image.Image, c image.Config) image.Image {
	screen := image.Rect(0, 0, c.Width, c.Height)
	if frame.Bounds() == screen {
		return frame
	}
	out := image.NewNRGBA(screen)
	draw.Draw(out, frame.Bounds(), frame, frame.Bounds().Min, draw.Src)
	return out
}
