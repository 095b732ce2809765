package chart

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"strings"
	"sync"

	"golang.org/x/image/font"
	"golang.org/x/image/math/fixed"
)

// SVG writes the chart as one svg element with nothing in it but shapes and
// text.
func (c *Chart) SVG() string {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" role="img" aria-label="%s">`+"\n",
		c.Width, c.Height, c.Width, c.Height, xmlText.Replace(clean(c.Alt)))
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="%s"/>`+"\n", c.Width, c.Height, hex(paper))
	for _, r := range c.rects {
		fmt.Fprintf(&b, `<rect x="%d" y="%d" width="%d" height="%d" fill="%s"/>`+"\n", r.x, r.y, r.w, r.h, hex(r.fill))
	}
	fmt.Fprintf(&b, `<g font-family="Go, Helvetica, Arial, sans-serif" font-size="%d">`+"\n", textSize)
	for _, t := range c.texts {
		fmt.Fprintf(&b, `<text x="%d" y="%d"%s fill="%s">%s</text>`+"\n", t.x, t.y,
			[...]string{start: "", middle: ` text-anchor="middle"`, end: ` text-anchor="end"`}[t.anchor], hex(t.fill), xmlText.Replace(t.s))
	}
	b.WriteString("</g>\n</svg>\n")
	return b.String()
}

var xmlText = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;", "'", "&#39;")

func hex(c colour) string {
	p := palette[c]
	return fmt.Sprintf("#%02x%02x%02x", p[0], p[1], p[2])
}

// Scale is the number of PNG pixels to a CSS pixel, for sharp screens.
const Scale = 2

// shades is the number of steps between paper and a text's colour.
const shades = 5

// pngPalette has the palette, then the shades of ink and of faded: 16 colours,
// so that a pixel takes four bits.
var pngPalette = func() color.Palette {
	var p color.Palette
	for _, c := range palette {
		p = append(p, color.RGBA{c[0], c[1], c[2], 0xff})
	}
	for _, c := range []colour{ink, faded} {
		for i := 1; i <= shades; i++ {
			var mixed [3]uint8
			for k := range mixed {
				from, to := int(palette[paper][k]), int(palette[c][k])
				mixed[k] = uint8(from + (to-from)*i/(shades+1))
			}
			p = append(p, color.RGBA{mixed[0], mixed[1], mixed[2], 0xff})
		}
	}
	return p
}()

// PNG writes the chart as a picture of Width×Scale by Height×Scale pixels.
func (c *Chart) PNG() ([]byte, error) {
	img := image.NewPaletted(image.Rect(0, 0, c.Width*Scale, c.Height*Scale), pngPalette)
	for _, r := range c.rects {
		fill(img, image.Rect(r.x, r.y, r.x+r.w, r.y+r.h), r.fill)
	}
	f, err := face(Scale)
	if err != nil {
		return nil, fmt.Errorf("drawing a chart: %w", err)
	}
	for _, t := range c.texts {
		drawText(img, f, t)
	}
	var b bytes.Buffer
	if err := (&png.Encoder{BufferPool: buffers}).Encode(&b, img); err != nil {
		return nil, fmt.Errorf("drawing a chart: %w", err)
	}
	return b.Bytes(), nil
}

func fill(img *image.Paletted, r image.Rectangle, c colour) {
	r = image.Rectangle{r.Min.Mul(Scale), r.Max.Mul(Scale)}.Intersect(img.Rect)
	for y := r.Min.Y; y < r.Max.Y; y++ {
		row := img.Pix[img.PixOffset(r.Min.X, y):img.PixOffset(r.Max.X, y)]
		for i := range row {
			row[i] = uint8(c)
		}
	}
}

// drawText draws onto paper: where a glyph covers a pixel in part, the pixel
// gets the shade between paper and the text's colour.
func drawText(img *image.Paletted, f font.Face, t text) {
	width := font.MeasureString(f, t.s).Ceil()
	x := t.x * Scale
	switch t.anchor {
	case middle:
		x -= width / 2
	case end:
		x -= width
	}
	// Room for what hangs out of a glyph's box.
	const room = textSize * Scale
	mask := image.NewAlpha(image.Rect(x-room, t.y*Scale-2*room, x+width+room, t.y*Scale+room))
	d := font.Drawer{Dst: mask, Src: image.Opaque, Face: f, Dot: fixed.P(x, t.y*Scale)}
	d.DrawString(t.s)
	first := len(palette)
	if t.fill == faded {
		first += shades
	}
	visible := mask.Rect.Intersect(img.Rect)
	for y := visible.Min.Y; y < visible.Max.Y; y++ {
		for px := visible.Min.X; px < visible.Max.X; px++ {
			cover := (int(mask.AlphaAt(px, y).A)*(shades+1) + 127) / 255
			switch cover {
			case 0:
			case shades + 1:
				img.Pix[img.PixOffset(px, y)] = uint8(t.fill)
			default:
				img.Pix[img.PixOffset(px, y)] = uint8(first + cover - 1)
			}
		}
	}
}

// pool keeps the encoder's buffers, which are much larger than a picture.
type pool struct{ sync.Pool }

func (p *pool) Get() *png.EncoderBuffer {
	b, _ := p.Pool.Get().(*png.EncoderBuffer)
	return b
}

func (p *pool) Put(b *png.EncoderBuffer) { p.Pool.Put(b) }

var buffers = &pool{}
