package esql

import (
	"cmp"
	"strings"
	"time"

	"github.com/huntbook/huntbook/convert/backend"
	"github.com/huntbook/huntbook/convert/elastic"
	"github.com/huntbook/huntbook/pipeline"
)

// finish gives a query the output format. Detection rules have a limit of their own.
func (w *writer) finish(l *pipeline.Lowered, part int, query string) any {
	detection := elastic.Detection{Rule: l.Rule, Part: part, Type: "esql", Language: "esql", Query: query, Schedule: w.schedule}
	if c := l.Rule.Correlation; c != nil {
		detection.Span = c.Span.Round(time.Second)
	}
	switch w.format {
	case "siem_rule":
		return detection.API()
	case "siem_rule_ndjson":
		return detection.Import()
	}
	if w.limit != "" {
		query += " | limit " + w.limit
	}
	if w.format == "kibana_ndjson" {
		return w.savedSearch(l, part, query)
	}
	return query
}

// savedSearch is a line of a file for Kibana's import of saved objects. A search
// with a query of ES|QL brings its own data view.
type savedSearch struct {
	ID         string           `json:"id"`
	Type       string           `json:"type"`
	Attributes searchAttributes `json:"attributes"`
	References []string         `json:"references"`
}

type searchAttributes struct {
	Title       string      `json:"title"`
	Description string      `json:"description"`
	Columns     []string    `json:"columns"`
	Sort        [][2]string `json:"sort"`
	IsText      bool        `json:"isTextBasedQuery"`
	Meta        searchMeta  `json:"kibanaSavedObjectMeta"`
}

type searchMeta struct {
	SearchSource string `json:"searchSourceJSON"`
}

type searchSource struct {
	Query  searchQuery `json:"query"`
	Index  adHocView   `json:"index"`
	Filter []string    `json:"filter"`
}

type searchQuery struct {
	ESQL string `json:"esql"`
}

// adHocView is a data view that is not saved.
type adHocView struct {
	Title         string            `json:"title"`
	Name          string            `json:"name"`
	TimeField     string            `json:"timeFieldName"`
	Type          string            `json:"type"`
	SourceFilters []string          `json:"sourceFilters"`
	FieldFormats  map[string]string `json:"fieldFormats"`
	RuntimeFields map[string]string `json:"runtimeFieldMap"`
	AllowNoIndex  bool              `json:"allowNoIndex"`
	AllowHidden   bool              `json:"allowHidden"`
}

func (w *writer) savedSearch(l *pipeline.Lowered, part int, query string) any {
	indices := strings.Join(elastic.Indices(l, w.indices), ",")
	source := backend.Query{Value: searchSource{
		Query: searchQuery{query}, Filter: []string{},
		Index: adHocView{
			Title: indices, Name: indices, TimeField: w.timeField, Type: "esql",
			SourceFilters: []string{}, FieldFormats: map[string]string{}, RuntimeFields: map[string]string{},
		},
	}}.JSON()
	return savedSearch{
		ID: elastic.RuleID(l.Rule, part), Type: "search", References: []string{},
		Attributes: searchAttributes{
			Title: "SIGMA - " + elastic.Title(l.Rule, part), Description: cmp.Or(l.Rule.Description, "No description"),
			Columns: []string{}, Sort: [][2]string{{w.timeField, "desc"}}, IsText: true, Meta: searchMeta{source},
		},
	}
}
