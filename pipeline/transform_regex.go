package pipeline

import (
	"regexp"
	"strings"
	"unicode"

	"github.com/huntbook/huntbook/sigma"
)

var transformRegex = Transformation{
	Name:       "regex",
	Prose:      "Makes regular expressions of texts, for targets that ignore case in no other way. The expression has anchors where the text has no wildcard, so that it means the same as the text did. The empty text stays.",
	Parameters: []Parameter{{"method", "ignore_case_brackets (default) writes [aA] for each letter, ignore_case_flag writes (?i), plain tells upper and lower case apart"}},
	Example: Example{
		Item:      `{type: regex, method: ignore_case_brackets}`,
		Detection: `{Image|endswith: '\cmd?.exe'}`,
		Result:    `Image =~ /(?s)\\[cC][mM][dD].\.[eE][xX][eE]$/`,
	},
	read: func(d dict) transform {
		method := d.text("method")
		switch method {
		case "", "ignore_case_brackets", "ignore_case_flag", "plain":
		default:
			d.r.errorf(d.get("method"), "method", "method must be ignore_case_brackets, ignore_case_flag or plain, this is %q", method)
		}
		return valueTransform(func(v sigma.Value) []sigma.Value {
			s, ok := v.(sigma.String)
			if !ok || len(s.Pattern) == 0 || len(s.Pattern.Placeholders()) > 0 {
				return nil
			}
			brackets := method == "" || method == "ignore_case_brackets"
			return []sigma.Value{sigma.Regexp{Source: patternRegexp(s.Pattern, brackets), DotAll: true, IgnoreCase: method == "ignore_case_flag"}}
		})
	},
}

// patternRegexp writes a pattern as an expression that is searched for.
func patternRegexp(p sigma.Pattern, brackets bool) string {
	var b strings.Builder
	if p[0].Kind != sigma.AnyChars {
		b.WriteByte('^')
	}
	for i, t := range p {
		switch t.Kind {
		case sigma.AnyChars:
			if i > 0 && i < len(p)-1 {
				b.WriteString(".*")
			}
		case sigma.OneChar:
			b.WriteByte('.')
		default:
			for _, r := range t.Text {
				lower, upper := unicode.ToLower(r), unicode.ToUpper(r)
				if brackets && lower != upper {
					b.WriteString("[" + string(lower) + string(upper) + "]")
				} else {
					b.WriteString(regexp.QuoteMeta(string(r)))
				}
			}
		}
	}
	if last := p[len(p)-1]; last.Kind != sigma.AnyChars {
		b.WriteByte('$')
	}
	return b.String()
}
