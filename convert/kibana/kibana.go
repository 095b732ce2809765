// Package kibana writes saved searches for Kibana's import of saved objects, with
// query strings as es-qs has them.
package kibana

import (
	"github.com/huntbook/huntbook/convert/backend"
	"github.com/huntbook/huntbook/convert/elastic"
	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/pipeline"
)

// Target is kibana.
var Target = &backend.Target{
	Name:        "kibana",
	Aliases:     []backend.Alias{{Name: "kibana-ndjson"}},
	Families:    []string{"elasticsearch"},
	Description: "Saved searches for Kibana, from version 7 on: an object a line, with the query string of es-qs.",
	Reference:   "https://www.elastic.co/docs/api/doc/kibana/operation/operation-post-saved-objects-import",
	Limits: append(elastic.QueryStringLimits(),
		"The search belongs to the data view whose id is the names of the indices; Kibana asks for another when it has none."),
	Formats: []backend.Format{{Name: "default", Description: "a saved search as a line of a file to import", Extension: "ndjson"}},
	Options: append(elastic.SigmacOptions(), elastic.IndexOption("*")),
	Example: backend.Example{
		Rule: `
selection:
  Image|endswith: '\powershell.exe'
condition: selection`,
		Query: `{
  "id": "c374c4f5-b8cd-5147-bd20-83f1a3bc3192",
  "type": "search",
  "attributes": {
    "title": "SIGMA - t",
    "description": "",
    "columns": [],
    "sort": [
      [
        "@timestamp",
        "desc"
      ]
    ],
    "kibanaSavedObjectMeta": {
      "searchSourceJSON": "{\"query\":{\"query\":\"Image.keyword:*\\\\\\\\powershell.exe\",\"language\":\"lucene\"},\"filter\":[],\"indexRefName\":\"kibanaSavedObjectMeta.searchSourceJSON.index\"}"
    }
  },
  "references": [
    {
      "id": "*",
      "name": "kibanaSavedObjectMeta.searchSourceJSON.index",
      "type": "index-pattern"
    }
  ]
}`,
	},
	New: func(_ string, o map[string]string) (backend.Backend, error) {
		fields, err := elastic.NewFields(o)
		return &writer{elastic.QueryString{Fields: fields, Bare: true, Whole: true}, o["index_names"]}, err
	},
}

type writer struct {
	elastic.QueryString
	indices string
}

// Query writes one condition.
func (w *writer) Query(l *pipeline.Lowered, e ir.Expr) (any, error) {
	text, err := w.QueryString.Query(l, e)
	if err != nil {
		return nil, err
	}
	return elastic.SavedSearch(l.Rule, elastic.Part(l, e), "lucene", text, elastic.Indices(l, w.indices), l.Fields), nil
}
