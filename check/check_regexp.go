package check

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/sigma"
)

var regexpChecks = []*Check{
	{
		Code: "regexp-needless", Severity: diag.Note,
		Prose: "The regular expression is a plain text. contains, startswith or endswith are faster everywhere, and can be read. (They don't tell upper from lower case; cased does.)",
		Bad:   "detection:\n    selection:\n        CommandLine|re: 'bypass'\n    condition: selection",
		Good:  "detection:\n    selection:\n        CommandLine|contains: 'bypass'\n    condition: selection",
		item: func(d *document, it *item) {
			d.expressions(it, func(i int, re sigma.Regexp, tree *syntax.Regexp) {
				if modifier := plainExpression(tree); modifier != "" && !strings.Contains(re.Source, "%") {
					d.report(it.Places[i], d.expressionWidth(it, i, re), "the regular expression is a plain text", "use "+modifier)
				}
			})
		},
	},
	{
		Code: "regexp-matches-all", Severity: diag.Warning,
		Prose: "The regular expression is found in every text, the empty one too.",
		Bad:   "detection:\n    selection:\n        CommandLine|re: '(-enc)*'\n    condition: selection",
		Good:  "detection:\n    selection:\n        CommandLine|re: '(-enc){2,}'\n    condition: selection",
		item: func(d *document, it *item) {
			d.expressions(it, func(i int, re sigma.Regexp, tree *syntax.Regexp) {
				if c, err := regexp.Compile(re.Expr()); err == nil && c.MatchString("") && c.MatchString("\U0010FFFE") {
					d.report(it.Places[i], d.expressionWidth(it, i, re), "the regular expression is found in every text", "")
				}
			})
		},
	},
	{
		Code: "regexp-flag", Severity: diag.Note,
		Prose: "A flag stands inside of the regular expression, `(?i)`. The modifier re|i says so to tools whose language writes it otherwise.",
		Bad:   "detection:\n    selection:\n        CommandLine|re: '(?i)\\sbypass\\s'\n    condition: selection",
		Good:  "detection:\n    selection:\n        CommandLine|re|i: '\\sbypass\\s'\n    condition: selection",
		From:  []Origin{spec("Regular Expression")},
		item: func(d *document, it *item) {
			d.expressions(it, func(i int, re sigma.Regexp, _ *syntax.Regexp) {
				if m := inlineFlag.FindString(re.Source); m != "" {
					d.report(it.Places[i], d.expressionWidth(it, i, re), fmt.Sprintf("the flag %s stands inside of the expression", m), "use the modifiers re|i, re|m, re|s")
				}
			})
		},
	},
}

var inlineFlag = regexp.MustCompile(`^\(\?[ims]+\)`)

// expressions calls f for the regular expressions of an item.
func (d *document) expressions(it *item, f func(i int, re sigma.Regexp, tree *syntax.Regexp)) {
	if len(it.Values) != len(it.Places) {
		return
	}
	for i, v := range it.Values {
		if re, ok := v.(sigma.Regexp); ok {
			if tree, err := syntax.Parse(re.Expr(), syntax.Perl); err == nil {
				f(i, re, tree.Simplify())
			}
		}
	}
}

func (d *document) expressionWidth(it *item, i int, re sigma.Regexp) int {
	return d.width(it.Places[i], re.Source)
}

// plainExpression is the modifier that says the same as an expression of plain
// text, "" for any other.
func plainExpression(tree *syntax.Regexp) string {
	parts := []*syntax.Regexp{tree}
	if tree.Op == syntax.OpConcat {
		parts = tree.Sub
	}
	begins, ends, text := false, false, 0
	for i, p := range parts {
		switch {
		case p.Op == syntax.OpLiteral:
			text++
		case i == 0 && p.Op == syntax.OpBeginText:
			begins = true
		case i == len(parts)-1 && p.Op == syntax.OpEndText:
			ends = true
		case (i == 0 || i == len(parts)-1) && p.Op == syntax.OpStar && (p.Sub[0].Op == syntax.OpAnyCharNotNL || p.Sub[0].Op == syntax.OpAnyChar):
		default:
			return ""
		}
	}
	switch {
	case text != 1:
		return ""
	case begins && ends:
		return "no modifier"
	case begins:
		return "startswith"
	case ends:
		return "endswith"
	}
	return "contains"
}
