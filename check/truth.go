package check

import (
	"slices"

	"github.com/huntbook/huntbook/sigma"
)

// truthTable is a condition as a function of its identifiers.
type truthTable struct {
	names []string
	expr  sigma.ConditionExpr
}

// maxNames bounds the identifiers of a condition that is looked at whole.
const maxNames = 12

// tableOf returns the table of a condition, nil when it is too large.
func tableOf(e sigma.ConditionExpr) *truthTable {
	t := &truthTable{expr: e}
	items := false // parts of an identifier, which are no variables here
	add := func(names ...string) {
		for _, n := range names {
			if len(t.names) <= maxNames && !slices.Contains(t.names, n) {
				t.names = append(t.names, n)
			}
		}
	}
	walk(e, func(e sigma.ConditionExpr) {
		switch e := e.(type) {
		case *sigma.CondRef:
			add(e.Name)
		case *sigma.CondOf:
			add(e.Names...)
			items = items || e.Items
		}
	})
	if e == nil || items || len(t.names) == 0 || len(t.names) > maxNames {
		return nil
	}
	return t
}

// value is the condition's when the identifiers are true whose bits are set.
func (t *truthTable) value(bits uint) bool { return t.eval(t.expr, bits) }

func (t *truthTable) eval(e sigma.ConditionExpr, bits uint) bool {
	is := func(name string) bool { return bits>>slices.Index(t.names, name)&1 == 1 }
	switch e := e.(type) {
	case *sigma.CondAnd:
		return !slices.ContainsFunc(e.X, func(x sigma.ConditionExpr) bool { return !t.eval(x, bits) })
	case *sigma.CondOr:
		return slices.ContainsFunc(e.X, func(x sigma.ConditionExpr) bool { return t.eval(x, bits) })
	case *sigma.CondNot:
		return !t.eval(e.X, bits)
	case *sigma.CondRef:
		return is(e.Name)
	case *sigma.CondOf:
		if e.All {
			return !slices.ContainsFunc(e.Names, func(n string) bool { return !is(n) })
		}
		return slices.ContainsFunc(e.Names, is)
	}
	return false
}

// always tells whether the condition has one value whatever its parts are.
func (t *truthTable) always(value bool) bool {
	for bits := range uint(1) << len(t.names) {
		if t.value(bits) != value {
			return false
		}
	}
	return true
}

// dependsOn tells whether an identifier makes a difference.
func (t *truthTable) dependsOn(i int) bool {
	for bits := range uint(1) << len(t.names) {
		if t.value(bits) != t.value(bits^1<<i) {
			return true
		}
	}
	return false
}
