package pipeline

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/sigma"
)

// TestWaysHoldTheTree puts the pieces of a rule together again: what they hold
// must be what was lowered.
func TestWaysHoldTheTree(t *testing.T) {
	p, err := Load("windows-logsources")
	if err != nil {
		t.Fatal(err)
	}
	for _, source := range []string{"{category: process_creation, product: windows}", "{category: antivirus}", "{service: x}"} {
		rules, diags := sigma.Parse(&diag.File{Data: []byte(`title: t
logsource: ` + source + `
detection:
  sel_a: {Image|endswith: ['\a', '\b'], Signature|contains|all: [x, y], User: null}
  sel_b: [one, two]
  filter: {Image|re: a, CommandLine|windash: ' -x'}
  condition: [1 of sel_* and not filter, sel_b or (filter and all of sel*)]
`)})
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		l, diags := Lower(rules[0], NewChain(p))
		if l == nil {
			t.Fatal(diags)
		}
		var exprs []ir.Expr
		for i := range rules[0].Detection.Conditions {
			var ways []ir.Expr
			for _, w := range l.Ways() {
				var all []ir.Expr
				for _, a := range w.Added {
					all = append(all, a.Expr)
				}
				ways = append(ways, ir.All(append(all, w.Conditions[i].Expr)...))
			}
			exprs = append(exprs, ir.Any(ways...))
		}
		if d := cmp.Diff(l.Exprs, exprs); d != "" {
			t.Errorf("%s: %s", source, d)
		}
	}
}

func TestWaysKeepTheAuthorsWords(t *testing.T) {
	rules, _ := sigma.Parse(&diag.File{Data: []byte(`title: t
logsource: {service: x}
detection:
  sel: {Image|endswith: '\a', Cmd|windash|contains: [' -x', ' -y']}
  condition: all of sel*
`)})
	l, diags := Lower(rules[0], nil)
	if l == nil {
		t.Fatal(diags)
	}
	of := l.Ways()[0].Conditions[0]
	if of.Label != "all of sel*" || of.Pos != (diag.Pos{Line: 5, Column: 21}) {
		t.Errorf("condition %+v", of)
	}
	sel := of.Pieces[0]
	if sel.Label != "sel" || sel.Pos != (diag.Pos{Line: 4, Column: 3}) {
		t.Errorf("identifier %+v", sel)
	}
	items := sel.Pieces[0].Pieces
	if items[0].Item != rules[0].Detection.Identifiers[0].Body.(*sigma.Group).Members[0] {
		t.Errorf("item %+v", items[0])
	}
	if got := len(items[1].Pieces); got != 2 {
		t.Errorf("%d values, want the two that were written", got)
	}
}
