package pipeline

var transformDetectionItemFailure = Transformation{
	Name:       "detection_item_failure",
	Prose:      "Refuses a rule that has a detection item which meets the conditions, with a message.",
	Parameters: []Parameter{{"message", "what to tell the user"}},
	Example: Example{
		Item:      `{type: detection_item_failure, message: no hashes here, field_name_conditions: [{type: include_fields, fields: [Hashes]}]}`,
		Detection: `{Hashes: x}`,
		Result:    `error: no hashes here`,
	},
	read: func(d dict) transform {
		message := d.need("message")
		return transformFunc(func(a *application) {
			a.itemsWithField(func(p placed) bool {
				a.run.about(p.item, "item-failure", message, "the pipeline refuses the field "+p.origin)
				return true
			})
		})
	},
}
