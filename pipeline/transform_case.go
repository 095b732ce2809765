package pipeline

import (
	"strings"

	"github.com/huntbook/huntbook/sigma"
)

var transformCase = Transformation{
	Name:       "case",
	Prose:      "Writes text values in another case, for targets that compare case-sensitively and hold a field in one case. A regular expression ignores case then.",
	Parameters: []Parameter{{"method", "lower (default), upper, or snake_case, which is lower with _ before what was a capital letter"}},
	Example: Example{
		Item:      `{type: case, method: lower, field_name_conditions: [{type: include_fields, fields: [Image]}]}`,
		Detection: `{Image|endswith: '\CMD.exe', User: Bob}`,
		Result:    `Image = "*\\cmd.exe" and User = "Bob"`,
	},
	read: func(d dict) transform {
		fold := strings.ToLower
		switch method := d.text("method"); method {
		case "", "lower":
		case "upper":
			fold = strings.ToUpper
		case "snake_case":
			fold = snakeCase
		default:
			d.r.errorf(d.node, "method", "the method of case is lower, upper or snake_case, not %q", method)
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

// snakeCase puts _ before each capital letter of ASCII but the first of all.
func snakeCase(s string) string {
	var b strings.Builder
	for i, r := range s {
		if i > 0 && r >= 'A' && r <= 'Z' {
			b.WriteByte('_')
		}
		b.WriteRune(r)
	}
	return strings.ToLower(b.String())
}
