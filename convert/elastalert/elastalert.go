// Package elastalert writes rules for ElastAlert 2, with query strings as the target
// lucene has them. Correlations become its types frequency, cardinality and
// metric_aggregation.
package elastalert

import (
	"strings"

	"github.com/huntbook/huntbook/convert/backend"
	"github.com/huntbook/huntbook/convert/elastic"
	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/pipeline"
)

// Target is elastalert.
var Target = &backend.Target{
	Name:         "elastalert",
	Families:     []string{"elasticsearch", "opensearch"},
	Description:  "Rules for ElastAlert 2, as sigma-cli's target elastalert, with query strings.",
	Reference:    "https://elastalert2.readthedocs.io/en/latest/ruletypes.html",
	Limits:       append(elastic.QueryStringLimits(), elastic.ElastAlertLimits()...),
	Formats:      []backend.Format{{Name: "default", Description: "a rule as a YAML document", Extension: "yml"}},
	Options:      elastic.Options(elastic.IndexOption("*"), elastic.AlertOption),
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
  - query_string:
      query: Image:*\\powershell.exe
realert:
  minutes: 0
alert:
  - debug
`,
	},
	New: func(_ string, o map[string]string) (backend.Backend, error) {
		fields, err := elastic.NewFields(o)
		return &writer{elastic.QueryString{Fields: fields}, o["index_names"], o["alert_methods"]}, err
	},
}

type writer struct {
	elastic.QueryString
	indices, alert string
}

// Query writes one condition.
func (w *writer) Query(l *pipeline.Lowered, e ir.Expr) (any, error) {
	text, err := w.QueryString.Query(l, e)
	if err != nil {
		return nil, err
	}
	return elastic.NewElastAlert(l, elastic.Part(l, e), filter(text), w.indices, w.alert).YAML()
}

func filter(query string) []any {
	return []any{map[string]any{"query_string": map[string]any{"query": query}}}
}

// Correlation writes a correlation.
func (w *writer) Correlation(c *pipeline.Correlation) (any, error) {
	var rules []string
	for i, in := range c.Inputs {
		text, err := w.QueryString.Query(in.Lowered, in.Expr())
		if err != nil {
			return nil, backend.InInput(c, i, err)
		}
		rules = append(rules, text)
	}
	query := rules[0]
	if len(rules) > 1 {
		query = "(" + strings.Join(rules, ") OR (") + ")"
	}
	rule := elastic.NewElastAlert(c.Lowered, 0, filter(query), w.indices, w.alert)
	if err := rule.Correlate(c, w.Fields); err != nil {
		return nil, err
	}
	return rule.YAML()
}
