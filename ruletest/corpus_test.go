package ruletest

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/huntbook/huntbook/engine"
	"github.com/huntbook/huntbook/ingest"
	"github.com/huntbook/huntbook/ruleset"
	"github.com/huntbook/huntbook/sigma"
)

// corpus is the folder of SigmaHQ's rules; the test is skipped without it.
func corpus(t *testing.T) string {
	t.Helper()
	shared := os.Getenv("HUNTBOOK_SHARED")
	if shared == "" {
		shared = filepath.Join("..", "..", "shared")
	}
	root := filepath.Join(shared, "corpus", "sigma")
	if _, err := os.Stat(root); err != nil {
		t.Skip("the corpus is not there: set HUNTBOOK_SHARED to its folder")
	}
	return root
}

// TestCorpus runs SigmaHQ's regression tests.
func TestCorpus(t *testing.T) {
	suite, results := run(t, corpus(t))
	for _, d := range suite.Diagnostics {
		t.Error(d)
	}
	for _, r := range results {
		if !r.Passed {
			t.Error(plain(r))
		}
	}
	if len(results) < 100 {
		t.Errorf("only %d tests", len(results))
	}
}

// TestCorpusAcrossFormats tries every rule on all of the regression data: an
// event log and its JSON give the same, record by record.
func TestCorpusAcrossFormats(t *testing.T) {
	root := corpus(t)
	suite, rest, err := Find([]string{root})
	if err != nil {
		t.Fatal(err)
	}
	set, err := ruleset.Load(rest, ruleset.Choice{})
	if err != nil {
		t.Fatal(err)
	}
	suite.Bind(set)
	var stems, inputs []string
	for _, test := range suite.Tests {
		stem := strings.TrimSuffix(test.Data, filepath.Ext(test.Data))
		stems = append(stems, stem)
		inputs = append(inputs, stem+".evtx", stem+".json")
	}
	found := scan(t, set, inputs)
	for _, stem := range stems {
		log, object := found[stem+".evtx"], found[stem+".json"]
		if len(log) == 0 || !maps.Equal(log, object) {
			t.Errorf("%s: the event log gives %v, the JSON %v", stem, log, object)
		}
	}
}

// hit is an event that a rule matched.
type hit struct {
	rule   *sigma.Rule
	record int
}

// scan matches all rules against all inputs at once.
func scan(t *testing.T, set *ruleset.Set, inputs []string) map[string]map[hit]bool {
	t.Helper()
	runner, err := NewRunner()
	if err != nil {
		t.Fatal(err)
	}
	all, errs := runner.preparer.PrepareAll(set.List(), set.All)
	var prepared []engine.Prepared
	for i, p := range all {
		if errs[i] == nil && !p.Quiet && p.Correlation == nil {
			prepared = append(prepared, p)
		}
	}
	ctx := context.Background()
	r, err := engine.Open(ctx, inputs, ingest.Options{}, prepared)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	found := map[string]map[hit]bool{}
	info, err := engine.Scan(ctx, r, prepared, 0, func(h engine.Hit) error {
		source := h.Record().Source.Name
		if found[source] == nil {
			found[source] = map[hit]bool{}
		}
		found[source][hit{prepared[h.Rule].Rule, h.Record().Number}] = true
		return nil
	})
	if err := errors.Join(append(info.Failed, err)...); err != nil {
		t.Fatal(err)
	}
	return found
}
