package pipeline

import (
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestLowerValues(t *testing.T) {
	for _, c := range []struct{ items, want string }{
		{`{A: x}`, `A = "x"`},
		{`{A: [x, 'y*']}`, `A = ("x" or "y*")`},
		{`{A: 1, B: true}`, `A = 1 and B = true`},
		{`{A: null}`, `A is null`},
		{`{A: [x, null]}`, `A = "x" or A is null`},
		{`{A|exists: true, B|exists: false}`, `A exists and not B exists`},
		{`{A|contains|all: [x, y]}`, `A = "*x*" and A = "*y*"`},
		{`{A|neq: [x, y]}`, `not A = ("x" or "y")`},
		{`{A|re: 'a.b'}`, `A =~ /a.b/`},
		{`{A|re|i|s: 'a.b'}`, `A =~ /(?is)a.b/`},
		{`{A|cidr: 10.0.0.0/8}`, `A in 10.0.0.0/8`},
		{`{A|gt: 5, B|lte: -1}`, `A > 5 and B <= -1`},
		{`{A|cased: X}`, `A = "X" cased`},
		{`{A|fieldref: B}`, `A = field B`},
		{`{A|fieldref|startswith: B}`, `A starts with field B`},
		{`{A|hour: 3}`, `A hour = 3`},
		{`{A|base64offset|contains: [foo, bar]}`, `A = ("*Zm9v*" or "*Zvb*" or "*mb2*") or A = ("*YmFy*" or "*Jhc*" or "*iYX*")`},
		{`{A|base64offset|contains|all: [foo, bar]}`, `A = ("*Zm9v*" or "*Zvb*" or "*mb2*") and A = ("*YmFy*" or "*Jhc*" or "*iYX*")`},
		{`[x, 'y*', 5]`, `any = ("x" or "y*" or "5")`},
		{`{'|all': [x, y]}`, `any = "x" and any = "y"`},
		{`[{A: 1, B: 2}, {C: 3}]`, `(A = 1 and B = 2) or C = 3`},
	} {
		if got := lowered(ruleOf(t, "{product: x}", c.items), nil); got != c.want {
			t.Errorf("%s\n  gives %s\n  want  %s", c.items, got, c.want)
		}
	}
}

func TestLowerConditions(t *testing.T) {
	const head = "title: t\nlogsource: {product: x}\ndetection:\n  a: {A: 1}\n  b: {B: 1}\n  c1: {C: 1}\n  c2: {C: 2, D: 1}\n  _d: {E: 1}\n"
	for _, c := range []struct{ condition, want string }{
		{"a", `A = 1`},
		{"a and b or c1", `(A = 1 and B = 1) or C = 1`},
		{"not (a or b)", `not (A = 1 or B = 1)`},
		{"1 of c*", `C = 1 or (C = 2 and D = 1)`},
		{"all of c*", `C = 1 and C = 2 and D = 1`},
		{"1 of them", `A = 1 or B = 1 or C = 1 or (C = 2 and D = 1)`},
		{"a and not 1 of c*", `A = 1 and not (C = 1 or (C = 2 and D = 1))`},
		{"[a, not b]", `A = 1 or not B = 1`},
		{"a | count() > 5", "error: an aggregation (| count() > 5) is more than one query of this target can express"},
	} {
		if got := lowered(parseRule(t, head+"  condition: "+c.condition+"\n"), nil); got != c.want {
			t.Errorf("%s\n  gives %s\n  want  %s", c.condition, got, c.want)
		}
	}
	l, _ := Lower(parseRule(t, head+"  condition: [a, not b]\n"), nil)
	if len(l.Exprs) != 2 || show(l.Exprs[1]) != "not B = 1" {
		t.Errorf("a tree for each condition: %d", len(l.Exprs))
	}
}

func TestLowerErrorsHaveAPlace(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"title: t\nlogsource: {product: x}\ndetection:\n  a: {A: 1}\n  condition: a | count() > 5\n", "rule.yml:5:14: an aggregation (| count() > 5) is more"},
		{"title: t\nlogsource: {product: x}\ndetection:\n  a:\n    A|expand: '%x%'\n  condition: a\n", "rule.yml:5:5: placeholder %x% has no value"},
		{"title: t\ncorrelation: {type: event_count, rules: [x], timespan: 5m, condition: {gte: 5}}\n", "rule.yml:2:"},
	} {
		_, diags := Lower(parseRule(t, c.text), nil)
		if !diags.HasErrors() || !strings.HasPrefix(diags.Errors()[0].Error(), c.want) {
			t.Errorf("got %v, want %s", diags, c.want)
		}
	}
}

// Pipelines work on a copy of the rule.
func TestLowerLeavesTheRule(t *testing.T) {
	text := "title: t\nlogsource: {product: windows, category: process_creation}\nfields: [Image]\ndetection:\n  a: {Image: [X, y], B|fieldref: Image}\n  condition: a and not a\n"
	rule, same := parseRule(t, text), parseRule(t, text)
	p := load(t, "helk")
	first := lowered(rule, NewChain(p))
	if !reflect.DeepEqual(rule, same) {
		t.Error("the rule has changed")
	}
	if again := lowered(rule, NewChain(p)); again != first {
		t.Errorf("the second time gives\n%s\nthe first\n%s", again, first)
	}
}

// Field names of a mapping to several: any of them, but absent is absent under
// all, and neq is none.
func TestSeveralNames(t *testing.T) {
	p := parsePipeline(t, "transformations: [{type: field_name_mapping, mapping: {A: [b, c]}}]")
	for _, c := range []struct{ items, want string }{
		{`{A: x}`, `b = "x" or c = "x"`},
		{`{A: [x, y]}`, `b = ("x" or "y") or c = ("x" or "y")`},
		{`{A|contains|all: [x, y]}`, `(b = "*x*" and b = "*y*") or (c = "*x*" and c = "*y*")`},
		{`{A|neq: x}`, `not (b = "x" or c = "x")`},
		{`{A: null}`, `b is null and c is null`},
		{`{A: [x, null]}`, `b = "x" or c = "x" or (b is null and c is null)`},
		{`{A|exists: false}`, `not b exists and not c exists`},
		{`{Z|fieldref: A}`, `Z = (field b or field c)`},
	} {
		if got := lowered(ruleOf(t, "{product: x}", c.items), NewChain(p)); got != c.want {
			t.Errorf("%s\n  gives %s\n  want  %s", c.items, got, c.want)
		}
	}
}

// A conditional name depends on what is true beside the item, however the
// condition spells it; a slow reference looks at every combination of truth.
func TestConditionalNames(t *testing.T) {
	p := parsePipeline(t, "transformations: [{type: field_name_mapping, mapping: {F: {'E=1,3': one, E=2: two, default: other}}}]")
	const head = "title: t\nlogsource: {product: x}\ndetection:\n  e1: {E: 1}\n  e12: {E: [1, 2]}\n  e4: {E: 4}\n  f: {F: x}\n  g: {G: y}\n  ef: {E: 2, F: x}\n  n: {E|neq: 1}\n"
	for _, c := range []struct{ condition, want string }{
		{"e1 and f", `E = 1 and one = "x"`},
		{"f and e1", `one = "x" and E = 1`},
		{"f and (g and e1)", `one = "x" and G = "y" and E = 1`},
		{"e1 or f", `E = 1 or other = "x"`},
		{"f and (e1 or g)", `other = "x" and (E = 1 or G = "y")`},
		{"e1 and not f", `E = 1 and not one = "x"`},
		{"f and not e1", `other = "x" and not E = 1`},
		{"f and n", `other = "x" and not E = 1`},
		{"e12 and f", `E = (1 or 2) and (one = "x" or two = "x")`},
		{"e12 and ef", `E = (1 or 2) and E = 2 and two = "x"`},
		{"e4 and f", `E = 4 and other = "x"`},
		{"(e1 and f) or ef", `(E = 1 and one = "x") or (E = 2 and two = "x")`},
		{"not (e1 and f)", `not (E = 1 and one = "x")`},
	} {
		if got := lowered(parseRule(t, head+"  condition: "+c.condition+"\n"), NewChain(p)); got != c.want {
			t.Errorf("%s\n  gives %s\n  want  %s", c.condition, got, c.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, tr := range Transformations() {
		f.Add([]byte("name: x\ntransformations:\n  - " + tr.Example.Item + "\n"))
	}
	for _, k := range Postprocessors() {
		f.Add([]byte("postprocessing:\n  - " + k.Example.Item + "\n"))
	}
	for _, k := range Finalizers() {
		f.Add([]byte("vars: {a: [b]}\nfinalizers:\n  - " + k.Example.Item + "\n"))
	}
	f.Add([]byte("a: &a [x]\ntransformations: [*a, *a]"))
	f.Add([]byte("order: 1\nfieldmappings: {A: {B=1: c, default: [d]}}\nlogsources: {x: {product: y, conditions: {E: 1}}}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		rule := ruleOf(t, "{product: windows, category: process_creation}", "{Image: x, EventID: 1}")
		if p, err := Parse("x", file("x.yml", data)); err == nil {
			chain := NewChain(p)
			if l, _ := Lower(rule, chain); l != nil {
				_, _ = l.Postprocess("query")
			}
			_, _ = chain.Finalize([]any{"query", map[string]any{}})
		}
		if c, err := ParseSigmac("x", file("x.yml", data)); err == nil {
			_, _ = Lower(rule, NewChain(c))
		}
	})
}

// The neighbours that a conditional name looks at are those that must be true
// with the item: where the value that was found beside an item is not there,
// the item decides nothing.
func TestContextIsSound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tree := drawNode(t, 3)
		d := &draft{conditions: []node{tree}}
		d.each(func(it *item, c context) {
			if it.origin != "F" || !c.has("E", "1") {
				return
			}
			for e := range 3 {
				if e == 1 {
					continue
				}
				// Where E is not 1, the item must not matter.
				with, without := eval(tree, it, true, e), eval(tree, it, false, e)
				if with != without {
					t.Fatalf("E=%d: item %p decides, though E=1 was found beside it", e, it)
				}
			}
		})
	})
}
