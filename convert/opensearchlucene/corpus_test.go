package opensearchlucene

import (
	"encoding/json"
	"testing"

	"github.com/huntbook/huntbook/convert/targettest"
)

// What pySigma prints for each rule of SigmaHQ, and what we print: see the test of
// target lucene.
func TestCorpusAgainstPySigma(t *testing.T) {
	targettest.PySigma(Target, "", "opensearch_lucene__default__none").Compare(t, "testdata/pysigma_default.tsv")

	monitor := targettest.PySigma(Target, "monitor_rule", "opensearch_lucene__monitor_rule__none")
	about := map[string][]any{
		"type": {"type"}, "name": {"name"}, "description": {"description"}, "enabled": {"enabled"}, "schedule": {"schedule"},
		"indices": {"inputs", 0, "search", "indices"}, "severity": {"triggers", 0, "severity"}, "condition": {"triggers", 0, "condition"},
		"tags": {"tags"}, "references": {"references"}, "rule id": {"sigma_meta_data", "rule_id"}, "monitor type": {"monitor_type"},
		"time": {"inputs", 0, "search", "query", "query", "bool", "filter", 0, "range"},
	}
	read := func(path ...any) func(any) (string, map[string]any) {
		return func(v any) (string, map[string]any) {
			s, _ := targettest.At(v, append([]any{"inputs", 0, "search", "query", "query", "bool"}, path...)...).(string)
			return s, targettest.Select(v, about)
		}
	}
	monitor.Ours, monitor.Theirs = read("filter", 1, "query_string", "query"), read("must", 0, "query_string", "query")
	monitor.About = map[string]string{
		"severity":     "ours\tOpenSearch's severity is a text",
		"tags":         "ours\tpySigma joins a tag's parts with a hyphen",
		"time":         "ours\tpySigma's monitor looks at all of the time, and so alerts for ever",
		"monitor type": "ours\tOpenSearch's documentation names the type of a monitor",
	}
	monitor.Compare(t, "testdata/pysigma_monitor_rule.tsv")

	saved := targettest.PySigma(Target, "dashboards_ndjson", "opensearch_lucene__dashboards_ndjson__none")
	attributes := map[string][]any{
		"id": {"id"}, "type": {"type"}, "title": {"attributes", "title"}, "description": {"attributes", "description"},
		"sort": {"attributes", "sort"}, "references": {"references"},
	}
	source := func(path ...any) func(any) (string, map[string]any) {
		return func(v any) (string, map[string]any) {
			raw, _ := targettest.At(v, "attributes", "kibanaSavedObjectMeta", "searchSourceJSON").(string)
			var search any
			_ = json.Unmarshal([]byte(raw), &search)
			s, _ := targettest.At(search, path...).(string)
			return s, targettest.Select(v, attributes)
		}
	}
	saved.Ours, saved.Theirs = source("query", "query"), source("query", "query_string", "query")
	saved.About = map[string]string{"sort": "ours\tthe dashboards sort by a list of pairs"}
	saved.Compare(t, "testdata/pysigma_dashboards_ndjson.tsv")
}
