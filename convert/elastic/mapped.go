package elastic

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/huntbook/huntbook/convert/backend"
	"github.com/huntbook/huntbook/convert/mapping"
	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/sigma"
)

// mapped asks as the mapping says that the field is kept.
func (f *Fields) mapped(field *mapping.Field, matches []*ir.Match) ([]Ask, error) {
	var asks []Ask
	for _, m := range matches {
		a, err := f.mappedOne(field, m)
		if err != nil {
			return nil, err
		}
		asks = append(asks, a)
	}
	return asks, nil
}

func (f *Fields) mappedOne(field *mapping.Field, m *ir.Match) (Ask, error) {
	switch m.Op {
	case ir.Like, ir.Number, ir.Bool:
		patterns := f.hashForms(field.Name, pattern(m))
		either := Ask{Op: Any}
		for _, p := range patterns {
			a, err := f.mappedValue(field, m, p)
			if err != nil {
				return a, err
			}
			either.Of = append(either.Of, a)
		}
		if len(either.Of) == 1 {
			return either.Of[0], nil
		}
		return either, nil
	case ir.Regexp:
		return f.mappedRegexp(field, m)
	case ir.CIDR:
		return f.mappedNetwork(field, m)
	case ir.Less, ir.LessEqual, ir.Greater, ir.GreaterEqual:
		for _, form := range field.Forms {
			if k := form.Kind(); k == mapping.Number || k == mapping.Date {
				return Ask{Op: Range, Field: form.Name, Compare: m.Op, Text: m.Text}, nil
			}
		}
		return Ask{}, f.cannot(field, m, "so that its values can't be compared as numbers")
	}
	asks, err := other(m)
	if err != nil {
		return Ask{}, err
	}
	return asks[0], nil
}

// mappedValue asks for a value, with or without wildcards.
func (f *Fields) mappedValue(field *mapping.Field, m *ir.Match, p ir.Pattern) (Ask, error) {
	if isAny(p) {
		return Ask{Op: Exists, Field: field.Name}, nil
	}
	text, plain := p.Plain()
	base := Ask{Op: Value, Field: field.Name, Pattern: p, Whole: field.Kind != mapping.Mixed}
	_, hasWhole := field.Whole(m.Cased)
	switch {
	case field.Kind == mapping.Text || hasWhole && !plain:
		return f.mappedText(field, m, p)
	case field.Kind == mapping.Mixed:
		f.remark(m, fmt.Sprintf("field %s is %s: a value is compared as each of them does", field.Name, field.Conflict), "give the indices one mapping, or convert for one of them")
		base.Op = value(field.Name, p, false, false).Op
		return base, nil
	case field.Kind == mapping.Other:
		return Ask{}, f.cannot(field, m, "which can't be compared with a text")
	case field.Kind == mapping.IP && !plain:
		if network, ok := networkOf(p); ok {
			return Ask{Op: Network, Field: field.Name, Text: network}, nil
		}
		return Ask{}, f.cannot(field, m, "which knows no wildcards")
	case !plain:
		return Ask{}, f.cannot(field, m, "which knows no wildcards")
	}
	can := true
	switch field.Kind {
	case mapping.Number:
		can = isNumber(text)
	case mapping.IP:
		can = isAddress(text)
	case mapping.Bool:
		can = isFlag(text)
		base.Pattern = sigma.Text(strings.ToLower(text))
	}
	if !can {
		f.remark(m, fmt.Sprintf("field %s is of type %s and never %q", field.Name, field.Type, text), "")
		return Ask{Op: Never}, nil
	}
	return base, nil
}

// mappedText asks for a value in whole texts, or, where there are none, in words.
func (f *Fields) mappedText(field *mapping.Field, m *ir.Match, p ir.Pattern) (Ask, error) {
	form, whole := field.Whole(m.Cased)
	if !whole {
		return f.mappedWords(field, m, p)
	}
	a := value(form.Name, p, true, !m.Cased && form.Case != mapping.Folded)
	a.uncased, a.lower = !m.Cased, form.Case == mapping.Folded
	if m.Cased && form.Case == mapping.Unknown {
		f.remark(m, fmt.Sprintf("field %s may be in another case than the rule asks for", form.Name), "GET index, instead of GET index/_mapping, tells what the normalizer does")
	}
	if form.Simple && (a.Fold || a.Op != Value) {
		if a.Op != Value {
			return a, f.cannot(field, m, "which knows no wildcards")
		}
		f.remark(m, fmt.Sprintf("field %s is a key of a flattened field, which is compared with regard to case", field.Name), "")
		a.Fold = false
	}
	if err := f.checkLength(a, m); err != nil {
		return a, err
	}
	if shortest(p) > form.Limit && form.Limit > 0 || !p.IsPlain() && form.Limit > 0 && form.Limit < mapping.LongEnough && openEnded(p) {
		return f.beyond(field, m, form, a, p)
	}
	return a, nil
}

// beyond adds what finds values that are too long for the form.
func (f *Fields) beyond(field *mapping.Field, m *ir.Match, form mapping.Form, a Ask, p ir.Pattern) (Ask, error) {
	hint := "a multi-field of type wildcard, or a larger ignore_above, keeps them"
	analysed, ok := field.Words()
	if !ok {
		f.remark(m, fmt.Sprintf("field %s has no values of more than %d characters: they are not found", form.Name, form.Limit), hint)
		return a, nil
	}
	f.remark(m, fmt.Sprintf("field %s has no values of more than %d characters: of those the words are looked for, in any order", form.Name, form.Limit), hint)
	notKept := Ask{Op: Not, Of: []Ask{{Op: Exists, Field: form.Name}}}
	return Ask{Op: Any, Of: []Ask{a, {Op: All, Of: []Ask{notKept, words(analysed.Name, p)}}}}, nil
}

// shortest is the length of the shortest text that a pattern matches.
func shortest(p ir.Pattern) int {
	n := 0
	for _, t := range p {
		switch t.Kind {
		case sigma.Literal:
			n += utf8.RuneCountInString(t.Text)
		case sigma.OneChar:
			n++
		}
	}
	return n
}

func openEnded(p ir.Pattern) bool {
	return slices.ContainsFunc(p, func(t sigma.Token) bool { return t.Kind == sigma.AnyChars })
}

func (f *Fields) mappedWords(field *mapping.Field, m *ir.Match, p ir.Pattern) (Ask, error) {
	if _, folded := field.Whole(false); folded {
		return Ask{}, f.cannot(field, m, "which keeps no case to compare")
	}
	form, ok := field.Words()
	if !ok {
		return Ask{}, backend.Unsupported(m, fmt.Sprintf("the index keeps field %s in no form that can be searched", field.Name), "")
	}
	f.remarkWords(field.Name, m)
	return words(form.Name, p), nil
}

func (f *Fields) mappedRegexp(field *mapping.Field, m *ir.Match) (Ask, error) {
	form, ok := field.Whole(true)
	if !ok {
		if form, ok = field.Whole(false); ok {
			f.remark(m, fmt.Sprintf("field %s is kept in lower case: the regular expression ignores case", form.Name), "")
		}
	}
	if !ok || form.Simple {
		return Ask{}, f.cannot(field, m, "which knows no regular expressions over the whole text")
	}
	if form.Limit > 0 && form.Limit < mapping.LongEnough {
		f.remark(m, fmt.Sprintf("field %s has no values of more than %d characters: they are not found", form.Name, form.Limit), "")
	}
	return f.searchFor(form.Name, m)
}

func (f *Fields) mappedNetwork(field *mapping.Field, m *ir.Match) (Ask, error) {
	for _, form := range field.Forms {
		if form.Kind() == mapping.IP {
			return Ask{Op: Network, Field: form.Name, Text: m.Text}, nil
		}
	}
	form, ok := field.Whole(false)
	patterns, v4 := addressPatterns(m.Text)
	if !ok || !v4 || form.Simple {
		return Ask{}, f.cannot(field, m, "so that a network can't be looked for")
	}
	either := Ask{Op: Any}
	for _, p := range patterns {
		either.Of = append(either.Of, value(form.Name, p, true, false))
	}
	return either, nil
}

func (f *Fields) cannot(field *mapping.Field, m *ir.Match, why string) error {
	what := cmp.Or(field.Conflict, "of type "+field.Type)
	return backend.Unsupported(m, fmt.Sprintf("field %s is %s in the index, %s", field.Name, what, why), "")
}

// mappedFields are patterns of the names of all whole texts: the sub-field that
// nearly all have, and the others by name; where those are many, every field.
func (f *Fields) mappedFields() (names []string, fold bool) {
	subs := map[string][]string{}
	common := ""
	for _, name := range f.index.Names() {
		field := f.index.Field(name)
		form, ok := field.Whole(false)
		if !ok {
			continue
		}
		fold = fold || form.Case != mapping.Folded && field.Kind != mapping.IP
		sub := strings.TrimPrefix(form.Name, name)
		subs[sub] = append(subs[sub], form.Name)
		if sub != "" && (common == "" || len(subs[sub]) > len(subs[common])) {
			common = sub
		}
	}
	if common == "" {
		return []string{""}, fold
	}
	names = []string{"*" + common}
	for _, sub := range slices.Sorted(maps.Keys(subs)) {
		if sub != common {
			names = append(names, subs[sub]...)
		}
	}
	if len(names) > 64 {
		return []string{""}, fold
	}
	return names, fold
}
