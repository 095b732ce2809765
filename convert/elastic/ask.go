// Package elastic holds what the targets for Elasticsearch and OpenSearch share.
//
// What a comparison of a rule asks of an index depends on how the index keeps the
// field: as a whole value in its own case, in lower case, or as words. Fields turns
// comparisons into Asks, by the options of a target, or by a mapping where there is
// one; QueryString writes them as a query string, the target es-dsl as JSON. The
// other files hold the forms in which Kibana, the detection engine and ElastAlert
// import a query. The package knows nothing of single targets. Data flows: ir.Match
// → Ask → text.
package elastic

import (
	"unicode"
	"unicode/utf16"

	"github.com/huntbook/huntbook/convert/backend"
	"github.com/huntbook/huntbook/convert/mapping"
	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/sigma"
)

// Ask is what an index is asked about a field.
type Ask struct {
	Op Op
	// Field is the name in the index; "" is every field.
	Field string
	// Pattern is the value of Value and Wild.
	Pattern ir.Pattern
	// Text is Lucene's regular expression, the number of a Range, the network, or
	// the language's own text of Raw.
	Text string
	// Compare is ir.Less, LessEqual, Greater or GreaterEqual, of a Range.
	Compare ir.Op
	// Whole tells that the field holds whole values, so that Value is equality and
	// not a phrase.
	Whole bool
	// Fold tells that the field keeps the case and letters of either case match.
	Fold bool
	// Texts are what OneOf looks for, Before and After whether anything may stand
	// around each.
	Texts         []ir.Pattern
	Before, After bool
	// Of are the members of All and Any; Not has one.
	Of []Ask

	// uncased tells that the rule does not regard the case, whatever the field does.
	uncased bool
	// lower tells that the field keeps lower case alone.
	lower bool
	alone ir.Pattern
}

// Op is what an Ask asks.
type Op uint8

// The questions. Never is a value that the field can't hold.
const (
	Value Op = iota
	Wild
	Regexp
	Range
	Network
	Exists
	OneOf
	Raw
	Never
	All
	Any
	Not
)

// Fields knows how fields are asked.
type Fields struct {
	// Exact asks for whole values also where options alone say how fields are
	// kept; a query string asks for phrases there, as sigmac did.
	Exact bool

	settings
	index   *mapping.Index
	remarks diag.List
}

// UseMapping makes a mapping say how the fields that it has are asked.
func (f *Fields) UseMapping(m *mapping.Index) { f.index = m }

// Remarks are what is to be told about the Asks since the last call.
func (f *Fields) Remarks() diag.List {
	list := f.remarks
	f.remarks = nil
	return list
}

// remark tells something about a comparison, each thing once.
func (f *Fields) remark(m *ir.Match, message, hint string) {
	for _, d := range f.remarks {
		if d.Message == message {
			return
		}
	}
	f.remarks = append(f.remarks, &diag.Diagnostic{
		Code: "index-field", Severity: diag.Warning, Message: message, Hint: hint, Pos: m.Pos, File: m.File,
	})
}

// Asks are what comparisons of one field, of one detection item, ask for. Each is
// asked for by itself, in their order.
func (f *Fields) Asks(matches []*ir.Match, all bool) ([]Ask, error) {
	name := matches[0].Field
	if name == "" {
		return f.everywhere(matches, all)
	}
	if f.index != nil {
		if field := f.index.Field(name); field != nil {
			asks, err := f.mapped(field, matches)
			if err == nil && !all {
				asks = together(flatten(asks, false))
			}
			return asks, err
		}
		f.remark(matches[0], "the index has no field "+name+": comparisons with it find nothing", "a pipeline (-p) names fields as the index does")
	}
	asks, err := f.stated(matches, all)
	if err == nil && !all && f.Exact {
		asks = together(asks)
	}
	return asks, err
}

// FieldName is the name of a field's whole value, to group and count by.
func (f *Fields) FieldName(name string) string {
	if f.index != nil {
		if field := f.index.Field(name); field != nil {
			if form, ok := field.Whole(false); ok {
				return form.Name
			}
			return name
		}
	}
	if f.notKeyword.match(name) {
		return name
	}
	return f.keywordName(name)
}

// isValue tells whether a comparison is with a text, a number or a flag.
func isValue(m *ir.Match) bool { return m.Op == ir.Like || m.Op == ir.Number || m.Op == ir.Bool }

// pattern is the value of a comparison with a text, a number or a flag.
func pattern(m *ir.Match) ir.Pattern {
	if m.Op == ir.Like {
		return m.Pattern
	}
	return sigma.Text(m.Text)
}

// value asks for a pattern, with or without wildcards.
func value(field string, p ir.Pattern, whole, fold bool) Ask {
	a := Ask{Op: Value, Field: field, Pattern: p, Whole: whole, Fold: fold && hasLetter(p)}
	if !p.IsPlain() {
		a.Op = Wild
	}
	return a
}

func hasLetter(p ir.Pattern) bool {
	for _, t := range p {
		for _, r := range t.Text {
			if unicode.SimpleFold(r) != r {
				return true
			}
		}
	}
	return false
}

// BeyondASCII tells whether a pattern has letters whose case Elasticsearch does not
// fold.
func BeyondASCII(p ir.Pattern) bool {
	for _, t := range p {
		for _, r := range t.Text {
			if r > unicode.MaxASCII && unicode.SimpleFold(r) != r {
				return true
			}
		}
	}
	return false
}

// isAny tells whether a pattern is met by every value.
func isAny(p ir.Pattern) bool {
	for _, t := range p {
		if t.Kind != sigma.AnyChars {
			return false
		}
	}
	return len(p) > 0
}

// maxRegexp is the length of the longest regular expression that an index takes,
// unless it sets index.max_regex_length.
const maxRegexp = 1000

// regexpLength is the length as Elasticsearch counts it.
func regexpLength(re string) int { return len(utf16.Encode([]rune(re))) }

// searchFor asks for a regular expression.
func (f *Fields) searchFor(field string, m *ir.Match) (Ask, error) {
	re, widened, err := backend.LuceneSearch(m.Text)
	if err != nil {
		return Ask{}, backend.Unsupported(m, err.Error(), "")
	}
	if widened {
		f.remark(m, "Elasticsearch gives up on this regular expression: its counted repetitions have no upper bound here, and more may be found", "")
	}
	if regexpLength(re) > maxRegexp {
		return Ask{}, backend.Unsupported(m, "the regular expression is longer than the 1,000 characters that an index takes (index.max_regex_length)", "")
	}
	return Ask{Op: Regexp, Field: field, Text: re, Whole: true}, nil
}
