package esqs

import (
	"path/filepath"
	"testing"

	"github.com/huntbook/huntbook/convert/targettest"
	"github.com/huntbook/huntbook/internal/querystring"
	"github.com/huntbook/huntbook/pipeline"
)

// Every rule of SigmaHQ gives the query that sigmac gave, in normal form, or there
// is a reason, found by looking at the rule, why not. The counts stand in a file so
// that a change shows.
func TestCorpusAgainstSigmac(t *testing.T) {
	for _, name := range []string{"none", "helk", "winlogbeat"} {
		var chain *pipeline.Chain
		if name != "none" {
			config, err := pipeline.LoadSigmac(filepath.Join(targettest.Shared(t), "corpus", "sigmac-config", name+".yml"), Target.Name)
			if err != nil {
				t.Fatal(err)
			}
			chain = pipeline.NewChain(config)
		}
		targettest.Sigmac(Target, chain, "sigmac_es-qs_"+name).Compare(t, "testdata/sigmac_"+name+".tsv")
	}
}

// Every rule that can be converted gives a query that reads back as the
// lowered tree, also with channels, event ids and alternatives.
func TestCorpusReadsBack(t *testing.T) {
	rules := targettest.Corpus(t)
	helk, err := pipeline.Load("helk")
	if err != nil {
		t.Fatal(err)
	}
	chain := pipeline.NewChain(helk)
	converted := 0
	for path, list := range rules {
		for _, r := range list {
			l, _ := pipeline.Lower(r, chain)
			if l == nil {
				continue
			}
			queries, err := Target.Convert(l, "", nil)
			if err != nil {
				continue
			}
			converted++
			for i, q := range queries {
				read, err := querystring.Parse(q.Value.(string))
				if err != nil {
					t.Fatalf("%s: %v in %s", path, err, q.Value)
				}
				if got, want := targettest.LuceneForm(read).Normal().String(), targettest.AsQuery(l.Exprs[i]).Normal().String(); got != want {
					t.Errorf("%s: query %s\nreads %s\nwant  %s", path, q.Value, got, want)
				}
			}
		}
	}
	if converted < 3300 {
		t.Errorf("only %d rules were converted", converted)
	}
}
