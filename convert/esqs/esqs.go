// Package esqs writes Elasticsearch query strings: the language of the
// query_string query and of Kibana's search bar with Lucene syntax, in the
// form that sigmac's target es-qs gave it.
//
// A value without wildcard is a quoted phrase on the analysed field; a value
// with one stands bare on the keyword sub-field, whose whole text a wildcard
// must match, and takes the other values of its list along. Options say where
// an index is different. Every value is escaped so that it can't change the
// query's structure.
package esqs

import (
	"slices"
	"strings"

	"github.com/huntbook/huntbook/convert/backend"
	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/pipeline"
	"github.com/huntbook/huntbook/sigma"
)

// Target is es-qs.
var Target = &backend.Target{
	Name:        "es-qs",
	Description: "Elasticsearch query string, as sigmac wrote it: for query_string queries and Kibana's search bar.",
	Reference:   "https://www.elastic.co/docs/reference/query-languages/query-dsl/query-dsl-query-string-query",
	Limits: []string{
		"A comparison of two fields of an event (fieldref) and parts of a time (minute, hour, day …) can't be expressed.",
		"Regular expressions with word boundaries, or with anchors inside of the text, can't be expressed.",
		"Wildcards and regular expressions on a keyword field are case-sensitive, unless the index normalises it or ci_whitelist names the field; a value without wildcard ignores case where the field is analysed.",
		"A value without wildcard is a phrase: it also matches inside of longer text. keyword_whitelist makes it match the whole text.",
		"Presence (exists) and absence can't be told from null.",
		"Networks (cidr) need a field of type ip.",
		`A "." inside of a regular expression matches a newline too.`,
	},
	Formats: []backend.Format{{Name: "default", Description: "the query as text"}},
	Options: options,
	Example: backend.Example{
		Rule: `
selection:
  Image|endswith: '\powershell.exe'
  CommandLine|contains: [' -enc ', 'FromBase64String']
filter:
  User: SYSTEM
condition: selection and not filter`,
		Query: `(Image.keyword:*\\powershell.exe AND CommandLine.keyword:(*\ \-enc\ * OR *FromBase64String*) AND (NOT (User:"SYSTEM")))`,
	},
	New: newWriter,
}

var dialect = backend.Dialect{
	And: " AND ", Or: " OR ", Not: "NOT ",
	Open: "(", Close: ")",
	True: "*:*", False: "(NOT *:*)",
	Whole: true,
}

// special are the characters with a meaning. "<" and ">" have one too, at the
// start of a bare term only, and no escape: such a term is quoted.
const special = `+-=!(){}[]^"~:/\*?`

var (
	quoted = backend.Escaping{Open: `"`, Close: `"`, Escape: `\`, Chars: special, Pairs: []string{"&&", "||"}, Space: true}
	bare   = backend.Escaping{Escape: `\`, Chars: special, Pairs: []string{"&&", "||"}, Space: true, Any: "*", One: "?"}
	// A hyphen or plus inside of a name is plain.
	fieldName = backend.Escaping{Escape: `\`, Chars: `=!(){}[]^"~:/\*?<>`, Pairs: []string{"&&", "||"}, Space: true}
)

// writer is the backend: settings, and the index that they describe.
type writer struct{ settings }

// Query writes one condition.
func (w *writer) Query(l *pipeline.Lowered, e ir.Expr) (any, error) {
	text, err := dialect.Print(e, w)
	if err != nil || len(l.Search) == 0 {
		return text, err
	}
	parts := append(slices.Clone(l.Search), text)
	return "((" + strings.Join(parts, ") AND (") + "))", nil
}

// Group writes comparisons of one field. Values that an OR links share a list.
func (w *writer) Group(matches []*ir.Match, all bool) ([]backend.Piece, error) {
	if matches[0].Field == "" {
		return w.keywords(matches, all)
	}
	var pieces []backend.Piece
	var list []*ir.Match
	at := 0
	for _, m := range matches {
		if !isValue(m) || all {
			p, err := w.single(m)
			if err != nil {
				return nil, err
			}
			pieces = append(pieces, p)
			continue
		}
		if list == nil {
			at = len(pieces)
		}
		list = append(list, m)
	}
	if list != nil {
		pieces = slices.Insert(pieces, at, w.values(list))
	}
	return pieces, nil
}

// isValue tells whether a comparison may share a list with others.
func isValue(m *ir.Match) bool {
	return m.Op == ir.Like && !m.Cased || m.Op == ir.Number || m.Op == ir.Bool
}

func (w *writer) single(m *ir.Match) (backend.Piece, error) {
	name := field(m.Field)
	text := ""
	switch m.Op {
	case ir.Like, ir.Number, ir.Bool:
		if !m.Cased {
			return w.values([]*ir.Match{m}), nil
		}
		if w.neverKeyword(m.Field) {
			return backend.Piece{}, backend.Unsupported(m, "a case-sensitive comparison needs a keyword field", "take the field out of keyword_blacklist")
		}
		text = w.keywordName(m.Field) + ":" + keywordText(m.Pattern)
	case ir.Null:
		return backend.Piece{Text: "NOT _exists_:" + name, Negative: true}, nil
	case ir.Exists:
		text = "_exists_:" + name
	case ir.Regexp:
		re, err := backend.LuceneRegexp(m.Text)
		if err != nil {
			return backend.Piece{}, backend.Unsupported(m, err.Error(), "")
		}
		text = w.regexpName(m.Field) + ":/" + re + "/"
	case ir.CIDR:
		// A field of type ip takes a network in the place of an address, for
		// IPv4 and IPv6 alike; HELK and ECS keep addresses in such fields.
		text = name + ":" + quoted.Text(m.Text)
	case ir.Less, ir.LessEqual, ir.Greater, ir.GreaterEqual:
		text = name + ":" + comparison[m.Op] + m.Text
	case ir.Raw:
		return backend.Piece{Text: "(" + strings.Join(m.Parts, name) + ")", Closed: true}, nil
	case ir.FieldRef:
		return backend.Piece{}, backend.Unsupported(m, "a query string can't compare two fields of an event", "match and hunt can, on files")
	default:
		return backend.Piece{}, backend.Unsupported(m, "a query string can't compare parts of a time", "match and hunt can, on files")
	}
	return backend.Piece{Text: text}, nil
}

var comparison = map[ir.Op]string{ir.Less: "<", ir.LessEqual: "<=", ir.Greater: ">", ir.GreaterEqual: ">="}

// values writes a value, or a list of which one must match.
func (w *writer) values(matches []*ir.Match) backend.Piece {
	name := matches[0].Field
	var patterns []ir.Pattern
	for _, m := range matches {
		patterns = append(patterns, w.hashForms(name, pattern(m))...)
	}
	keyword, fold := w.form(name, patterns)
	full := w.analyzedName(name)
	if keyword {
		full = w.keywordName(name)
	}
	texts := make([]string, len(patterns))
	for i, p := range patterns {
		switch {
		case fold && hasLetter(p):
			texts[i] = "/" + backend.LucenePattern(p) + "/"
		case keyword || !p.IsPlain():
			texts[i] = keywordText(p)
		default:
			texts[i] = quoted.Write(p)
		}
	}
	if len(texts) == 1 {
		return backend.Piece{Text: full + ":" + texts[0]}
	}
	return backend.Piece{Text: full + ":(" + strings.Join(texts, dialect.Or) + ")"}
}

// pattern is the value of a comparison with a text, a number or a flag.
func pattern(m *ir.Match) ir.Pattern {
	if m.Op == ir.Like {
		return m.Pattern
	}
	return sigma.Text(m.Text)
}

// keywordText writes a pattern bare, for a field that is not analysed. What
// would be an operator there, or nothing at all, is quoted.
func keywordText(p ir.Pattern) string {
	s, plain := p.Plain()
	if plain && (s == "" || s[0] == '<' || s[0] == '>' || slices.Contains(reserved, s)) {
		return quoted.Text(s)
	}
	return bare.Write(p)
}

var reserved = []string{"AND", "OR", "NOT", "TO"}

// field writes a field's name.
func field(name string) string {
	if slices.Contains(reserved, name) || strings.HasPrefix(name, "-") || strings.HasPrefix(name, "+") {
		return `\` + fieldName.Text(name)
	}
	return fieldName.Text(name)
}

// keywords writes what is looked for in every field.
func (w *writer) keywords(matches []*ir.Match, all bool) ([]backend.Piece, error) {
	name := field(w.unboundField())
	var pieces []backend.Piece
	var texts []string
	for _, m := range matches {
		switch m.Op {
		case ir.Like, ir.Number, ir.Bool:
			texts = append(texts, bare.Write(pattern(m).Contains()))
		case ir.Regexp:
			re, err := backend.LuceneRegexp(m.Text)
			if err != nil {
				return nil, backend.Unsupported(m, err.Error(), "")
			}
			pieces = append(pieces, backend.Piece{Text: name + ":/" + re + "/", Closed: true})
		default:
			return nil, backend.Unsupported(m, "a query string can't look for this in every field", "name a field")
		}
	}
	token := dialect.Or
	if all {
		token = dialect.And
	}
	switch len(texts) {
	case 0:
		return pieces, nil
	case 1:
		return append(pieces, backend.Piece{Text: name + ":" + texts[0], Closed: true}), nil
	}
	return append(pieces, backend.Piece{Text: name + ":(" + strings.Join(texts, token) + ")", Closed: true}), nil
}
