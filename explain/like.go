package explain

import (
	"strings"
	"unicode/utf8"

	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/sigma"
)

// like compares a whole text with a pattern. It walks through the pattern's
// tokens and keeps every place of the text at which the next one may begin.
func (e *Event) like(p ir.Pattern, cased bool, text string) bool {
	if !cased {
		text = e.value(text)
	}
	// Places are offsets in ascending order; after a * it is every one from
	// the first on.
	places, anywhere := []int{0}, false
	for _, t := range p {
		switch t.Kind {
		case sigma.AnyChars:
			anywhere = true
		case sigma.OneChar:
			places = afterOne(text, places, anywhere)
			anywhere = false
		default:
			literal := t.Text
			if !cased {
				literal = e.pattern(literal)
			}
			places = afterLiteral(text, places, anywhere, literal)
			anywhere = false
		}
		if len(places) == 0 {
			return false
		}
	}
	return anywhere || places[len(places)-1] == len(text)
}

func afterOne(text string, places []int, anywhere bool) []int {
	if anywhere {
		first := places[0]
		places = nil
		for i := range text[first:] {
			places = append(places, first+i)
		}
	}
	var after []int
	for _, at := range places {
		if at < len(text) {
			_, n := utf8.DecodeRuneInString(text[at:])
			after = append(after, at+n)
		}
	}
	return after
}

func afterLiteral(text string, places []int, anywhere bool, literal string) []int {
	var after []int
	if anywhere {
		for at := places[0]; at <= len(text); at++ {
			i := strings.Index(text[at:], literal)
			if i < 0 {
				break
			}
			at += i
			after = append(after, at+len(literal))
		}
		return after
	}
	for _, at := range places {
		if strings.HasPrefix(text[at:], literal) {
			after = append(after, at+len(literal))
		}
	}
	return after
}
