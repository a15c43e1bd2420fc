package paint

import (
	"image/color"
	"math/rand/v2"
)

// side is the length of a portrait's sides in pixels.
const side = 160

var (
	grounds = []uint32{0xE8D5C4, 0xC9DDE6, 0xD6E4CF, 0xEAD9E6, 0xF1E3B8, 0xCFD6EA, 0xE6CFC9, 0xD0E5E1, 0xDDD8CE, 0xF0D2C0}
	skins   = []uint32{0xF3D3B8, 0xE8BE9A, 0xD39F76, 0xB07A50, 0x8A5A3A, 0x69432C, 0xF0CDB0, 0xC68E63}
	hairs   = []uint32{0x2B2320, 0x4B3225, 0x7A4E2B, 0xB07B3E, 0xD8B56A, 0x8E8C88, 0xC9C6C0, 0x8C3B26, 0x1D1D24}
	clothes = []uint32{0x3E5C76, 0x7D4F50, 0x4F6D5A, 0x8A6D3B, 0x5B4B8A, 0xA45A3F, 0x37474F, 0x9C7A97, 0x2F6F73, 0xB5838D}
)

// Portrait is the face of whoever has this name, as PNG.
func Portrait(name string) []byte {
	r := chance("portrait/" + name)
	c := newCanvas(side, side, rgb(pick(r, grounds)))
	skin, hair, cloth := rgb(pick(r, skins)), rgb(pick(r, hairs)), rgb(pick(r, clothes))
	style := r.IntN(8)
	wide := 33 + r.Float64()*5
	tall := 40 + r.Float64()*5
	hairBehind(c, style, hair, wide, tall)
	c.ellipse(cloth, 80, 172, 58+r.Float64()*8, 52)
	c.rect(shade(skin, 0.9), 68, 96, 24, 30)
	c.arc(shade(skin, 0.9), 80, 124, 12, 9, 0, 0.5)
	c.ellipse(skin, 80-wide, 78, 6, 9)
	c.ellipse(skin, 80+wide, 78, 6, 9)
	c.ellipse(skin, 80, 74, wide, tall)
	hairFront(c, style, hair, wide, tall)
	face(c, r, skin, hair)
	collar(c, r, cloth)
	return c.png()
}

func hairBehind(c *canvas, style int, hair color.RGBA, wide, tall float64) {
	switch style {
	case 0, 1: // long
		c.ellipse(hair, 80, 72, wide+13, tall+8)
		c.rect(hair, 80-wide-13, 72, 2*wide+26, 56)
	case 2: // bob
		c.ellipse(hair, 80, 74, wide+12, tall+6)
	case 3: // curls
		for _, p := range []point{{44, 60}, {50, 42}, {66, 30}, {84, 27}, {102, 34}, {114, 50}, {116, 68}, {44, 76}} {
			c.ellipse(hair, p.x, p.y, 17, 17)
		}
	case 4: // bun
		c.ellipse(hair, 80, 28, 17, 15)
		c.ellipse(hair, 80, 64, wide+5, tall)
	default:
		c.ellipse(hair, 80, 66, wide+4, tall+1)
	}
}

func hairFront(c *canvas, style int, hair color.RGBA, wide, tall float64) {
	switch style {
	case 0, 2: // parting
		c.polygon(hair, point{80 - wide, 72}, point{80 - wide + 5, 46}, point{72, 34}, point{94, 36}, point{66, 54})
		c.polygon(hair, point{80 + wide, 72}, point{80 + wide - 4, 48}, point{96, 36}, point{78, 36}, point{104, 52})
	case 1: // fringe
		c.arc(hair, 80, 56, wide+2, tall-18, 0.5, 1)
	case 5: // short
		c.arc(hair, 80, 58, wide+2, tall-14, 0.5, 1)
	case 6: // side
		c.polygon(hair, point{80 - wide - 1, 66}, point{80 - wide + 2, 44}, point{70, 32}, point{104, 36}, point{80 + wide, 58}, point{96, 48}, point{62, 50})
	case 7: // almost none
		c.arc(hair, 80-wide+3, 70, 6, 14, 0.25, 0.75)
		c.arc(hair, 80+wide-3, 70, 6, 14, 0.75, 1.25)
	default:
		c.arc(hair, 80, 54, wide, tall-16, 0.52, 0.98)
	}
}

func face(c *canvas, r *rand.Rand, skin, hair color.RGBA) {
	ink := rgb(0x2A2A30)
	apart := 12 + r.Float64()*3
	for _, x := range []float64{80 - apart, 80 + apart} {
		c.ellipse(rgb(0xFFFFFF), x, 76, 5.4, 3.8)
		c.ellipse(ink, x, 76, 2.7, 3)
		c.line(shade(hair, 0.85), point{x - 6, 67 + r.Float64()*2}, point{x + 6, 66.5}, 2.4)
	}
	c.polygon(shade(skin, 0.86), point{80, 76}, point{76, 89}, point{84, 89})
	switch r.IntN(3) {
	case 0:
		c.arc(rgb(0x9A4A48), 80, 96, 9, 6, 0, 0.5)
	case 1:
		c.line(rgb(0x8A4442), point{73, 98}, point{87, 97}, 2.6)
	default:
		c.arc(rgb(0xB05A55), 80, 97, 7, 4, 0, 0.5)
	}
	if r.IntN(10) < 3 { // glasses
		for _, x := range []float64{80 - apart, 80 + apart} {
			ring(c, ink, x, 76, 9.5)
		}
		c.line(ink, point{80 - apart + 9, 75}, point{80 + apart - 9, 75}, 1.8)
	}
	if r.IntN(10) < 2 { // beard
		c.arc(hair, 80, 92, 25, 25, 0.02, 0.48)
		c.arc(rgb(0xA05550), 80, 97, 7, 4, 0, 0.5)
	}
}

func ring(c *canvas, ink color.RGBA, x, y, radius float64) {
	for i := range 24 {
		a, b := turn(x, y, radius, float64(i)/24), turn(x, y, radius, float64(i+1)/24)
		c.line(ink, a, b, 1.8)
	}
}

func collar(c *canvas, r *rand.Rand, cloth color.RGBA) {
	dark := shade(cloth, 0.78)
	switch r.IntN(3) {
	case 0:
		c.polygon(dark, point{66, 121}, point{80, 140}, point{58, 134})
		c.polygon(dark, point{94, 121}, point{80, 140}, point{102, 134})
	case 1:
		c.ellipse(dark, 80, 125, 17, 6)
	}
}

// Emblem is the sign of an organisation, as PNG.
func Emblem(name string) []byte {
	r := chance("emblem/" + name)
	back := rgb(pick(r, clothes))
	c := newCanvas(side, side, back)
	light := shade(back, 1.9)
	pale := rgb(0xF6F1E7)
	switch r.IntN(4) {
	case 0: // a gate
		c.rect(pale, 44, 62, 72, 58)
		c.polygon(pale, point{36, 62}, point{80, 32}, point{124, 62})
		c.rect(back, 71, 88, 18, 32)
	case 1: // waves under a sun
		c.ellipse(pale, 80, 62, 24, 24)
		for i := range 3 {
			c.arc(light, 52, 100+14*float64(i), 26, 9, 0.5, 1)
			c.arc(light, 104, 100+14*float64(i), 26, 9, 0.5, 1)
		}
	case 2: // an open book
		c.polygon(pale, point{78, 56}, point{78, 116}, point{34, 106}, point{34, 46})
		c.polygon(light, point{82, 56}, point{82, 116}, point{126, 106}, point{126, 46})
	default: // a tree
		c.rect(light, 75, 84, 10, 40)
		for _, p := range []point{{80, 56}, {60, 74}, {100, 74}, {80, 80}} {
			c.ellipse(pale, p.x, p.y, 20, 20)
		}
	}
	return c.png()
}
