// Package esqs writes Elasticsearch query strings: the language of the
// query_string query and of Kibana's search bar with Lucene syntax, in the
// form that sigmac's target es-qs gave it.
//
// A value without wildcard is a quoted phrase on the analysed field; a value
// with one stands bare on the keyword sub-field, whose whole text a wildcard
// must match, and takes the other values of its list along. Options say where
// an index is different. Every value is escaped so that it can't change the
// query's structure.
package esqs

import (
	"github.com/huntbook/huntbook/convert/backend"
	"github.com/huntbook/huntbook/convert/elastic"
	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/pipeline"
)

// Target is es-qs.
var Target = &backend.Target{
	Name:        "es-qs",
	Families:    []string{"elasticsearch", "opensearch"},
	Description: "Elasticsearch query string, as sigmac wrote it: for query_string queries and Kibana's search bar.",
	Reference:   "https://www.elastic.co/docs/reference/query-languages/query-dsl/query-dsl-query-string-query",
	Limits: []string{
		"A comparison of two fields of an event (fieldref) and parts of a time (minute, hour, day …) can't be expressed.",
		"Regular expressions with word boundaries, or with anchors inside of the text, can't be expressed.",
		"Wildcards and regular expressions on a keyword field are case-sensitive, unless the index normalises it or ci_whitelist names the field; a value without wildcard ignores case where the field is analysed.",
		"A value without wildcard is a phrase: it also matches inside of longer text. keyword_whitelist makes it match the whole text.",
		"Presence (exists) and absence can't be told from null.",
		"Networks (cidr) need a field of type ip.",
		`A "." inside of a regular expression matches a newline too.`,
	},
	Formats: []backend.Format{{Name: "default", Description: "the query as text"}},
	Options: elastic.SigmacOptions(),
	Example: backend.Example{
		Rule: `
selection:
  Image|endswith: '\powershell.exe'
  CommandLine|contains: [' -enc ', 'FromBase64String']
filter:
  User: SYSTEM
condition: selection and not filter`,
		Query: `(Image.keyword:*\\powershell.exe AND CommandLine.keyword:(*\ \-enc\ * OR *FromBase64String*) AND (NOT (User:"SYSTEM")))`,
	},
	New: func(_ string, options map[string]string) (backend.Backend, error) {
		fields, err := elastic.NewFields(options)
		if err != nil {
			return nil, err
		}
		return &writer{elastic.QueryString{Fields: fields, Bare: true, Whole: true}}, nil
	},
}

type writer struct{ elastic.QueryString }

// Query writes one condition.
func (w *writer) Query(l *pipeline.Lowered, e ir.Expr) (any, error) { return w.QueryString.Query(l, e) }
