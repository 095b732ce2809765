package opensearchppl

import (
	"slices"
	"strings"
	"unicode"

	"github.com/huntbook/huntbook/convert/backend"
	"github.com/huntbook/huntbook/convert/mapping"
	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/pipeline"
	"github.com/huntbook/huntbook/sigma"
)

// Group writes comparisons of one field. Values that are equal to it share a list.
func (w *writer) Group(matches []*ir.Match, all bool) ([]backend.Piece, error) {
	if matches[0].Field == "" {
		p, err := w.keywords(matches, all)
		return []backend.Piece{p}, err
	}
	f := w.field(matches[0])
	if f.missing {
		return []backend.Piece{w.absent(matches, all)}, nil
	}
	var certain, texts, equal []string
	at := 0
	for _, m := range matches {
		text, form, err := w.comparison(f, m)
		switch {
		case err != nil:
			return nil, err
		case form == presence:
			certain = append(certain, text)
		case form == listed && !all:
			if equal == nil {
				at = len(texts)
				texts = append(texts, "")
			}
			equal = append(equal, text)
		case form == listed:
			texts = append(texts, f.name+" = "+text)
		default:
			texts = append(texts, text)
		}
	}
	switch {
	case len(equal) == 1:
		texts[at] = f.name + " = " + equal[0]
	case len(equal) > 1:
		texts[at] = f.name + " in (" + strings.Join(equal, ", ") + ")"
	}
	if w.negated[matches[0]] && !w.needed[matches[0].Field] && len(texts) > 0 {
		texts = []string{guarded(name(matches[0].Field), texts, all)}
	}
	var pieces []backend.Piece
	for _, t := range append(certain, texts...) {
		pieces = append(pieces, backend.Piece{Text: t, Closed: strings.HasPrefix(t, dialect.Open)})
	}
	return pieces, nil
}

// guarded writes comparisons so that they are false where the field is absent.
func guarded(field string, texts []string, all bool) string {
	token := dialect.And
	if !all {
		token = dialect.Or
	}
	text := strings.Join(texts, token)
	if len(texts) > 1 && !all {
		text = dialect.Open + text + dialect.Close
	}
	return dialect.Open + "isnotnull(" + field + ")" + dialect.And + text + dialect.Close
}

// form tells how a comparison stands beside others.
type form uint8

const (
	alone    form = iota // by itself
	listed               // a value that the field is equal to
	presence             // what is true or false for every event
)

// field is a name and what it holds where a mapping tells.
type field struct {
	name    string
	kind    mapping.Kind
	missing bool
}

func (w *writer) field(m *ir.Match) field {
	f := field{name: name(m.Field), kind: mapping.Other}
	if w.index == nil {
		return f
	}
	mapped := w.index.Field(m.Field)
	if mapped == nil {
		f.missing = true
		return f
	}
	f.kind = mapped.Kind
	if whole, ok := mapped.Whole(m.Cased); ok {
		f.name = name(whole.Name)
	}
	return f
}

// absent writes comparisons with a field that the index does not have.
func (w *writer) absent(matches []*ir.Match, all bool) backend.Piece {
	m := matches[0]
	message := "the index has no field " + m.Field + ": comparisons with it find nothing"
	if !slices.ContainsFunc(w.remarks, func(d *diag.Diagnostic) bool { return d.Message == message }) {
		w.remarks = append(w.remarks, &diag.Diagnostic{
			Code: "index-field", Severity: diag.Warning, Message: message, Hint: "a pipeline (-p) names fields as the index does", Pos: m.Pos, File: m.File,
		})
	}
	isNull := func(m *ir.Match) bool { return m.Op == ir.Null }
	if slices.ContainsFunc(matches, isNull) && (!all || len(matches) == 1) {
		return backend.Piece{Text: dialect.True, Closed: true}
	}
	return backend.Piece{Text: dialect.False, Closed: true}
}

// comparison writes one comparison, of a listed one the value alone.
func (w *writer) comparison(f field, m *ir.Match) (string, form, error) {
	words := f.name // the field as text
	if f.kind != mapping.Text && f.kind != mapping.Other {
		words = "cast(" + f.name + " as string)"
	}
	switch m.Op {
	case ir.Null:
		return "isnull(" + f.name + ")", presence, nil
	case ir.Exists:
		return "isnotnull(" + f.name + ")", presence, nil
	case ir.Like:
		s, plain := m.Pattern.Plain()
		switch {
		case isAny(m.Pattern):
			return "isnotnull(" + f.name + ")", presence, nil
		case plain && (m.Cased || !hasLetter(s)):
			return text(s), listed, nil
		case m.Cased:
			return "like(" + words + ", " + text(like.Write(m.Pattern)) + ", true)", alone, nil
		}
		return "ilike(" + words + ", " + text(like.Write(m.Pattern)) + ")", alone, nil
	case ir.Number:
		if f.kind == mapping.Text {
			return text(m.Text), listed, nil
		}
		return m.Text, listed, nil
	case ir.Bool:
		if f.kind == mapping.Bool {
			return m.Text, listed, nil
		}
		return "ilike(cast(" + f.name + " as string), " + text(m.Text) + ")", alone, nil
	case ir.Regexp:
		return "regexp_match(" + words + ", " + text(m.Text) + ")", alone, nil
	case ir.CIDR:
		return "cidrmatch(" + f.name + ", " + text(m.Text) + ")", alone, nil
	case ir.Less, ir.LessEqual, ir.Greater, ir.GreaterEqual:
		return f.name + " " + comparison[m.Op] + " " + m.Text, alone, nil
	case ir.FieldRef:
		return w.reference(f, m), alone, nil
	case ir.TimePart:
		part := map[string]string{"week": "week(" + f.name + ", 3)"}[m.Part] // mode 3 is ISO 8601's
		if part == "" {
			part = m.Part + "(" + f.name + ")"
		}
		return part + " " + comparison[m.Compare] + " " + m.Text, alone, nil
	case ir.Raw:
		return "(" + strings.Join(m.Parts, f.name) + ")", alone, nil
	}
	return "", alone, backend.Unsupported(m, "PPL can't express this comparison", "")
}

var comparison = map[ir.Op]string{ir.Number: "=", ir.Less: "<", ir.LessEqual: "<=", ir.Greater: ">", ir.GreaterEqual: ">="}

// reference compares two fields.
func (w *writer) reference(f field, m *ir.Match) string {
	a, b := f.name, name(m.Text)
	if !m.Cased {
		a, b = "lower("+a+")", "lower("+b+")"
	}
	text := a + " = " + b
	switch m.Affix {
	case ir.Prefix:
		text = "locate(" + b + ", " + a + ") = 1"
	case ir.Suffix:
		text = "locate(reverse(" + b + "), reverse(" + a + ")) = 1"
	case ir.Anywhere:
		text = "locate(" + b + ", " + a + ") > 0"
	}
	if w.negated[m] && !w.needed[m.Text] {
		return guarded(name(m.Text), []string{text}, true)
	}
	return text
}

// keywords writes what is looked for in every field.
func (w *writer) keywords(matches []*ir.Match, all bool) (backend.Piece, error) {
	x := make([]ir.Expr, len(matches))
	for i, m := range matches {
		x[i] = m
	}
	e := ir.Any(x...)
	if all {
		e = ir.All(x...)
	}
	s, err := w.strings.Query(&pipeline.Lowered{}, e)
	return backend.Piece{Text: queryString("*", s), Closed: true}, err
}

func isAny(p ir.Pattern) bool { return len(p) == 1 && p[0].Kind == sigma.AnyChars }

func hasLetter(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.SimpleFold(r) != r })
}
