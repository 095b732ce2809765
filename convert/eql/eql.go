// Package eql writes EQL, Elasticsearch's event query language.
//
// The operator ":" ignores case and knows wildcards; where it can't say what is
// meant (a literal star, another case), "==", like and regex do. A field that no
// index has is an error in EQL, unless "?" stands before it: it does where a hit
// needs no such field. Text, numbers and addresses are compared in forms of their
// own, so options say which fields are which, where no mapping does. Correlations
// become sequences. Data flows: ir.Expr → the text behind "any where" → the format.
package eql

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/huntbook/huntbook/convert/backend"
	"github.com/huntbook/huntbook/convert/elastic"
	"github.com/huntbook/huntbook/convert/mapping"
	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/pipeline"
)

// Target is eql.
var Target = &backend.Target{
	Name:        "eql",
	Aliases:     []backend.Alias{{Name: "es-eql"}, {Name: "es-rule-eql", Format: "siem_rule_ndjson"}},
	Families:    []string{"elasticsearch"},
	Description: "EQL, Elasticsearch's event query language: for the API _eql/search, Kibana's timelines and detection rules.",
	Reference:   "https://www.elastic.co/docs/reference/query-languages/eql/eql-syntax",
	Limits: []string{
		"Values without field (keywords) and parts of a time (minute, hour, day …) can't be expressed.",
		"A field that a hit needs and no searched index maps is an error of EQL; others, which have a ? before them, count as null.",
		"Numbers and addresses are compared otherwise than text: numeric_fields and ip_fields, or a mapping (--mapping), say which fields hold them. A comparison of another type is an error of EQL.",
		"Presence (exists) can't be told from null.",
		"Regular expressions with word boundaries, or with anchors inside of the text, can't be expressed.",
		`A "." inside of a regular expression matches a newline too.`,
		"The case of letters beyond ASCII counts.",
		"Of correlations, temporal_ordered becomes a sequence and event_count, if it asks for at least so many up to 100, one of the same event; their events are different ones, one after the other. Values of group-by are compared with their case.",
	},
	Formats: []backend.Format{
		{Name: "default", Description: "the query as text"},
		{Name: "eqlapi", Description: "the body of a request to _eql/search", Extension: "json"},
		{Name: "siem_rule", Description: "a detection rule as the body of a request to Kibana's alerting API", Extension: "json"},
		{Name: "siem_rule_ndjson", Description: "a detection rule for the import of Elastic Security", Extension: "ndjson"},
	},
	Options:      append(append(options, elastic.ScheduleOptions()...), elastic.IndexOption(elastic.DefaultIndices)),
	Correlations: []string{"event_count", "temporal_ordered"},
	Example: backend.Example{
		Rule: `
selection:
  Image|endswith: '\powershell.exe'
  CommandLine|contains: [' -enc ', 'FromBase64String']
filter:
  User: SYSTEM
condition: selection and not filter`,
		Query: `any where Image : "*\\powershell.exe" and CommandLine : ("* -enc *", "*FromBase64String*") and not (?User != null and ?User : "SYSTEM")`,
	},
	New: newWriter,
}

const fieldList = " (field names with commas; * and ? are wildcards), where no mapping tells"

var options = []backend.Option{
	{
		Name: "numeric_fields", Stated: true, Description: "fields that hold numbers" + fieldList,
		Default: "EventID,event_id,*Port,*.port,*_port,*.pid,*.bytes,*.packets,*.size,*.status_code",
	},
	{Name: "ip_fields", Stated: true, Description: "fields that hold addresses, of type ip" + fieldList, Default: "*.ip,*_ip_addr"},
}

var dialect = backend.Dialect{
	And: " and ", Or: " or ", Not: "not ",
	Open: "(", Close: ")",
	True: "true", False: "false", Binds: true,
}

var literal = backend.Escaping{Open: `"`, Close: `"`, Escape: `\`, Chars: `"\`, Any: "*", One: "?"}

var lineEnds = strings.NewReplacer("\n", `\n`, "\r", `\r`, "\t", `\t`)

// text writes a string literal.
func text(s string) string { return lineEnds.Replace(literal.Text(s)) }

var identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// reserved are words of the language, in Elasticsearch or in the library eql.
var reserved = []string{
	"and", "any", "by", "const", "false", "fork", "in", "join", "like", "macro", "maxspan", "not", "null", "of", "or", "regex", "runs", "sample",
	"sequence", "true", "until", "where", "with",
}

// name writes a field's name.
func name(field string) string {
	parts := strings.Split(field, ".")
	for i, p := range parts {
		if !identifier.MatchString(p) || slices.Contains(reserved, strings.ToLower(p)) {
			if slices.Contains(parts, "") {
				return quotedName(field)
			}
			parts[i] = quotedName(p)
		}
	}
	return strings.Join(parts, ".")
}

func quotedName(s string) string { return "`" + strings.ReplaceAll(s, "`", "``") + "`" }

// writer is the backend.
type writer struct {
	format, indices string
	schedule        elastic.Schedule
	numeric, ip     []string
	index           *mapping.Index
	remarks         diag.List
	// needed are the fields without which an event is no hit of the query that is
	// written; negated are the comparisons that a NOT stands around.
	needed  map[string]bool
	negated map[*ir.Match]bool
}

func newWriter(format string, o map[string]string) (backend.Backend, error) {
	schedule, err := elastic.NewSchedule(o)
	return &writer{
		format: format, indices: o["index_names"], schedule: schedule,
		numeric: elastic.Names(o["numeric_fields"]), ip: elastic.Names(o["ip_fields"]),
	}, err
}

// UseMapping makes a mapping say what the fields that are compared hold.
func (w *writer) UseMapping(m *mapping.Index) { w.index = m }

// Remarks are what is to be told about the queries since the last call.
func (w *writer) Remarks() diag.List {
	list := w.remarks
	w.remarks = nil
	return list
}

// Query writes one condition.
func (w *writer) Query(l *pipeline.Lowered, e ir.Expr) (any, error) {
	where, err := w.where(l, e)
	if err != nil {
		return nil, err
	}
	return w.finish(l, elastic.Part(l, e), "any where "+where), nil
}

// where writes the condition of a rule.
func (w *writer) where(l *pipeline.Lowered, e ir.Expr) (string, error) {
	if len(l.Search) > 0 {
		return "", &diag.Diagnostic{
			Code: "unsupported", Message: "the configuration has a condition in the language of query strings, which EQL has no place for", Pos: l.Rule.Pos,
			Hint: "give the condition as conditions of the log source, or as filter of the request",
		}
	}
	w.needed, w.negated = backend.Needs(e), backend.Negated(e)
	return dialect.Print(e, w)
}

// request is the body of a request to _eql/search, which returns ten hits unless
// told otherwise.
type request struct {
	Query string `json:"query"`
	Size  int    `json:"size"`
}

// finish gives a query the output format.
func (w *writer) finish(l *pipeline.Lowered, part int, query string) any {
	detection := elastic.Detection{
		Rule: l.Rule, Part: part, Type: "eql", Language: "eql", Query: query, Index: elastic.Indices(l, w.indices), Schedule: w.schedule,
	}
	if c := l.Rule.Correlation; c != nil {
		detection.Span = c.Span.Round(time.Second)
	}
	switch w.format {
	case "eqlapi":
		return request{query, 10_000}
	case "siem_rule":
		return detection.API()
	case "siem_rule_ndjson":
		return detection.Import()
	}
	return query
}
