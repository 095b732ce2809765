package targettest

import (
	"strings"

	"github.com/huntbook/huntbook/internal/querystring"
	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/sigma"
)

// AsQuery is what a tree's query must read as, without regard to the form that a value
// takes; an expression is "expression".
func AsQuery(e ir.Expr) querystring.Query {
	all := func(op string, x []ir.Expr) querystring.Query {
		q := querystring.Query{Op: op}
		for _, m := range x {
			q.Members = append(q.Members, AsQuery(m))
		}
		return q
	}
	switch e := e.(type) {
	case *ir.And:
		return all("and", e.X)
	case *ir.Or:
		return all("or", e.X)
	case *ir.Not:
		return querystring.Query{Op: "not", Members: []querystring.Query{AsQuery(e.X)}}
	}
	m := e.(*ir.Match)
	q := querystring.Query{Op: "leaf", Field: m.Field, Value: m.Pattern.String()}
	switch m.Op {
	case ir.Null:
		return querystring.Query{Op: "not", Members: []querystring.Query{{Op: "leaf", Field: "_exists_", Value: sigma.Text(m.Field).String()}}}
	case ir.Exists:
		return querystring.Query{Op: "leaf", Field: "_exists_", Value: sigma.Text(m.Field).String()}
	case ir.Regexp:
		q.Value = "expression"
	case ir.Number, ir.Bool, ir.CIDR:
		q.Value = sigma.Text(m.Text).String()
	case ir.Less, ir.LessEqual, ir.Greater, ir.GreaterEqual:
		q.Form = "range"
		q.Value = map[ir.Op]string{ir.Less: "<", ir.LessEqual: "<=", ir.Greater: ">", ir.GreaterEqual: ">="}[m.Op] + m.Text
	}
	if m.Field == "" {
		q.Field = "*"
		if m.Op == ir.Like {
			q.Value = m.Pattern.Contains().String()
		}
	}
	return q
}

// LuceneTree is about what trees are drawn of for query strings.
func LuceneTree() *Tree {
	return &Tree{
		Names: []string{"", "f", "g h", "AND", "a:b", "-x"}, OneChar: true,
		Ops: []ir.Op{ir.Null, ir.Exists, ir.Number, ir.Bool, ir.CIDR, ir.Regexp, ir.Less, ir.LessEqual, ir.Greater, ir.GreaterEqual},
	}
}

// LuceneForm is a query as read back, in a form that AsQuery gives: without the sub-field
// and the form of values, which depend on their neighbours.
func LuceneForm(q querystring.Query) querystring.Query {
	return q.Leaves(func(q querystring.Query) querystring.Query {
		q.Field = strings.TrimSuffix(q.Field, ".keyword")
		if q.Form == "regexp" {
			q.Value = "expression"
		}
		if q.Field == "" {
			q.Field = "*"
		}
		if q.Form != "range" {
			q.Form = ""
		}
		return q
	})
}
