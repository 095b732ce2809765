package targettest

import (
	"fmt"
	"slices"

	"pgregory.net/rapid"

	"github.com/huntbook/huntbook/convert/backend"
	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/pipeline"
	"github.com/huntbook/huntbook/sigma"
)

// Pieces are texts that mean something in one language or another, or nearly.
var Pieces = []string{
	"a", "Z", "é", "–", " ", "  ", "\t", "\n", "\r", "\u3000", `\`, `\\`, `"`, `""`, `"""`, "'", "`", "/", "//", "/*", "*/", ":", "(", ")", "[", "]", "{", "}",
	"+", "-", "=", "==", "!", "^", "~", "&", "&&", "|", "||", "<", ">", "<=", "and", " AND ", " or ", "not ", "null", "true", "TO", "*:*", `\*`, `\u0041`, `\n`, "?x",
	"", "%", "_", "#", "@", ".", ",", ";", "$", "1", "0", "42", "-7", "10.0.0.1", "\x00",
}

// Tree is about what trees are drawn of.
type Tree struct {
	// Names are fields, "" for keywords, which the language can say.
	Names []string
	// Ops are further comparisons beside Like; OneChar and Cased are forms of Like
	// that the language has.
	Ops            []ir.Op
	OneChar, Cased bool
}

// Draw draws a tree.
func (k *Tree) Draw(t *rapid.T) ir.Expr { return k.expr(t, 3) }

func (k *Tree) expr(t *rapid.T, depth int) ir.Expr {
	kind := rapid.IntRange(0, 5).Draw(t, "node")
	if depth == 0 {
		kind = 3 + kind%3
	}
	switch kind {
	case 0, 1:
		var x []ir.Expr
		for range rapid.IntRange(1, 3).Draw(t, "members") {
			x = append(x, k.expr(t, depth-1))
		}
		if kind == 0 {
			return &ir.And{X: x}
		}
		return &ir.Or{X: x}
	case 2:
		return &ir.Not{X: k.expr(t, depth-1)}
	}
	return k.item(t)
}

var places int

// item draws the values of one detection item.
func (k *Tree) item(t *rapid.T) ir.Expr {
	name := rapid.SampledFrom(k.Names).Draw(t, "name")
	places++
	var x []ir.Expr
	for range rapid.IntRange(1, 3).Draw(t, "values") {
		m := &ir.Match{Field: name, Op: ir.Like, Pos: diag.Pos{Line: places}}
		if name != "" && len(k.Ops) > 0 && rapid.Bool().Draw(t, "other") {
			m.Op = rapid.SampledFrom(k.Ops).Draw(t, "op")
		}
		k.value(t, m)
		x = append(x, m)
	}
	if rapid.Bool().Draw(t, "all") {
		return ir.All(x...)
	}
	return ir.Any(x...)
}

func (k *Tree) value(t *rapid.T, m *ir.Match) {
	number := func() string { return fmt.Sprint(rapid.IntRange(-9, 99999).Draw(t, "number")) }
	switch m.Op {
	case ir.Like:
		m.Pattern = k.pattern(t)
		m.Cased = k.Cased && rapid.Bool().Draw(t, "cased")
	case ir.Number, ir.Less, ir.LessEqual, ir.Greater, ir.GreaterEqual:
		m.Text = number()
	case ir.Bool:
		m.Text = fmt.Sprint(rapid.Bool().Draw(t, "flag"))
	case ir.CIDR:
		m.Text = rapid.SampledFrom([]string{"10.0.0.0/8", "192.168.1.0/24", "fe80::/10"}).Draw(t, "network")
	case ir.Regexp:
		m.Text = rapid.SampledFrom([]string{`a"b`, `^x\\y$`, `(?i)foo\.exe`, `[^/]+/\d{2}`, `a|b`, `"""`}).Draw(t, "regexp")
	case ir.FieldRef:
		m.Text = rapid.SampledFrom(slices.DeleteFunc(slices.Clone(k.Names), func(n string) bool { return n == "" })).Draw(t, "other field")
		m.Affix = ir.Affix(rapid.IntRange(0, 3).Draw(t, "affix"))
		m.Cased = k.Cased && rapid.Bool().Draw(t, "cased")
	}
}

func (k *Tree) pattern(t *rapid.T) ir.Pattern {
	var p ir.Pattern
	for range rapid.IntRange(0, 6).Draw(t, "length") {
		switch kind := rapid.IntRange(0, 5).Draw(t, "kind"); {
		case kind == 0:
			p = p.Append(sigma.Token{Kind: sigma.AnyChars})
		case kind == 1 && k.OneChar:
			p = p.Append(sigma.Token{Kind: sigma.OneChar})
		default:
			p = p.Append(sigma.Text(rapid.SampledFrom(Pieces).Draw(t, "text"))...)
		}
	}
	return p
}

// Query converts a tree; the error is the target's.
func Query(target *backend.Target, e ir.Expr, options map[string]string) (string, error) {
	l := &pipeline.Lowered{Rule: &sigma.Rule{File: &diag.File{}}, Exprs: []ir.Expr{e}}
	queries, err := target.Convert(l, "", options)
	if err != nil {
		return "", err
	}
	return Text(queries[0]), nil
}
