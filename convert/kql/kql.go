// Package kql writes the Kibana query language (KQL), for Kibana's search bars,
// dashboards and detection rules.
//
// A value without wildcard is quoted, one with a star stands bare: in quotes a star
// is a star. A word that is an operator, and what would end a bare value, is escaped;
// Kibana's grammar is the judge. The language has no regular expressions, no wildcard
// for one character and no way to ignore case. Data flows: ir.Match → elastic.Ask →
// text.
package kql

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/huntbook/huntbook/convert/backend"
	"github.com/huntbook/huntbook/convert/elastic"
	"github.com/huntbook/huntbook/convert/mapping"
	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/pipeline"
	"github.com/huntbook/huntbook/sigma"
)

// Target is kql.
var Target = &backend.Target{
	Name:        "kql",
	Aliases:     []backend.Alias{{Name: "kuery"}},
	Families:    []string{"elasticsearch"},
	Description: "KQL, the Kibana query language: for Kibana's search bars, dashboards and detection rules.",
	Reference:   "https://www.elastic.co/docs/reference/query-languages/kql",
	Limits: []string{
		"KQL compares a keyword field with its case, and has no way around it: a value is found as the rule writes it, unless the index normalises it. With a mapping (--mapping) a warning names such fields.",
		"Regular expressions, a comparison of two fields of an event (fieldref) and parts of a time (minute, hour, day …) can't be expressed.",
		"A text with wildcards can't begin or end with a space.",
		"Kibana hands a value with wildcards to the wildcard query of a keyword field as it is, so a backslash in it is written four times; fields of words (text), which a mapping tells apart, are asked with a query string, which takes it twice. A wildcard for one character needs a keyword field and a star beside it. Kibana needs a data view with the field for that, Elasticsearch's query kql its mapping.",
		"Presence (exists) can't be told from null.",
		"Networks (cidr) need a field of type ip, or a mapping.",
	},
	Formats: []backend.Format{{Name: "default", Description: "the query as text"}},
	Options: slices.DeleteFunc(elastic.Options(), func(o backend.Option) bool { return strings.HasPrefix(o.Name, "ci_") }),
	Example: backend.Example{
		Rule: `
selection:
  Image|endswith: '\powershell.exe'
  CommandLine|contains: [' -enc ', 'FromBase64String']
filter:
  User: SYSTEM
condition: selection and not filter`,
		Query: `Image: *\\\\powershell.exe and (CommandLine: * -enc * or CommandLine: *FromBase64String*) and not User: "SYSTEM"`,
	},
	New: newWriter,
}

var dialect = backend.Dialect{
	And: " and ", Or: " or ", Not: "not ",
	Open: "(", Close: ")",
	True: "*: *", False: "(not *: *)", Binds: true,
}

// writer is the backend.
type writer struct {
	fields  *elastic.Fields
	mapped  bool
	remarks diag.List
}

func newWriter(_ string, o map[string]string) (backend.Backend, error) {
	fields, err := elastic.NewFields(o)
	if err == nil {
		fields.Exact = true
	}
	return &writer{fields: fields}, err
}

// UseMapping makes a mapping say how the fields that it has are asked.
func (w *writer) UseMapping(m *mapping.Index) {
	w.fields.UseMapping(m)
	w.mapped = true
}

// Remarks are what is to be told about the queries since the last call.
func (w *writer) Remarks() diag.List {
	list := slices.Concat(w.remarks, w.fields.Remarks())
	w.remarks = nil
	return list
}

// Query writes one condition.
func (w *writer) Query(l *pipeline.Lowered, e ir.Expr) (any, error) {
	if len(l.Search) > 0 {
		return nil, &diag.Diagnostic{
			Code: "unsupported", Message: "the configuration has a condition in the language of query strings, which KQL is not", Pos: l.Rule.Pos,
			Hint: "give the condition as conditions of the log source, or convert to lucene",
		}
	}
	return dialect.Print(e, w)
}

// Group writes comparisons of one field.
func (w *writer) Group(matches []*ir.Match, all bool) ([]backend.Piece, error) {
	for _, m := range matches {
		if err := sayable(m); err != nil {
			return nil, err
		}
	}
	asks, err := w.fields.Asks(matches, all)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(asks, hasNoOneChar) {
		return nil, backend.Unsupported(matches[0], "KQL has a wildcard for one character only beside a star, in a field that is kept whole", "convert to lucene, es-dsl or esql")
	}
	if w.mapped {
		w.remarkCase(matches[0], asks)
	}
	return pieces(asks, all), nil
}

// sayable is an error about what the language has no form for.
func sayable(m *ir.Match) error {
	switch m.Op {
	case ir.Regexp:
		return backend.Unsupported(m, "KQL has no regular expressions", "convert to lucene, es-dsl or esql")
	case ir.FieldRef:
		return backend.Unsupported(m, "KQL can't compare two fields of an event", "match and hunt can, on files, and esql")
	case ir.TimePart:
		return backend.Unsupported(m, "KQL can't compare parts of a time", "match and hunt can, on files, and esql")
	case ir.Like:
	default:
		return nil
	}
	p := m.Pattern
	if m.Field == "" {
		p = p.Contains()
	}
	if p.IsPlain() {
		return nil
	}
	first, last := p[0].Text, p[len(p)-1].Text
	if strings.TrimLeftFunc(first, unicode.IsSpace) != first || strings.TrimRightFunc(last, unicode.IsSpace) != last {
		return backend.Unsupported(m, "KQL can't look for a text with wildcards that begins or ends with a space", "convert to lucene, es-dsl or esql")
	}
	return nil
}

// hasNoOneChar tells whether a question has a wildcard for one character where there is
// none: in fields of words, and in a value without a star, which Kibana takes for plain
// text.
func hasNoOneChar(a elastic.Ask) bool {
	lacks := func(p ir.Pattern) bool {
		kinds := [...]bool{sigma.Literal: false, sigma.AnyChars: a.Before || a.After, sigma.OneChar: false}
		for _, t := range p {
			kinds[t.Kind] = true
		}
		return kinds[sigma.OneChar] && !(isWhole(a) && kinds[sigma.AnyChars])
	}
	return lacks(a.Pattern) || slices.ContainsFunc(a.Texts, lacks) || slices.ContainsFunc(a.Of, hasNoOneChar)
}

// isWhole tells whether Kibana asks a field with a wildcard query of its own, as it
// does of a keyword field, and not with a query string.
func isWhole(a elastic.Ask) bool { return a.Whole && a.Field != "" }

// remarkCase tells of fields whose case counts where the rule's does not.
func (w *writer) remarkCase(m *ir.Match, asks []elastic.Ask) {
	for _, a := range asks {
		w.remarkCase(m, a.Of)
		message := fmt.Sprintf("KQL compares field %s with its case: a value in another case is not found", a.Field)
		told := slices.ContainsFunc(w.remarks, func(d *diag.Diagnostic) bool { return d.Message == message })
		if a.Fold && !told {
			w.remarks = append(w.remarks, &diag.Diagnostic{
				Code: "index-field", Severity: diag.Warning, Message: message, Pos: m.Pos, File: m.File,
				Hint: "a multi-field with a normalizer that lowers letters, or the target lucene, es-dsl or esql, finds it",
			})
		}
	}
}

// pieces writes questions that AND (all) or OR links, each with its field: lists of
// values in parentheses are shorter, but Elasticsearch's query kql and ES|QL's KQL
// refuse them (8.19), and only Kibana takes them.
func pieces(asks []elastic.Ask, all bool) []backend.Piece {
	var out []backend.Piece
	for _, a := range apart(asks, all) {
		out = append(out, piece(a))
	}
	return out
}

// compared is a field with a value.
func compared(field, text string) backend.Piece {
	if field != "" {
		text = name(field) + ": " + text
	}
	return backend.Piece{Text: text, Closed: true}
}

// apart makes single questions of those for one of several texts, which are for
// languages with regular expressions.
func apart(asks []elastic.Ask, all bool) []elastic.Ask {
	var out []elastic.Ask
	for _, a := range asks {
		if a.Op != elastic.OneOf {
			out = append(out, a)
			continue
		}
		var texts []elastic.Ask
		for _, p := range a.Texts {
			one := elastic.Ask{Op: elastic.Value, Field: a.Field, Whole: a.Whole}
			if a.Before {
				one.Op, p = elastic.Wild, p.EndsWith()
			}
			if a.After {
				one.Op, p = elastic.Wild, p.StartsWith()
			}
			one.Pattern = p
			texts = append(texts, one)
		}
		if all {
			texts = []elastic.Ask{{Op: elastic.Any, Of: texts}}
		}
		out = append(out, texts...)
	}
	return out
}

// piece writes what is a clause by itself.
func piece(a elastic.Ask) backend.Piece {
	switch a.Op {
	case elastic.Value:
		s, _ := a.Pattern.Plain()
		return compared(a.Field, quote(s))
	case elastic.Network:
		return compared(a.Field, quote(a.Text))
	case elastic.Wild:
		if isWhole(a) {
			return compared(a.Field, bare(wildcardText(a.Pattern)))
		}
		return compared(a.Field, bare(a.Pattern))
	case elastic.Range:
		return backend.Piece{Text: name(a.Field) + " " + comparison[a.Compare] + " " + bare(sigma.Text(a.Text)), Closed: true}
	case elastic.Exists:
		return backend.Piece{Text: name(a.Field) + ": *", Closed: true}
	case elastic.Raw:
		return backend.Piece{Text: dialect.Open + a.Text + dialect.Close, Closed: true}
	case elastic.All, elastic.Any:
		all := a.Op == elastic.All
		token := dialect.Or
		if all {
			token = dialect.And
		}
		var texts []string
		for _, p := range pieces(a.Of, all) {
			if p.Negative && !all {
				p.Text = dialect.Open + p.Text + dialect.Close
			}
			texts = append(texts, p.Text)
		}
		return backend.Piece{Text: dialect.Open + strings.Join(texts, token) + dialect.Close, Closed: true}
	case elastic.Not:
		return backend.Piece{Text: dialect.Not + pieces(a.Of, true)[0].Text, Negative: true}
	}
	return backend.Piece{Text: dialect.False, Closed: true}
}

var comparison = map[ir.Op]string{ir.Less: "<", ir.LessEqual: "<=", ir.Greater: ">", ir.GreaterEqual: ">="}

const special = `\():<>"*{}`

var (
	quoted = backend.Escaping{Open: `"`, Close: `"`, Escape: `\`, Chars: `"\`}
	open   = backend.Escaping{Escape: `\`, Chars: special, Any: "*"}

	lineEnds = strings.NewReplacer("\n", `\n`, "\r", `\r`, "\t", `\t`)
	// words are operators, and "not" inside of a word too where a space follows.
	words = regexp.MustCompile(`(?i)\b(?:and|or)\b|not\b`)
	nots  = strings.NewReplacer(`\n`, `\u006e`, `\N`, `\u004e`)

	plainName = regexp.MustCompile(`^[\w@.*-]+$`)
)

func quote(s string) string { return lineEnds.Replace(quoted.Text(s)) }

// bare writes a pattern without quotes. Kibana reads \not as a line end and "ot".
func bare(p ir.Pattern) string {
	return words.ReplaceAllStringFunc(lineEnds.Replace(open.Write(p)), func(word string) string { return nots.Replace(`\` + word) })
}

// wildcardText is a pattern with what the wildcard query takes for itself escaped once
// more: Kibana hands the text on as it is once the escapes of KQL are gone.
func wildcardText(p ir.Pattern) ir.Pattern {
	var out ir.Pattern
	for _, t := range p {
		switch t.Kind {
		case sigma.Literal:
			out = out.Append(sigma.Token{Kind: sigma.Literal, Text: wildcards.Replace(t.Text)})
		case sigma.OneChar:
			out = out.Append(sigma.Token{Kind: sigma.Literal, Text: "?"})
		default:
			out = out.Append(t)
		}
	}
	return out
}

var wildcards = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`)

// name writes a field's name, in which a star is a wildcard.
func name(field string) string {
	if plainName.MatchString(field) && !words.MatchString(field) {
		return field
	}
	return quote(field)
}
