package pipeline

import (
	"regexp"
	"slices"
)

// fieldConditions look at the name of a field: that of a detection item, one
// that a value refers to, or one of the rule's list of fields to show.
var fieldConditions = []condition[fieldName]{
	{
		Condition{
			Name:       "include_fields",
			Prose:      "The field is one of the list.",
			Parameters: fieldsParameters,
			Example: Example{
				Item:      `{type: field_name_prefix, prefix: e., field_name_conditions: [{type: include_fields, fields: ['^A', C], mode: re}]}`,
				Detection: `{Ab: 1, B: 2}`,
				Result:    `e.Ab = 1 and B = 2`,
			},
		},
		func(d dict) func(fieldName) bool {
			in := readFields(d)
			return func(f fieldName) bool { return in(f.name) }
		},
	},
	{
		Condition{
			Name:       "exclude_fields",
			Prose:      "The field is none of the list.",
			Parameters: fieldsParameters,
			Example: Example{
				Item:      `{type: field_name_prefix, prefix: e., field_name_conditions: [{type: exclude_fields, fields: [B]}]}`,
				Detection: `{A: 1, B: 2}`,
				Result:    `e.A = 1 and B = 2`,
			},
		},
		func(d dict) func(fieldName) bool {
			in := readFields(d)
			return func(f fieldName) bool { return !in(f.name) }
		},
	},
	{
		Condition{
			Name:       "processing_item_applied",
			Prose:      "The processing item with that id gave the field its name, or touched the field's item.",
			Parameters: []Parameter{{"processing_item_id", "the id"}},
			Example: Example{
				Item:      `{type: nest, items: [{id: x, type: field_name_mapping, mapping: {A: a}}, {type: field_name_suffix, suffix: .raw, field_name_conditions: [{type: processing_item_applied, processing_item_id: x}]}]}`,
				Detection: `{A: 1, B: 2}`,
				Result:    `a.raw = 1 and B = 2`,
			},
		},
		func(d dict) func(fieldName) bool {
			id := d.need("processing_item_id")
			return func(f fieldName) bool { return f.applied[id] || slices.Contains(f.draft.renamedBy[f.name], id) }
		},
	},
	{
		Condition{
			Name:       "processing_state",
			Prose:      "The state (set_state) compares with a value as op says.",
			Parameters: stateParameters,
			Example: Example{
				Item:      `{type: nest, items: [{type: set_state, key: k, val: v}, {type: field_name_suffix, suffix: .raw, field_name_conditions: [{type: processing_state, key: k, val: w, op: ne}]}]}`,
				Detection: `{A: 1}`,
				Result:    `A.raw = 1`,
			},
		},
		func(d dict) func(fieldName) bool {
			f := readState(d)
			return func(n fieldName) bool { return f(n.draft) }
		},
	},
}

var fieldsParameters = []Parameter{{"fields", "field names"}, {"mode", "plain (default), or re for regular expressions matched from the start"}}

func readFields(d dict) func(string) bool {
	fields := d.needTexts("fields")
	switch mode := d.text("mode"); mode {
	case "", "plain":
		return func(name string) bool { return name != "" && slices.Contains(fields, name) }
	case "re":
	default:
		d.r.errorf(d.get("mode"), "mode", "mode must be plain or re, this is %q", mode)
	}
	var patterns []*regexp.Regexp
	for _, f := range fields {
		patterns = append(patterns, d.compile(d.get("fields"), f, true))
	}
	return func(name string) bool {
		return name != "" && slices.ContainsFunc(patterns, func(re *regexp.Regexp) bool { return re.MatchString(name) })
	}
}
