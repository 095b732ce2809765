package pipeline

import (
	"slices"
	"strconv"

	"pgregory.net/rapid"

	"github.com/huntbook/huntbook/sigma"
)

// drawNode makes a tree of items E (with one of the values 0 to 2) and F.
func drawNode(t *rapid.T, depth int) node {
	kind := rapid.IntRange(0, 5).Draw(t, "node")
	if depth == 0 {
		kind = 3 + kind%3
	}
	switch kind {
	case 0, 1:
		g := &group{all: kind == 0}
		for range rapid.IntRange(1, 3).Draw(t, "members") {
			g.x = append(g.x, drawNode(t, depth-1))
		}
		return g
	case 2:
		return &not{drawNode(t, depth-1)}
	case 3:
		return &item{origin: "F", fields: []string{"F"}, values: []sigma.Value{sigma.Null{}}}
	}
	it := &item{origin: "E", fields: []string{"E"}, negate: kind == 5}
	it.values = []sigma.Value{sigma.Number{Text: strconv.Itoa(rapid.IntRange(0, 2).Draw(t, "value"))}}
	return it
}

// eval tells whether a tree is true where E is e, one item has a truth, and
// every other F is true.
func eval(n node, one *item, truth bool, e int) bool {
	switch n := n.(type) {
	case *not:
		return !eval(n.x, one, truth, e)
	case *group:
		for _, m := range n.x {
			if eval(m, one, truth, e) != n.all {
				return !n.all
			}
		}
		return n.all
	}
	it := n.(*item)
	switch {
	case it == one:
		return truth
	case it.origin == "F":
		return true
	}
	equal := slices.Contains(it.values, sigma.Value(sigma.Number{Text: strconv.Itoa(e)}))
	return equal != it.negate
}
