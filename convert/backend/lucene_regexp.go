package backend

import (
	"cmp"
	"errors"
	"fmt"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode"

	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/sigma"
)

// LuceneRegexp is LuceneSearch for those who tell nobody what it widened.
func LuceneRegexp(source string) (string, error) {
	text, _, err := LuceneSearch(source)
	return text, err
}

// LuceneSearch translates a search for an RE2 expression into one of Lucene's,
// which must match the whole value and is case-sensitive. Classes such as \d
// and letters that match in both cases are written out, so that the result
// means the same in every version of Lucene. An inner "." matches a newline
// too, which RE2's does not. A "/" is escaped, as between slashes it must be.
//
// Of an expression that is more than Lucene takes the counted repetitions lose their
// upper bound, which widened tells.
func LuceneSearch(source string) (text string, widened bool, err error) {
	re, err := syntax.Parse(source, syntax.Perl)
	if err != nil {
		return "", false, fmt.Errorf("the regular expression can't be read: %w", err)
	}
	if widened = isComplex(re); widened {
		if widen(re); isComplex(re) {
			return "", false, errTooComplex
		}
	}
	t := luceneRegexp{}
	text = cmp.Or(t.search(re, true, true), emptyText)
	if t.err != nil {
		return "", false, t.err
	}
	if strings.HasSuffix(text, `\\`) {
		// The reader of a query takes a backslash before the closing slash for
		// an escape.
		text = "(" + text + ")"
	}
	return text, widened, nil
}

// LucenePattern writes a pattern that ignores case as Lucene's regular
// expression.
func LucenePattern(p ir.Pattern) string { return lucenePattern(p, true) }

// LuceneText writes a pattern as Lucene's regular expression, in the case that it has.
func LuceneText(p ir.Pattern) string { return lucenePattern(p, false) }

func lucenePattern(p ir.Pattern, fold bool) string {
	var b strings.Builder
	for _, t := range p {
		switch t.Kind {
		case sigma.AnyChars:
			b.WriteString(".*")
		case sigma.OneChar:
			b.WriteString(".")
		default:
			for _, r := range t.Text {
				b.WriteString(luceneLiteral(r, fold))
			}
		}
	}
	return b.String()
}

var errTooComplex = errors.New("regular expressions of Lucene can't be as complex as this one")

type luceneRegexp struct{ err error }

const (
	anyText   = ".*"
	emptyText = "()"
)

// search writes an expression whose left and right are the ends of the whole
// search. Where no anchor stands at an end, anything may stand before or
// behind it.
func (t *luceneRegexp) search(re *syntax.Regexp, left, right bool) string {
	if !anchored(re) {
		return t.free(re, left, right)
	}
	switch re.Op {
	case syntax.OpBeginText, syntax.OpBeginLine:
		return t.begin(re, left, right)
	case syntax.OpEndText, syntax.OpEndLine:
		return t.end(re, left, right)
	case syntax.OpCapture:
		return t.search(re.Sub[0], left, right)
	case syntax.OpConcat:
		return t.concat(re.Sub, left, right)
	case syntax.OpAlternate:
		texts := make([]string, len(re.Sub))
		for i, sub := range re.Sub {
			texts[i] = cmp.Or(t.search(sub, left, right), emptyText)
		}
		return "(" + strings.Join(texts, "|") + ")"
	case syntax.OpQuest:
		without := emptyText
		if left || right {
			without = anyText
		}
		return "(" + t.search(re.Sub[0], left, right) + "|" + without + ")"
	}
	if holds(re, syntax.OpWordBoundary, syntax.OpNoWordBoundary) {
		return t.fail(`no word boundary (\b, \B)`)
	}
	return t.fail("no anchor (^, $) inside of a repetition")
}

// free writes an expression without anchors at an end of the search.
func (t *luceneRegexp) free(re *syntax.Regexp, left, right bool) string {
	if re.Op == syntax.OpEmptyMatch && (left || right) {
		return anyText
	}
	text := t.plain(re)
	if re.Op == syntax.OpAlternate {
		text = "(" + text + ")"
	}
	before, after := "", ""
	if left && !isAny(re, 0) {
		before = anyText
	}
	if right && !isAny(re, -1) {
		after = anyText
	}
	return before + text + after
}

// isAny tells whether an expression begins (0) or ends (-1) with ".*" or with at least
// so many characters of any kind.
func isAny(re *syntax.Regexp, at int) bool {
	if re.Op == syntax.OpConcat {
		if at < 0 {
			at = len(re.Sub) - 1
		}
		re = re.Sub[at]
	}
	open := re.Op == syntax.OpStar || re.Op == syntax.OpPlus || re.Op == syntax.OpRepeat && re.Max < 0
	return open && (re.Sub[0].Op == syntax.OpAnyChar || re.Sub[0].Op == syntax.OpAnyCharNotNL)
}

func (t *luceneRegexp) begin(re *syntax.Regexp, left, right bool) string {
	if !left {
		return t.fail(`no "^" behind other text`)
	}
	text := ""
	if re.Op == syntax.OpBeginLine {
		text = "(.*\n)?"
	}
	if right {
		text += anyText
	}
	return text
}

func (t *luceneRegexp) end(re *syntax.Regexp, left, right bool) string {
	if !right {
		return t.fail(`no "$" before other text`)
	}
	text := ""
	if re.Op == syntax.OpEndLine {
		text = "(\n.*)?"
	}
	if left {
		text = anyText + text
	}
	return text
}

func (t *luceneRegexp) concat(subs []*syntax.Regexp, left, right bool) string {
	// Of anchors in a row one counts, the one of the text before that of a line.
	for len(subs) > 1 && begins(subs[0]) && begins(subs[1]) {
		if subs[0].Op == syntax.OpBeginText {
			subs = slices.Concat(subs[:1], subs[2:])
		} else {
			subs = subs[1:]
		}
	}
	for n := len(subs); n > 1 && ends(subs[n-1]) && ends(subs[n-2]); n = len(subs) {
		if subs[n-1].Op == syntax.OpEndText {
			subs = slices.Concat(subs[:n-2], subs[n-1:])
		} else {
			subs = subs[:n-1]
		}
	}
	var b strings.Builder
	for i, sub := range subs {
		b.WriteString(t.search(sub, left && i == 0, right && i == len(subs)-1))
	}
	return b.String()
}

func begins(re *syntax.Regexp) bool {
	return re.Op == syntax.OpBeginText || re.Op == syntax.OpBeginLine
}

func ends(re *syntax.Regexp) bool { return re.Op == syntax.OpEndText || re.Op == syntax.OpEndLine }

// anchored tells whether an expression holds an anchor or a word boundary.
func anchored(re *syntax.Regexp) bool {
	return holds(re, syntax.OpBeginText, syntax.OpBeginLine, syntax.OpEndText, syntax.OpEndLine, syntax.OpWordBoundary, syntax.OpNoWordBoundary)
}

func holds(re *syntax.Regexp, ops ...syntax.Op) bool {
	return slices.Contains(ops, re.Op) || slices.ContainsFunc(re.Sub, func(sub *syntax.Regexp) bool { return holds(sub, ops...) })
}

// fail keeps the first error; it returns the text of what can't be written.
func (t *luceneRegexp) fail(what string) string {
	if t.err == nil {
		t.err = errors.New("Lucene's regular expressions have " + what)
	}
	return ""
}

// plain writes an expression without anchors.
func (t *luceneRegexp) plain(re *syntax.Regexp) string {
	fold := re.Flags&syntax.FoldCase != 0
	switch re.Op {
	case syntax.OpNoMatch:
		return "#"
	case syntax.OpEmptyMatch:
		return emptyText
	case syntax.OpLiteral:
		var b strings.Builder
		for _, r := range re.Rune {
			b.WriteString(luceneLiteral(r, fold))
		}
		return b.String()
	case syntax.OpCharClass:
		return luceneClass(re.Rune)
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return "."
	case syntax.OpCapture:
		return "(" + t.plain(re.Sub[0]) + ")"
	case syntax.OpStar:
		return t.repeated(re.Sub[0]) + "*"
	case syntax.OpPlus:
		return t.repeated(re.Sub[0]) + "+"
	case syntax.OpQuest:
		return t.repeated(re.Sub[0]) + "?"
	case syntax.OpRepeat:
		switch {
		case re.Max < 0:
			return fmt.Sprintf("%s{%d,}", t.repeated(re.Sub[0]), re.Min)
		case re.Max == re.Min:
			return fmt.Sprintf("%s{%d}", t.repeated(re.Sub[0]), re.Min)
		}
		return fmt.Sprintf("%s{%d,%d}", t.repeated(re.Sub[0]), re.Min, re.Max)
	case syntax.OpConcat:
		var b strings.Builder
		for _, sub := range re.Sub {
			text := t.plain(sub)
			if sub.Op == syntax.OpAlternate {
				text = "(" + text + ")"
			}
			b.WriteString(text)
		}
		return b.String()
	case syntax.OpAlternate:
		texts := make([]string, len(re.Sub))
		for i, sub := range re.Sub {
			texts[i] = t.plain(sub)
		}
		return strings.Join(texts, "|")
	}
	return t.fail("no form for " + re.String())
}

// repeated writes what a repetition stands behind.
func (t *luceneRegexp) repeated(re *syntax.Regexp) string {
	text := t.plain(re)
	switch re.Op {
	case syntax.OpCharClass, syntax.OpAnyChar, syntax.OpAnyCharNotNL, syntax.OpCapture:
		return text
	case syntax.OpLiteral:
		if len(re.Rune) == 1 {
			return text
		}
	}
	return "(" + text + ")"
}

func luceneLiteral(r rune, fold bool) string {
	if !fold || unicode.SimpleFold(r) == r {
		return luceneRune(r)
	}
	// Upper case first, as people write it: [Aa].
	forms := []rune{r}
	for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
		forms = append(forms, f)
	}
	var b strings.Builder
	for _, upper := range []bool{true, false} {
		for _, f := range forms {
			if unicode.IsUpper(f) == upper && f < unicode.MaxASCII {
				b.WriteRune(f)
			}
		}
	}
	for _, f := range forms {
		if f >= unicode.MaxASCII {
			b.WriteRune(f)
		}
	}
	return "[" + b.String() + "]"
}

// luceneRune escapes all punctuation: much of it is an operator in one version
// or another, and a backslash makes any of it plain.
func luceneRune(r rune) string {
	if r < unicode.MaxASCII && (unicode.IsPunct(r) || unicode.IsSymbol(r)) && r != '_' {
		return `\` + string(r)
	}
	return string(r)
}

func luceneClass(ranges []rune) string {
	if len(ranges) == 0 {
		return "#"
	}
	var b strings.Builder
	b.WriteByte('[')
	if ranges[0] == 0 && ranges[len(ranges)-1] == unicode.MaxRune && len(ranges) > 2 {
		b.WriteByte('^')
		inner := make([]rune, 0, len(ranges)-2)
		for i := 1; i+1 < len(ranges); i += 2 {
			inner = append(inner, ranges[i]+1, ranges[i+1]-1)
		}
		ranges = inner
	}
	for i := 0; i+1 < len(ranges); i += 2 {
		lo, hi := ranges[i], ranges[i+1]
		b.WriteString(luceneRune(lo))
		if hi > lo+1 {
			b.WriteByte('-')
		}
		if hi > lo {
			b.WriteString(luceneRune(hi))
		}
	}
	b.WriteByte(']')
	return b.String()
}
