package pipeline

import (
	"fmt"
	"strings"
	"testing"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/sigma"
)

// show writes a tree in the notation of the docs. Values of one field that an
// OR links stand in a list.
func show(e ir.Expr) string { return showIn(e, true) }

func showIn(e ir.Expr, top bool) string {
	switch e := e.(type) {
	case *ir.And:
		if len(e.X) == 0 {
			return "true"
		}
		return link(e.X, " and ", top)
	case *ir.Or:
		if len(e.X) == 0 {
			return "false"
		}
		if list, ok := showList(e.X); ok {
			return list
		}
		return link(e.X, " or ", top)
	case *ir.Not:
		return "not " + showIn(e.X, false)
	case *ir.Match:
		if e.Op == ir.Raw {
			return "query " + fmt.Sprintf("%q", value(e))
		}
		return field(e) + " " + value(e)
	}
	return "?"
}

func link(x []ir.Expr, word string, top bool) string {
	parts := make([]string, len(x))
	for i, e := range x {
		parts[i] = showIn(e, false)
	}
	s := strings.Join(parts, word)
	if top {
		return s
	}
	return "(" + s + ")"
}

func showList(x []ir.Expr) (string, bool) {
	var values []string
	name := ""
	for i, e := range x {
		m, ok := e.(*ir.Match)
		if !ok || i > 0 && field(m) != name || !strings.HasPrefix(value(m), "= ") {
			return "", false
		}
		name = field(m)
		values = append(values, strings.TrimPrefix(value(m), "= "))
	}
	return name + " = (" + strings.Join(values, " or ") + ")", true
}

func field(m *ir.Match) string {
	if m.Field == "" {
		return "any"
	}
	return m.Field
}

func value(m *ir.Match) string {
	switch m.Op {
	case ir.Like:
		// Sigma's own spelling of the pattern, with backslashes doubled as in
		// any quoted text.
		return "= " + fmt.Sprintf("%q", m.Pattern.String()) + map[bool]string{true: " cased"}[m.Cased]
	case ir.Number, ir.Bool:
		return "= " + m.Text
	case ir.Null:
		return "is null"
	case ir.Exists:
		return "exists"
	case ir.Regexp:
		return "=~ /" + m.Text + "/"
	case ir.CIDR:
		return "in " + m.Text
	case ir.FieldRef:
		return []string{"= field ", "starts with field ", "ends with field ", "contains field "}[m.Affix] + m.Text
	case ir.Raw:
		return strings.Join(m.Parts, m.Field)
	case ir.TimePart:
		return m.Part + compare[m.Compare] + m.Text
	}
	return strings.TrimSpace(compare[m.Op]) + " " + m.Text
}

var compare = map[ir.Op]string{ir.Number: " = ", ir.Less: " < ", ir.LessEqual: " <= ", ir.Greater: " > ", ir.GreaterEqual: " >= "}

// parseRule reads one rule that has no errors.
func parseRule(t *testing.T, text string) *sigma.Rule {
	t.Helper()
	rules, diags := sigma.Parse(&diag.File{Path: "rule.yml", Data: []byte(text)})
	if diags.HasErrors() || len(rules) != 1 {
		t.Fatalf("rule does not parse: %v\n%s", diags, text)
	}
	return rules[0]
}

// ruleOf makes a rule of a log source and detection items in flow style.
func ruleOf(t *testing.T, logsource, items string) *sigma.Rule {
	t.Helper()
	return parseRule(t, "title: t\nlogsource: "+logsource+"\ndetection:\n  s: "+items+"\n  condition: s\n")
}

func parsePipeline(t *testing.T, text string) *Pipeline {
	t.Helper()
	p, err := Parse("test", &diag.File{Path: "test.yml", Data: []byte(text)})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// lowered is what becomes of a rule, or "error: …".
func lowered(rule *sigma.Rule, chain *Chain) string {
	l, diags := Lower(rule, chain)
	if l == nil {
		return "error: " + diags.Errors()[0].Message
	}
	s := show(l.Expr())
	if len(l.Fields) > 0 {
		s += " showing " + strings.Join(l.Fields, ", ")
	}
	if len(l.Index) > 0 {
		s += " in " + strings.Join(l.Index, ", ")
	}
	return s
}
