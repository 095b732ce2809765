package esrule

import (
	"testing"

	"github.com/huntbook/huntbook/convert/targettest"
)

// What sigmac prints for each rule of SigmaHQ, and what we print: see the test of
// target es-qs.
func TestCorpusAgainstSigmac(t *testing.T) {
	sigmac := targettest.Sigmac(Target, nil, "sigmac_es-rule_none")
	sigmac.Ours = read
	sigmac.Theirs = func(v any) (string, map[string]any) { return read(targettest.JSON(v)) }
	sigmac.About = map[string]string{
		"name":            "equal\tnames begin with SIGMA, as pySigma has them",
		"author":          "equal\tauthors are one text, as pySigma has them",
		"risk":            "equal\trisks are Elastic's own, as pySigma has them",
		"index":           "equal\tindices are those of newer versions of Elastic Security, as pySigma has them",
		"false positives": "equal\ta rule that names none has none",
	}
	sigmac.Compare(t, "testdata/sigmac.tsv")
}

func read(v any) (string, map[string]any) {
	s, _ := targettest.At(v, "query").(string)
	about := map[string][]any{"risk": {"risk_score"}, "false positives": {"false_positives"}, "signals": {"max_signals"}}
	for _, key := range []string{
		"rule_id", "name", "author", "description", "enabled", "from", "to", "immutable", "index", "interval", "language", "meta",
		"severity", "type", "version", "references",
	} {
		about[key] = []any{key}
	}
	return s, targettest.Select(v, about)
}
