package pipeline

import (
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/huntbook/huntbook/sigma"
)

var transformReplaceString = Transformation{
	Name:  "replace_string",
	Prose: "Replaces what a regular expression finds in text values. It works on the value as Sigma writes it, wildcards included, or with skip_special only on the text between wildcards.",
	Parameters: []Parameter{
		{"regex", "the regular expression (RE2)"},
		{"replacement", `the new text; \1 is the first group`},
		{"skip_special", "true leaves wildcards out of the search"},
		{"interpret_special", "true reads wildcards in the new text, when skip_special is set"},
	},
	Example: Example{
		Item:      `{type: replace_string, regex: '^C:', replacement: '\\?:'}`,
		Detection: `{Image: 'C:\x.exe', CommandLine: 'x C:'}`,
		Result:    `Image = "\\?:\\x.exe" and CommandLine = "x C:"`,
	},
	read: func(d dict) transform {
		t := replaceString{
			re:          d.regexp("regex", false),
			to:          goReplacement(d.text("replacement")),
			plainOnly:   d.flag("skip_special"),
			interpreted: d.flag("interpret_special"),
		}
		return valueTransform(t.value)
	},
}

type replaceString struct {
	re                     *regexp.Regexp
	to                     string
	plainOnly, interpreted bool
}

func (t replaceString) value(v sigma.Value) []sigma.Value {
	s, ok := v.(sigma.String)
	if n, number := v.(sigma.Number); number {
		s, ok = sigma.String{Pattern: sigma.Text(n.Text)}, t.re.MatchString(n.Text)
	}
	if !ok {
		return nil
	}
	if !t.plainOnly {
		if text := s.Pattern.String(); t.re.MatchString(text) && len(s.Pattern.Placeholders()) == 0 {
			s.Pattern = sigma.ParsePattern(t.re.ReplaceAllString(text, t.to))
		}
		return []sigma.Value{s}
	}
	var p sigma.Pattern
	for _, token := range s.Pattern {
		if token.Kind != sigma.Literal {
			p = p.Append(token)
			continue
		}
		text := t.re.ReplaceAllString(token.Text, t.to)
		if t.interpreted {
			p = p.Append(sigma.ParsePattern(text)...)
		} else {
			p = p.Append(sigma.Text(text)...)
		}
	}
	s.Pattern = p
	return []sigma.Value{s}
}

var pythonGroup = regexp.MustCompile(`\\(?:(\d+)|g<(\w+)>|(.))`)

// goReplacement writes Python's \1 and \g<name> as ${1} and ${name}.
func goReplacement(s string) string {
	s = strings.ReplaceAll(s, "$", "$$$$")
	return pythonGroup.ReplaceAllStringFunc(s, func(m string) string {
		g := pythonGroup.FindStringSubmatch(m)
		switch {
		case g[1] != "":
			return "${" + g[1] + "}"
		case g[2] != "":
			return "${" + g[2] + "}"
		case g[3] == "n":
			return "\n"
		case g[3] == "t":
			return "\t"
		}
		return g[3]
	})
}

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

// valueTransform gives the values that stand for one, nil to leave it.
type valueTransform func(sigma.Value) []sigma.Value

func (f valueTransform) apply(a *application) []*draft {
	a.itemsWithField(func(p placed) { p.values = f.all(p.values) })
	return []*draft{a.draft}
}

func (f valueTransform) all(values []sigma.Value) []sigma.Value {
	out := make([]sigma.Value, len(values))
	for i, v := range values {
		out[i] = v
		if alternatives, ok := v.(sigma.Alternatives); ok {
			out[i] = sigma.Alternatives(f.all(alternatives))
			continue
		}
		switch to := f(v); len(to) {
		case 0:
		case 1:
			out[i] = to[0]
		default:
			out[i] = sigma.Alternatives(to)
		}
	}
	return out
}
