package cluster

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/huntbook/huntbook/ir"
)

// holds tells whether a tree is true where some of its matches are.
func holds(e ir.Expr, is map[*ir.Match]bool) bool {
	switch e := e.(type) {
	case *ir.And:
		for _, x := range e.X {
			if !holds(x, is) {
				return false
			}
		}
		return true
	case *ir.Or:
		for _, x := range e.X {
			if holds(x, is) {
				return true
			}
		}
		return false
	case *ir.Not:
		return !holds(e.X, is)
	case *ir.Match:
		return is[e]
	}
	return false
}

func TestHalvesAreTheWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := trees().Draw(t, "tree")
		two := halves(e)
		if two == nil {
			return
		}
		for range 20 {
			is := map[*ir.Match]bool{}
			ir.Walk(e, func(m *ir.Match) { is[m] = rapid.Bool().Draw(t, "match") })
			if want, got := holds(e, is), holds(two[0], is) || holds(two[1], is); want != got {
				t.Fatalf("the whole is %v, its halves are %v", want, got)
			}
		}
	})
}

func TestHalves(t *testing.T) {
	leaf := func() ir.Expr { return &ir.Match{Field: "a", Op: ir.Exists} }
	many := []ir.Expr{leaf(), leaf(), leaf(), leaf(), leaf()}
	for name, test := range map[string]struct {
		tree ir.Expr
		want []int // matches of each half
	}{
		"alternatives":              {ir.Any(many...), []int{2, 3}},
		"alternatives and more":     {ir.All(leaf(), ir.Any(leaf(), leaf()), ir.Any(many...)), []int{5, 6}},
		"not all of many":           {&ir.Not{X: ir.All(many...)}, []int{2, 3}},
		"an alternative of one":     {&ir.Or{X: []ir.Expr{ir.Any(many...)}}, []int{2, 3}},
		"none of many":              {&ir.Not{X: ir.Any(many...)}, nil},
		"all of many":               {ir.All(many...), nil},
		"one":                       {leaf(), nil},
		"an uncuttable and another": {ir.All(&ir.Not{X: ir.Any(many...)}, ir.Any(leaf(), leaf())), []int{6, 6}},
	} {
		var got []int
		for _, e := range halves(test.tree) {
			got = append(got, leaves(e))
		}
		if len(got) != len(test.want) || len(got) == 2 && (got[0] != test.want[0] || got[1] != test.want[1]) {
			t.Errorf("%s: halves of %d matches, want %d", name, got, test.want)
		}
	}
}
