package kql

import (
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/huntbook/huntbook/convert/targettest"
	"github.com/huntbook/huntbook/internal/kuery"
	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/pipeline"
)

func TestGolden(t *testing.T) { targettest.Golden(t, Target) }

// Whatever the values and names are, the query that Kibana reads means the same but
// for the case of letters. What can't be said is an error.
func TestReadBack(t *testing.T) {
	tree := &targettest.Tree{
		Names: []string{"f", "g h", "and", "a:b", "-x", "a.b", "not", "`", ""},
		Ops:   []ir.Op{ir.Number, ir.Bool, ir.Null, ir.Exists, ir.CIDR, ir.Less, ir.GreaterEqual},
	}
	said := 0
	rapid.Check(t, func(t *rapid.T) {
		e := tree.Draw(t)
		text, err := targettest.Query(Target, e, nil)
		if err != nil {
			return
		}
		said++
		got, err := kuery.Read(text)
		if err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		if got, want := targettest.Normal(got), targettest.Normal(cased(e)); got != want {
			t.Fatalf("query %s\nreads %s\nwant  %s", text, got, want)
		}
	})
	if said < 20 {
		t.Errorf("only %d trees could be said", said)
	}
}

// Every rule of the corpus that has a query reads back as the rule's tree.
func TestCorpusReadsBack(t *testing.T) {
	rules := targettest.Corpus(t)
	for _, name := range []string{"windows-logsources", "ecs_windows", "helk"} {
		p, err := pipeline.Load(name)
		if err != nil {
			t.Fatal(err)
		}
		chain, converted := pipeline.NewChain(p), 0
		for _, path := range slices.Sorted(maps.Keys(rules)) {
			for _, r := range rules[path] {
				l, _ := pipeline.Lower(r, chain)
				if l == nil {
					continue
				}
				queries, err := Target.Convert(l, "", map[string]string{"keyword_field": "", "keyword_blacklist": ""})
				if err != nil {
					continue // golden cases say what can't be expressed
				}
				converted++
				for i, q := range queries {
					got, err := kuery.Read(q.Value.(string))
					if err != nil {
						t.Errorf("%s: %v: %s", path, err, q.Value)
						continue
					}
					if got, want := targettest.Normal(got), targettest.Normal(cased(l.Exprs[i])); got != want {
						t.Errorf("%s: query %s\nreads %s\nwant  %s", path, q.Value, got, want)
					}
				}
			}
		}
		if converted < 3100 {
			t.Errorf("%s: only %d rules were converted", name, converted)
		}
	}
}

// cased is a tree as the query says it: the case counts, a network is a value.
func cased(e ir.Expr) ir.Expr {
	list := func(x []ir.Expr) []ir.Expr {
		out := make([]ir.Expr, len(x))
		for i, m := range x {
			out[i] = cased(m)
		}
		return out
	}
	switch e := e.(type) {
	case *ir.And:
		return &ir.And{X: list(e.X)}
	case *ir.Or:
		return &ir.Or{X: list(e.X)}
	case *ir.Not:
		return &ir.Not{X: cased(e.X)}
	}
	m := *e.(*ir.Match)
	m.Cased = true
	if m.Op == ir.CIDR {
		m.Op = ir.Number
	}
	return &m
}
