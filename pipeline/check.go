package pipeline

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/huntbook/huntbook/sigma"
)

// check is the conditions of one kind of a processing item, linked by an
// operator or by an expression over their names.
type check[T any] struct {
	conditions []func(T) bool
	any        bool
	negate     bool
	// expression is set instead of any and negate.
	expression func(T) bool
}

// given tells whether there are any conditions.
func (c check[T]) given() bool { return len(c.conditions) > 0 }

func (c check[T]) holds(t T) bool {
	switch {
	case c.expression != nil:
		return c.expression(t)
	case len(c.conditions) == 0:
		return true
	}
	met := func(f func(T) bool) bool { return f(t) == c.any }
	// With "or" look for one that holds, with "and" for one that does not.
	return slices.ContainsFunc(c.conditions, met) == c.any != c.negate
}

// readCheck reads the conditions under a key: a list, or a map of names for an
// expression.
func readCheck[T any](d dict, key, prefix string, kinds []condition[T]) check[T] {
	c := check[T]{negate: d.flag(prefix + "_not")}
	switch op := d.text(prefix + "_op"); op {
	case "or":
		c.any = true
	case "", "and":
	default:
		d.r.errorf(d.get(prefix+"_op"), "operator", "%s_op must be and or or, this is %q", prefix, op)
	}
	n := d.get(key)
	if n == nil || isNull(n) {
		return c
	}
	named := map[string]func(T) bool{}
	for i, x := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 {
			continue
		}
		f := readCondition(d.r, x, key, kinds)
		c.conditions = append(c.conditions, f)
		if n.Kind == yaml.MappingNode {
			named[n.Content[i-1].Value] = f
		}
	}
	if n.Kind == yaml.ScalarNode {
		d.r.errorf(n, "not-a-list", "%s must be a list, this is %s", key, kindName(n))
	}
	if e := d.get(prefix + "_expr"); e != nil {
		switch {
		case d.get(prefix+"_op") != nil:
			d.r.errorf(e, "expression", "%s_expr and %s_op exclude each other", prefix, prefix)
		case n.Kind == yaml.SequenceNode:
			d.r.errorf(e, "expression", "an expression needs names: %s must be a map from names to conditions", key)
		default:
			c.expression = readExpression(d.r, e, named)
		}
	}
	return c
}

func readCondition[T any](r *reader, n *yaml.Node, key string, kinds []condition[T]) func(T) bool {
	never := func(T) bool { return false }
	kind := lookup(n, "type")
	if n.Kind != yaml.MappingNode || kind == nil || kind.Kind != yaml.ScalarNode {
		r.errorf(n, "condition", "an entry of %s must be a map with a type", key)
		return never
	}
	var names []string
	for _, k := range kinds {
		if k.Name == kind.Value {
			known := []string{"type"}
			for _, p := range k.Parameters {
				known = append(known, p.Name)
			}
			d, _ := r.dict(n, "condition "+k.Name, known...)
			return k.read(d)
		}
		names = append(names, k.Name)
	}
	e := r.errorf(kind, "unknown-condition", "unknown condition %q in %s", kind.Value, key)
	if e.Hint = sigma.Suggest(kind.Value, names); e.Hint == "" {
		e.Hint = "known are " + strings.Join(names, ", ")
	}
	return never
}

// readExpression reads "a and not (b or c)" over the names of conditions.
func readExpression[T any](r *reader, n *yaml.Node, named map[string]func(T) bool) func(T) bool {
	e := expression[T]{named: named, used: map[string]bool{}}
	text := strings.NewReplacer("(", " ( ", ")", " ) ").Replace(n.Value)
	e.words = strings.Fields(text)
	f := e.or(0)
	if e.err == "" && len(e.words) > 0 {
		e.err = fmt.Sprintf("unexpected %q", e.words[0])
	}
	for _, name := range slices.Sorted(maps.Keys(named)) {
		if e.err == "" && !e.used[name] {
			e.err = fmt.Sprintf("it does not name the condition %q", name)
		}
	}
	if e.err != "" {
		r.errorf(n, "expression", "the expression can't be read: %s", e.err)
		return func(T) bool { return false }
	}
	return f
}

type expression[T any] struct {
	named map[string]func(T) bool
	used  map[string]bool
	words []string
	err   string
}

func (e *expression[T]) take(word string) bool {
	if len(e.words) > 0 && strings.EqualFold(e.words[0], word) {
		e.words = e.words[1:]
		return true
	}
	return false
}

func (e *expression[T]) or(depth int) func(T) bool {
	f := e.and(depth)
	for e.take("or") {
		a, b := f, e.and(depth)
		f = func(t T) bool { return a(t) || b(t) }
	}
	return f
}

func (e *expression[T]) and(depth int) func(T) bool {
	f := e.not(depth)
	for e.take("and") {
		a, b := f, e.not(depth)
		f = func(t T) bool { return a(t) && b(t) }
	}
	return f
}

func (e *expression[T]) not(depth int) func(T) bool {
	never := func(T) bool { return false }
	if depth > maxDepth {
		e.err, e.words = "it is nested too deeply", nil
		return never
	}
	if e.take("not") {
		a := e.not(depth + 1)
		return func(t T) bool { return !a(t) }
	}
	if e.take("(") {
		f := e.or(depth + 1)
		if !e.take(")") && e.err == "" {
			e.err = "a parenthesis is never closed"
		}
		return f
	}
	if len(e.words) == 0 {
		e.err = "it ends where a name is expected"
		return never
	}
	f := e.named[e.words[0]]
	if f == nil {
		e.err = fmt.Sprintf("there is no condition named %q", e.words[0])
		return never
	}
	e.used[e.words[0]] = true
	e.words = e.words[1:]
	return f
}
