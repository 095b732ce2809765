package pipeline

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/huntbook/huntbook/sigma"
)

var transformExtractFields = Transformation{
	Name:  "extract_fields",
	Prose: "Splits texts into a field for each named group of a regular expression: \"Dword:1\" into a type and a value. All fields of one text must match. Of the groups, null, none and nothing become null and numbers become numbers, unless they begin with a 0. An item with a value that is no text stays as it is.",
	Parameters: []Parameter{
		{"regex", "the regular expression with named groups, (?P<name>…), matched from the start of the value as a rule writes it"},
		{"field_prefix", "what stands before the names of the groups, with a dot"},
		{"preserve_unmatched", "true keeps a text that does not match in its field; else the text is dropped, and an item without any text left stays as it is"},
	},
	Example: Example{
		Item:      `{type: extract_fields, regex: '(?P<type>\w+):(?P<value>\w+)', field_prefix: reg, field_name_conditions: [{type: include_fields, fields: [Details]}]}`,
		Detection: `{Details: ['Dword:1', 'Qword:007']}`,
		Result:    `(reg.type = "Dword" and reg.value = 1) or (reg.type = "Qword" and reg.value = "007")`,
	},
	read: func(d dict) transform {
		t := &extractFields{re: d.regexp("regex", true), prefix: d.text("field_prefix"), keep: d.flag("preserve_unmatched")}
		if t.prefix != "" {
			t.prefix += "."
		}
		named := false
		seen := map[string]bool{}
		for _, name := range t.re.SubexpNames() {
			if seen[name] && name != "" {
				d.r.errorf(d.get("regex"), "regex", "the group %s stands in the expression twice", name)
			}
			seen[name] = true
			named = named || name != ""
		}
		if !named && d.get("regex") != nil {
			d.r.errorf(d.get("regex"), "regex", "the expression has no named group").Hint = "write (?P<name>…) around what becomes a field"
		}
		return t
	},
}

type extractFields struct {
	re     *regexp.Regexp
	prefix string
	keep   bool
}

func (t *extractFields) apply(a *application) []*draft {
	replaced := map[*item]node{}
	a.itemsWithField(func(p placed) bool {
		n := t.split(p.item)
		if n != nil {
			replaced[p.item] = n
			eachItem(n, nil, func(it *item, _ context) { a.touched(it) })
		}
		return n != nil
	})
	a.draft.replace(replaced)
	return []*draft{a.draft}
}

// split returns nil when the item must stay as it is.
func (t *extractFields) split(it *item) node {
	outer := &group{all: it.all}
	for _, v := range it.values {
		s, ok := v.(sigma.String)
		if !ok {
			return nil
		}
		m := t.re.FindStringSubmatch(s.Pattern.String())
		if m == nil {
			if t.keep {
				outer.x = append(outer.x, it.with(it.fields, v))
			}
			continue
		}
		inner := &group{all: true}
		for i, name := range t.re.SubexpNames() {
			if name != "" && m[i] != "" {
				inner.x = append(inner.x, it.with([]string{t.prefix + name}, groupValue(m[i])))
			}
		}
		if len(inner.x) > 0 {
			outer.x = append(outer.x, inner)
		}
	}
	switch {
	case len(outer.x) == 0:
		return nil
	case it.negate:
		return &not{outer}
	}
	return outer
}

// with is an item like this one with one other value and no negation.
func (it *item) with(fields []string, v sigma.Value) *item {
	c := cloneNode(it).(*item)
	c.fields, c.values, c.all, c.negate, c.mapped = fields, []sigma.Value{v}, false, false, false
	return c
}

func groupValue(s string) sigma.Value {
	switch lower := strings.ToLower(s); {
	case lower == "null" || lower == "none":
		return sigma.Null{}
	case s[0] == '0' && s != "0":
	default:
		if _, err := strconv.ParseFloat(s, 64); err == nil && strings.Trim(s, "-.0123456789") == "" {
			return sigma.Number{Text: s}
		}
	}
	return sigma.String{Pattern: sigma.ParsePattern(s)}
}
