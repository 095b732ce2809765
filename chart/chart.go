// Package chart draws small bar charts: how often over time, and top values.
//
// A chart is laid out once, as rectangles and texts, and written from that as
// SVG and as PNG, so that both show the same. The same input gives the same
// bytes. Charts have a light background of their own and so can be read on dark
// pages too. The package knows nothing of events. Data flows: times or values →
// Timeline or Top → Chart → SVG, PNG.
package chart

import (
	"sync"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
)

// Chart is a chart that has been laid out. Its lengths are CSS pixels.
type Chart struct {
	Width, Height int
	// Alt says in one line what the chart shows.
	Alt string

	rects []rect
	texts []text
}

// colour is an index into palette.
type colour uint8

const (
	paper colour = iota
	grid
	axis
	bar
	ink   // text that matters
	faded // text that explains
)

// palette has the colours of a chart: dark enough on paper, which is not quite
// white so as not to glare on a dark page.
var palette = [...][3]uint8{
	paper: {0xfc, 0xfc, 0xfd},
	grid:  {0xe4, 0xe7, 0xec},
	axis:  {0x98, 0xa2, 0xb3},
	bar:   {0x2f, 0x6f, 0xb5},
	ink:   {0x1d, 0x29, 0x39},
	faded: {0x5c, 0x66, 0x75},
}

type rect struct {
	x, y, w, h int
	fill       colour
}

type anchor uint8

const (
	start anchor = iota
	middle
	end
)

// text is one line of text; x is where its anchor is, y its baseline.
type text struct {
	x, y   int
	anchor anchor
	fill   colour
	size   int
	s      string
}

func (c *Chart) rect(x, y, w, h int, fill colour) {
	c.rects = append(c.rects, rect{x, y, w, h, fill})
}

func (c *Chart) text(x, y int, a anchor, fill colour, s string) {
	c.texts = append(c.texts, text{x, y, a, fill, textSize, clean(s)})
}

// textSize is the size of all text, in CSS pixels.
const textSize = 12

// parsed is Go's own font; it is part of the module, so parsing can't fail.
var parsed = sync.OnceValues(func() (*opentype.Font, error) { return opentype.Parse(goregular.TTF) })

// face returns the font at that scale. A face must not be used by two
// goroutines at once, so every use makes its own.
func face(scale int) (font.Face, error) {
	f, err := parsed()
	if err != nil {
		return nil, err
	}
	return opentype.NewFace(f, &opentype.FaceOptions{Size: float64(textSize * scale), DPI: 72, Hinting: font.HintingNone})
}
