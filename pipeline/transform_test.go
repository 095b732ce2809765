package pipeline

import (
	"strings"
	"testing"

	"github.com/huntbook/huntbook/sigma"
)

// exampleRule is the rule of the examples with other detection items.
func exampleRule(t *testing.T, items string) *sigma.Rule {
	t.Helper()
	return parseRule(t, exampleText(items))
}

func exampleText(items string) string {
	return "title: Example\nlevel: high\ntags: [attack.execution]\nlogsource: {product: windows, category: process_creation}\ndetection:\n  s: " + items + "\n  condition: s\n"
}

func checkDescription(t *testing.T, prose string, parameters []Parameter) {
	t.Helper()
	if !strings.HasSuffix(prose, ".") {
		t.Errorf("prose %q is no sentence", prose)
	}
	for _, p := range parameters {
		if p.Name == "" || p.Prose == "" {
			t.Errorf("parameter %+v is not described", p)
		}
	}
}

func checkExample(t *testing.T, name, vars string, e Example) {
	t.Helper()
	if !strings.Contains(e.Item, name) {
		t.Error("the example does not show it")
	}
	p := parsePipeline(t, "name: x\nvars: "+vars+"\ntransformations:\n  - "+e.Item+"\n")
	if got := lowered(exampleRule(t, e.Detection), NewChain(p)); got != e.Result {
		t.Errorf("example gives\n  %s\nwant\n  %s", got, e.Result)
	}
}

// Every transformation has prose, describes its parameters, and its example is
// true.
func TestTransformations(t *testing.T) {
	for _, tr := range Transformations() {
		t.Run(tr.Name, func(t *testing.T) {
			checkDescription(t, tr.Prose, tr.Parameters)
			checkExample(t, tr.Name, tr.Vars, tr.Example)
		})
	}
}

func TestConditions(t *testing.T) {
	for kind, list := range Conditions() {
		for _, c := range list {
			t.Run(kind+" "+c.Name, func(t *testing.T) {
				checkDescription(t, c.Prose, c.Parameters)
				checkExample(t, c.Name, "", c.Example)
			})
		}
	}
}

func TestPostprocessors(t *testing.T) {
	for _, k := range Postprocessors() {
		t.Run(k.Name, func(t *testing.T) {
			checkDescription(t, k.Prose, k.Parameters)
			if !strings.Contains(k.Example.Item, k.Name) || len(k.Example.Queries) != 1 {
				t.Error("the example does not show it")
			}
			got, err := postprocessed(t, "postprocessing:\n  - "+k.Example.Item+"\n", k.Example.Queries[0])
			if err != nil || got != k.Example.Result {
				t.Errorf("example gives\n  %v (%v)\nwant\n  %s", got, err, k.Example.Result)
			}
		})
	}
}

// postprocessed is what a pipeline makes of a query for the rule of the
// examples.
func postprocessed(t *testing.T, pipeline string, query any) (any, error) {
	t.Helper()
	l, diags := Lower(exampleRule(t, "{A: 1}"), NewChain(parsePipeline(t, pipeline)))
	if l == nil {
		t.Fatal(diags)
	}
	return l.Postprocess(query)
}

func TestFinalizers(t *testing.T) {
	for _, k := range Finalizers() {
		t.Run(k.Name, func(t *testing.T) {
			checkDescription(t, k.Prose, k.Parameters)
			if !strings.Contains(k.Example.Item, k.Name) {
				t.Error("the example does not show it")
			}
			chain := NewChain(parsePipeline(t, "finalizers:\n  - "+k.Example.Item+"\n"))
			var queries []any
			for _, q := range k.Example.Queries {
				queries = append(queries, q)
			}
			got, err := chain.Finalize(queries)
			if err != nil || got != k.Example.Result || !chain.Finalizes() {
				t.Errorf("example gives\n  %v (%v)\nwant\n  %s", got, err, k.Example.Result)
			}
		})
	}
}
