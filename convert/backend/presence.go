package backend

import "github.com/huntbook/huntbook/ir"

// Needs are the fields that every event which a tree matches has.
func Needs(e ir.Expr) map[string]bool {
	out := map[string]bool{}
	switch e := e.(type) {
	case *ir.Match:
		if e.Op != ir.Null {
			out[e.Field] = true
		}
		if e.Op == ir.FieldRef {
			out[e.Text] = true
		}
	case *ir.And:
		for _, x := range e.X {
			for f := range Needs(x) {
				out[f] = true
			}
		}
	case *ir.Or:
		for i, x := range e.X {
			one := Needs(x)
			for f := range one {
				out[f] = i == 0 || out[f]
			}
			for f := range out {
				out[f] = out[f] && one[f]
			}
		}
	}
	return out
}

// Negated are the comparisons of a tree that a NOT stands around.
func Negated(e ir.Expr) map[*ir.Match]bool {
	out := map[*ir.Match]bool{}
	findNegated(e, out)
	return out
}

func findNegated(e ir.Expr, out map[*ir.Match]bool) {
	switch e := e.(type) {
	case *ir.And:
		for _, x := range e.X {
			findNegated(x, out)
		}
	case *ir.Or:
		for _, x := range e.X {
			findNegated(x, out)
		}
	case *ir.Not:
		ir.Walk(e.X, func(m *ir.Match) { out[m] = true })
	}
}
