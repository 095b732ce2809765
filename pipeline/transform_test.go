package pipeline

import (
	"strings"
	"testing"
)

// Every transformation has prose, describes its parameters, and its example is
// true.
func TestTransformations(t *testing.T) {
	for _, tr := range Transformations() {
		t.Run(tr.Name, func(t *testing.T) {
			if !strings.HasSuffix(tr.Prose, ".") {
				t.Errorf("prose %q is no sentence", tr.Prose)
			}
			for _, p := range tr.Parameters {
				if p.Name == "" || p.Prose == "" {
					t.Errorf("parameter %+v is not described", p)
				}
			}
			if !strings.Contains(tr.Example.Item, tr.Name) {
				t.Error("the example does not show it")
			}
			p := parsePipeline(t, "name: x\ntransformations:\n  - "+tr.Example.Item+"\n")
			got := lowered(ruleOf(t, "{product: x}", tr.Example.Detection), NewChain(p))
			if got != tr.Example.Result {
				t.Errorf("example gives\n  %s\nwant\n  %s", got, tr.Example.Result)
			}
		})
	}
}

func TestConditionsAreDescribed(t *testing.T) {
	for kind, list := range Conditions() {
		for _, c := range list {
			if !strings.HasSuffix(c.Prose, ".") {
				t.Errorf("%s condition %s: prose %q is no sentence", kind, c.Name, c.Prose)
			}
		}
	}
}
