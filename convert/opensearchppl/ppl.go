// Package opensearchppl writes PPL, OpenSearch's piped processing language, as the
// target open_search_ppl of pySigma.
//
// Text is compared with ILIKE, which ignores case, or with "=" where no letter or the
// rule asks for it. A comparison with a field that an event lacks is neither true nor
// false, so behind NOT it is asked first whether the field is there. Keywords are
// looked for with a query string. Data flows: ir.Expr → the text behind WHERE → the
// commands around it. There is no PPL engine to test with, so a reader of the
// published grammar is the judge.
package opensearchppl

import (
	"regexp"
	"slices"
	"strings"

	"github.com/huntbook/huntbook/convert/backend"
	"github.com/huntbook/huntbook/convert/elastic"
	"github.com/huntbook/huntbook/convert/mapping"
	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/pipeline"
	"github.com/huntbook/huntbook/sigma"
)

// Target is open_search_ppl.
var Target = &backend.Target{
	Name:        "open_search_ppl",
	Aliases:     []backend.Alias{{Name: "ppl"}, {Name: "opensearch_ppl"}},
	Families:    []string{"opensearch"},
	Description: "PPL, OpenSearch's piped processing language: for OpenSearch Dashboards and the API _plugins/_ppl.",
	Reference:   "https://docs.opensearch.org/latest/sql-and-ppl/ppl/index/",
	Limits: []string{
		"Queries are for OpenSearch 3.4 and later, which have ilike and regexp_match.",
		"A backslash before a wildcard is misread up to OpenSearch 3.8 or so (opensearch-project/sql, pull request 5653); from then on the queries mean what they say.",
		"A field that no searched index maps is an error of PPL.",
		"A field with several values in one event is compared as PPL compares lists.",
		"Presence (exists) can't be told from null.",
		"Regular expressions are Java's.",
		"Correlations look at windows that follow each other: what lies on both sides of a border is missed. An order of rules can't be expressed.",
	},
	Formats: []backend.Format{{Name: "default", Description: "the query as text"}},
	Options: []backend.Option{
		{Name: "index_names", Aliases: []string{"custom_logsource"}, Description: "the indices to search, with commas, where no pipeline names any (default the rule's log source, as windows-process_creation-*)"},
		{Name: "time_field", Default: "@timestamp", Description: "the field with an event's time, for correlations"},
	},
	Correlations: []string{"event_count", "value_count", "temporal", "value_sum", "value_avg", "value_min", "value_max"},
	Example: backend.Example{
		Rule: `
selection:
  Image|endswith: '\powershell.exe'
  CommandLine|contains: [' -enc ', 'FromBase64String']
filter:
  User: SYSTEM
condition: selection and not filter`,
		Query: `source=windows-* | where ilike(Image, "%\\\\powershell.exe") AND (ilike(CommandLine, "% -enc %") OR ilike(CommandLine, "%FromBase64String%")) AND NOT (isnotnull(User) AND ilike(User, "SYSTEM"))`,
	},
	New: newWriter,
}

var dialect = backend.Dialect{
	And: " AND ", Or: " OR ", Not: "NOT ",
	Open: "(", Close: ")",
	True: "true", False: "false", Binds: true,
}

var (
	literal = backend.Escaping{Open: `"`, Close: `"`, Escape: `\`, Chars: `"\`}
	// like is the language of LIKE, inside of a literal.
	like = backend.Escaping{Escape: `\`, Chars: `\%_`, Any: "%", One: "_"}
)

func text(s string) string { return literal.Text(s) }

var (
	plainName   = regexp.MustCompile(`^[A-Za-z_@][A-Za-z0-9_]*$`)
	plainSource = regexp.MustCompile(`^[A-Za-z0-9_.*:-]+$`)
)

// reserved are words that are no names as they stand.
var reserved = []string{
	"and", "as", "between", "by", "case", "cast", "else", "eval", "exists", "false", "fields", "from", "head", "in", "is", "isnotnull", "isnull",
	"like", "not", "null", "on", "or", "rename", "search", "sort", "source", "span", "stats", "true", "where", "with", "xor",
}

// name writes a field's name.
func name(field string) string {
	parts := strings.Split(field, ".")
	if slices.Contains(parts, "") {
		return quotedName(field)
	}
	for i, p := range parts {
		if !plainName.MatchString(p) || slices.Contains(reserved, strings.ToLower(p)) {
			parts[i] = quotedName(p)
		}
	}
	return strings.Join(parts, ".")
}

func quotedName(s string) string { return "`" + strings.ReplaceAll(s, "`", "``") + "`" }

// writer is the backend.
type writer struct {
	indices, timeField string
	strings            *elastic.QueryString
	index              *mapping.Index
	remarks            diag.List
	// needed are the fields without which an event is no hit of the query that is
	// written; negated are the comparisons that a NOT stands around.
	needed  map[string]bool
	negated map[*ir.Match]bool
}

func newWriter(_ string, o map[string]string) (backend.Backend, error) {
	fields, err := elastic.NewFields(map[string]string{"ci_whitelist": "*"})
	return &writer{indices: o["index_names"], timeField: o["time_field"], strings: &elastic.QueryString{Fields: fields}}, err
}

// UseMapping makes a mapping say what the fields that are compared hold.
func (w *writer) UseMapping(m *mapping.Index) {
	w.index = m
	w.strings.UseMapping(m)
}

// Remarks are what is to be told about the queries since the last call.
func (w *writer) Remarks() diag.List {
	list := slices.Concat(w.remarks, w.strings.Remarks())
	w.remarks = nil
	return list
}

// Query writes one condition.
func (w *writer) Query(l *pipeline.Lowered, e ir.Expr) (any, error) {
	where, err := w.where(l, e)
	if err != nil {
		return nil, err
	}
	return w.source(l, l.Rule) + " | where " + where, nil
}

// where writes the condition of a rule.
func (w *writer) where(l *pipeline.Lowered, e ir.Expr) (string, error) {
	w.needed, w.negated = backend.Needs(e), backend.Negated(e)
	where, err := dialect.Print(e, w)
	if err != nil || len(l.Search) == 0 {
		return where, err
	}
	// A sigmac configuration's own conditions are query strings.
	parts := []string{"(" + where + ")"}
	for _, s := range l.Search {
		parts = append(parts, queryString("*", s))
	}
	return strings.Join(parts, dialect.And), nil
}

// source names the indices: those of pipelines, of the option, or, as pySigma has it,
// of the rules' log sources.
func (w *writer) source(l *pipeline.Lowered, rules ...*sigma.Rule) string {
	var names []string
	add := func(s string) {
		if !plainSource.MatchString(s) {
			s = quotedName(s)
		}
		if !slices.Contains(names, s) {
			names = append(names, s)
		}
	}
	indices := elastic.Indices(l, w.indices)
	for _, s := range indices {
		add(s)
	}
	for _, r := range rules {
		if len(indices) > 0 {
			break
		}
		ls := r.LogSource
		parts := slices.DeleteFunc([]string{ls.Product, ls.Category, ls.Service, "*"}, func(s string) bool { return s == "" })
		add(strings.Join(parts, "-"))
	}
	return "source=" + strings.Join(names, ", ")
}

func queryString(field, query string) string {
	return "query_string([" + text(field) + "], " + text(query) + ")"
}
