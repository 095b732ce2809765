package cluster

import (
	"encoding/json"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/huntbook/huntbook/convert/mapping"
	"github.com/huntbook/huntbook/event"
	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/match"
	"github.com/huntbook/huntbook/sigma"
)

// The fields of the test: a and b have values that are known, those of c are not.
var fields = []string{"a", "b", "c", ""}

func trees() *rapid.Generator[ir.Expr] {
	return rapid.Custom(func(t *rapid.T) ir.Expr { return tree(t, 3) })
}

func tree(t *rapid.T, depth int) ir.Expr {
	kind := rapid.IntRange(0, 5).Draw(t, "kind")
	if depth == 0 {
		kind = 5
	}
	switch kind {
	case 0, 1, 2:
		var x []ir.Expr
		for range rapid.IntRange(0, 3).Draw(t, "members") {
			x = append(x, tree(t, depth-1))
		}
		if kind == 0 {
			return &ir.Or{X: x}
		}
		return &ir.And{X: x}
	case 3:
		return &ir.Not{X: tree(t, depth-1)}
	}
	m := &ir.Match{Field: rapid.SampledFrom(fields).Draw(t, "field"), Cased: rapid.Bool().Draw(t, "cased")}
	text := rapid.SampledFrom([]string{"cmd", "CMD", "x", "1", "12"}).Draw(t, "text")
	switch rapid.IntRange(0, 5).Draw(t, "op") {
	case 0:
		m.Op, m.Text, m.Cased = ir.Regexp, "(?i)c.d", false
	case 1:
		m.Op, m.Text, m.Cased = ir.Regexp, "^"+text, false
	case 2:
		if m.Field == "" {
			m.Field = "a"
		}
		m.Op, m.Cased = ir.Null, false
	case 3:
		m.Pattern = sigma.Text(text).Contains()
	case 4:
		m.Pattern = sigma.Text(text).EndsWith()
	default:
		m.Pattern = sigma.Text(text)
	}
	return m
}

// What is left of a tree behind the values says the same of every event that has them.
func TestSimplifiedTreesSayTheSame(t *testing.T) {
	parsed, err := mapping.Parse([]byte(`{"properties": {"a": {"type": "keyword"}, "b": {"type": "keyword"}, "c": {"type": "keyword"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	words := []string{"cmd", "Cmd.exe", "x", "xcmd", "12", "1", "other"}
	rapid.Check(t, func(t *rapid.T) {
		v := &vocabulary{index: &index{mapping: parsed}, fields: map[string]*values{}, found: map[string]map[string][]string{}}
		known := map[string][]string{"c": words}
		for _, f := range []string{"a", "b"} {
			known[f] = rapid.SliceOfNDistinct(rapid.SampledFrom(words), 0, 3, func(s string) string { return s }).Draw(t, f)
			v.fields[f] = &values{list: known[f]}
		}
		whole := trees().Draw(t, "tree")
		if err := v.compare([]ir.Expr{whole}); err != nil {
			t.Fatal(err)
		}
		simple := v.simplify(whole)
		program, errs := match.Compile([]match.Rule{{Expr: whole}, {Expr: simple}})
		if errs[0] != nil || errs[1] != nil {
			t.Skip("not a rule that can be matched")
		}
		m := match.NewMatcher(program, event.Options{})
		for range 10 {
			doc := map[string]string{}
			for _, f := range []string{"a", "b", "c"} {
				if n := len(known[f]); n > 0 && rapid.Bool().Draw(t, "has "+f) {
					doc[f] = rapid.SampledFrom(known[f]).Draw(t, f)
				}
			}
			text, err := json.Marshal(doc)
			if err != nil {
				t.Fatal(err)
			}
			rules, _, err := m.Match(text)
			if err != nil {
				t.Fatal(err)
			}
			if a, b := slices.Contains(rules, 0), slices.Contains(rules, 1); a != b {
				t.Fatalf("%s: the rule matches %v, what is left of it %v", text, a, b)
			}
		}
	})
}

func TestPossible(t *testing.T) {
	has := func(field string) bool { return field == "here" }
	here, gone := &ir.Match{Field: "here"}, &ir.Match{Field: "gone"}
	for _, c := range []struct {
		name string
		tree ir.Expr
		want truth
	}{
		{"a field that is there", here, open},
		{"one that is not", gone, never},
		{"both", &ir.And{X: []ir.Expr{here, gone}}, never},
		{"one of them", &ir.Or{X: []ir.Expr{here, gone}}, open},
		{"not the one that is not", &ir.Not{X: gone}, always},
		{"the one without the other", &ir.And{X: []ir.Expr{here, &ir.Not{X: gone}}}, open},
		{"null", &ir.Match{Field: "gone", Op: ir.Null}, always},
		{"not null", &ir.Not{X: &ir.Match{Field: "gone", Op: ir.Null}}, never},
		{"anywhere", &ir.Match{}, open},
		{"compared with one that is not there", &ir.Match{Field: "here", Op: ir.FieldRef, Text: "gone"}, never},
		{"nothing", &ir.Or{}, never},
		{"everything", &ir.And{}, always},
	} {
		if got := possible(c.tree, has); got != c.want {
			t.Errorf("%s: got %d, want %d", c.name, got, c.want)
		}
	}
}
