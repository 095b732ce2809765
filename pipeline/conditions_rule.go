package pipeline

import (
	"slices"
)

// ruleConditions look at the rule as it is when the processing item's turn
// comes.
var ruleConditions = []condition[*draft]{
	{
		Condition{
			Name:       "logsource",
			Prose:      "The rule's log source has each of the named parts.",
			Parameters: []Parameter{{"category", "a category"}, {"product", "a product"}, {"service", "a service"}},
			Example: Example{
				Item:      `{type: field_name_prefix, prefix: e., rule_conditions: [{type: logsource, product: windows}]}`,
				Detection: `{A: 1}`,
				Result:    `e.A = 1`,
			},
		},
		func(d dict) func(*draft) bool {
			want := readLogSource(d)
			return func(d *draft) bool { return covers(want, d.source) }
		},
	},
	{
		Condition{
			Name:  "contains_detection_item",
			Prose: "Some detection item of the rule has the field and the value.",
			Parameters: []Parameter{
				{"field", "the field, by its first or its present name"}, {"value", "the value: a text as a rule writes it, a number, or true or false"},
			},
			Example: Example{
				Item:      `{type: set_state, key: index, val: sysmon-*, rule_conditions: [{type: contains_detection_item, field: EventID, value: 1}]}`,
				Detection: `{EventID: [1, 5]}`,
				Result:    `EventID = (1 or 5) in sysmon-*`,
			},
		},
		func(d dict) func(*draft) bool {
			field, value := d.need("field"), d.need("value")
			return func(d *draft) bool {
				return d.some(func(it *item) bool {
					named, _ := it.names(value)
					for _, v := range it.values {
						named = named || equals(v, value)
					}
					return named && it.called(field)
				})
			}
		},
	},
	{
		Condition{
			Name:       "contains_field",
			Prose:      "Some detection item of the rule has the field.",
			Parameters: []Parameter{{"field", "the field, by its first or its present name"}},
			Example: Example{
				Item:      `{type: rule_failure, message: no hashes here, rule_conditions: [{type: contains_field, field: Hashes}]}`,
				Detection: `{Hashes: x}`,
				Result:    `error: no hashes here`,
			},
		},
		func(d dict) func(*draft) bool {
			field := d.need("field")
			return func(d *draft) bool { return d.some(func(it *item) bool { return it.called(field) }) }
		},
	},
	{
		Condition{
			Name:       "processing_item_applied",
			Prose:      "The processing item with that id was applied to the rule.",
			Parameters: []Parameter{{"processing_item_id", "the id"}},
			Example: Example{
				Item:      `{type: nest, items: [{id: x, type: add_condition, conditions: {C: 1}, rule_conditions: [{type: logsource, product: linux}]}, {type: add_condition, conditions: {D: 2}, rule_conditions: [{type: processing_item_applied, processing_item_id: x}], rule_cond_not: true}]}`,
				Detection: `{A: 1}`,
				Result:    `D = 2 and A = 1`,
			},
		},
		func(d dict) func(*draft) bool {
			id := d.need("processing_item_id")
			return func(d *draft) bool { return d.applied[id] }
		},
	},
	{
		Condition{
			Name:       "processing_state",
			Prose:      "The state (set_state) compares with a value as op says.",
			Parameters: stateParameters,
			Example: Example{
				Item:      `{type: nest, items: [{type: set_state, key: k, val: b}, {type: field_name_prefix, prefix: e., rule_conditions: [{type: processing_state, key: k, val: b}]}]}`,
				Detection: `{A: 1}`,
				Result:    `e.A = 1`,
			},
		},
		readState,
	},
	{
		Condition{
			Name:  "is_sigma_rule",
			Prose: "The rule is no correlation, as every rule that a pipeline is applied to.",
			Example: Example{
				Item:      `{type: field_name_prefix, prefix: e., rule_conditions: [{type: is_sigma_rule}]}`,
				Detection: `{A: 1}`,
				Result:    `e.A = 1`,
			},
		},
		func(dict) func(*draft) bool { return func(*draft) bool { return true } },
	},
	{
		Condition{
			Name:  "is_sigma_correlation_rule",
			Prose: "The rule is a correlation. Pipelines are applied to the rules that a correlation names, so this never holds.",
			Example: Example{
				Item:      `{type: field_name_prefix, prefix: e., rule_conditions: [{type: is_sigma_correlation_rule}]}`,
				Detection: `{A: 1}`,
				Result:    `A = 1`,
			},
		},
		func(dict) func(*draft) bool { return func(*draft) bool { return false } },
	},
	ruleAttributeCondition,
	{
		Condition{
			Name:       "tag",
			Prose:      "The rule has the tag.",
			Parameters: []Parameter{{"tag", "the tag: attack.t1059"}},
			Example: Example{
				Item:      `{type: field_name_prefix, prefix: e., rule_conditions: [{type: tag, tag: attack.execution}]}`,
				Detection: `{A: 1}`,
				Result:    `e.A = 1`,
			},
		},
		func(d dict) func(*draft) bool {
			tag := d.need("tag")
			return func(d *draft) bool { return slices.Contains(d.rule.Tags, tag) }
		},
	},
}

// some tells whether f holds for a detection item.
func (d *draft) some(f func(*item) bool) bool {
	found := false
	d.each(func(it *item, _ context) { found = found || f(it) })
	return found
}
