package elastic_test

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"

	"github.com/huntbook/huntbook/convert"
	"github.com/huntbook/huntbook/convert/backend"
	"github.com/huntbook/huntbook/convert/targettest"
	"github.com/huntbook/huntbook/pipeline"
)

// shapes are the schemas in testdata/shapes of the forms that are JSON.
var shapes = map[string]string{
	"eql eqlapi":                          "eql_search",
	"eql siem_rule":                       "alerting_rule",
	"eql siem_rule_ndjson":                "detection_rule",
	"es-dsl default":                      "search",
	"es-rule default":                     "detection_rule",
	"esql kibana_ndjson":                  "saved_search",
	"esql siem_rule":                      "alerting_rule",
	"esql siem_rule_ndjson":               "detection_rule",
	"kibana default":                      "saved_search",
	"lucene dsl_lucene":                   "search",
	"lucene kibana_ndjson":                "saved_search",
	"lucene siem_rule":                    "alerting_rule",
	"lucene siem_rule_ndjson":             "detection_rule",
	"opensearch_lucene dashboards_ndjson": "saved_search",
	"opensearch_lucene dsl_lucene":        "search",
	"opensearch_lucene monitor_rule":      "monitor",
	"xpack-watcher default":               "watch",
}

func schema(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertContent()
	s, err := c.Compile(filepath.Join("testdata", "shapes", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// everyForm runs a test for each form that is JSON.
func everyForm(t *testing.T, test func(t *testing.T, target *backend.Target, format string, shape *jsonschema.Schema)) {
	t.Helper()
	for _, target := range convert.Targets() {
		for _, f := range target.Formats {
			if ext := target.Extension(f.Name); ext != "json" && ext != "ndjson" {
				continue
			}
			t.Run(target.Name+" "+f.Name, func(t *testing.T) {
				name := shapes[target.Name+" "+f.Name]
				if name == "" {
					t.Fatal("the form has no shape: name the schema in testdata/shapes that it has")
				}
				test(t, target, f.Name, schema(t, name))
			})
		}
	}
}

func has(t *testing.T, shape *jsonschema.Schema, q backend.Query) {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(q.JSON()))
	if err != nil {
		t.Fatalf("%v in %s", err, q.JSON())
	}
	if err := shape.Validate(value); err != nil {
		t.Errorf("%v\n%s", err, q.JSON())
	}
}

// Every rule of the corpus has in each form the shape that is published for it.
func TestCorpusHasPublishedShapes(t *testing.T) {
	corpus := targettest.Corpus(t)
	chain := pipeline.NewChain()
	paths := slices.Sorted(maps.Keys(corpus))
	everyForm(t, func(t *testing.T, target *backend.Target, format string, shape *jsonschema.Schema) {
		t.Parallel()
		converted := 0
		for _, path := range paths {
			for _, r := range corpus[path] {
				queries, _ := targettest.Convert(target, r, corpus[path], chain, format, nil)
				for _, q := range queries {
					converted++
					has(t, shape, q)
				}
			}
		}
		if converted < 3000 {
			t.Errorf("only %d rules were converted", converted)
		}
	})
}

// Whatever texts a rule or a correlation has, and whatever it lacks, each form has the
// shape that is published for it.
func TestHostileRulesHavePublishedShapes(t *testing.T) {
	draw := rapid.Custom(targettest.HostileRule)
	everyForm(t, func(t *testing.T, target *backend.Target, format string, shape *jsonschema.Schema) {
		t.Parallel()
		converted, correlated := 0, 0
		for i := range 300 {
			l := draw.Example(i)
			if i%3 == 0 {
				r := *l.Rule
				r.Title, r.ID, r.Description, r.Author, r.License, r.References, r.FalsePositives, r.Tags = "", "", "", "", "", nil, nil, nil
				l.Rule, l.Fields = &r, nil
			}
			queries, err := target.Convert(l, format, nil)
			if err == nil {
				converted++
				has(t, shape, queries[0])
			}
			if kinds := target.Correlations; len(kinds) > 0 && len(l.Fields) > 0 {
				if queries, err = target.ConvertCorrelation(targettest.Correlate(l, kinds[i%len(kinds)], i/len(kinds)), format, nil); err == nil {
					correlated++
					has(t, shape, queries[0])
				}
			}
		}
		if converted < 200 || correlated < 20 && len(target.Correlations) > 0 {
			t.Errorf("only %d rules and %d correlations were converted", converted, correlated)
		}
	})
}

// The shapes refuse what is not so: each change of a form that has its shape.
func TestShapesRefuse(t *testing.T) {
	tests := []struct {
		form  string
		path  []any
		value any // nil takes the key away
	}{
		{"es-rule default", []any{"id"}, "my-rule"},
		{"es-rule default", []any{"rule_id"}, nil},
		{"es-rule default", []any{"description"}, ""},
		{"es-rule default", []any{"severity"}, "informational"},
		{"es-rule default", []any{"risk_score"}, 101},
		{"es-rule default", []any{"risk_score"}, "21"},
		{"es-rule default", []any{"version"}, 0},
		{"es-rule default", []any{"immutable"}, true},
		{"es-rule default", []any{"language"}, "eql"},
		{"es-rule default", []any{"interval"}, "5 minutes"},
		{"es-rule default", []any{"from"}, "-6m"},
		{"es-rule default", []any{"author"}, "somebody"},
		{"es-rule default", []any{"threat", 0, "tactic", "name"}, nil},
		{"es-rule default", []any{"threat", 0, "technique", 0, "subtechnique", 0, "id"}, nil},
		{"es-rule default", []any{"threat", 0, "technique", 0, "other"}, "x"},
		{"es-rule default", []any{"other"}, "x"},
		{"esql siem_rule_ndjson", []any{"index"}, []any{"x"}},
		{"esql siem_rule_ndjson", []any{"filters"}, []any{}},
		{"eql siem_rule_ndjson", []any{"type"}, "query"},
		{"lucene siem_rule", []any{"rule_type_id"}, "siem.eqlRule"},
		{"lucene siem_rule", []any{"schedule", "interval"}, 5},
		{"lucene siem_rule", []any{"notify_when"}, "always"},
		{"lucene siem_rule", []any{"other"}, "x"},
		{"lucene siem_rule", []any{"params", "ruleId"}, nil},
		{"lucene siem_rule", []any{"params", "outputIndex"}, nil},
		{"lucene siem_rule", []any{"params", "rule_id"}, "x"},
		{"lucene siem_rule", []any{"params", "language"}, "esql"},
		{"kibana default", []any{"type"}, "dashboard"},
		{"kibana default", []any{"references"}, []any{}},
		{"kibana default", []any{"references", 0, "type"}, "index"},
		{"kibana default", []any{"attributes", "title"}, nil},
		{"kibana default", []any{"attributes", "sort"}, []any{"@timestamp", "desc"}},
		{"kibana default", []any{"attributes", "columns"}, "x"},
		{"kibana default", []any{"attributes", "other"}, "x"},
		{"kibana default", []any{"attributes", "kibanaSavedObjectMeta", "searchSourceJSON"}, map[string]any{}},
		{"kibana default", []any{"attributes", "kibanaSavedObjectMeta", "searchSourceJSON"}, "x"},
		{"kibana default", []any{"attributes", "kibanaSavedObjectMeta", "searchSourceJSON"}, `{"query":{"query_string":{"query":"x"}},"filter":[]}`},
		{"esql kibana_ndjson", []any{"attributes", "isTextBasedQuery"}, false},
		{"esql kibana_ndjson", []any{"attributes", "kibanaSavedObjectMeta", "searchSourceJSON"}, `{"query":{"query":"x","language":"esql"},"filter":[]}`},
		{"opensearch_lucene monitor_rule", []any{"monitor_type"}, "query"},
		{"opensearch_lucene monitor_rule", []any{"schedule", "period", "unit"}, "m"},
		{"opensearch_lucene monitor_rule", []any{"inputs", 0, "search", "indices"}, []any{}},
		{"opensearch_lucene monitor_rule", []any{"inputs", 0, "search", "query", "query"}, "x"},
		{"opensearch_lucene monitor_rule", []any{"triggers", 0, "severity"}, 1},
		{"opensearch_lucene monitor_rule", []any{"triggers", 0, "condition", "script", "lang"}, "mustache"},
		{"xpack-watcher default", []any{"trigger", "schedule", "interval"}, "5 minutes"},
		{"xpack-watcher default", []any{"input", "search", "request", "indices"}, "x"},
		{"xpack-watcher default", []any{"condition", "compare", "ctx.payload.hits.total"}, 0},
		{"xpack-watcher default", []any{"actions"}, map[string]any{}},
		{"es-dsl default", []any{"query"}, "x"},
		{"eql eqlapi", []any{"query"}, map[string]any{}},
	}
	l := rapid.Custom(targettest.HostileRule).Example(1)
	for _, tt := range tests {
		name, format, _ := strings.Cut(tt.form, " ")
		target, err := convert.Target(name)
		if err != nil {
			t.Fatal(err)
		}
		queries, err := target.Convert(l, format, nil)
		if err != nil {
			t.Fatal(err)
		}
		shape := schema(t, shapes[tt.form])
		has(t, shape, queries[0])
		value := targettest.JSON(queries[0].JSON())
		last := len(tt.path) - 1
		holder, ok := targettest.At(value, tt.path[:last]...).(map[string]any)
		if !ok {
			t.Errorf("%s: nothing holds %v", tt.form, tt.path)
			continue
		}
		key := tt.path[last].(string)
		if holder[key] = tt.value; tt.value == nil {
			delete(holder, key)
		}
		if shape.Validate(value) == nil {
			t.Errorf("%s: %v may be %v", tt.form, tt.path, tt.value)
		}
	}
}
