package pipeline

var transformAddField = Transformation{
	Name:       "add_field",
	Prose:      "Adds to the rule's list of fields to show.",
	Parameters: []Parameter{{"field", "a field or a list of fields"}},
	Example: Example{
		Item:      `{type: add_field, field: host.name}`,
		Detection: `{Image: x}`,
		Result:    `Image = "x" showing host.name`,
	},
	read: func(d dict) transform {
		fields := d.needTexts("field")
		return transformFunc(func(a *application) { a.draft.fields = union(a.draft.fields, fields...) })
	},
}
