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
	"math/rand/v2"
	"strings"
	"testing"

	"parley/internal/i18n"
	"parley/internal/media"
	"parley/internal/problem"
)

func open(t testing.TB, p media.Prepared) image.Image {
	t.Helper()
	img, _, err := image.Decode(bytes.NewReader(p.Bytes))
	if err != nil {
		t.Fatalf("opening the result: %v", err)
	}
	if img.Bounds().Dx() != p.Width || img.Bounds().Dy() != p.Height {
		t.Errorf("%v, but described as %d×%d", img.Bounds(), p.Width, p.Height)
	}
	if p.Digest != media.Sum(p.Bytes) || p.Size != int64(len(p.Bytes)) {
		t.Error("digest or size is wrong")
	}
	return img
}

func TestPrepareKeepsOnlyThePicture(t *testing.T) {
	t.Parallel()
	place := exif(binary.BigEndian, 1)
	half := quarters(40, 20)
	half.SetNRGBA(0, 0, color.NRGBA{})
	for name, c := range map[string]struct {
		in   []byte
		mime string
	}{
		"JPEG":                {jpegWithExif(asJPEG(t, quarters(40, 20)), place), "image/jpeg"},
		"PNG":                 {pngWithChunk(asPNG(t, quarters(40, 20)), "tEXt", []byte("Comment\x00"+secret)), "image/png"},
		"PNG with eXIf":       {pngWithChunk(asPNG(t, quarters(40, 20)), "eXIf", place), "image/png"},
		"transparent PNG":     {pngWithChunk(asPNG(t, half), "eXIf", place), "image/png"},
		"GIF":                 {asGIF(t, 1), "image/png"},
		"WebP":                {riff(asWebP(40, 20, corners[0])[12:], chunkOf("EXIF", place)), "image/jpeg"},
		"transparent WebP":    {asWebP(40, 20, color.NRGBA{0, 0, 220, 100}), "image/png"},
		"bytes after the end": {append(asJPEG(t, quarters(40, 20)), "<script>"+secret...), "image/jpeg"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := media.Prepare(c.in, media.Limits{Thumb: 10})
			if err != nil {
				t.Fatal(err)
			}
			if open(t, p); p.MIME != c.mime || p.Kind != media.Image || p.Width != 40 || p.Height != 20 {
				t.Errorf("%s %s %d×%d", p.Kind, p.MIME, p.Width, p.Height)
			}
			if open(t, *p.Thumb); p.Thumb.Width != 10 || p.Thumb.Height != 5 {
				t.Errorf("the thumbnail is %d×%d", p.Thumb.Width, p.Thumb.Height)
			}
			for _, b := range [][]byte{p.Bytes, p.Thumb.Bytes} {
				if bytes.Contains(b, []byte(secret)) || bytes.Contains(b, []byte("Exif")) || bytes.Contains(b, []byte("script")) {
					t.Error("more than the picture was kept")
				}
			}
		})
	}
}

// TestPrepareTurns follows the table of CIPA DC-008: what the camera stored at the
// top left, top right and so on, and where people saw it.
func TestPrepareTurns(t *testing.T) {
	t.Parallel()
	for orientation, want := range map[int][4]int{
		0: {0, 1, 2, 3}, 1: {0, 1, 2, 3}, 9: {0, 1, 2, 3},
		2: {1, 0, 3, 2},
		3: {2, 3, 0, 1},
		4: {3, 2, 1, 0},
		5: {0, 3, 2, 1},
		6: {3, 0, 1, 2},
		7: {2, 1, 0, 3},
		8: {1, 2, 3, 0},
	} {
		for name, in := range map[string][]byte{
			"JPEG, big endian":    jpegWithExif(asJPEG(t, quarters(64, 32)), exif(binary.BigEndian, orientation)),
			"JPEG, little endian": jpegWithExif(asJPEG(t, quarters(64, 32)), exif(binary.LittleEndian, orientation)),
			"PNG":                 pngWithChunk(asPNG(t, quarters(64, 32)), "eXIf", exif(binary.BigEndian, orientation)),
		} {
			for _, edge := range []int{0, 32} {
				p, err := media.Prepare(in, media.Limits{Edge: edge})
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				if got := seen(open(t, p)); got != want {
					t.Errorf("%s, orientation %d: %v, want %v", name, orientation, got, want)
				}
				if tall := orientation >= 5 && orientation <= 8; tall != (p.Height == 2*p.Width) {
					t.Errorf("%s, orientation %d: %d×%d", name, orientation, p.Width, p.Height)
				}
			}
		}
	}
}

func TestPrepareScales(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ w, h, edge, wantW, wantH int }{
		{400, 200, 100, 100, 50},
		{200, 400, 100, 50, 100},
		{400, 200, 399, 399, 199},
		{400, 200, 130, 130, 65},
		{400, 200, 400, 400, 200},
		{40, 20, 100, 40, 20},
		{5000, 3, 100, 100, 1},
		{3, 5000, 7, 1, 7},
		{1_000_000, 1, 10, 10, 1}, // blocks far higher than the picture
	} {
		p, err := media.Prepare(asPNG(t, quarters(c.w, c.h)), media.Limits{Edge: c.edge})
		if err != nil {
			t.Fatal(err)
		}
		if p.Width != c.wantW || p.Height != c.wantH {
			t.Errorf("%d×%d to %d: %d×%d, want %d×%d", c.w, c.h, c.edge, p.Width, p.Height, c.wantW, c.wantH)
		}
		if img := open(t, p); c.wantW > 8 && c.wantH > 8 && seen(img) != [4]int{0, 1, 2, 3} {
			t.Errorf("%d×%d to %d shows %v", c.w, c.h, c.edge, seen(img))
		}
	}
}

func TestPrepareFitsBytes(t *testing.T) {
	t.Parallel()
	noise := image.NewNRGBA(image.Rect(0, 0, 300, 300))
	r := rand.New(rand.NewPCG(1, 2))
	for i := range noise.Pix {
		noise.Pix[i] = byte(r.Uint32())
	}
	clear := image.NewNRGBA(noise.Rect)
	copy(clear.Pix, noise.Pix)
	for i := 3; i < len(noise.Pix); i += 4 {
		noise.Pix[i] = 255
	}
	for name, img := range map[string]image.Image{"opaque": noise, "transparent": clear} {
		for _, out := range []int64{200_000, 60_000, 20_000, 5_000} {
			for _, in := range [][]byte{asPNG(t, img), asJPEG(t, img)} {
				p, err := media.Prepare(in, media.Limits{Out: out})
				if err != nil {
					t.Fatal(err)
				}
				if open(t, p); p.Size > out {
					t.Errorf("%s: %d bytes, more than %d", name, p.Size, out)
				}
			}
		}
	}
}

func TestPrepareGIF(t *testing.T) {
	t.Parallel()
	p, err := media.Prepare(asGIF(t, 4), media.Limits{Animate: true, Thumb: 20, Edge: 5})
	if err != nil {
		t.Fatal(err)
	}
	if p.MIME != "image/gif" || p.Width != 40 || p.Height != 20 || p.Thumb.Width != 20 {
		t.Errorf("%s %d×%d, thumbnail %d", p.MIME, p.Width, p.Height, p.Thumb.Width)
	}
	g, err := gif.DecodeAll(bytes.NewReader(p.Bytes))
	if err != nil || len(g.Image) != 4 || g.LoopCount != 3 || g.Delay[0] != 10 {
		t.Errorf("%d frames, %v", len(g.Image), err)
	}
	if bytes.Contains(p.Bytes, []byte(secret)) {
		t.Error("the comment was kept")
	}
	p, err = media.Prepare(asGIF(t, 4), media.Limits{})
	if err != nil || p.MIME != "image/png" {
		t.Fatalf("a still: %s, %v", p.MIME, err)
	}
	img := open(t, p)
	if _, _, _, a := img.At(0, 0).RGBA(); a != 0 {
		t.Error("what the first frame leaves open is not transparent")
	}
	if r, _, _, a := img.At(20, 10).RGBA(); a == 0 || !near(r, 220<<8) {
		t.Error("the first frame is not in its place")
	}
}

func TestPrepareRefuses(t *testing.T) {
	t.Parallel()
	bomb := asPNG(t, quarters(4, 4))
	binary.BigEndian.PutUint32(bomb[16:], 100_000)
	binary.BigEndian.PutUint32(bomb[20:], 100_000)
	fixCRC(bomb)
	thin := asPNG(t, quarters(4, 4))
	binary.BigEndian.PutUint32(thin[16:], 1<<31-1)
	fixCRC(thin)
	deep := asPNG(t, image.NewNRGBA64(image.Rect(0, 0, 1000, 600)))
	photo := asJPEG(t, quarters(400, 400))
	scans := append(photo[:len(photo)-2:len(photo)-2], bytes.Repeat([]byte{0xFF, 0xDA, 0, 2}, 200)...)
	for name, c := range map[string]struct {
		in     []byte
		limits media.Limits
		code   string
	}{
		"nothing":           {nil, media.Limits{}, "media.unknown_type"},
		"words":             {[]byte("not a picture at all"), media.Limits{}, "media.unknown_type"},
		"SVG":               {[]byte(`<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>`), media.Limits{}, "media.unknown_type"},
		"HTML":              {[]byte("<!doctype html><script>"), media.Limits{}, "media.unknown_type"},
		"HEIC":              {[]byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00heicmif1"), media.Limits{}, "media.unknown_type"},
		"BMP":               {[]byte("BM\x00\x00\x00\x00\x00\x00\x00\x00"), media.Limits{}, "media.unknown_type"},
		"too many bytes":    {photo, media.Limits{Bytes: 1000}, "media.too_large"},
		"too many pixels":   {photo, media.Limits{Pixels: 159_999}, "media.too_many_pixels"},
		"bomb":              {bomb, media.Limits{}, "media.too_many_pixels"},
		"thin bomb":         {thin, media.Limits{}, "media.too_many_pixels"},
		"deep colour":       {deep, media.Limits{Pixels: 1_000_000}, "media.too_many_pixels"},
		"WebP bomb":         {asWebP(16384, 16384, corners[0]), media.Limits{}, "media.too_many_pixels"},
		"GIF screen":        {gifBomb(1), media.Limits{}, "media.too_many_pixels"},
		"GIF of many":       {asGIF(t, 100), media.Limits{Animate: true, Pixels: 19_999}, "media.too_many_pixels"},
		"GIF of very many":  {manyDots(1001), media.Limits{Animate: true}, "media.too_many_frames"},
		"many scans":        {scans, media.Limits{}, "media.broken"},
		"half a JPEG":       {photo[:len(photo)/2], media.Limits{}, "media.broken"},
		"half a PNG":        {asPNG(t, quarters(400, 400))[:60], media.Limits{}, "media.broken"},
		"half a GIF":        {asGIF(t, 1)[:30], media.Limits{}, "media.broken"},
		"head of a GIF":     {[]byte("GIF89a"), media.Limits{}, "media.broken"},
		"head of a JPEG":    {[]byte("\xff\xd8\xff"), media.Limits{}, "media.broken"},
		"head of a PNG":     {[]byte("\x89PNG\r\n\x1a\n"), media.Limits{}, "media.broken"},
		"head of a WebP":    {[]byte("RIFF\x04\x00\x00\x00WEBP"), media.Limits{}, "media.broken"},
		"a GIF of nonsense": {[]byte("GIF89a\x01\x00\x01\x00\x00\x00\x00nonsense"), media.Limits{}, "media.broken"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := media.Prepare(c.in, c.limits)
			if !problem.Is(err, c.code) {
				t.Errorf("%v, want %s", err, c.code)
			}
		})
	}
	if _, err := media.Prepare(asPNG(t, image.NewNRGBA64(image.Rect(0, 0, 100, 60))), media.Limits{}); err != nil {
		t.Errorf("sixteen bits: %v", err)
	}
	if _, err := media.Prepare(photo, media.Limits{Pixels: 160_000}); err != nil {
		t.Errorf("just enough pixels: %v", err)
	}
	if p, err := media.Prepare(manyDots(1000), media.Limits{Animate: true}); err != nil || p.MIME != "image/gif" {
		t.Errorf("just enough pictures: %s, %v", p.MIME, err)
	}
	if p, err := media.Prepare(manyDots(1001), media.Limits{}); err != nil || p.MIME != "image/png" {
		t.Errorf("the first of very many: %s, %v", p.MIME, err)
	}
}

// fixCRC makes a changed PNG header valid again.
func fixCRC(b []byte) { binary.BigEndian.PutUint32(b[29:], crc32.ChecksumIEEE(b[12:29])) }

// gifBomb is a screen of 65,535 pixels squared with hardly anything on it.
func gifBomb(frames int) []byte {
	b := []byte("GIF89a\xff\xff\xff\xff\x00\x00\x00")
	for range frames {
		b = append(b, 0x2C, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0, 2, 1, 0, 0)
	}
	return append(b, 0x3B)
}

// manyDots is a GIF of n pictures of one pixel, which take hardly a byte each.
func manyDots(n int) []byte {
	b := []byte("GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff")
	for range n {
		b = append(b, 0x2C, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x44, 1, 0)
	}
	return append(b, 0x3B)
}

func TestRead(t *testing.T) {
	t.Parallel()
	p, err := media.Read(bytes.NewReader(asJPEG(t, quarters(40, 20))), media.Upload())
	if err != nil || p.Kind != media.Image || p.Thumb == nil {
		t.Errorf("a picture: %+v, %v", p.Media, err)
	}
	film := append([]byte("\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"), make([]byte, 1000)...)
	p, err = media.Read(bytes.NewReader(film), media.Limits{})
	if err != nil || p.Kind != media.Video || p.MIME != "video/mp4" || !bytes.Equal(p.Bytes, film) {
		t.Errorf("a film: %+v, %v", p.Media, err)
	}
	if _, err = media.Read(bytes.NewReader(film), media.Limits{Bytes: 1000}); !problem.Is(err, "media.too_large") {
		t.Errorf("a long film: %v", err)
	}
	if _, err = media.Read(strings.NewReader("%PDF-1.7"), media.Limits{}); !problem.Is(err, "media.unknown_type") {
		t.Errorf("a document: %v", err)
	}
}

func TestSentencesExist(t *testing.T) {
	t.Parallel()
	if _, err := i18n.NewBundle(media.Catalogue); err != nil {
		t.Fatal(err)
	}
	b, err := media.Catalogue.ReadFile("catalogue/en.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, code := range []string{"too_large", "too_many_pixels", "too_many_frames", "unknown_type", "broken", "not_found"} {
		for _, key := range []string{`"problem.media.` + code + `"`, `"problem.media.` + code + `.next"`} {
			if !bytes.Contains(b, []byte(key)) {
				t.Errorf("no %s", key)
			}
		}
	}
}

func FuzzPrepare(f *testing.F) {
	f.Add(jpegWithExif(asJPEG(f, quarters(8, 4)), exif(binary.BigEndian, 6)), true)
	f.Add(pngWithChunk(asPNG(f, quarters(8, 4)), "eXIf", exif(binary.LittleEndian, 3)), false)
	f.Add(asGIF(f, 2), true)
	f.Add(asWebP(3, 3, color.NRGBA{1, 2, 3, 4}), false)
	f.Add(gifBomb(3), true)
	f.Fuzz(func(t *testing.T, b []byte, animate bool) {
		p, err := media.Prepare(b, media.Limits{Pixels: 100_000, Edge: 100, Out: 5000, Thumb: 20, Animate: animate})
		if err != nil {
			var known *problem.Problem
			if known = problem.Of(err); known.Kind != problem.Invalid {
				t.Fatalf("%v is no refusal", err)
			}
			return
		}
		if p.MIME != "image/gif" && max(p.Width, p.Height) > 100 {
			t.Fatalf("%d×%d", p.Width, p.Height)
		}
		var again image.Image
		switch p.MIME {
		case "image/jpeg":
			again, err = jpeg.Decode(bytes.NewReader(p.Bytes))
		case "image/png":
			again, err = png.Decode(bytes.NewReader(p.Bytes))
		case "image/gif":
			again, err = gif.Decode(bytes.NewReader(p.Bytes))
		default:
			t.Fatalf("made %s", p.MIME)
		}
		if err != nil || p.MIME != "image/gif" && (again.Bounds().Dx() != p.Width || again.Bounds().Dy() != p.Height) {
			t.Fatalf("the result cannot be opened: %v", err)
		}
	})
}
