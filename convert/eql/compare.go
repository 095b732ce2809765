package eql

import (
	"net/netip"
	"path"
	"slices"
	"strings"

	"github.com/huntbook/huntbook/convert/backend"
	"github.com/huntbook/huntbook/convert/mapping"
	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/sigma"
)

// Group writes comparisons of one field. Values that an OR links share a list.
func (w *writer) Group(matches []*ir.Match, all bool) ([]backend.Piece, error) {
	if m := matches[0]; m.Field == "" {
		return nil, backend.Unsupported(m, "EQL can't look for a value in every field", "name a field, or convert to esql or lucene")
	}
	f := w.field(matches[0])
	if f.missing {
		return []backend.Piece{w.absent(matches, all)}, nil
	}
	var certain, texts []string
	lists := map[form][]string{}
	place := map[form]int{}
	for _, m := range matches {
		as, value, err := f.value(m, matches)
		_, listed := place[as]
		switch {
		case err != nil:
			return nil, err
		case as == presence:
			certain = append(certain, value)
		case as == alone || all:
			texts = append(texts, f.compared(as, []string{value}))
		case listed:
			lists[as] = append(lists[as], value)
		default:
			place[as] = len(texts)
			texts = append(texts, "")
			lists[as] = []string{value}
		}
	}
	for as, at := range place {
		texts[at] = f.compared(as, lists[as])
	}
	if w.negated[matches[0]] && !w.needed[matches[0].Field] && len(texts) > 0 {
		texts = []string{guarded(matches[0].Field, texts, all)}
	}
	var pieces []backend.Piece
	for _, t := range append(certain, texts...) {
		pieces = append(pieces, backend.Piece{Text: t, Closed: strings.HasPrefix(t, dialect.Open)})
	}
	return pieces, nil
}

// guarded writes comparisons so that they are false where the field is absent: what
// they are there differs between comparisons, between a field that no index has and
// one that an event lacks, and a NOT would turn it around.
func guarded(field string, texts []string, all bool) string {
	token := dialect.And
	if !all {
		token = dialect.Or
	}
	text := strings.Join(texts, token)
	if len(texts) > 1 && !all {
		text = dialect.Open + text + dialect.Close
	}
	return dialect.Open + "?" + name(field) + " != null" + dialect.And + text + dialect.Close
}

// form is the way in which a value is compared; values of one form share a list.
type form uint8

const (
	presence  form = iota // field == null, field != null
	alone                 // a comparison by itself
	equal                 // field == "a", field in ("a", "b")
	folded                // field : "a*", field : ("a*", "b*")
	wild                  // field like "a*", field like ("a*", "b*")
	regex                 // field regex "a.*"
	foldRegex             // field regex~ "a.*"
	network               // cidrMatch(field, "10.0.0.0/8", …)
	words                 // string(field) : "10.*"
)

// compared writes values in a form.
func (f *field) compared(as form, values []string) string {
	list := values[0]
	if len(values) > 1 {
		list = "(" + strings.Join(values, ", ") + ")"
	}
	switch as {
	case alone:
		return list
	case equal:
		if len(values) > 1 {
			return f.name + " in " + list
		}
		return f.name + " == " + list
	case network:
		return "cidrMatch(" + f.name + ", " + strings.Join(values, ", ") + ")"
	case words:
		return "string(" + f.name + ") : " + list
	}
	return f.name + map[form]string{folded: " : ", wild: " like ", regex: " regex ", foldRegex: " regex~ "}[as] + list
}

// field is a name and what it holds.
type field struct {
	name string
	kind mapping.Kind
	// missing tells that a mapping does not have the field.
	missing bool
	writer  *writer
}

func (w *writer) field(m *ir.Match) *field {
	f := &field{name: w.optional(m.Field), kind: mapping.Text, writer: w}
	if w.index == nil {
		switch {
		case matches(w.numeric, m.Field):
			f.kind = mapping.Number
		case matches(w.ip, m.Field):
			f.kind = mapping.IP
		}
		return f
	}
	mapped := w.index.Field(m.Field)
	if mapped == nil {
		f.missing = true
		return f
	}
	f.kind = mapped.Kind
	if whole, ok := mapped.Whole(m.Cased); ok && mapped.Kind == mapping.Text {
		f.name = strings.Replace(f.name, name(m.Field), name(whole.Name), 1)
	}
	return f
}

// optional writes a field's name, with "?" where a hit does not need it.
func (w *writer) optional(field string) string {
	if w.needed[field] {
		return name(field)
	}
	return "?" + name(field)
}

func matches(globs []string, field string) bool {
	return slices.ContainsFunc(globs, func(glob string) bool {
		ok, err := path.Match(glob, field)
		return ok && err == nil || glob == field
	})
}

// absent writes comparisons with a field that the index does not have.
func (w *writer) absent(matches []*ir.Match, all bool) backend.Piece {
	const message = ": comparisons with it find nothing"
	m := matches[0]
	text := "the index has no field " + m.Field + message
	if !slices.ContainsFunc(w.remarks, func(d *diag.Diagnostic) bool { return d.Message == text }) {
		w.remarks = append(w.remarks, &diag.Diagnostic{
			Code: "index-field", Severity: diag.Warning, Message: text, Hint: "a pipeline (-p) names fields as the index does", Pos: m.Pos, File: m.File,
		})
	}
	isNull := func(m *ir.Match) bool { return m.Op == ir.Null }
	if n := len(matches); slices.ContainsFunc(matches, isNull) && (!all || n == 1) {
		return backend.Piece{Text: dialect.True, Closed: true}
	}
	return backend.Piece{Text: dialect.False, Closed: true}
}

// value writes a comparison's value and tells its form; alone is the whole
// comparison.
func (f *field) value(m *ir.Match, beside []*ir.Match) (form, string, error) {
	switch m.Op {
	case ir.Null:
		return presence, "?" + name(m.Field) + " == null", nil
	case ir.Exists:
		return presence, "?" + name(m.Field) + " != null", nil
	case ir.Like:
		return f.pattern(m, beside)
	case ir.Number, ir.Bool:
		if f.kind == mapping.Number && m.Op == ir.Number || f.kind == mapping.Bool {
			return equal, m.Text, nil
		}
		return folded, text(m.Text), nil
	case ir.Regexp:
		re, err := backend.LuceneRegexp(m.Text)
		if err != nil {
			return alone, "", backend.Unsupported(m, err.Error(), "")
		}
		return regex, text(re), nil
	case ir.CIDR:
		return network, text(m.Text), nil
	case ir.Less, ir.LessEqual, ir.Greater, ir.GreaterEqual:
		name := f.name
		if f.kind == mapping.Text && f.writer.index != nil {
			name = "number(" + name + ")"
		}
		return alone, name + " " + comparison[m.Op] + " " + m.Text, nil
	case ir.FieldRef:
		return alone, f.reference(m), nil
	case ir.Raw:
		return alone, "(" + strings.Join(m.Parts, f.name) + ")", nil
	}
	return alone, "", backend.Unsupported(m, "EQL can't compare parts of a time", "match and hunt can, on files, and esql")
}

var comparison = map[ir.Op]string{ir.Less: "<", ir.LessEqual: "<=", ir.Greater: ">", ir.GreaterEqual: ">="}

// pattern writes a text with or without wildcards.
func (f *field) pattern(m *ir.Match, beside []*ir.Match) (form, string, error) {
	p := m.Pattern
	s, plain := p.Plain()
	switch {
	case isAny(p):
		return presence, "?" + name(m.Field) + " != null", nil
	case f.kind == mapping.Number && plain && isNumber(s):
		return equal, s, nil
	case f.kind == mapping.IP && plain && isAddress(s):
		return equal, text(s), nil
	case f.kind == mapping.Number || f.kind == mapping.IP:
		return words, lineEnds.Replace(literal.Write(p)), nil
	case plain && (m.Cased || s == "" || addresses(beside)):
		return equal, text(s), nil
	case needsRegex(p) && m.Cased:
		return regex, text(casedRegex(p)), nil
	case needsRegex(p):
		return foldRegex, text(casedRegex(p)), nil
	case m.Cased:
		return wild, lineEnds.Replace(literal.Write(p)), nil
	}
	return folded, lineEnds.Replace(literal.Write(p)), nil
}

// needsRegex tells a pattern that wildcards can't say: a literal star or question
// mark has no escape in EQL.
func needsRegex(p ir.Pattern) bool {
	return slices.ContainsFunc(p, func(t sigma.Token) bool { return t.Kind == sigma.Literal && strings.ContainsAny(t.Text, "*?") })
}

// casedRegex writes a pattern as a regular expression.
func casedRegex(p ir.Pattern) string {
	var b strings.Builder
	for _, t := range p {
		switch t.Kind {
		case sigma.AnyChars:
			b.WriteString(".*")
		case sigma.OneChar:
			b.WriteString(".")
		default:
			b.WriteString(inRegex.Text(t.Text))
		}
	}
	return b.String()
}

// inRegex escapes all punctuation, as much of it is an operator of Lucene.
var inRegex = backend.Escaping{Escape: `\`, Chars: "!\"#$%&'()*+,-./:;<=>?@[\\]^`{|}~"}

// reference compares two fields. The operators of EQL take constants alone, its
// functions do not.
func (f *field) reference(m *ir.Match) string {
	other, fold := f.writer.optional(m.Text), "~"
	if m.Cased {
		fold = ""
	}
	call := func(function, a, b string) string { return function + fold + "(" + a + ", " + b + ")" }
	text := call("startsWith", f.name, other) + dialect.And + call("startsWith", other, f.name)
	if function := affixes[m.Affix]; function != "" {
		text = call(function, f.name, other)
	}
	switch {
	case f.writer.negated[m] && !f.writer.needed[m.Text]:
		return guarded(m.Text, []string{text}, true)
	case m.Affix == ir.Whole:
		return dialect.Open + text + dialect.Close
	}
	return text
}

var affixes = map[ir.Affix]string{ir.Prefix: "startsWith", ir.Suffix: "endsWith", ir.Anywhere: "stringContains"}

func isNumber(s string) bool {
	digits := strings.TrimPrefix(s, "-")
	return digits != "" && strings.Trim(digits, "0123456789") == "" && (digits == "0" || digits[0] != '0')
}

// addresses tells whether all values are addresses, which a field of type ip takes
// behind "==" alone.
func addresses(matches []*ir.Match) bool {
	for _, m := range matches {
		if s, plain := m.Pattern.Plain(); m.Op != ir.Like || !plain || !isAddress(s) {
			return false
		}
	}
	return true
}

func isAddress(s string) bool {
	_, err := netip.ParseAddr(s)
	return err == nil
}

func isAny(p ir.Pattern) bool {
	return len(p) == 1 && p[0].Kind == sigma.AnyChars
}
