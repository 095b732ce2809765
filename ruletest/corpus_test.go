package ruletest

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
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

// TestCorpusAcrossRules tries every rule on the regression data of every other.
// An event log and its JSON must give the same; and a rule of another log source
// fires only where testdata/other_sources.tsv says why.
func TestCorpusAcrossRules(t *testing.T) {
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
	tests := map[string]*Test{} // by their data without its ending
	var inputs []string
	for _, test := range suite.Tests {
		stem := strings.TrimSuffix(test.Data, filepath.Ext(test.Data))
		tests[stem] = test
		inputs = append(inputs, stem+".evtx", stem+".json")
	}
	found := scan(t, set, inputs)
	var fired []string
	for stem, test := range tests {
		log, object := found[stem+".evtx"], found[stem+".json"]
		if !maps.Equal(log, object) {
			t.Errorf("%s: the event log gives %v, the JSON %v", test.Rule.Title, log, object)
		}
		for hit := range log {
			if other := hit.rule.LogSource; !sameSource(other, test.Rule.LogSource) {
				fired = append(fired, hit.rule.Title+"\ton the data of\t"+test.Rule.Title)
			}
		}
	}
	slices.Sort(fired)
	fired = slices.Compact(fired)
	if known := knownOnes(t); !slices.Equal(fired, known) {
		t.Errorf("rules of another log source:\n%s\nknown are\n%s", strings.Join(fired, "\n"), strings.Join(known, "\n"))
	}
}

func sameSource(a, b sigma.LogSource) bool {
	return a.Category == b.Category && a.Product == b.Product && a.Service == b.Service
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

// knownOnes are the rows of the list: rule, rule of the data, reason.
func knownOnes(t *testing.T) []string {
	t.Helper()
	f, err := os.Open("testdata/other_sources.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comma = '\t'
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var known []string
	for _, row := range rows[1:] {
		if row[2] == "" {
			t.Errorf("%s: no reason", row[0])
		}
		known = append(known, fmt.Sprintf("%s\ton the data of\t%s", row[0], row[1]))
	}
	slices.Sort(known)
	return known
}
