package main

import (
	"fmt"
	"html"
	"regexp"
	"slices"
	"strings"
	"time"
)

// flame is a function within its callers, as wide as the time that was spent in it.
type flame struct {
	name string
	time time.Duration
	kids []*flame
}

// newFlame merges stacks into a tree. Root is the function to begin with: what calls it
// is left out, and so are stacks without it.
func newFlame(stacks []stack, root string) *flame {
	top := &flame{name: root}
	for _, s := range stacks {
		at := slices.Index(s.frames, root)
		if at < 0 {
			continue
		}
		f := top
		f.time += s.time
		for _, name := range s.frames[at+1:] {
			f = f.kid(name)
			f.time += s.time
		}
	}
	return top
}

func (f *flame) kid(name string) *flame {
	for _, k := range f.kids {
		if k.name == name {
			return k
		}
	}
	k := &flame{name: name}
	f.kids = append(f.kids, k)
	return k
}

// The measures of the picture, in its own units.
const (
	flameWidth  = 1200.0
	flameRow    = 17
	narrowest   = 1.0 // what is narrower is not drawn
	letterWidth = 6.2
)

// colours of functions, by the beginnings of their names.
var colours = []struct{ function, colour string }{
	{"event.", "#9ecae1"}, {"match.", "#fdae6b"}, {"ingest.", "#a1d99b"}, {"engine.", "#dadaeb"},
	{"runtime.", "#d9d9d9"}, {"", "#eeeeee"},
}

// receiver is what a method's name tells of its type: there is no room for it.
var receiver = regexp.MustCompile(`\(\*?\w+\)\.`)

// svg draws the tree, the outermost function on top. A function's title tells its share.
func (f *flame) svg() string {
	var boxes strings.Builder
	depth := f.draw(&boxes, 0, 0, f.time)
	height := (depth + 1) * flameRow
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %d" font-family="monospace" font-size="10">`+"\n"+
		`<rect width="100%%" height="100%%" fill="#ffffff"/>`+"\n%s</svg>\n", flameWidth, height, &boxes)
}

// draw draws f and what it calls, and returns the depth of the deepest.
func (f *flame) draw(b *strings.Builder, x float64, row int, all time.Duration) int {
	width := flameWidth * f.time.Seconds() / all.Seconds()
	colour := ""
	for _, c := range colours {
		if strings.HasPrefix(f.name, c.function) {
			colour = c.colour
			break
		}
	}
	fmt.Fprintf(b, `<g><title>%s: %.1f %%</title><rect x="%.1f" y="%d" width="%.1f" height="%d" fill="%s" stroke="#ffffff" stroke-width="0.5"/>`,
		html.EscapeString(f.name), 100*width/flameWidth, x, row*flameRow, width, flameRow, colour)
	if letters := int((width - 4) / letterWidth); letters >= 3 {
		name := receiver.ReplaceAllString(f.name, "")
		if len(name) > letters {
			name = name[:letters-1] + "…"
		}
		fmt.Fprintf(b, `<text x="%.1f" y="%d">%s</text>`, x+2, row*flameRow+12, html.EscapeString(name))
	}
	b.WriteString("</g>\n")
	slices.SortStableFunc(f.kids, func(a, b *flame) int { return strings.Compare(a.name, b.name) })
	deepest := row
	for _, k := range f.kids {
		if w := flameWidth * k.time.Seconds() / all.Seconds(); w >= narrowest {
			deepest = max(deepest, k.draw(b, x, row+1, all))
			x += w
		}
	}
	return deepest
}
