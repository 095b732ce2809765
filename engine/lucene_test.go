package engine_test

import (
	"errors"
	"io/fs"
	"testing"

	"github.com/huntbook/huntbook/convert"
	"github.com/huntbook/huntbook/engine"
	"github.com/huntbook/huntbook/ingest"
	"github.com/huntbook/huntbook/pipeline"
	"github.com/huntbook/huntbook/ruleset"
	"github.com/huntbook/huntbook/samples"
)

// A rule that is converted to a query string finds as a query string what it finds as a
// rule.
func TestConvertedRulesFindTheSame(t *testing.T) {
	set, err := ruleset.LoadFS(samples.Rules(), ruleset.Choice{})
	if err != nil {
		t.Fatal(err)
	}
	local, err := engine.NewLocal(".", ingest.Options{Embedded: map[string]fs.FS{samples.Name: samples.Data()}}, engine.Bounds{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := local.Open(t.Context(), engine.Data{Paths: []string{samples.Name}}); err != nil {
		t.Fatal(err)
	}
	sources, err := pipeline.Load("windows-logsources")
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	for _, name := range []string{"lucene", "es-qs"} {
		target, err := convert.Target(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, rule := range set.List() {
			if rule.Correlation != nil {
				continue
			}
			lowered, diags := pipeline.Lower(rule, pipeline.NewChain(sources))
			if lowered == nil {
				t.Fatal(diags)
			}
			queries, err := target.Convert(lowered, "", nil)
			if err != nil || len(queries) != 1 {
				continue // not every rule can be said in every language
			}
			query, _ := queries[0].Value.(string)
			asRule, err := local.Run(t.Context(), engine.Query{Rule: rule.Text})
			if err != nil {
				t.Fatal(err)
			}
			asQuery, err := local.Run(t.Context(), engine.Query{Lucene: query})
			if err != nil {
				t.Errorf("%s, %s: %v\n%s", name, rule.Title, err, query)
				continue
			}
			asked++
			if asQuery.Count != asRule.Count {
				t.Errorf("%s, %s: %d events as a query, %d as a rule\n%s", name, rule.Title, asQuery.Count, asRule.Count, query)
			}
		}
	}
	if asked < 20 {
		t.Errorf("only %d queries were compared", asked)
	}
}

func TestQueryStringErrors(t *testing.T) {
	local, err := engine.NewLocal(".", ingest.Options{}, engine.Bounds{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := local.Run(t.Context(), engine.Query{Lucene: "a"}); !errors.Is(err, engine.ErrNoData) {
		t.Errorf("without data: %v", err)
	}
	if _, err := local.Sample(t.Context()); !errors.Is(err, engine.ErrNoData) {
		t.Errorf("a sample without data: %v", err)
	}
}
