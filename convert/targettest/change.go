package targettest

import (
	"slices"
	"strings"

	"github.com/huntbook/huntbook/convert/backend"
	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/sigma"
)

// Each copies a tree with its comparisons changed.
func Each(e ir.Expr, change func(*ir.Match) ir.Expr) ir.Expr {
	list := func(x []ir.Expr) []ir.Expr {
		out := make([]ir.Expr, len(x))
		for i, m := range x {
			out[i] = Each(m, change)
		}
		return out
	}
	switch e := e.(type) {
	case *ir.And:
		return &ir.And{X: list(e.X)}
	case *ir.Or:
		return &ir.Or{X: list(e.X)}
	case *ir.Not:
		return &ir.Not{X: Each(e.X, change)}
	}
	m := *e.(*ir.Match)
	return change(&m)
}

// Unguarded copies a tree without questions whether a field exists beside a
// comparison that asks for it anyway. Any value asks for that too.
func Unguarded(e ir.Expr) ir.Expr {
	switch e := e.(type) {
	case *ir.And:
		var flat []ir.Expr
		for _, x := range e.X {
			x = Unguarded(x)
			if and, ok := x.(*ir.And); ok {
				flat = append(flat, and.X...)
			} else {
				flat = append(flat, x)
			}
		}
		var out []ir.Expr
		for i, x := range flat {
			m, ok := x.(*ir.Match)
			asked := ok && m.Op == ir.Exists && slices.ContainsFunc(append(slices.Clone(flat[:i]), flat[i+1:]...), func(other ir.Expr) bool {
				o, isExists := other.(*ir.Match)
				return backend.Needs(other)[m.Field] && !(isExists && o.Op == ir.Exists)
			})
			if !asked {
				out = append(out, x)
			}
		}
		return ir.All(out...)
	case *ir.Or:
		var out []ir.Expr
		for _, x := range e.X {
			out = append(out, Unguarded(x))
		}
		return ir.Any(out...)
	case *ir.Not:
		return &ir.Not{X: Unguarded(e.X)}
	}
	m := *e.(*ir.Match)
	if m.Op == ir.Like && m.Field != "" && len(m.Pattern) == 1 && m.Pattern[0].Kind == sigma.AnyChars {
		m.Op, m.Pattern = ir.Exists, nil
	}
	return &m
}

// NegatesDashes tells whether a tree negates values that differ in their dash alone,
// of which pySigma negates the first.
func NegatesDashes(e ir.Expr) bool {
	switch e := e.(type) {
	case *ir.And:
		return slices.ContainsFunc(e.X, NegatesDashes)
	case *ir.Not:
		s := Normal(e)
		return strings.Contains(s, " –") && strings.Contains(s, " /")
	}
	return false
}
