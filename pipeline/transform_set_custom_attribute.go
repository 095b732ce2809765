package pipeline

var transformSetCustomAttribute = Transformation{
	Name:       "set_custom_attribute",
	Prose:      "Sets an attribute of the rule that later conditions (rule_attribute), templates and targets can read.",
	Parameters: []Parameter{{"attribute", "the name"}, {"value", "any value"}},
	Example: Example{
		Item:      `{type: nest, items: [{type: set_custom_attribute, attribute: team, value: [blue, red]}, {type: field_name_prefix, prefix: e., rule_conditions: [{type: rule_attribute, attribute: team, op: in, value: red}]}]}`,
		Detection: `{Image: x}`,
		Result:    `e.Image = "x"`,
	},
	read: func(d dict) transform {
		name := d.need("attribute")
		n := d.get("value")
		if n == nil {
			d.need("value")
			return transformFunc(func(*application) {})
		}
		value, _ := plain(plainYAML(n))
		if _, isMap := plainYAML(n).(map[string]any); isMap {
			value = plainYAML(n)
		}
		return transformFunc(func(a *application) { a.draft.custom[name] = value })
	},
}
