package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/ingest"
	"github.com/huntbook/huntbook/ruleset"
	"github.com/huntbook/huntbook/sigma"
)

// otherSources explains the rules that fire on events which belong to a rule of
// another log source: own log source → that of the rule that fires.
var otherSources = map[string]string{
	"windows/file_event/ → /database/":                   "the rule names no product: it reads every event, and finds its SQL words in a file's name",
	"windows/registry_delete/ → windows/registry_event/": "an event of deletion is a registry event too",
}

// TestOtherSources runs all rules over SigmaHQ's regression data: no rule of
// another log source fires without an explanation.
func TestOtherSources(t *testing.T) {
	root := corpus(t, "corpus", "sigma")
	folders, err := filepath.Glob(filepath.Join(root, "rules*"))
	if err != nil {
		t.Fatal(err)
	}
	set, err := ruleset.Load(folders, ruleset.Choice{})
	if err != nil {
		t.Fatal(err)
	}
	preparer, err := NewPreparer()
	if err != nil {
		t.Fatal(err)
	}
	var prepared []Prepared
	for _, e := range set.Rules {
		if p, err := preparer.Prepare(e.Rule); err == nil {
			prepared = append(prepared, p)
		}
	}
	owners := regressionOwners(t, root)
	r, err := Open(context.Background(), []string{filepath.Join(root, "regression_data")}, ingest.Options{}, prepared)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	fired, seen := 0, map[string]bool{}
	_, err = Scan(context.Background(), r, prepared, 0, func(h Hit) error {
		fired++
		own, ok := owners[filepath.Dir(h.Record().Source.Name)]
		if !ok {
			return errors.New("no rule for " + h.Record().Source.Name)
		}
		if other := sourceOf(prepared[h.Rule].Rule); own != other {
			pair := own + " → " + other
			seen[pair] = true
			if otherSources[pair] == "" {
				t.Errorf("%s: %s fires on %s", pair, prepared[h.Rule].Rule.Title, h.Record().Source.Name)
			}
		}
		return nil
	})
	if err != nil || fired < 200 {
		t.Errorf("%d findings, %v", fired, err)
	}
	for _, pair := range slices.Sorted(maps.Keys(otherSources)) {
		if !seen[pair] {
			t.Errorf("%s is explained and does not occur", pair)
		}
	}
}

// regressionOwners maps the folders of regression data to the log source of the
// rule that the data is for.
func regressionOwners(t *testing.T, root string) map[string]string {
	owners := map[string]string{}
	for _, row := range readTSV(t, filepath.Join(corpus(t, "facts"), "sigma_regression.tsv")) {
		name := filepath.Join(root, row["rule_file"])
		text, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		rules, diags := sigma.Parse(&diag.File{Path: name, Data: text})
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		owners[filepath.Dir(filepath.Join(root, row["json_path"]))] = sourceOf(rules[0])
	}
	return owners
}

func sourceOf(r *sigma.Rule) string {
	return strings.ToLower(fmt.Sprintf("%s/%s/%s", r.LogSource.Product, r.LogSource.Category, r.LogSource.Service))
}
