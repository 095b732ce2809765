package esql

import (
	"strings"

	"github.com/huntbook/huntbook/convert/backend"
	"github.com/huntbook/huntbook/convert/mapping"
	"github.com/huntbook/huntbook/ir"
)

// Not writes a negation. A comparison with a field that an event lacks is neither
// true nor false in ES|QL, and so would be its negation; the operand is made
// certain first.
func (w *writer) Not(x ir.Expr) (backend.Piece, error) {
	s, err := w.certain(x)
	return backend.Piece{Text: dialect.Not + s, Negative: true}, err
}

// certain writes a tree, in parentheses, so that it is true or false for every
// event. Queries that the index answers are so already, and must not stand inside
// of COALESCE.
func (w *writer) certain(x ir.Expr) (string, error) {
	if !w.holdsQuery(x) && !isPresence(x) {
		s, err := dialect.Print(x, w)
		return "coalesce(" + s + ", false)", err
	}
	var members []ir.Expr
	token := dialect.And
	switch x := x.(type) {
	case *ir.Not:
		s, err := w.certain(x.X)
		return "(" + dialect.Not + s + ")", err
	case *ir.And:
		members = x.X
	case *ir.Or:
		members, token = x.X, dialect.Or
	default:
		s, err := dialect.Print(x, w)
		return "(" + s + ")", err
	}
	if w.isOneQuery(members) {
		s, err := dialect.Print(x, w)
		return "(" + s + ")", err
	}
	return w.certainList(members, token)
}

// certainList writes members with what is uncertain of them together.
func (w *writer) certainList(members []ir.Expr, token string) (string, error) {
	var parts []string
	var uncertain []ir.Expr
	at := 0
	for _, m := range members {
		if !w.holdsQuery(m) && !isPresence(m) {
			if uncertain == nil {
				at = len(parts)
				parts = append(parts, "")
			}
			uncertain = append(uncertain, m)
			continue
		}
		s, err := w.certain(m)
		if _, leaf := m.(*ir.Match); leaf {
			s, err = dialect.Print(m, w)
		}
		if err != nil {
			return "", err
		}
		parts = append(parts, s)
	}
	if uncertain != nil {
		var x ir.Expr = &ir.And{X: uncertain}
		if token == dialect.Or {
			x = &ir.Or{X: uncertain}
		}
		s, err := w.certain(x)
		if err != nil {
			return "", err
		}
		parts[at] = s
	}
	return "(" + strings.Join(parts, token) + ")", nil
}

// isPresence tells a question that every event answers.
func isPresence(x ir.Expr) bool {
	m, ok := x.(*ir.Match)
	return ok && (m.Op == ir.Null || m.Op == ir.Exists)
}

// isOneQuery tells whether the index answers all members together.
func (w *writer) isOneQuery(members []ir.Expr) bool {
	for _, x := range members {
		m, ok := x.(*ir.Match)
		if !ok || !w.asked(m) || m.Field != members[0].(*ir.Match).Field {
			return false
		}
	}
	return true
}

// holdsQuery tells whether the index answers a part of a tree.
func (w *writer) holdsQuery(x ir.Expr) bool {
	found := false
	ir.Walk(x, func(m *ir.Match) { found = found || w.asked(m) || w.matched(m) })
	return found
}

// matched tells a comparison that the match operator does.
func (w *writer) matched(m *ir.Match) bool {
	f, known := w.field(m)
	switch {
	case !known || m.Field == "":
		return false
	case m.Op == ir.Number:
		return digits.MatchString(m.Text) && !f.is(mapping.Text)
	}
	return m.Op == ir.Like && m.Pattern.IsPlain() && w.asNumber(f, m)
}
