package pipeline

import (
	"fmt"
	"slices"
	"strings"
)

var transformStrictFieldMappingFailure = Transformation{
	Name:  "strict_field_mapping_failure",
	Prose: "Refuses a rule with a field that no mapping of the pipeline before this item knew. Detection items that the pipeline added itself are in the target's names already.",
	Example: Example{
		Item:      `{type: nest, items: [{type: field_name_mapping, mapping: {A: a}}, {type: strict_field_mapping_failure}]}`,
		Detection: `{A: 1, B: 2, C: 3}`,
		Result:    `error: no mapping of the pipeline knows the fields B, C`,
	},
	read: func(dict) transform {
		return transformFunc(func(a *application) {
			var names []string
			var first *item
			a.draft.each(func(it *item, _ context) {
				if it.origin == "" || it.mapped || it.owner == a.owner || slices.Contains(names, it.origin) {
					return
				}
				if names = append(names, it.origin); first == nil {
					first = it
				}
			})
			if first != nil {
				word := "field"
				if len(names) > 1 {
					word = "fields"
				}
				a.run.about(first, "strict-field-mapping", fmt.Sprintf("no mapping of the pipeline knows the %s %s", word, strings.Join(names, ", ")), "add them to a field_name_mapping")
			}
		})
	},
}
