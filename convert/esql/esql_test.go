package esql

import (
	"maps"
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/huntbook/huntbook/convert/backend"
	"github.com/huntbook/huntbook/convert/targettest"
	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/pipeline"
)

func TestGolden(t *testing.T) { targettest.Golden(t, Target) }

// Whatever the values and names are, the query read back means the same.
func TestReadBack(t *testing.T) {
	tree := &targettest.Tree{
		Names:   []string{"f", "g h", "and", "a:b", "-x", "a.b", "1a", "`", "First", "to_lower"},
		OneChar: true, Cased: true,
		Ops: []ir.Op{ir.Number, ir.Bool, ir.Null, ir.Exists, ir.Regexp, ir.CIDR, ir.Less, ir.GreaterEqual, ir.FieldRef},
	}
	rapid.Check(t, func(t *rapid.T) {
		e := tree.Draw(t)
		text, err := targettest.Query(Target, e, nil)
		if err != nil {
			t.Fatal(err)
		}
		got, _, err := read(text, false)
		if err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		if got, want := targettest.Normal(got), targettest.Normal(written(e)); got != want {
			t.Fatalf("query %s\nreads %s\nwant  %s", text, got, want)
		}
	})
}

// written is a tree as the query says it: regular expressions are Lucene's.
func written(e ir.Expr) ir.Expr {
	switch e := e.(type) {
	case *ir.And:
		return &ir.And{X: writtenAll(e.X)}
	case *ir.Or:
		return &ir.Or{X: writtenAll(e.X)}
	case *ir.Not:
		return &ir.Not{X: written(e.X)}
	}
	m := *e.(*ir.Match)
	switch {
	case m.Op == ir.Regexp:
		m.Text, _ = backend.LuceneRegexp(m.Text)
	case foreign(&m):
		m.Op, m.Text = ir.Regexp, backend.LucenePattern(m.Pattern)
	}
	return &m
}

func writtenAll(x []ir.Expr) []ir.Expr {
	out := make([]ir.Expr, len(x))
	for i, e := range x {
		out[i] = written(e)
	}
	return out
}

// Every rule of the corpus that has a query reads back as the rule's tree.
func TestCorpusReadsBack(t *testing.T) {
	rules := targettest.Corpus(t)
	for _, name := range []string{"", "ecs_windows", "helk"} {
		chain := pipeline.NewChain()
		if name != "" {
			p, err := pipeline.Load(name)
			if err != nil {
				t.Fatal(err)
			}
			chain = pipeline.NewChain(p)
		}
		converted := 0
		for _, path := range slices.Sorted(maps.Keys(rules)) {
			for _, r := range rules[path] {
				l, _ := pipeline.Lower(r, chain)
				if l == nil || holdsKeyword(l.Expr()) {
					continue
				}
				queries, err := Target.Convert(l, "", nil)
				if err != nil {
					continue // golden cases say what can't be expressed
				}
				converted++
				for i, q := range queries {
					got, _, err := read(q.Value.(string), false)
					if err != nil {
						t.Errorf("%s: %v: %s", path, err, q.Value)
						continue
					}
					if got, want := targettest.Normal(got), targettest.Normal(written(l.Exprs[i])); got != want {
						t.Errorf("%s: query %s\nreads %s\nwant  %s", path, q.Value, got, want)
					}
				}
			}
		}
		if converted < 3200 {
			t.Errorf("%s: only %d rules were converted", filepath.Base(name), converted)
		}
	}
}

func holdsKeyword(e ir.Expr) bool {
	found := false
	ir.Walk(e, func(m *ir.Match) { found = found || m.Field == "" })
	return found
}
