package pipeline

import (
	"slices"
)

var transformRemoveField = Transformation{
	Name:       "remove_field",
	Prose:      "Takes fields out of the rule's list of fields to show.",
	Parameters: []Parameter{{"field", "a field or a list of fields"}},
	Example: Example{
		Item:      `{type: nest, items: [{type: add_field, field: [a, b]}, {type: remove_field, field: a}]}`,
		Detection: `{Image: x}`,
		Result:    `Image = "x" showing b`,
	},
	read: func(d dict) transform {
		fields := d.needTexts("field")
		return transformFunc(func(a *application) {
			a.draft.fields = slices.DeleteFunc(slices.Clone(a.draft.fields), func(f string) bool { return slices.Contains(fields, f) })
		})
	},
}
