package targettest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/sigma"
)

// Normal writes a tree in a form in which trees that mean the same are mostly the
// same text: operators are flattened, members sorted and told once, double negations
// gone; a number or flag is its text; a pattern that ignores case is in lower case,
// and one without letters has none.
func Normal(e ir.Expr) string { return normal(e).String() }

type tree struct {
	op      string // "and", "or", "not", or a leaf's text
	members []tree
}

func (t tree) String() string {
	if t.members == nil {
		return t.op
	}
	parts := make([]string, len(t.members))
	for i, m := range t.members {
		parts[i] = m.String()
	}
	return t.op + "(" + strings.Join(parts, ", ") + ")"
}

func normal(e ir.Expr) tree {
	switch e := e.(type) {
	case *ir.And:
		return list("and", e.X)
	case *ir.Or:
		return list("or", e.X)
	case *ir.Not:
		x := normal(e.X)
		if x.op == "not" {
			return x.members[0]
		}
		return tree{"not", []tree{x}}
	case *ir.Match:
		return leaf(e)
	}
	return tree{op: "nothing"}
}

func list(op string, x []ir.Expr) tree {
	var members []tree
	for _, e := range x {
		if m := normal(e); m.op == op {
			members = append(members, m.members...)
		} else {
			members = append(members, m)
		}
	}
	slices.SortFunc(members, func(a, b tree) int { return strings.Compare(a.String(), b.String()) })
	members = slices.CompactFunc(members, func(a, b tree) bool { return a.String() == b.String() })
	switch len(members) {
	case 0:
		return tree{op: op + "()"}
	case 1:
		return members[0]
	}
	return tree{op, members}
}

func leaf(m *ir.Match) tree {
	field := fmt.Sprintf("%q", m.Field)
	exists := tree{op: field + " exists"}
	switch m.Op {
	case ir.Null:
		return tree{"not", []tree{exists}}
	case ir.Exists:
		return exists
	case ir.Like, ir.Number, ir.Bool:
		p := m.Pattern
		if m.Op != ir.Like {
			p = sigma.Text(m.Text)
		}
		if m.Field == "" {
			p = p.Contains()
		} else if len(p) == 1 && p[0].Kind == sigma.AnyChars {
			return exists
		}
		cased := ""
		if text := p.String(); m.Cased && strings.ToLower(text) != strings.ToUpper(text) {
			cased = " cased"
		} else {
			p = lower(p)
		}
		return tree{op: fmt.Sprintf("%s like%s %q", field, cased, p.String())}
	case ir.FieldRef:
		return tree{op: fmt.Sprintf("%s fieldref %q %d %v", field, m.Text, m.Affix, m.Cased)}
	}
	return tree{op: fmt.Sprintf("%s %d %q %s %d", field, m.Op, m.Text, m.Part, m.Compare)}
}

func lower(p ir.Pattern) ir.Pattern {
	out := make(ir.Pattern, len(p))
	for i, t := range p {
		t.Text = strings.ToLower(t.Text)
		out[i] = t
	}
	return out
}
