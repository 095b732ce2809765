// Package esdsl writes Elasticsearch's query DSL: the JSON of a search request, made
// of bool, term, terms, prefix, wildcard, regexp, range and exists queries.
//
// Unlike a query string it says of each comparison alone whether letters of either
// case match, so that a rule means the same on keyword fields as it does everywhere
// else. Data flows: ir.Expr → elastic.Ask → the tree of JSON objects.
package esdsl

import (
	"github.com/huntbook/huntbook/convert/backend"
	"github.com/huntbook/huntbook/convert/elastic"
	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/pipeline"
)

// Target is es-dsl.
var Target = &backend.Target{
	Name:        "es-dsl",
	Families:    []string{"elasticsearch", "opensearch"},
	Description: "Elasticsearch's and OpenSearch's query DSL: the body of a search request, ignoring case in each comparison that does.",
	Reference:   "https://www.elastic.co/docs/reference/query-languages/querydsl",
	Limits:      elastic.DSLLimits(),
	Formats:     []backend.Format{{Name: "default", Description: "the body of a search request", Extension: "json"}},
	Options:     elastic.SigmacOptions(),
	Example: backend.Example{
		Rule: `
selection:
  Image|endswith: '\powershell.exe'
  EventID: [1, 4688]
filter:
  User: SYSTEM
condition: selection and not filter`,
		Query: `{
  "query": {
    "bool": {
      "filter": [
        {
          "wildcard": {
            "Image.keyword": {
              "case_insensitive": true,
              "value": "*\\\\powershell.exe"
            }
          }
        },
        {
          "terms": {
            "EventID": [
              1,
              4688
            ]
          }
        }
      ],
      "must_not": [
        {
          "term": {
            "User.keyword": {
              "case_insensitive": true,
              "value": "SYSTEM"
            }
          }
        }
      ]
    }
  }
}`,
	},
	New: func(_ string, o map[string]string) (backend.Backend, error) {
		w, err := elastic.NewDSL(o)
		return &writer{w}, err
	},
}

type writer struct{ *elastic.DSL }

// Query writes one condition as the body of a search request.
func (w *writer) Query(l *pipeline.Lowered, e ir.Expr) (any, error) {
	q, err := w.Clause(l, e)
	if err != nil {
		return nil, err
	}
	return elastic.Body(q), nil
}
