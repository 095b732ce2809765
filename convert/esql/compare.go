package esql

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/huntbook/huntbook/convert/backend"
	"github.com/huntbook/huntbook/convert/elastic"
	"github.com/huntbook/huntbook/convert/mapping"
	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/sigma"
)

// Group writes comparisons of one field. Values that an OR links share a list.
func (w *writer) Group(matches []*ir.Match, all bool) ([]backend.Piece, error) {
	var asked, compared []*ir.Match
	for _, m := range matches {
		if w.asked(m) {
			asked = append(asked, m)
		} else {
			compared = append(compared, m)
		}
	}
	var pieces []backend.Piece
	if asked != nil {
		p, err := w.ask(asked, all)
		if err != nil {
			return nil, err
		}
		pieces = append(pieces, p)
	}
	lists := [][]*ir.Match{compared}
	if all {
		lists = nil
		for _, m := range compared {
			lists = append(lists, []*ir.Match{m})
		}
	}
	for _, list := range lists {
		if len(list) == 0 {
			continue
		}
		p, err := w.anyOf(list)
		if err != nil {
			return nil, err
		}
		pieces = append(pieces, p...)
	}
	return pieces, nil
}

// form is the way in which a value is compared; values of one form share a list.
type form uint8

const (
	alone    form = iota // by itself
	equal                // field in ("a", "b")
	folded               // to_lower(field) in ("a", "b")
	wild                 // field like ("a*", "b*")
	foldWild             // to_lower(field) like ("a*", "b*")
)

// anyOf writes comparisons of one field that an OR links.
func (w *writer) anyOf(matches []*ir.Match) ([]backend.Piece, error) {
	field, known := w.field(matches[0])
	if !known {
		return []backend.Piece{w.absent(matches)}, nil
	}
	fold := w.folds(matches)
	var pieces []backend.Piece
	place := map[form]int{}
	lists := map[form][]string{}
	var calls []string
	called := 0 // the place of calls
	for _, m := range matches {
		f := alone
		if m.Op == ir.Like && !isAny(m.Pattern) && !(m.Pattern.IsPlain() && w.asNumber(field, m)) && !foreign(m) {
			f = formOf(m, fold)
		}
		if f == alone {
			p, err := w.single(field, m)
			if err != nil {
				return nil, err
			}
			pieces = append(pieces, p)
			continue
		}
		v := value(m.Pattern, f)
		if f == wild || f == foldWild {
			// LIKE takes a list too, but makes one automaton of it, which soon
			// is "too complex to determinize".
			if call, ok := w.call(field, f, matches, m.Pattern); ok && len(matches) > manyValues {
				if calls == nil {
					called = len(pieces)
					pieces = append(pieces, backend.Piece{})
				}
				calls = append(calls, call)
				continue
			}
			pieces = append(pieces, backend.Piece{Text: w.operand(field, f, matches) + " like " + v})
			continue
		}
		if _, ok := place[f]; !ok {
			place[f] = len(pieces)
			pieces = append(pieces, backend.Piece{})
		}
		lists[f] = append(lists[f], v)
	}
	for f, at := range place {
		pieces[at] = backend.Piece{Text: w.operand(field, f, matches) + listed(lists[f])}
	}
	switch {
	case len(calls) == 1:
		pieces[called] = backend.Piece{Text: calls[0]}
	case len(calls) > 1:
		pieces[called] = backend.Piece{Text: "greatest(" + strings.Join(calls, ", ") + ")"}
	}
	return grouped(pieces), nil
}

// manyValues is a number of patterns above which LIKE costs too much: Elasticsearch
// makes an automaton of each, and some thousands of them have filled its heap. Calls
// of functions cost little, and within GREATEST, which is true if one of them is: an
// OR of four thousand takes a minute to plan.
const manyValues = 20

// call writes a pattern with wildcards at its ends alone as a call of a function.
func (w *writer) call(f field, as form, matches []*ir.Match, p ir.Pattern) (string, bool) {
	if as == foldWild {
		p = lower(p)
	}
	before, after := p[0].Kind == sigma.AnyChars, p[len(p)-1].Kind == sigma.AnyChars
	if before {
		p = p[1:]
	}
	if after && len(p) > 0 {
		p = p[:len(p)-1]
	}
	s, plain := p.Plain()
	if !plain || s == "" {
		return "", false
	}
	arguments := "(" + w.operand(f, as, matches) + ", " + text(s) + ")"
	switch {
	case before && after:
		return "locate" + arguments + " > 0", true
	case before:
		return "ends_with" + arguments, true
	}
	return "starts_with" + arguments, true
}

// maxLinked is the number of comparisons that stand beside each other. Elasticsearch
// counts each as a level, and refuses a query with more than 300.
const maxLinked = 100

// grouped puts comparisons that an OR links into groups, where they are many.
func grouped(pieces []backend.Piece) []backend.Piece {
	for len(pieces) > maxLinked {
		var groups []backend.Piece
		for group := range slices.Chunk(pieces, maxLinked) {
			texts := make([]string, len(group))
			for i, p := range group {
				texts[i] = p.Text
			}
			groups = append(groups, backend.Piece{Text: "(" + strings.Join(texts, dialect.Or) + ")", Closed: true})
		}
		pieces = groups
	}
	return pieces
}

func formOf(m *ir.Match, fold bool) form {
	switch {
	case m.Pattern.IsPlain() && (m.Cased || !fold):
		return equal
	case m.Pattern.IsPlain():
		return folded
	case m.Cased || !fold:
		return wild
	}
	return foldWild
}

func value(p ir.Pattern, f form) string {
	if f == folded || f == foldWild {
		p = lower(p)
	}
	if f == equal || f == folded {
		s, _ := p.Plain()
		return text(s)
	}
	return text(like.Write(p))
}

// like is the language of LIKE, inside of a string literal.
var like = backend.Escaping{Escape: `\`, Chars: `\*?`, Any: "*", One: "?"}

func listed(values []string) string {
	if len(values) == 1 {
		return " == " + values[0]
	}
	return " in (" + strings.Join(values, ", ") + ")"
}

// operand is the field as a form compares it.
func (w *writer) operand(f field, as form, matches []*ir.Match) string {
	out := f.name
	if f.stated && f.kind != mapping.Text && !(f.kind == mapping.IP && as == equal && addresses(matches)) {
		out = "to_string(" + out + ")"
	}
	if as == folded || as == foldWild {
		return "to_lower(" + out + ")"
	}
	return out
}

// field is what a field is called in a query, and what it holds where a mapping
// tells.
type field struct {
	name   string
	kind   mapping.Kind
	stated bool
}

func (f field) is(kind mapping.Kind) bool { return f.stated && f.kind == kind }

// field finds the field of a comparison; known is false when the index has none.
func (w *writer) field(m *ir.Match) (f field, known bool) {
	if w.index == nil {
		isIP := matchesAny(w.ip, m.Field)
		f = field{name: name(m.Field), stated: isIP}
		if isIP {
			f.kind = mapping.IP
		}
		return f, true
	}
	mapped := w.index.Field(m.Field)
	switch {
	case mapped == nil:
		return field{}, false
	case mapped.Kind == mapping.Mixed:
		// Types that differ between indices meet as text.
		return field{name: "to_string(" + name(m.Field) + ")", kind: mapping.Text, stated: true}, true
	}
	f = field{name: name(m.Field), kind: mapped.Kind, stated: true}
	if m.Op == ir.CIDR && mapped.Kind == mapping.IP {
		return f, true // the text beside an address is none
	}
	if form, ok := mapped.Whole(m.Cased); ok && (form.Limit == 0 || form.Limit >= mapping.LongEnough || mapped.Forms[0].Whole) {
		f.name = name(form.Name)
	}
	// Otherwise the text itself is read, which has values of any length.
	return f, true
}

// absent writes comparisons with a field that the index does not have.
func (w *writer) absent(matches []*ir.Match) backend.Piece {
	w.remark(matches[0], "the index has no field "+matches[0].Field+": comparisons with it find nothing", "a pipeline (-p) names fields as the index does")
	for _, m := range matches {
		if m.Op == ir.Null {
			return backend.Piece{Text: dialect.True, Closed: true}
		}
	}
	return backend.Piece{Text: dialect.False, Closed: true}
}

// folds tells whether the values need a comparison in lower case. Addresses do
// not: a field of type ip has no letters.
func (w *writer) folds(matches []*ir.Match) bool {
	return !addresses(matches) && slices.ContainsFunc(matches, func(m *ir.Match) bool { return m.Op == ir.Like && !m.Cased && hasLetter(m.Pattern) })
}

// addresses tells whether all texts are addresses.
func addresses(matches []*ir.Match) bool {
	for _, m := range matches {
		s, plain := m.Pattern.Plain()
		if _, err := netip.ParseAddr(s); m.Op == ir.Like && (!plain || err != nil) {
			return false
		}
	}
	return true
}

var digits = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,17})$`)

// asNumber tells whether a plain value may be that of a numeric field.
func (w *writer) asNumber(f field, m *ir.Match) bool {
	s, _ := m.Pattern.Plain()
	return digits.MatchString(s) && (!f.stated || f.is(mapping.Number))
}

// single writes a comparison that shares no list.
func (w *writer) single(f field, m *ir.Match) (backend.Piece, error) {
	piece := func(s string) (backend.Piece, error) { return backend.Piece{Text: s}, nil }
	switch m.Op {
	case ir.Null:
		return piece(f.name + " is null")
	case ir.Exists:
		return piece(f.name + " is not null")
	case ir.Like:
		if isAny(m.Pattern) {
			return piece(f.name + " is not null")
		}
		if foreign(m) {
			return piece(f.name + " rlike " + text(backend.LucenePattern(m.Pattern)))
		}
		s, _ := m.Pattern.Plain()
		return piece(f.name + " : " + text(s))
	case ir.Number:
		switch {
		case f.is(mapping.Text) && digits.MatchString(m.Text):
			return piece(f.name + " == " + text(m.Text))
		case digits.MatchString(m.Text):
			return piece(f.name + " : " + text(m.Text))
		}
		return piece(f.number() + " == " + m.Text)
	case ir.Bool:
		if f.is(mapping.Bool) {
			return piece(f.name + " == " + m.Text)
		}
		return piece("to_lower(to_string(" + f.name + ")) == " + text(m.Text))
	case ir.Regexp:
		re, err := backend.LuceneRegexp(m.Text)
		if err != nil {
			return backend.Piece{}, backend.Unsupported(m, err.Error(), "")
		}
		if f.stated && f.kind != mapping.Text {
			f.name = "to_string(" + f.name + ")"
		}
		return piece(f.name + " rlike " + text(re))
	case ir.CIDR:
		if !f.is(mapping.IP) {
			f.name = "to_ip(" + f.name + ")"
		}
		return piece("cidr_match(" + f.name + ", " + text(m.Text) + ")")
	case ir.Less, ir.LessEqual, ir.Greater, ir.GreaterEqual:
		return piece(f.number() + " " + comparison[m.Op] + " " + m.Text)
	case ir.FieldRef:
		return w.fieldRef(f, m)
	case ir.TimePart:
		part := timeParts[m.Part]
		if part == "" {
			return backend.Piece{}, backend.Unsupported(m, "ES|QL has no "+m.Part+" of a time", "match and hunt can, on files")
		}
		return piece("date_extract(" + text(part) + ", to_datetime(" + f.name + ")) " + comparison[m.Compare] + " " + m.Text)
	case ir.Raw:
		return backend.Piece{Text: "(" + strings.Join(m.Parts, f.name) + ")", Closed: true}, nil
	}
	return backend.Piece{}, backend.Unsupported(m, "ES|QL can't express this comparison", "")
}

// number is the field as a number; text that is none has no answer.
func (f field) number() string {
	if f.is(mapping.Number) {
		return f.name
	}
	return "to_double(" + f.name + ")"
}

var comparison = map[ir.Op]string{ir.Number: "==", ir.Less: "<", ir.LessEqual: "<=", ir.Greater: ">", ir.GreaterEqual: ">="}

var timeParts = map[string]string{"minute": "minute_of_hour", "hour": "hour_of_day", "day": "day_of_month", "month": "month_of_year", "year": "year"}

func (w *writer) fieldRef(f field, m *ir.Match) (backend.Piece, error) {
	other, known := w.field(&ir.Match{Field: m.Text, Cased: m.Cased})
	if !known {
		return w.absent([]*ir.Match{{Field: m.Text, Op: m.Op, Pos: m.Pos, File: m.File}}), nil
	}
	a, b := "to_string("+f.name+")", "to_string("+other.name+")"
	if !m.Cased {
		a, b = "to_lower("+a+")", "to_lower("+b+")"
	}
	switch m.Affix {
	case ir.Prefix:
		return backend.Piece{Text: "starts_with(" + a + ", " + b + ")"}, nil
	case ir.Suffix:
		return backend.Piece{Text: "ends_with(" + a + ", " + b + ")"}, nil
	case ir.Anywhere:
		return backend.Piece{Text: "locate(" + a + ", " + b + ") > 0"}, nil
	}
	return backend.Piece{Text: a + " == " + b}, nil
}

// foreign tells a value with letters beyond ASCII whose case does not matter. What
// Elasticsearch makes of TO_LOWER in its index knows the case of ASCII alone.
func foreign(m *ir.Match) bool { return m.Op == ir.Like && !m.Cased && elastic.BeyondASCII(m.Pattern) }

func isAny(p ir.Pattern) bool {
	for _, t := range p {
		if t.Kind != sigma.AnyChars {
			return false
		}
	}
	return len(p) > 0
}

func hasLetter(p ir.Pattern) bool {
	for _, t := range p {
		if strings.ContainsFunc(t.Text, func(r rune) bool { return unicode.SimpleFold(r) != r }) {
			return true
		}
	}
	return false
}

func lower(p ir.Pattern) ir.Pattern {
	out := make(ir.Pattern, len(p))
	for i, t := range p {
		t.Text = strings.ToLower(t.Text)
		out[i] = t
	}
	return out
}
