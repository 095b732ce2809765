package kibana

import (
	"testing"

	"github.com/huntbook/huntbook/convert/targettest"
)

// What sigmac prints for each rule of SigmaHQ, and what we print: see the test of
// target es-qs.
func TestCorpusAgainstSigmac(t *testing.T) {
	sigmac := targettest.Sigmac(Target, nil, "sigmac_kibana_none")
	sigmac.Ours = func(v any) (string, map[string]any) {
		return read(v, "attributes", "query", "query")
	}
	sigmac.Theirs = func(v any) (string, map[string]any) {
		// sigmac wrote a list, in the form that Kibana took before version 7.
		return read(targettest.At(targettest.JSON(v), 0), "_source", "query", "query_string", "query")
	}
	sigmac.About = map[string]string{
		"title": "equal\ttitles begin with SIGMA, as pySigma has them",
		"sort":  "ours\tKibana sorts by a list of pairs",
	}
	sigmac.Compare(t, "testdata/sigmac.tsv")
}

func read(v any, attributes string, query ...any) (string, map[string]any) {
	raw := targettest.At(v, attributes, "kibanaSavedObjectMeta", "searchSourceJSON")
	s, _ := targettest.At(targettest.JSON(raw), query...).(string)
	return s, targettest.Select(v, map[string][]any{
		"title": {attributes, "title"}, "description": {attributes, "description"}, "sort": {attributes, "sort"},
	})
}
