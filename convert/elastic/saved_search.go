package elastic

import (
	"strings"

	"github.com/huntbook/huntbook/convert/backend"
	"github.com/huntbook/huntbook/sigma"
)

// savedSearch is a line of a file for the import of saved objects, in Kibana and in
// OpenSearch Dashboards.
type savedSearch struct {
	ID         string           `json:"id"`
	Type       string           `json:"type"`
	Attributes searchAttributes `json:"attributes"`
	References []objectRef      `json:"references"`
}

type searchAttributes struct {
	Title       string      `json:"title"`
	Description string      `json:"description"`
	Columns     []string    `json:"columns"`
	Sort        [][2]string `json:"sort"`
	Meta        searchMeta  `json:"kibanaSavedObjectMeta"`
}

type searchMeta struct {
	SearchSource string `json:"searchSourceJSON"`
}

type objectRef struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Type string `json:"type"`
}

type searchSource struct {
	Query        searchQuery `json:"query"`
	Filter       []string    `json:"filter"`
	IndexRefName string      `json:"indexRefName"`
}

type searchQuery struct {
	Query    string `json:"query"`
	Language string `json:"language"`
}

// SavedSearch is a query of a rule as a saved object. It looks in the data view
// whose id is the indices' names with commas between, as Kibana's modules name
// theirs; fields become columns.
func SavedSearch(r *sigma.Rule, part int, language, query string, index, fields []string) any {
	const ref = "kibanaSavedObjectMeta.searchSourceJSON.index"
	source := backend.Query{Value: searchSource{Query: searchQuery{query, language}, Filter: []string{}, IndexRefName: ref}}.JSON()
	return savedSearch{
		ID: RuleID(r, part), Type: "search",
		Attributes: searchAttributes{
			Title: "SIGMA - " + Title(r, part), Description: r.Description, Columns: filled(fields),
			Sort: [][2]string{{"@timestamp", "desc"}}, Meta: searchMeta{source},
		},
		References: []objectRef{{strings.Join(index, ","), ref, "index-pattern"}},
	}
}
