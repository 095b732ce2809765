package pipeline

import (
	"go.yaml.in/yaml/v3"

	"github.com/huntbook/huntbook/sigma"
)

var transformMapString = Transformation{
	Name:       "map_string",
	Prose:      "Replaces whole text values. A list of new values means that one of them must match.",
	Parameters: []Parameter{{"mapping", "a map from a value, as Sigma writes it, to a value or a list of values"}},
	Example: Example{
		Item:      `{type: map_string, mapping: {'true': ['1', 'yes']}}`,
		Detection: `{Initiated: 'true'}`,
		Result:    `Initiated = ("1" or "yes")`,
	},
	read: func(d dict) transform {
		m := map[string][]string{}
		n := d.get("mapping")
		if n == nil || n.Kind != yaml.MappingNode {
			d.r.errorf(d.node, "missing-key", "%s needs %q, a map from values to values", d.what, "mapping")
			return valueTransform(nil)
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			m[n.Content[i].Value] = d.r.texts(n.Content[i+1], "the new value of "+n.Content[i].Value)
		}
		return valueTransform(func(v sigma.Value) []sigma.Value {
			s, ok := v.(sigma.String)
			if !ok {
				return nil
			}
			var out []sigma.Value
			for _, to := range m[s.Pattern.String()] {
				out = append(out, sigma.String{Pattern: sigma.ParsePattern(to), Cased: s.Cased})
			}
			return out
		})
	},
}
