package pipeline

import "slices"

var transformSetField = Transformation{
	Name:       "set_field",
	Prose:      "Sets the rule's list of fields to show.",
	Parameters: []Parameter{{"fields", "a list of fields"}},
	Example: Example{
		Item:      `{type: nest, items: [{type: add_field, field: a}, {type: set_field, fields: [b, c]}]}`,
		Detection: `{Image: x}`,
		Result:    `Image = "x" showing b, c`,
	},
	read: func(d dict) transform {
		fields := d.needTexts("fields")
		return transformFunc(func(a *application) { a.draft.fields = slices.Clone(fields) })
	},
}
