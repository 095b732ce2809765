package pipeline

import (
	"strings"
)

var transformFieldNamePrefixMapping = Transformation{
	Name:  "field_name_prefix_mapping",
	Prose: "Replaces the beginning of field names.",
	Parameters: []Parameter{
		{"mapping", "a map from a beginning to its replacement or a list of replacements; the first that fits is taken"},
	},
	Example: Example{
		Item:      `{type: field_name_prefix_mapping, mapping: {win.: winlog.}}`,
		Detection: `{win.channel: x}`,
		Result:    `winlog.channel = "x"`,
	},
	read: func(d dict) transform {
		m := d.names("mapping")
		return &fieldMapping{func(_ *application, _ placed, name string) []string {
			for _, prefix := range m.order {
				if rest, ok := strings.CutPrefix(name, prefix); ok {
					var out []string
					for _, to := range m.exact[prefix].names {
						out = append(out, to+rest)
					}
					return out
				}
			}
			return nil
		}, nil, m}
	},
}
