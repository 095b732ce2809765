package backend

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/huntbook/huntbook/ir"
)

func TestNeeds(t *testing.T) {
	a, b, c := &ir.Match{Field: "a"}, &ir.Match{Field: "b"}, &ir.Match{Field: "c"}
	null := &ir.Match{Field: "a", Op: ir.Null}
	for _, test := range []struct {
		e    ir.Expr
		want string
	}{
		{a, "a"},
		{null, ""},
		{&ir.Match{Field: "a", Op: ir.FieldRef, Text: "b"}, "a b"},
		{&ir.And{X: []ir.Expr{a, b}}, "a b"},
		{&ir.Or{X: []ir.Expr{a, b}}, ""},
		{&ir.Or{X: []ir.Expr{&ir.And{X: []ir.Expr{a, b}}, &ir.And{X: []ir.Expr{c, b}}}}, "b"},
		{&ir.Or{X: []ir.Expr{a, null}}, ""},
		{&ir.And{X: []ir.Expr{a, &ir.Not{X: b}}}, "a"},
		{&ir.Or{}, ""},
	} {
		needs := Needs(test.e)
		maps.DeleteFunc(needs, func(_ string, needed bool) bool { return !needed })
		if got := strings.Join(slices.Sorted(maps.Keys(needs)), " "); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}

func TestNegated(t *testing.T) {
	a, b, c := &ir.Match{Field: "a"}, &ir.Match{Field: "b"}, &ir.Match{Field: "c"}
	negated := Negated(&ir.Or{X: []ir.Expr{a, &ir.And{X: []ir.Expr{&ir.Not{X: &ir.Not{X: b}}, c}}}})
	if negated[a] || !negated[b] || negated[c] {
		t.Errorf("got %v %v %v, want b alone", negated[a], negated[b], negated[c])
	}
}
