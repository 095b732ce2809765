package elastalert

import (
	"testing"

	"github.com/huntbook/huntbook/convert/targettest"
)

// What pySigma and sigmac print for each rule of SigmaHQ, and what we print: see the
// test of target lucene.
func TestCorpusAgainstOthers(t *testing.T) {
	about := map[string][]any{
		"name": {"name"}, "description": {"description"}, "index": {"index"}, "type": {"type"}, "priority": {"priority"},
		"alert": {"alert"}, "realert": {"realert"},
	}
	read := func(path ...any) func(any) (string, map[string]any) {
		return func(v any) (string, map[string]any) {
			rule := targettest.YAML(v)
			s, _ := targettest.At(rule, append([]any{"filter", 0}, path...)...).(string)
			return s, targettest.Select(rule, about)
		}
	}
	pySigma := targettest.PySigma(Target, "", "elastalert__default__none")
	pySigma.Ours, pySigma.Theirs = read("query_string", "query"), read("query", "query_string", "query")
	pySigma.About = map[string]string{
		"alert":   "ours\tElastAlert refuses a rule without alert",
		"realert": "ours\tElastAlert is silent for a minute after a match otherwise",
	}
	pySigma.Compare(t, "testdata/pysigma.tsv")

	sigmac := targettest.Sigmac(Target, nil, "sigmac_elastalert_none")
	sigmac.Options = map[string]string{"keyword_field": "keyword"}
	sigmac.Ours, sigmac.Theirs = pySigma.Ours, pySigma.Theirs
	sigmac.About = map[string]string{
		"name":     "equal\ta rule has its title for a name, as pySigma has it",
		"index":    "equal\twhere no pipeline names indices all are searched, as pySigma has it",
		"priority": "equal\tpriorities are pySigma's",
	}
	sigmac.Compare(t, "testdata/sigmac.tsv")
}
