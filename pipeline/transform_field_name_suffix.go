package pipeline

import "github.com/huntbook/huntbook/sigma"

var transformFieldNameSuffix = Transformation{
	Name:       "field_name_suffix",
	Prose:      "Puts a text behind every field name.",
	Parameters: []Parameter{{"suffix", "the text"}},
	Example: Example{
		Item:      `{type: field_name_suffix, suffix: .keyword}`,
		Detection: `{Image: x}`,
		Result:    `Image.keyword = "x"`,
	},
	read: func(d dict) transform {
		suffix := d.need("suffix")
		return &fieldAffix{func(_ sigma.LogSource, name string) string { return name + suffix }, "…", "…" + suffix}
	},
}
