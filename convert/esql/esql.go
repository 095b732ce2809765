// Package esql writes ES|QL, Elasticsearch's piped query language.
//
// ES|QL compares text with its case, knows three truth values, and gives no answer
// about a field with several values; Sigma ignores case, and an event without a
// field does not match what is said of it. So letters are compared in lower case,
// what a NOT negates is made certain with COALESCE, and fields that hold several
// values are asked through a query string (option multi_valued). A number is looked
// for with the match operator, which takes a field of any type. Data flows:
// ir.Expr → the text behind WHERE → the commands around it.
package esql

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/huntbook/huntbook/convert/backend"
	"github.com/huntbook/huntbook/convert/elastic"
	"github.com/huntbook/huntbook/convert/mapping"
	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/pipeline"
)

// Target is esql.
var Target = &backend.Target{
	Name:        "esql",
	Families:    []string{"elasticsearch"},
	Description: "ES|QL, Elasticsearch's piped query language: for Kibana's Discover, the API _query and detection rules.",
	Reference:   "https://www.elastic.co/docs/reference/query-languages/esql/esql-syntax-reference",
	Limits: []string{
		"Queries are for Elasticsearch 8.19, 9.1 and later.",
		"A field that no searched index maps is an error of ES|QL, and the whole query fails; with a mapping (--mapping) comparisons with such a field are false.",
		"A field with several values in one event is compared only where multi_valued names it; ES|QL compares single values.",
		"A text can't be compared with a field of type ip, number or date, unless ip_fields or a mapping (--mapping) tells of the type.",
		"Values without field are looked for in the indexed words and whole values of all fields, as a query string finds them.",
		"Presence (exists) can't be told from null.",
		"Regular expressions with word boundaries, or with anchors inside of the text, and weeks (week) can't be expressed.",
		`A "." inside of a regular expression matches a newline too. One with long repetitions of any character, such as .{1,64}, may be too complex for the server, which then says so.`,
		"Of correlations, those that ask for at least so many look at windows of one and a half times the timespan, each beginning half a timespan after the one before: none is missed, and one may be found whose events lie up to that far apart. All others look at windows that follow each other. Counts of distinct values and percentiles are ES|QL's estimates.",
		"An alias of a correlation means the first of its fields that the event has.",
	},
	Formats: []backend.Format{
		{Name: "default", Description: "the query as text"},
		{Name: "kibana_ndjson", Description: "a saved search for Kibana's import of saved objects", Extension: "ndjson"},
		{Name: "siem_rule", Description: "a detection rule as the body of a request to Kibana's alerting API", Extension: "json"},
		{Name: "siem_rule_ndjson", Description: "a detection rule for the import of Elastic Security", Extension: "ndjson"},
	},
	Options:      append(options, elastic.ScheduleOptions()...),
	Correlations: []string{"event_count", "value_count", "temporal", "value_sum", "value_avg", "value_min", "value_max", "value_percentile", "value_median"},
	Example: backend.Example{
		Rule: `
selection:
  Image|endswith: '\powershell.exe'
  CommandLine|contains: [' -enc ', 'FromBase64String']
filter:
  User: SYSTEM
condition: selection and not filter`,
		Query: `from * metadata _id, _index, _version | where to_lower(Image) like "*\\\\powershell.exe" and (to_lower(CommandLine) like "* -enc *" or to_lower(CommandLine) like "*frombase64string*") and not coalesce(to_lower(User) == "system", false) | limit 10000`,
	},
	New: newWriter,
}

var options = []backend.Option{
	elastic.IndexOption("*"),
	{Name: "limit", Default: "10000", Description: "the number of rows to return, in the formats default and kibana_ndjson; empty leaves it to the server, which returns 1,000"},
	{Name: "multi_valued", Stated: true, Description: "fields that may hold several values in one event (field names with commas; * and ? are wildcards)"},
	{Name: "ip_fields", Default: "*.ip,*_ip_addr", Stated: true, Description: "fields that hold addresses, of type ip (field names with commas; * and ? are wildcards), where no mapping tells"},
	{Name: "time_field", Default: "@timestamp", Description: "the field with an event's time, for correlations"},
}

var dialect = backend.Dialect{
	And: " and ", Or: " or ", Not: "not ",
	Open: "(", Close: ")",
	True: "true", False: "false",
}

var literal = backend.Escaping{Open: `"`, Close: `"`, Escape: `\`, Chars: `"\`}

// text writes a string literal.
func text(s string) string {
	return strings.NewReplacer("\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(literal.Text(s))
}

var plainName = regexp.MustCompile(`^[A-Za-z_@][A-Za-z0-9_]*(\.[A-Za-z_@][A-Za-z0-9_]*)*$`)

// reserved are words that are no field names as they stand.
var reserved = []string{"and", "as", "asc", "by", "desc", "false", "first", "in", "is", "last", "like", "not", "null", "nulls", "on", "or", "rlike", "true", "with", "where", "metadata"}

// name writes a field's name.
func name(field string) string {
	if plainName.MatchString(field) && !slices.Contains(reserved, strings.ToLower(field)) {
		return field
	}
	return "`" + strings.ReplaceAll(field, "`", "``") + "`"
}

// writer is the backend.
type writer struct {
	format, indices, limit, timeField string
	multiValued, ip                   []string
	schedule                          elastic.Schedule
	strings                           *elastic.QueryString
	index                             *mapping.Index
	remarks                           diag.List
}

func newWriter(format string, o map[string]string) (backend.Backend, error) {
	w := &writer{format: format, indices: o["index_names"], limit: o["limit"], timeField: o["time_field"], multiValued: elastic.Names(o["multi_valued"]), ip: elastic.Names(o["ip_fields"])}
	if n, err := strconv.Atoi(w.limit); w.limit != "" && (err != nil || n < 1) {
		return nil, fmt.Errorf("%w limit is a number from 1 on, not %q", backend.ErrOption, w.limit)
	}
	var err error
	if w.schedule, err = elastic.NewSchedule(o); err != nil {
		return nil, err
	}
	w.strings, err = newQueryString()
	return w, err
}

// UseMapping makes a mapping say what the fields that are compared hold.
func (w *writer) UseMapping(m *mapping.Index) {
	w.index = m
	w.strings.UseMapping(m)
}

// Query writes one condition.
func (w *writer) Query(l *pipeline.Lowered, e ir.Expr) (any, error) {
	where, err := w.where(l, e)
	if err != nil {
		return nil, err
	}
	return w.finish(l, elastic.Part(l, e), w.from(l)+" metadata _id, _index, _version | where "+where), nil
}

// where writes the condition of a rule.
func (w *writer) where(l *pipeline.Lowered, e ir.Expr) (string, error) {
	where, err := dialect.Print(e, w)
	if err != nil || len(l.Search) == 0 {
		return where, err
	}
	// A sigmac configuration's own conditions are query strings.
	parts := []string{"(" + where + ")"}
	for _, s := range l.Search {
		parts = append(parts, "qstr("+text(s)+")")
	}
	return strings.Join(parts, dialect.And), nil
}

var plainSource = regexp.MustCompile(`^[\w.*:-]+$`)

// from writes the command that names the indices.
func (w *writer) from(l *pipeline.Lowered) string {
	index := elastic.Indices(l, w.indices)
	sources := make([]string, len(index))
	for i, s := range index {
		if sources[i] = s; !plainSource.MatchString(s) {
			sources[i] = text(s)
		}
	}
	return "from " + strings.Join(sources, ", ")
}
