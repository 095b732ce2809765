package targettest

import (
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/pipeline"
	"github.com/huntbook/huntbook/sigma"
)

// formPieces mean something in the forms around queries: templates, shells, YAML.
var formPieces = []string{
	"{{ctx.payload}}", "{{", "}}", "$(id)", "$HOME", "${HOME}", "%HOME%", "`id`", "'", "EOF\n", "---\n", "\n", ": ", "# ", "- x", "!!python/object",
	"!include x", "&a *a", "\u2028", "\x7f", "no", "1e3", "~",
}

// HostileRule draws a rule whose texts, and one comparison, are made of pieces that mean
// something in one language or form or another.
func HostileRule(t *rapid.T) *pipeline.Lowered {
	pieces := append(append([]string{}, formPieces...), Pieces...)
	text := func(label string) string {
		return strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 1, 5).Draw(t, label), "")
	}
	r := &sigma.Rule{
		File: &diag.File{}, ID: text("id"), Title: "t" + text("title"), Description: text("description"), Author: text("author"), License: text("license"),
		Level:      rapid.SampledFrom([]string{"", "informational", "low", "medium", "high", "critical"}).Draw(t, "level"),
		References: []string{text("reference")}, FalsePositives: []string{text("false positive")}, Tags: []string{text("tag"), "attack.execution", "attack.t1059.001"},
	}
	m := &ir.Match{Field: "f" + text("field"), Pattern: sigma.Text(text("value")).Contains()}
	return &pipeline.Lowered{Rule: r, Exprs: []ir.Expr{m}, Fields: []string{m.Field}}
}

// Correlate is a correlation of a type over the events of a drawn rule, by the rule's
// field. The numbers of correlations differ in their comparison, its number and the time.
func Correlate(l *pipeline.Lowered, kind string, number int) *pipeline.Correlation {
	values := []float64{1, 2.5, 1_000_000, 123_456_789.5, 0.000_01, 0}
	field := []sigma.FieldName{{Name: l.Fields[0]}}
	c := &sigma.Correlation{
		Type: kind, GroupBy: field, Span: time.Duration(1+number) * time.Second,
		Rules: []sigma.Correlated{{RuleRef: sigma.RuleRef{Name: "first"}}},
	}
	inputs := []pipeline.Input{{Lowered: l, Name: "first"}}
	if c.Temporal() {
		c.Rules = append(c.Rules, sigma.Correlated{RuleRef: sigma.RuleRef{Name: "second"}})
		inputs = append(inputs, pipeline.Input{Lowered: l, Name: "second"})
	} else {
		c.Condition = sigma.CorrelationCondition{
			Bounds: []sigma.Bound{{Op: []string{"gt", "gte", "lt", "lte"}[number%4], Value: values[number/4%len(values)]}},
			Fields: field, Percentile: 95,
		}
	}
	rule := *l.Rule
	rule.Correlation = c
	return &pipeline.Correlation{Lowered: &pipeline.Lowered{Rule: &rule}, Inputs: inputs}
}
