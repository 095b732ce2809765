// Package elastalertdsl writes rules for ElastAlert 2, with queries as the target
// es-dsl has them. Correlations become its types frequency, cardinality and
// metric_aggregation.
package elastalertdsl

import (
	"github.com/huntbook/huntbook/convert/backend"
	"github.com/huntbook/huntbook/convert/elastic"
	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/pipeline"
)

// Target is elastalert-dsl.
var Target = &backend.Target{
	Name:         "elastalert-dsl",
	Families:     []string{"elasticsearch", "opensearch"},
	Description:  "Rules for ElastAlert 2, with queries of the query DSL as the target es-dsl writes them.",
	Reference:    "https://elastalert2.readthedocs.io/en/latest/ruletypes.html",
	Limits:       append(elastic.DSLLimits(), elastic.ElastAlertLimits()...),
	Formats:      []backend.Format{{Name: "default", Description: "a rule as a YAML document", Extension: "yml"}},
	Options:      append(elastic.SigmacOptions(), elastic.IndexOption("*"), elastic.AlertOption),
	Correlations: elastic.ElastAlertCorrelations,
	Example: backend.Example{
		Rule: `
selection:
  Image|endswith: '\powershell.exe'
condition: selection`,
		Query: `name: t
index: '*'
type: any
priority: 1
filter:
  - wildcard:
      Image.keyword:
        case_insensitive: true
        value: '*\\powershell.exe'
realert:
  minutes: 0
alert:
  - debug
`,
	},
	New: func(_ string, o map[string]string) (backend.Backend, error) {
		w, err := elastic.NewDSL(o)
		return &writer{w, o["index_names"], o["alert_methods"]}, err
	},
}

type writer struct {
	*elastic.DSL
	indices, alert string
}

// Query writes one condition.
func (w *writer) Query(l *pipeline.Lowered, e ir.Expr) (any, error) {
	q, err := w.Clause(l, e)
	if err != nil {
		return nil, err
	}
	return elastic.NewElastAlert(l, elastic.Part(l, e), []any{q}, w.indices, w.alert).YAML()
}

// Correlation writes a correlation.
func (w *writer) Correlation(c *pipeline.Correlation) (any, error) {
	var rules []any
	for i, in := range c.Inputs {
		q, err := w.Clause(in.Lowered, in.Expr())
		if err != nil {
			return nil, backend.InInput(c, i, err)
		}
		rules = append(rules, q)
	}
	rule := elastic.NewElastAlert(c.Lowered, 0, []any{elastic.AnyOf(rules)}, w.indices, w.alert)
	if err := rule.Correlate(c, w.Fields); err != nil {
		return nil, err
	}
	return rule.YAML()
}
