// Package opensearchlucene writes Lucene query strings for OpenSearch, plain, as
// monitors of its alerting plugin, and as saved searches of OpenSearch Dashboards.
package opensearchlucene

import (
	"fmt"
	"slices"

	"github.com/huntbook/huntbook/convert/backend"
	"github.com/huntbook/huntbook/convert/elastic"
	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/pipeline"
)

// Target is opensearch_lucene.
var Target = &backend.Target{
	Name:        "opensearch_lucene",
	Aliases:     []backend.Alias{{Name: "opensearch"}, {Name: "opensearch-monitor", Format: "monitor_rule"}},
	Families:    []string{"opensearch", "es-qs"},
	Description: "Lucene query strings for OpenSearch, as sigma-cli's target opensearch_lucene: plain, as monitors and as saved searches.",
	Reference:   "https://docs.opensearch.org/latest/query-dsl/full-text/query-string/",
	Limits: append(elastic.QueryStringLimits(),
		"A monitor looks at the time since its last run and a minute more, by the field @timestamp."),
	Formats: []backend.Format{
		{Name: "default", Description: "the query as text"},
		{Name: "monitor_rule", Description: "a monitor of the alerting plugin", Extension: "json"},
		{Name: "dashboards_ndjson", Description: "a saved search for the import of saved objects in OpenSearch Dashboards", Extension: "ndjson"},
		{Name: "dsl_lucene", Description: "the body of a search request with the query in it", Extension: "json"},
	},
	Options: elastic.Options(
		elastic.IndexOption("beats-*"),
		backend.Option{Name: "monitor_interval", Default: "5", Description: "how often a monitor runs, in monitor_interval_unit"},
		backend.Option{Name: "monitor_interval_unit", Default: "MINUTES", Description: "MINUTES, HOURS or DAYS"},
	),
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
	format, indices, unit string
	interval              int
}

// units are those of a monitor's schedule, with what date math calls them.
var units = map[string]string{"MINUTES": "m", "HOURS": "h", "DAYS": "d"}

func newWriter(format string, o map[string]string) (backend.Backend, error) {
	fields, err := elastic.NewFields(o)
	if err != nil {
		return nil, err
	}
	w := &writer{elastic.QueryString{Fields: fields}, format, o["index_names"], o["monitor_interval_unit"], 0}
	if units[w.unit] == "" {
		return nil, fmt.Errorf("%w monitor_interval_unit is MINUTES, HOURS or DAYS, not %q", backend.ErrOption, w.unit)
	}
	w.interval, err = elastic.Every(o, "monitor_interval")
	return w, err
}

// Query writes one condition.
func (w *writer) Query(l *pipeline.Lowered, e ir.Expr) (any, error) {
	text, err := w.QueryString.Query(l, e)
	if err != nil {
		return nil, err
	}
	part := elastic.Part(l, e)
	switch w.format {
	case "monitor_rule":
		if text, err = elastic.Untemplated(l.Rule, text); err != nil {
			return nil, err
		}
		return w.monitor(l, part, text), nil
	case "dashboards_ndjson":
		return elastic.SavedSearch(l.Rule, part, "lucene", text, elastic.Indices(l, w.indices), l.Fields), nil
	case "dsl_lucene":
		return elastic.SearchBody(text), nil
	}
	return text, nil
}

type monitor struct {
	Type        string    `json:"type"`
	Name        string    `json:"name"`
	Description string    `json:"description"`
	MonitorType string    `json:"monitor_type"`
	Enabled     bool      `json:"enabled"`
	Schedule    schedule  `json:"schedule"`
	Inputs      []input   `json:"inputs"`
	Triggers    []trigger `json:"triggers"`
	Tags        []string  `json:"tags"`
	References  []string  `json:"references"`
	Sigma       metadata  `json:"sigma_meta_data"`
}

type schedule struct {
	Period struct {
		Interval int    `json:"interval"`
		Unit     string `json:"unit"`
	} `json:"period"`
}

type input struct {
	Search search `json:"search"`
}

type search struct {
	Indices []string       `json:"indices"`
	Query   map[string]any `json:"query"`
}

type trigger struct {
	Name      string    `json:"name"`
	Severity  string    `json:"severity"`
	Condition condition `json:"condition"`
	Actions   []string  `json:"actions"`
}

type condition struct {
	Script struct {
		Source string `json:"source"`
		Lang   string `json:"lang"`
	} `json:"script"`
}

type metadata struct {
	RuleID string `json:"rule_id"`
}

// levels are the levels of rules from the severity 1 on.
var levels = []string{"critical", "high", "medium", "low", "informational"}

func (w *writer) monitor(l *pipeline.Lowered, part int, text string) any {
	severity := slices.Index(levels, l.Rule.Level) + 1
	if severity == 0 {
		severity = 3
	}
	m := monitor{
		Type: "monitor", Name: "SIGMA - " + elastic.Title(l.Rule, part), Description: l.Rule.Description,
		MonitorType: "query_level_monitor", Enabled: true,
		Inputs: []input{{search{elastic.Indices(l, w.indices), map[string]any{
			"size": 1,
			"query": map[string]any{"bool": map[string]any{"filter": []any{
				map[string]any{"range": map[string]any{"@timestamp": map[string]any{
					"gt": fmt.Sprintf("{{period_end}}||-%d%s-1m", w.interval, units[w.unit]), "lte": "{{period_end}}", "format": "epoch_millis",
				}}},
				map[string]any{"query_string": map[string]any{"query": text}},
			}}},
		}}}},
		Triggers: []trigger{{Name: "generated-trigger", Severity: fmt.Sprint(severity), Actions: []string{}}},
		Tags:     append([]string{}, l.Rule.Tags...), References: append([]string{}, l.Rule.References...),
		Sigma: metadata{elastic.RuleID(l.Rule, part)},
	}
	m.Schedule.Period.Interval, m.Schedule.Period.Unit = w.interval, w.unit
	m.Triggers[0].Condition.Script.Source = "ctx.results[0].hits.total.value > 0"
	m.Triggers[0].Condition.Script.Lang = "painless"
	return m
}
