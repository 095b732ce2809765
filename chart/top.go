package chart

import "fmt"

// Group is a field with its most frequent values.
type Group struct {
	Name string
	Bars []Bar
}

// Bar is a value and how often it occurs.
type Bar struct {
	Label string
	Count int
}

// The lengths of a chart of top values, in CSS pixels.
const (
	topWidth  = 760
	topLabel  = 300 // room for a label
	topLeft   = 324 // where bars start
	topBar    = 350 // the longest bar
	topRow    = 20
	topTitle  = 26
	topMargin = 10
)

// Top draws the values of fields as horizontal bars, all to one scale.
func Top(groups []Group) *Chart {
	c := &Chart{Width: topWidth}
	most := 1
	for _, g := range groups {
		for _, b := range g.Bars {
			most = max(most, b.Count)
		}
	}
	y := topMargin
	for i, g := range groups {
		if i > 0 {
			y += topMargin
			c.rect(12, y-topMargin/2, topWidth-24, 1, grid)
		}
		c.text(12, y+17, start, ink, cut(g.Name, topWidth-24))
		y += topTitle
		for _, b := range g.Bars {
			c.text(12, y+14, start, faded, cut(b.Label, topLabel))
			w := max(topBar*b.Count/most, 2)
			c.rect(topLeft, y+3, w, topRow-6, bar)
			c.text(topLeft+w+6, y+14, start, ink, thousands(b.Count))
			y += topRow
		}
	}
	c.Height = y + topMargin
	c.Alt = fmt.Sprintf("the most frequent values of %d fields", len(groups))
	if len(groups) == 1 {
		c.Alt = "the most frequent values of " + cut(groups[0].Name, topLabel)
	}
	return c
}
