package elastic

import (
	"fmt"
	"slices"
	"strings"

	"github.com/huntbook/huntbook/convert/backend"
	"github.com/huntbook/huntbook/ir"
)

// stated asks as the options say that fields are kept.
func (f *Fields) stated(matches []*ir.Match, all bool) ([]Ask, error) {
	var asks []Ask
	var list []*ir.Match
	at := 0
	for _, m := range matches {
		if !isValue(m) || m.Cased || all {
			more, err := f.statedOne(m)
			if err != nil {
				return nil, err
			}
			asks = append(asks, more...)
			continue
		}
		if list == nil {
			at = len(asks)
		}
		list = append(list, m)
	}
	if list == nil {
		return asks, nil
	}
	values, err := f.statedValues(list)
	return slices.Insert(asks, at, values...), err
}

// statedValues asks for values of which one must match. They take the same form.
func (f *Fields) statedValues(matches []*ir.Match) ([]Ask, error) {
	name := matches[0].Field
	var patterns []ir.Pattern
	for _, m := range matches {
		patterns = append(patterns, f.hashForms(name, pattern(m))...)
	}
	keyword, fold := f.form(name, patterns)
	var asks []Ask
	for _, p := range patterns {
		if f.Exact && isAny(p) {
			asks = append(asks, Ask{Op: Exists, Field: name})
			continue
		}
		full := f.analyzedName(name)
		whole := keyword
		if f.Exact && !f.notKeyword.match(name) {
			whole = !simple(p)
		}
		if whole {
			full = f.keywordName(name)
		}
		if f.notKeyword.match(name) && !p.IsPlain() && !isAny(p) {
			f.remarkWords(full, matches[0])
			asks = append(asks, words(full, p))
			continue
		}
		a := value(full, p, whole || f.Exact, fold || f.Exact && !simple(p))
		a.uncased = f.Exact && !matches[0].Cased
		if err := f.checkLength(a, matches[0]); err != nil {
			return nil, err
		}
		asks = append(asks, a)
	}
	return asks, nil
}

func (f *Fields) remarkWords(field string, m *ir.Match) {
	f.remark(m, fmt.Sprintf("the index keeps only the words of field %s: they are looked for, in any order and with anything between", field),
		"a multi-field of type keyword or wildcard keeps the whole text; --mapping tells of it")
}

// simple tells whether a value may be a number, a flag or an address, whose fields
// have no whole text beside them.
func simple(p ir.Pattern) bool {
	s, plain := p.Plain()
	return plain && (isNumber(s) || isFlag(s) || isAddress(s))
}

// checkLength refuses what becomes a regular expression that no index takes.
func (f *Fields) checkLength(a Ask, m *ir.Match) error {
	if !a.Fold || f.Exact && !BeyondASCII(a.Pattern) || regexpLength(backend.LucenePattern(a.Pattern)) <= maxRegexp {
		return nil
	}
	return backend.Unsupported(m, "ignoring case takes a regular expression of more than the 1,000 characters that an index accepts (index.max_regex_length)",
		"the target es-dsl ignores case without one")
}

func (f *Fields) statedOne(m *ir.Match) ([]Ask, error) {
	one := func(a Ask) ([]Ask, error) { return []Ask{a}, nil }
	switch m.Op {
	case ir.Like, ir.Number, ir.Bool:
		if !m.Cased {
			return f.statedValues([]*ir.Match{m})
		}
		if f.notKeyword.match(m.Field) {
			return nil, backend.Unsupported(m, "a case-sensitive comparison needs a keyword field", "take the field out of keyword_blacklist")
		}
		return one(value(f.keywordName(m.Field), m.Pattern, true, false))
	case ir.Regexp:
		if f.notKeyword.match(m.Field) {
			f.remark(m, fmt.Sprintf("the index keeps only the words of field %s: the regular expression is compared with each", m.Field), "")
		}
		a, err := f.searchFor(f.regexpName(m.Field), m)
		return []Ask{a}, err
	case ir.CIDR:
		// A field of type ip takes a network in the place of an address, for
		// IPv4 and IPv6 alike; HELK and ECS keep addresses in such fields.
		return one(Ask{Op: Network, Field: m.Field, Text: m.Text})
	case ir.Less, ir.LessEqual, ir.Greater, ir.GreaterEqual:
		return one(Ask{Op: Range, Field: m.Field, Compare: m.Op, Text: m.Text})
	}
	return other(m)
}

// other asks for what does not depend on how a field is kept.
func other(m *ir.Match) ([]Ask, error) {
	exists := Ask{Op: Exists, Field: m.Field}
	switch m.Op {
	case ir.Null:
		return []Ask{{Op: Not, Of: []Ask{exists}}}, nil
	case ir.Exists:
		return []Ask{exists}, nil
	case ir.Raw:
		return []Ask{{Op: Raw, Text: strings.Join(m.Parts, FieldName(m.Field))}}, nil
	case ir.FieldRef:
		return nil, backend.Unsupported(m, "a search compares fields with values, not with one another", "match and hunt can, on files")
	}
	return nil, backend.Unsupported(m, "a search can't compare parts of a time", "match and hunt can, on files")
}

// everywhere asks for what is looked for in every field.
func (f *Fields) everywhere(matches []*ir.Match, all bool) ([]Ask, error) {
	fields, fold := f.unboundFields()
	var asks []Ask
	for _, m := range matches {
		var each []Ask
		for _, field := range fields {
			a := Ask{}
			switch m.Op {
			case ir.Like, ir.Number, ir.Bool:
				a = value(field, pattern(m).Contains(), true, fold && !m.Cased)
				a.uncased = !m.Cased
				if err := f.checkLength(a, m); err != nil {
					return nil, err
				}
			case ir.Regexp:
				var err error
				if a, err = f.searchFor(field, m); err != nil {
					return nil, err
				}
			default:
				return nil, backend.Unsupported(m, "a query string can't look for this in every field", "name a field")
			}
			each = append(each, a)
		}
		if len(each) == 1 {
			asks = append(asks, each[0])
			continue
		}
		asks = append(asks, Ask{Op: Any, Of: each})
	}
	if f.index != nil && !all {
		asks = together(flatten(asks, false))
	}
	return asks, nil
}

// unboundFields are patterns of the names of all fields, and whether they keep the
// case.
func (f *Fields) unboundFields() ([]string, bool) {
	fold := f.fold.match("*") && len(f.notFold) == 0
	switch {
	case f.unbound != "":
		return []string{strings.ReplaceAll(f.unbound, `\*`, "*")}, fold
	case f.index != nil:
		return f.mappedFields()
	case f.keywordField == "":
		return []string{""}, fold
	}
	return []string{"*." + f.keywordField}, fold
}

func isFlag(s string) bool { return strings.EqualFold(s, "true") || strings.EqualFold(s, "false") }
