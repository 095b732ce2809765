package lucene

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/huntbook/huntbook/convert/targettest"
)

// Every rule of SigmaHQ gives what pySigma gives: the query in normal form, and what
// stands around it. Where it differs there is a reason, found by looking at both; a
// rule that differs for none fails. The lists stand in files so that a change shows:
// how many rules, who is right, and why.
func TestCorpusAgainstPySigma(t *testing.T) {
	compare := func(format, oracle string, ours, theirs map[string][]any, query func(any) string, about map[string]string) {
		c := targettest.PySigma(Target, format, oracle)
		if query != nil {
			read := func(paths map[string][]any) func(any) (string, map[string]any) {
				return func(v any) (string, map[string]any) {
					about := targettest.Select(v, paths)
					if threat, ok := about["threat"]; ok {
						about["threat"] = techniques(threat)
					}
					return query(v), about
				}
			}
			c.Ours, c.Theirs = read(ours), read(theirs)
		}
		c.About = about
		c.Compare(t, "testdata/pysigma_"+format+".tsv")
	}
	text := func(path ...any) func(any) string {
		return func(v any) string {
			s, _ := targettest.At(v, path...).(string)
			return s
		}
	}
	compare("default", "lucene__default__none", nil, nil, nil, nil)
	// analyze_wildcard is left out: it takes a pattern for words of analysed text.
	compare("dsl_lucene", "lucene__dsl_lucene__none", nil, nil, func(v any) string {
		if s := text("query", "query_string", "query")(v); s != "" {
			return s
		}
		return text("query", "bool", "must", 0, "query_string", "query")(v)
	}, nil)
	paths := map[string][]any{
		"id": {"id"}, "type": {"type"}, "title": {"attributes", "title"}, "description": {"attributes", "description"},
		"sort": {"attributes", "sort"}, "reference": {"references"},
	}
	compare("kibana_ndjson", "lucene__kibana_ndjson__none", paths, paths, savedQuery, savedReasons)
	compare("siem_rule", "lucene__siem_rule__none", apiPaths, apiPaths, text("params", "query"), ruleReasons)
	compare("siem_rule_ndjson", "lucene__siem_rule_ndjson__none", importPaths, importPaths, text("query"), ruleReasons)
}

// savedQuery reads the query of a saved search, ours or pySigma's.
func savedQuery(v any) string {
	raw, _ := targettest.At(v, "attributes", "kibanaSavedObjectMeta", "searchSourceJSON").(string)
	var source any
	_ = json.Unmarshal([]byte(raw), &source)
	s, ok := targettest.At(source, "query", "query").(string)
	if !ok {
		s, _ = targettest.At(source, "query", "query_string", "query").(string)
	}
	return s
}

// techniques are the ids of all techniques and sub-techniques in a rule's threat.
func techniques(threat any) []string {
	var ids []string
	add := func(v any) {
		if id, ok := targettest.At(v, "id").(string); ok && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	tactics, _ := threat.([]any)
	for _, tactic := range tactics {
		list, _ := targettest.At(tactic, "technique").([]any)
		for _, t := range list {
			add(t)
			subs, _ := targettest.At(t, "subtechnique").([]any)
			for _, sub := range subs {
				add(sub)
			}
		}
	}
	slices.Sort(ids)
	return ids
}

var savedReasons = map[string]string{
	"sort":      "ours\tKibana sorts by a list of pairs",
	"reference": "ours\tthe data view is the indices that a detection rule searches, not beats-*",
}

var ruleReasons = map[string]string{
	"from":     "ours\ta run looks back a minute beyond the last one, as meta.from says",
	"tags":     "ours\tpySigma drops the tags of ATT&CK, or writes them with a hyphen",
	"threat":   "ours\tpySigma pairs tactics and techniques as they come, and loses those without a partner, and techniques it does not know",
	"severity": "ours\tthe detection engine knows no severity informational",
	"risk":     "ours\tan informational rule has the risk 1 in both formats",
}

var apiPaths = map[string][]any{
	"name": {"name"}, "consumer": {"consumer"}, "interval": {"schedule", "interval"}, "type id": {"rule_type_id"}, "tags": {"tags"},
	"author": {"params", "author"}, "description": {"params", "description"}, "rule_id": {"params", "ruleId"},
	"false positives": {"params", "falsePositives"}, "from": {"params", "from"}, "to": {"params", "to"}, "license": {"params", "license"},
	"risk": {"params", "riskScore"}, "severity": {"params", "severity"}, "threat": {"params", "threat"}, "references": {"params", "references"},
	"type": {"params", "type"}, "language": {"params", "language"}, "index": {"params", "index"}, "signals": {"params", "maxSignals"},
}

var importPaths = map[string][]any{
	"id": {"id"}, "rule_id": {"rule_id"}, "name": {"name"}, "enabled": {"enabled"}, "interval": {"interval"}, "tags": {"tags"},
	"author": {"author"}, "description": {"description"}, "false positives": {"false_positives"}, "from": {"from"}, "to": {"to"},
	"license": {"license"}, "risk": {"risk_score"}, "severity": {"severity"}, "threat": {"threat"}, "references": {"references"},
	"type": {"type"}, "language": {"language"}, "index": {"index"}, "signals": {"max_signals"}, "throttle": {"throttle"},
}
