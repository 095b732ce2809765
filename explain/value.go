package explain

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/huntbook/huntbook/event"
	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/pipeline"
	"github.com/huntbook/huntbook/sigma"
)

// Found is a value of the event beside an item.
type Found struct {
	Field string
	// State is "absent", "null" or "value".
	State string
	// Text is the value, cut to what is around the matching part; From and
	// To are the bytes of Text that match, equal when no part stands out.
	Text     string
	From, To int
}

// itemLabel is an item's key as it is written in the rule.
func itemLabel(p *pipeline.Piece) string {
	label := p.Item.Field
	if label == "" && len(p.Item.Modifiers) == 0 {
		return "keywords"
	}
	for _, m := range p.Item.Modifiers {
		label += "|" + m
	}
	return label
}

// valueLabel is a value as it is written, or as it is compared when pipelines or
// modifiers made several of one.
func valueLabel(p *pipeline.Piece) string {
	label := ""
	written := p.Written
	if m, ok := p.Expr.(*ir.Match); ok && (m.Op == ir.Regexp || m.Op == ir.FieldRef) {
		written = nil // it has no wildcards and escapes
	}
	switch v := written.(type) {
	case sigma.String:
		label = quoted(v.Pattern.String())
	case sigma.Number:
		label = v.Text
	case sigma.Bool:
		label = fmt.Sprint(bool(v))
	case sigma.Null:
		label = "null"
	default:
		label = comparison(p.Expr)
	}
	if p.Field != "" {
		label = p.Field + ": " + label
	}
	return label
}

func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// comparison is what a tree of one field compares with.
func comparison(x ir.Expr) string {
	switch x := x.(type) {
	case *ir.And:
		return comparisons(x.X, " and ")
	case *ir.Or:
		return comparisons(x.X, " or ")
	case *ir.Not:
		return "not " + comparison(x.X)
	case *ir.Match:
		switch x.Op {
		case ir.Like:
			return quoted(x.Pattern.String())
		case ir.Null:
			return "null"
		case ir.Exists:
			return "present"
		case ir.Regexp:
			return "/" + x.Text + "/"
		case ir.FieldRef:
			return "the value of " + x.Text
		case ir.TimePart:
			return x.Part + signs[x.Compare] + x.Text
		}
		return strings.TrimSpace(signs[x.Op] + x.Text)
	}
	return ""
}

var signs = map[ir.Op]string{
	ir.Less: " < ", ir.LessEqual: " <= ", ir.Greater: " > ", ir.GreaterEqual: " >= ", ir.Number: " ",
}

// maxComparisons bounds the forms of one value that are named.
const maxComparisons = 3

func comparisons(x []ir.Expr, link string) string {
	var b strings.Builder
	for i, y := range x {
		if i > 0 {
			b.WriteString(link)
		}
		if i == maxComparisons {
			fmt.Fprintf(&b, "%d more", len(x)-i)
			break
		}
		b.WriteString(comparison(y))
	}
	return b.String()
}

// found lists the event's values of the item's fields, and of those that its
// values refer to.
func (e *Event) found(p *pipeline.Piece) []Found {
	var matches []*ir.Match
	ir.Walk(p.Expr, func(m *ir.Match) { matches = append(matches, m) })
	fields := ir.Fields(p.Expr)
	if p.Item.Field == "" {
		fields = e.fieldsWithKeyword(matches)
	}
	var found []Found
	for _, f := range fields {
		switch v := e.Value(f); {
		case v.Kind == event.Absent:
			found = append(found, Found{Field: f, State: "absent"})
		case v.Kind == event.Null:
			found = append(found, Found{Field: f, State: "null"})
		default:
			text, from, to := shorten(v.Text, e.matchingPart(v, f, matches))
			found = append(found, Found{f, "value", text, from, to})
		}
	}
	return found
}

// maxKeywordFields bounds the fields in which keywords were found.
const maxKeywordFields = 3

func (e *Event) fieldsWithKeyword(matches []*ir.Match) []string {
	var fields []string
	for _, c := range e.batch.Columns {
		for _, text := range texts(c.Values[c.Codes[e.row]]) {
			for _, m := range matches {
				if n := len(fields); e.compares(asKeyword(m), text) && (n == 0 || fields[n-1] != c.Name) {
					if fields = append(fields, c.Name); len(fields) == maxKeywordFields {
						return fields
					}
				}
			}
		}
	}
	return fields
}

// matchingPart is the place in a value's text that the first of the comparisons
// matches; an empty one when there is none or it is the whole value.
func (e *Event) matchingPart(v event.Value, field string, matches []*ir.Match) [2]int {
	for _, m := range matches {
		if m.Field != "" && (m.Field != field || !e.matches(m)) {
			continue
		}
		var re *regexp.Regexp
		switch {
		case m.Op == ir.Like:
			re = partExpression(m.Pattern, m.Cased)
		case m.Op == ir.Regexp:
			re = e.expression(m.Text)
		}
		if re == nil {
			continue
		}
		if at := re.FindStringIndex(v.Text); at != nil {
			return [2]int{at[0], at[1]}
		}
	}
	return [2]int{}
}

// partExpression finds what of a text a pattern matches between its outer
// wildcards; nil when that is everything.
func partExpression(p ir.Pattern, cased bool) *regexp.Regexp {
	before, after := `^`, `$`
	if len(p) > 0 && p[0].Kind == sigma.AnyChars {
		before, p = "", p[1:]
	}
	if len(p) > 0 && p[len(p)-1].Kind == sigma.AnyChars {
		after, p = "", p[:len(p)-1]
	}
	if len(p) == 0 {
		return nil
	}
	var b strings.Builder
	b.WriteString("(?s")
	if !cased {
		b.WriteByte('i')
	}
	b.WriteString(")" + before)
	for _, t := range p {
		switch t.Kind {
		case sigma.AnyChars:
			b.WriteString(".*?")
		case sigma.OneChar:
			b.WriteByte('.')
		default:
			b.WriteString(regexp.QuoteMeta(t.Text))
		}
	}
	re, err := regexp.Compile(b.String() + after)
	if err != nil {
		return nil
	}
	return re
}

// A shown value has at most these many characters, and these many before the
// matching part.
const maxShown, shownBefore = 120, 40

// shorten cuts a text to what is around a part of it, and returns the part's
// place in what is left.
func shorten(text string, part [2]int) (short string, from, to int) {
	before, marked, after := []rune(text[:part[0]]), []rune(text[part[0]:part[1]]), []rune(text[part[1]:])
	if len(before)+len(marked)+len(after) > maxShown {
		room := maxShown - min(len(marked), maxShown/2)
		if cut := len(before) - max(shownBefore, room-len(after)); cut > 0 {
			before = append([]rune{'…'}, before[cut:]...)
		}
		if cut := len(marked) - maxShown/2; cut > 0 {
			marked = append(marked[:len(marked)-cut:len(marked)-cut], '…')
		}
		if keep := max(0, room-len(before)); keep < len(after) {
			after = append(after[:keep:keep], '…')
		}
	}
	from = len(string(before))
	to = from + len(string(marked))
	return string(before) + string(marked) + string(after), from, to
}
