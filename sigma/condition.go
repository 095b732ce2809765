package sigma

import (
	"slices"

	"github.com/huntbook/huntbook/diag"
)

// Condition is one condition of a detection section (specification 2.1.0,
// "Condition"), parsed.
type Condition struct {
	Text string
	Expr ConditionExpr // nil when it could not be parsed
	// Aggregation is the text after "|" of a v1 condition, "" when none.
	Aggregation string
	Pos         diag.Pos
}

// ConditionExpr is a node of a condition: *CondAnd, *CondOr, *CondNot,
// *CondRef or *CondOf.
type ConditionExpr interface{ condition() }

// CondAnd is true when all of X are, CondOr when one of X is.
type CondAnd struct{ X []ConditionExpr }

// CondOr is true when one of X is.
type CondOr struct{ X []ConditionExpr }

// CondNot negates.
type CondNot struct{ X ConditionExpr }

// CondRef names a search identifier.
type CondRef struct {
	Name string
	Pos  diag.Pos
}

// CondOf is "1 of …" or "all of …". Pattern is "them" or a name in which "*"
// stands for any characters; Names are the identifiers that it stands for, in
// the order of the document.
type CondOf struct {
	All     bool
	Pattern string
	Names   []string
	// Items makes it one of, or all of, the items of the only name (version 1
	// of the specification).
	Items bool
	Pos   diag.Pos
}

func (*CondAnd) condition() {}
func (*CondOr) condition()  {}
func (*CondNot) condition() {}
func (*CondRef) condition() {}
func (*CondOf) condition()  {}

// Evaluate tells whether a condition is true when what each name stands for is.
func Evaluate(e ConditionExpr, is func(name string) bool) bool {
	switch e := e.(type) {
	case *CondAnd:
		return !slices.ContainsFunc(e.X, func(x ConditionExpr) bool { return !Evaluate(x, is) })
	case *CondOr:
		return slices.ContainsFunc(e.X, func(x ConditionExpr) bool { return Evaluate(x, is) })
	case *CondNot:
		return !Evaluate(e.X, is)
	case *CondRef:
		return is(e.Name)
	case *CondOf:
		if e.All {
			return !slices.ContainsFunc(e.Names, func(name string) bool { return !is(name) })
		}
		return slices.ContainsFunc(e.Names, is)
	}
	return false
}
