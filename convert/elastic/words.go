package elastic

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/sigma"
)

// words asks, in a field that is kept as words alone, for every value that a
// pattern may match, and for others that hold the same words: each run of letters
// and digits must stand in some word. Where words begin and end is the analyzer's
// affair, so a run may be a part of one. Of a pattern without such runs nothing is
// left but that there is a value.
func words(field string, p ir.Pattern) Ask {
	if s, plain := p.Plain(); plain && strings.ContainsFunc(s, isWord) {
		return Ask{Op: Value, Field: field, Pattern: p}
	}
	var runs []string
	for _, t := range p {
		if t.Kind == sigma.Literal {
			runs = append(runs, wordRuns(t.Text)...)
		}
	}
	// A single character stands in nearly every text; it only costs time.
	long := runs[:0:0]
	for _, r := range runs {
		if utf8.RuneCountInString(r) > 1 {
			long = append(long, r)
		}
	}
	if len(long) > 0 {
		runs = long
	}
	a := Ask{Op: All}
	for _, r := range runs {
		a.Of = append(a.Of, Ask{Op: Wild, Field: field, Pattern: sigma.Text(r).Contains()})
	}
	switch len(a.Of) {
	case 0:
		return Ask{Op: Exists, Field: field}
	case 1:
		return a.Of[0]
	}
	return a
}

func wordRuns(s string) []string {
	var runs []string
	start := -1
	end := func(i int) {
		if start >= 0 {
			runs = append(runs, s[start:i])
		}
		start = -1
	}
	for i, r := range s {
		switch {
		case !isWord(r):
			end(i)
		case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Thai):
			// Analyzers make a word of each.
			end(i)
			runs = append(runs, string(r))
		case start < 0:
			start = i
		}
	}
	end(len(s))
	return runs
}

func isWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
