package pipeline

import (
	"regexp"
	"strings"

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
