// Package lucene writes Lucene query strings for Elasticsearch, as pySigma's target
// lucene does, plain or in the forms that Kibana imports.
//
// It differs from es-qs in what it takes fields for: they hold whole values
// themselves, as ECS has them, unless a pipeline, an option or a mapping says
// otherwise.
package lucene

import (
	"github.com/huntbook/huntbook/convert/backend"
	"github.com/huntbook/huntbook/convert/elastic"
	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/pipeline"
)

// Target is lucene.
var Target = &backend.Target{
	Name:        "lucene",
	Aliases:     []backend.Alias{{Name: "elasticsearch"}},
	Families:    []string{"elasticsearch", "es-qs"},
	Description: "Lucene query strings for Elasticsearch and Kibana, as sigma-cli's target lucene: plain, as saved searches and as rules of Elastic Security.",
	Reference:   "https://www.elastic.co/docs/reference/query-languages/query-dsl/query-dsl-query-string-query",
	Limits:      elastic.QueryStringLimits(),
	Formats: []backend.Format{
		{Name: "default", Description: "the query as text"},
		{Name: "kibana_ndjson", Description: "a saved search for Kibana's import of saved objects", Extension: "ndjson"},
		{Name: "siem_rule", Description: "a detection rule as the body of a request to Kibana's alerting API", Extension: "json"},
		{Name: "siem_rule_ndjson", Description: "a detection rule for the import of Elastic Security", Extension: "ndjson"},
		{Name: "dsl_lucene", Description: "the body of a search request with the query in it", Extension: "json"},
	},
	Options: elastic.Options(append(elastic.ScheduleOptions(), elastic.IndexOption(elastic.DefaultIndices))...),
	Example: backend.Example{
		Rule: `
selection:
  Image|endswith: '\powershell.exe'
  CommandLine|contains: [' -enc ', 'FromBase64String']
filter:
  User: SYSTEM
condition: selection and not filter`,
		Query: `Image:*\\powershell.exe AND CommandLine:(*\ \-enc\ * OR *FromBase64String*) AND (NOT (User:SYSTEM))`,
	},
	New: newWriter,
}

type writer struct {
	elastic.QueryString
	format, indices string
	schedule        elastic.Schedule
}

func newWriter(format string, o map[string]string) (backend.Backend, error) {
	fields, err := elastic.NewFields(o)
	if err != nil {
		return nil, err
	}
	schedule, err := elastic.NewSchedule(o)
	return &writer{elastic.QueryString{Fields: fields}, format, o["index_names"], schedule}, err
}

// Query writes one condition.
func (w *writer) Query(l *pipeline.Lowered, e ir.Expr) (any, error) {
	text, err := w.QueryString.Query(l, e)
	if err != nil {
		return nil, err
	}
	part := elastic.Part(l, e)
	detection := elastic.Detection{
		Rule: l.Rule, Part: part, Type: "query", Language: "lucene", Query: text,
		Index: elastic.Indices(l, w.indices), Schedule: w.schedule,
	}
	switch w.format {
	case "kibana_ndjson":
		return elastic.SavedSearch(l.Rule, part, "lucene", text, elastic.Indices(l, w.indices), l.Fields), nil
	case "siem_rule":
		return detection.API(), nil
	case "siem_rule_ndjson":
		return detection.Import(), nil
	case "dsl_lucene":
		return elastic.SearchBody(text), nil
	}
	return text, nil
}
