package pipeline

import (
	"slices"

	"github.com/huntbook/huntbook/sigma"
)

// itemConditions look at the values of a detection item.
var itemConditions = []condition[placed]{
	{
		Condition{
			Name:  "match_string",
			Prose: "The item's values, as text, meet a regular expression.",
			Parameters: []Parameter{
				{"pattern", "the regular expression, matched from the start of the value as a rule writes it"}, condParameter,
				{"negate", "true asks for values that do not meet it; what is no text does not"},
			},
			Example: Example{
				Item:      `{type: field_name_suffix, suffix: .text, detection_item_conditions: [{type: match_string, pattern: '.*\d', cond: all}]}`,
				Detection: `{A: [a1, a2], B: [b1, b]}`,
				Result:    `A.text = ("a1" or "a2") and B = ("b1" or "b")`,
			},
		},
		func(d dict) func(placed) bool {
			re, negate := d.regexp("pattern", true), d.flag("negate")
			return meets(d, func(v sigma.Value) bool {
				s, ok := v.(sigma.String)
				return (ok && re.MatchString(s.Pattern.String())) != negate
			})
		},
	},
	{
		Condition{
			Name:       "match_value",
			Prose:      "A value of the item is that very value, whatever the case of its letters.",
			Parameters: []Parameter{{"value", "a text as a rule writes it, a number, or true or false"}, condParameter},
			Example: Example{
				Item:      `{type: drop_detection_item, detection_item_conditions: [{type: match_value, value: '*', cond: any}]}`,
				Detection: `{A: '*', B: 'b*'}`,
				Result:    `B = "b*"`,
			},
		},
		func(d dict) func(placed) bool {
			value := d.need("value")
			return meets(d, func(v sigma.Value) bool { return equals(v, value) })
		},
	},
	{
		Condition{
			Name:       "contains_wildcard",
			Prose:      "A value of the item has a wildcard.",
			Parameters: []Parameter{condParameter},
			Example: Example{
				Item:      `{type: field_name_suffix, suffix: .wildcard, detection_item_conditions: [{type: contains_wildcard, cond: any}]}`,
				Detection: `{A: 'a?', B: b}`,
				Result:    `A.wildcard = "a?" and B = "b"`,
			},
		},
		func(d dict) func(placed) bool {
			return meets(d, func(v sigma.Value) bool {
				s, ok := v.(sigma.String)
				return ok && slices.ContainsFunc(s.Pattern, func(t sigma.Token) bool { return t.Kind == sigma.AnyChars || t.Kind == sigma.OneChar })
			})
		},
	},
	{
		Condition{
			Name:       "is_null",
			Prose:      "A value of the item is null.",
			Parameters: []Parameter{condParameter},
			Example: Example{
				Item:      `{type: drop_detection_item, detection_item_conditions: [{type: is_null, cond: any}]}`,
				Detection: `{A: null, B: b}`,
				Result:    `B = "b"`,
			},
		},
		func(d dict) func(placed) bool {
			return meets(d, func(v sigma.Value) bool {
				_, null := v.(sigma.Null)
				return null
			})
		},
	},
	{
		Condition{
			Name:       "processing_item_applied",
			Prose:      "The processing item with that id touched this item.",
			Parameters: []Parameter{{"processing_item_id", "the id"}},
			Example: Example{
				Item:      `{type: nest, items: [{id: x, type: map_string, mapping: {a: b}}, {type: field_name_suffix, suffix: .raw, detection_item_conditions: [{type: processing_item_applied, processing_item_id: x}], detection_item_cond_not: true}]}`,
				Detection: `{A: a, B: 2}`,
				Result:    `A = "b" and B.raw = 2`,
			},
		},
		func(d dict) func(placed) bool {
			id := d.need("processing_item_id")
			return func(p placed) bool { return p.applied[id] }
		},
	},
	{
		Condition{
			Name:       "processing_state",
			Prose:      "The state (set_state) compares with a value as op says.",
			Parameters: stateParameters,
			Example: Example{
				Item:      `{type: nest, items: [{type: set_state, key: version, val: 8}, {type: field_name_suffix, suffix: .raw, detection_item_conditions: [{type: processing_state, key: version, val: 10, op: lt}]}]}`,
				Detection: `{A: 1}`,
				Result:    `A.raw = 1`,
			},
		},
		func(d dict) func(placed) bool {
			f := readState(d)
			return func(p placed) bool { return f(p.draft) }
		},
	},
}

var condParameter = Parameter{"cond", "any (default) or all of the values"}

// meets tells whether any or all values of an item meet f, as cond says. Of the
// forms that a modifier made of a value, one is enough.
func meets(d dict, one func(sigma.Value) bool) func(placed) bool {
	f := func(v sigma.Value) bool {
		if forms, ok := v.(sigma.Alternatives); ok {
			return slices.ContainsFunc(forms, one)
		}
		return one(v)
	}
	switch cond := d.text("cond"); cond {
	case "", "any":
		return func(p placed) bool { return slices.ContainsFunc(p.values, f) }
	case "all":
	default:
		d.r.errorf(d.get("cond"), "cond", "cond must be any or all, this is %q", cond)
	}
	return func(p placed) bool {
		return !slices.ContainsFunc(p.values, func(v sigma.Value) bool { return !f(v) })
	}
}
