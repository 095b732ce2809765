package esdsl

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/huntbook/huntbook/convert/targettest"
	"github.com/huntbook/huntbook/internal/querystring"
	"github.com/huntbook/huntbook/ir"
)

// Whatever the values and names are, the query read back has the same structure, names
// and patterns.
func TestReadBack(t *testing.T) {
	lower := func(q querystring.Query) querystring.Query {
		if q.Field != "_exists_" {
			q.Value = strings.ToLower(q.Value)
		}
		if q.Form == "range" {
			q.Form, q.Value = "", "range"
		}
		return q
	}
	trees := targettest.LuceneTree()
	// An expression of a rule that ignores case reads like values that do.
	trees.Ops = slices.DeleteFunc(trees.Ops, func(op ir.Op) bool { return op == ir.Regexp })
	rapid.Check(t, func(t *rapid.T) {
		e := trees.Draw(t)
		text, err := targettest.Query(Target, e, nil)
		if err != nil {
			t.Skip(err)
		}
		var value any
		if err := json.Unmarshal([]byte(text), &value); err != nil {
			t.Fatal(err)
		}
		q, err := querystring.ParseDSL(targettest.At(value, "query"))
		if err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		got := targettest.LuceneForm(q).Leaves(lower).Normal().String()
		if want := targettest.AsQuery(e).Leaves(lower).Normal().String(); got != want {
			t.Fatalf("query %s\nreads %s\nwant  %s", text, got, want)
		}
	})
}
