package paint

import (
	"math"
	"math/rand/v2"
	"slices"
)

func turn(x, y, radius, t float64) point {
	return point{x + radius*math.Cos(2*math.Pi*t), y + radius*math.Sin(2*math.Pi*t)}
}

// Size of a scene in pixels.
const (
	Width  = 640
	Height = 400
)

// scenes are what can be photographed.
var scenes = map[string]func(*canvas, *rand.Rand){
	"pothole": pothole, "bus": bus, "scarf": scarf, "bin": bin, "flood": flood, "lamp": lamp, "tree": tree, "notice": notice,
}

// Scenes lists what Scene can draw.
func Scenes() []string {
	names := make([]string, 0, len(scenes))
	for n := range scenes {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// IsScene reports whether Scene can draw it.
func IsScene(name string) bool { return scenes[name] != nil }

// Scene is a picture of that kind, as PNG; one of nothing in particular for a
// kind that is not known.
func Scene(name, seed string) []byte {
	r := chance("scene/" + name + "/" + seed)
	skies := []uint32{0xB9CCD8, 0xC7D3C9, 0xD9CDBB, 0xAEB7C2, 0xCBD9E4}
	c := newCanvas(Width, Height, rgb(pick(r, skies)))
	if f := scenes[name]; f != nil {
		f(c, r)
	}
	return c.png()
}

// street is a row of houses and a road from y down.
func street(c *canvas, r *rand.Rand, y float64) {
	walls := []uint32{0xB56B52, 0xC9A27E, 0xD8C3A5, 0x8E9AA0, 0xA8886B, 0xBFB6A2}
	for x := -20.0; x < c.w; {
		w := 90 + r.Float64()*70
		h := 110 + r.Float64()*70
		wall := rgb(pick(r, walls))
		c.rect(wall, x, y-h, w, h)
		c.polygon(shade(wall, 0.6), point{x - 4, y - h}, point{x + w/2, y - h - 34}, point{x + w + 4, y - h})
		for wx := x + 14; wx < x+w-22; wx += 34 {
			for wy := y - h + 18; wy < y-40; wy += 44 {
				c.rect(rgb(0xE9EEF0), wx, wy, 18, 24)
			}
		}
		x += w
	}
	c.rect(rgb(0x6C6F73), 0, y, c.w, c.h-y)
	c.rect(rgb(0xA9A59C), 0, y, c.w, 14)
}

func pothole(c *canvas, r *rand.Rand) {
	street(c, r, 190)
	x, y := 240+r.Float64()*160, 300+r.Float64()*30
	size := 60 + r.Float64()*40
	c.ellipse(rgb(0x57595C), x, y, size*1.25, size*0.5)
	c.ellipse(rgb(0x2F3032), x, y+4, size, size*0.36)
	c.ellipse(rgb(0x7C8A93), x-8, y+12, size*0.6, size*0.16)
	for range 14 {
		a := turn(x, y, size*1.4, r.Float64())
		c.ellipse(rgb(0x8B8A86), a.x, y+(a.y-y)*0.45, 3+r.Float64()*4, 2+r.Float64()*2)
	}
}

func bus(c *canvas, r *rand.Rand) {
	street(c, r, 230)
	body := rgb(pick(r, []uint32{0xC4412F, 0x2E6E8E, 0x3F7D4E, 0xE0A526}))
	x := 120 + r.Float64()*90
	c.rect(body, x, 170, 340, 130)
	c.rect(shade(body, 0.75), x, 270, 340, 30)
	for i := range 5 {
		c.rect(rgb(0xDCE8EE), x+18+float64(i)*58, 188, 46, 44)
	}
	c.rect(rgb(0x22262B), x+300, 180, 34, 14)
	for _, wx := range []float64{x + 70, x + 270} {
		c.ellipse(rgb(0x1F2023), wx, 300, 27, 27)
		c.ellipse(rgb(0xB5B7BA), wx, 300, 12, 12)
	}
}

func scarf(c *canvas, r *rand.Rand) {
	c.rect(rgb(0x8A6A48), 0, 230, c.w, 170)
	for i := range 4 {
		c.rect(rgb(0x765939), 0, 262+float64(i)*40, c.w, 4)
	}
	wool := rgb(pick(r, []uint32{0xB0413E, 0x3F6C8F, 0x5A7D49, 0x8B5FA3, 0xD79A2B}))
	stripe := shade(wool, 1.5)
	for i := range 26 {
		x := 140 + float64(i)*14
		y := 285 + 34*math.Sin(float64(i)/3+r.Float64()*0.1)
		fill := wool
		if i%4 == 0 {
			fill = stripe
		}
		c.ellipse(fill, x, y, 17, 30)
	}
	for i := range 7 {
		c.line(wool, point{496, 262 + float64(i)*9}, point{530, 258 + float64(i)*11}, 3)
	}
}

func bin(c *canvas, r *rand.Rand) {
	street(c, r, 240)
	colour := rgb(pick(r, []uint32{0x2F5D43, 0x3B4A57, 0x5B4636, 0x27496D}))
	x := 230 + r.Float64()*80
	c.polygon(colour, point{x, 190}, point{x + 130, 190}, point{x + 118, 350}, point{x + 12, 350})
	c.polygon(shade(colour, 0.75), point{x - 8, 176}, point{x + 100, 150}, point{x + 138, 172}, point{x + 138, 190}, point{x - 8, 190})
	for i := range 6 {
		c.ellipse(rgb(pick(r, []uint32{0xEDEAE2, 0xD8D2C0, 0x232326, 0xE4C78A})), x+14+float64(i)*20, 178-r.Float64()*26, 18, 14)
	}
	c.ellipse(rgb(0x1F2124), x+168+r.Float64()*30, 338, 34, 22)
}

func flood(c *canvas, r *rand.Rand) {
	c.rect(rgb(0x7D7A74), 0, 0, c.w, c.h)
	c.rect(rgb(0x3A3B3E), 130, 90, 380, 310)
	c.arc(rgb(0x3A3B3E), 320, 92, 190, 70, 0.5, 1)
	level := 250 + r.Float64()*50
	c.rect(rgb(0x5A7686), 0, level, c.w, c.h-level)
	for i := range 8 {
		y := level + 10 + float64(i)*16
		c.ellipse(rgb(0x7F9AA8), 80+r.Float64()*480, y, 60+r.Float64()*50, 2.4)
	}
	c.polygon(rgb(0xE2B93B), point{90, level - 4}, point{120, level - 64}, point{150, level - 4})
	c.rect(rgb(0x30302E), 117, level-44, 6, 22)
}

func lamp(c *canvas, r *rand.Rand) {
	c.rect(rgb(0x27303F), 0, 0, c.w, c.h)
	for range 30 {
		c.ellipse(rgb(0xC9D3E4), r.Float64()*c.w, r.Float64()*180, 1.4, 1.4)
	}
	c.rect(rgb(0x1A202B), 0, 290, c.w, 110)
	x := 250 + r.Float64()*140
	c.rect(rgb(0x10141B), x, 110, 9, 200)
	c.line(rgb(0x10141B), point{x + 4, 114}, point{x + 64, 96}, 7)
	c.ellipse(rgb(0x3B4351), x+72, 100, 20, 9)
	c.polygon(rgb(0x343F52), point{20, 290}, point{20, 190}, point{130, 150}, point{190, 190}, point{190, 290})
	c.rect(rgb(0xE8C973), 62, 214, 24, 30)
}

func tree(c *canvas, r *rand.Rand) {
	street(c, r, 220)
	x := 180 + r.Float64()*120
	c.line(rgb(0x5A4330), point{x, 320}, point{x + 260, 268}, 34)
	for range 16 {
		c.ellipse(rgb(pick(r, []uint32{0x4E7A46, 0x5F8B4C, 0x3F6A3D})), x+220+r.Float64()*120, 210+r.Float64()*90, 30, 22)
	}
	c.polygon(rgb(0xD7B98B), point{x - 16, 332}, point{x + 14, 300}, point{x + 22, 318}, point{x + 4, 338})
}

func notice(c *canvas, r *rand.Rand) {
	c.rect(rgb(0xA98B66), 0, 0, c.w, c.h)
	x, y := 190+r.Float64()*40, 50.0
	c.polygon(rgb(0xF7F4EC), point{x, y}, point{x + 230, y + 8}, point{x + 222, y + 300}, point{x - 8, y + 292})
	c.rect(rgb(0x9B3B34), x+24, y+34, 170, 18)
	for i := range 8 {
		c.rect(rgb(0x55565A), x+24, y+80+float64(i)*24, 110+r.Float64()*70, 7)
	}
	c.ellipse(rgb(0xB33A3A), x+112, y+12, 8, 8)
}
