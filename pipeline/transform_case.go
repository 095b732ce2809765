package pipeline

import (
	"strings"

	"github.com/huntbook/huntbook/sigma"
)

var transformCase = Transformation{
	Name:       "case",
	Prose:      "Writes text values in lower or upper case, for targets that compare case-sensitively and hold a field in one case.",
	Parameters: []Parameter{{"method", "lower or upper"}},
	Example: Example{
		Item:      `{type: case, method: lower, field_name_conditions: [{type: include_fields, fields: [Image]}]}`,
		Detection: `{Image|endswith: '\CMD.exe', User: Bob}`,
		Result:    `Image = "*\\cmd.exe" and User = "Bob"`,
	},
	read: func(d dict) transform {
		fold := strings.ToLower
		switch method := d.need("method"); method {
		case "lower":
		case "upper":
			fold = strings.ToUpper
		default:
			d.r.errorf(d.node, "method", "the method of case is lower or upper, not %q", method)
		}
		return valueTransform(func(v sigma.Value) []sigma.Value {
			if re, ok := v.(sigma.Regexp); ok {
				// The text of an expression can't be folded: \S is not \s.
				re.IgnoreCase = true
				return []sigma.Value{re}
			}
			s, ok := v.(sigma.String)
			if !ok {
				return nil
			}
			var p sigma.Pattern
			for _, token := range s.Pattern {
				if token.Kind == sigma.Literal {
					token.Text = fold(token.Text)
				}
				p = p.Append(token)
			}
			s.Pattern = p
			return []sigma.Value{s}
		})
	},
}
