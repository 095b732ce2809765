package esqs

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/internal/querystring"
	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/pipeline"
	"github.com/huntbook/huntbook/sigma"
)

// pieces of text that mean something in a querystring.Query string, or nearly.
var pieces = []string{
	"a", "Z", "é", "–", " ", "\t", "\n", "\u3000", `\`, `\\`, `"`, "'", "/", ":", "(", ")", "[", "]", "{", "}",
	"+", "-", "=", "!", "^", "~", "&", "&&", "|", "||", "<", ">", "<=", "AND", " OR ", "NOT", "TO", "*:*", `\*`, `\u0041`, "_exists_:x", "", "%", "#", "@",
}

func drawPattern(t *rapid.T, label string) ir.Pattern {
	var p ir.Pattern
	for range rapid.IntRange(0, 6).Draw(t, label+" length") {
		switch rapid.IntRange(0, 5).Draw(t, label+" kind") {
		case 0:
			p = p.Append(sigma.Token{Kind: sigma.AnyChars})
		case 1:
			p = p.Append(sigma.Token{Kind: sigma.OneChar})
		default:
			text := rapid.SampledFrom(pieces).Draw(t, label+" text")
			p = p.Append(sigma.Text(text)...)
		}
	}
	return p
}

func convertExpr(e ir.Expr) (string, error) {
	l := &pipeline.Lowered{Rule: &sigma.Rule{File: &diag.File{}}, Exprs: []ir.Expr{e}}
	queries, err := Target.Convert(l, "", nil)
	if err != nil {
		return "", err
	}
	return queries[0].Value.(string), nil
}

// Whatever the values and names are, the query read back has the same
// structure, names and patterns.
func TestReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := drawExpr(t, 3)
		text, err := convertExpr(e)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := readBack(t, text), wanted(e).Normal().String(); got != want {
			t.Fatalf("query %s\nreads %s\nwant  %s", text, got, want)
		}
	})
}

// readBack reads a querystring.Query without regard to the field and the form that a value
// takes, which depend on its neighbours.
func readBack(t interface{ Fatalf(string, ...any) }, text string) string {
	q, err := querystring.Parse(text)
	if err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return q.Leaves(func(q querystring.Query) querystring.Query {
		q.Field = strings.TrimSuffix(q.Field, ".keyword")
		if q.Form == "regexp" {
			q.Value = "expression"
		}
		if q.Form != "range" {
			q.Form = ""
		}
		return q
	}).Normal().String()
}

// wanted is what a tree's query must read as.
func wanted(e ir.Expr) querystring.Query {
	all := func(op string, x []ir.Expr) querystring.Query {
		q := querystring.Query{Op: op}
		for _, m := range x {
			q.Members = append(q.Members, wanted(m))
		}
		return q
	}
	switch e := e.(type) {
	case *ir.And:
		return all("and", e.X)
	case *ir.Or:
		return all("or", e.X)
	case *ir.Not:
		return querystring.Query{Op: "not", Members: []querystring.Query{wanted(e.X)}}
	}
	m := e.(*ir.Match)
	q := querystring.Query{Op: "leaf", Field: m.Field, Value: m.Pattern.String()}
	switch m.Op {
	case ir.Null:
		return querystring.Query{Op: "not", Members: []querystring.Query{{Op: "leaf", Field: "_exists_", Value: sigma.Text(m.Field).String()}}}
	case ir.Regexp:
		q.Value = "expression"
	case ir.Number, ir.Bool, ir.CIDR:
		q.Value = m.Text
	}
	if m.Field == "" {
		q.Field = "*"
		if m.Op == ir.Like {
			q.Value = m.Pattern.Contains().String()
		}
	}
	return q
}

var position int

func drawExpr(t *rapid.T, depth int) ir.Expr {
	kind := rapid.IntRange(0, 5).Draw(t, "node")
	if depth == 0 {
		kind = 3 + kind%3
	}
	switch kind {
	case 0, 1:
		var x []ir.Expr
		for range rapid.IntRange(1, 3).Draw(t, "members") {
			x = append(x, drawExpr(t, depth-1))
		}
		if kind == 0 {
			return &ir.And{X: x}
		}
		return &ir.Or{X: x}
	case 2:
		return &ir.Not{X: drawExpr(t, depth-1)}
	case 3:
		return &ir.Match{Field: "f" + rapid.SampledFrom(pieces).Draw(t, "name"), Op: ir.Null}
	}
	// The values of one detection item.
	name := rapid.SampledFrom([]string{"", "f", "g h", "AND", "a:b", "-x"}).Draw(t, "name")
	position++
	var x []ir.Expr
	for range rapid.IntRange(1, 3).Draw(t, "values") {
		x = append(x, &ir.Match{Field: name, Op: ir.Like, Pattern: drawPattern(t, "value"), Pos: diag.Pos{Line: position}})
	}
	if rapid.Bool().Draw(t, "all") {
		return ir.All(x...)
	}
	return ir.Any(x...)
}
