package chart

import (
	"strconv"
	"strings"
	"sync"
	"unicode"

	"golang.org/x/image/font"
)

// measure returns the width of text in CSS pixels, a sixth wider than in Go's
// font: who shows the SVG has a font of their own. Glyphs that Go's font lacks
// count as the box that stands for them.
func measure(s string) int {
	measuring.Lock()
	defer measuring.Unlock()
	if measuring.face == nil {
		f, err := face(1)
		if err != nil {
			// Wide enough for any Latin text.
			return len([]rune(s)) * textSize * 2 / 3
		}
		measuring.face = f
	}
	return font.MeasureString(measuring.face, s).Ceil() * 7 / 6
}

var measuring struct {
	sync.Mutex
	face font.Face
}

// maxLabel bounds the labels that are measured, in characters.
const maxLabel = 200

// cut shortens text to a width in CSS pixels and ends it with "…" if it had to.
func cut(s string, width int) string {
	runes := []rune(clean(s))
	long := len(runes) > maxLabel
	if long {
		runes = runes[:maxLabel]
	}
	if !long && measure(string(runes)) <= width {
		return string(runes)
	}
	// The longest start that fits, by bisection.
	fits, tooLong := 0, len(runes)
	for fits+1 < tooLong {
		mid := (fits + tooLong) / 2
		if measure(string(runes[:mid])+"…") <= width {
			fits = mid
		} else {
			tooLong = mid
		}
	}
	return strings.TrimRight(string(runes[:fits]), " ") + "…"
}

// clean replaces what no picture can show, or XML can't hold: control and
// format characters, which reverse or hide text, and broken UTF-8.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n' || r == '\r':
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), unicode.Is(unicode.Co, r), r == '\u2028', r == '\u2029', r == '\uFFFE', r == '\uFFFF':
			return '\uFFFD'
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

// thousands writes a number with commas: 1,234.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
