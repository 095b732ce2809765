package serve

import (
	"strings"

	"github.com/huntbook/huntbook/kernel"
)

// place is where the cursor stands in a cell. Lengths are in characters.
type place struct {
	// cell is the magic of the cell, "" when it holds lines.
	cell string
	// line is the text before the cursor in its line, first tells that it is the
	// first line of the cell that says something.
	line  []rune
	first bool
	// above are the lines before.
	above []string
	// cursor is the place in the cell.
	cursor int
}

func newPlace(code string, cursor int) place {
	text := []rune(code)
	cursor = min(max(cursor, 0), len(text))
	lines := strings.Split(string(text[:cursor]), "\n")
	p := place{line: []rune(lines[len(lines)-1]), above: lines[:len(lines)-1], cursor: cursor}
	p.first = strings.TrimSpace(strings.Join(p.above, "")) == ""
	rest := strings.TrimLeft(code, " \t\r\n")
	if strings.HasPrefix(rest, "%%") {
		if words := strings.Fields(rest[2:]); len(words) > 0 {
			p.cell = words[0]
		}
	}
	return p
}

// word is the end of the line that one of the signs does not interrupt.
func (p place) word(stops string) []rune {
	i := len(p.line)
	for i > 0 && !strings.ContainsRune(stops, p.line[i-1]) {
		i--
	}
	return p.line[i:]
}

// before is the line without so many characters at its end.
func (p place) before(word []rune) string { return string(p.line[:len(p.line)-len(word)]) }

// magic finds a magic of a name; false for none.
func magic(name string, cell bool) (kernel.Magic, bool) {
	for _, m := range kernel.Magics() {
		if m.Name == name && m.Cell == cell {
			return m, true
		}
	}
	return kernel.Magic{}, false
}
