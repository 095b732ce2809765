package sigma

import "strings"

// markLegacy gives "1 of name" and "all of name" without a wildcard the meaning
// that they had in version 1 of the specification: one of, or all of, the items
// of that definition. In later rules the words mean the definition itself.
//
// A document is of version 1 when it shows a sign of it: a date with slashes, an
// aggregation in a condition, or an action of a rule collection.
func markLegacy(r *Rule, inCollection bool) {
	legacy := inCollection || strings.Contains(r.Date, "/") || strings.Contains(r.Modified, "/")
	for _, c := range r.Detection.Conditions {
		legacy = legacy || c.Aggregation != ""
	}
	if !legacy {
		return
	}
	for _, c := range r.Detection.Conditions {
		markItems(c.Expr)
	}
}

func markItems(e ConditionExpr) {
	switch e := e.(type) {
	case *CondAnd:
		for _, x := range e.X {
			markItems(x)
		}
	case *CondOr:
		for _, x := range e.X {
			markItems(x)
		}
	case *CondNot:
		markItems(e.X)
	case *CondOf:
		e.Items = len(e.Names) == 1 && e.Names[0] == e.Pattern
	}
}

// LinkItems is the body of a search identifier with its items, or its keywords,
// linked with AND (all) or OR, whatever they were linked with.
func LinkItems(s Search, all bool) Search {
	switch s := s.(type) {
	case *Group:
		linked := *s
		linked.All = all
		return &linked
	case *Item:
		linked := *s
		linked.All = all
		return &linked
	}
	return s
}
