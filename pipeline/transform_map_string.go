package pipeline

import (
	"strconv"

	"go.yaml.in/yaml/v3"

	"github.com/huntbook/huntbook/sigma"
)

var transformMapString = Transformation{
	Name:       "map_string",
	Prose:      "Replaces whole values. A list of new values means that one of them must match; null means that the field must be absent, which pySigma's does not know. Numbers, true and false are replaced as the texts of the same look, which pySigma's passes over: rules write both, and logs hold one.",
	Parameters: []Parameter{{"mapping", "a map from a value, as Sigma writes it, to a value, a list of values, or null"}},
	Example: Example{
		Item:      `{type: map_string, mapping: {'true': ['1', 'yes']}}`,
		Detection: `{Initiated: 'true'}`,
		Result:    `Initiated = ("1" or "yes")`,
	},
	read: func(d dict) transform {
		m, absent := map[string][]string{}, map[string]bool{}
		n := d.get("mapping")
		if n == nil || n.Kind != yaml.MappingNode {
			d.r.errorf(d.node, "missing-key", "%s needs %q, a map from values to values", d.what, "mapping")
			return valueTransform(nil)
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			from, to := n.Content[i].Value, n.Content[i+1]
			m[from], absent[from] = d.r.texts(to, "the new value of "+from), isNull(to)
		}
		return valueTransform(func(v sigma.Value) []sigma.Value {
			from, cased := "", false
			switch v := v.(type) {
			case sigma.String:
				from, cased = v.Pattern.String(), v.Cased
			case sigma.Number:
				from = v.Text
			case sigma.Bool:
				from = strconv.FormatBool(bool(v))
			default:
				return nil
			}
			if absent[from] {
				return []sigma.Value{sigma.Null{}}
			}
			var out []sigma.Value
			for _, to := range m[from] {
				out = append(out, sigma.String{Pattern: sigma.ParsePattern(to), Cased: cased})
			}
			return out
		})
	},
}
