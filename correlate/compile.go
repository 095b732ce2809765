package correlate

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// Errors of New.
var (
	ErrCycle = errors.New("a correlation stands on itself")
	ErrInput = errors.New("a correlation's input is not there")
)

// columns says where in an event's Values the fields of a correlation are, for
// events of one base rule that come through one input.
type columns struct{ groupBy, fields []int }

// compiler works out which field of a base rule's events each name means.
type compiler struct {
	rules []Rule
	// bases are the base rules below an input: the first input that leads to
	// each.
	bases  []map[int]int
	fields map[int][]string
}

// order returns the correlations with those first that others stand on.
func (c *compiler) order() ([]int, error) {
	state := make([]uint8, len(c.rules))
	var order []int
	var visit func(int) error
	visit = func(r int) error {
		switch state[r] {
		case 1:
			return fmt.Errorf("correlation %d: %w", r, ErrCycle)
		case 2:
			return nil
		}
		state[r] = 1
		for _, in := range c.rules[r].Inputs {
			if !in.Correlation {
				continue
			}
			if in.Rule < 0 || in.Rule >= len(c.rules) {
				return fmt.Errorf("correlation %d: %w", r, ErrInput)
			}
			if err := visit(in.Rule); err != nil {
				return err
			}
		}
		state[r] = 2
		order = append(order, r)
		return nil
	}
	for r := range c.rules {
		if err := visit(r); err != nil {
			return nil, err
		}
	}
	return order, nil
}

// findBases fills bases, in the order that order gave.
func (c *compiler) findBases(order []int) {
	c.bases = make([]map[int]int, len(c.rules))
	for _, r := range order {
		c.bases[r] = map[int]int{}
		for i, in := range c.rules[r].Inputs {
			below := map[int]int{in.Rule: 0}
			if in.Correlation {
				below = c.bases[in.Rule]
			}
			for b := range below {
				if _, known := c.bases[r][b]; !known {
					c.bases[r][b] = i
				}
			}
		}
	}
}

// field is what a name of a correlation means in the events of a base rule that
// come through an input. A correlation between may have aliases of its own.
func (c *compiler) field(r, input, base int, name string) string {
	rule := &c.rules[r]
	name = rule.alias(input, base, name)
	if in := rule.Inputs[input]; in.Correlation {
		return c.field(in.Rule, c.bases[in.Rule][base], base, name)
	}
	return name
}

func (r *Rule) alias(input, base int, name string) string {
	for _, a := range r.Aliases {
		if a.Name == name && a.Input == input {
			return a.Field
		}
	}
	for _, a := range r.Aliases {
		if a.Name == name && a.Base == base {
			return a.Field
		}
	}
	return name
}

// column returns the place of a field in the Values of a base rule's events.
func (c *compiler) column(base int, field string) int {
	if i := slices.Index(c.fields[base], field); i >= 0 {
		return i
	}
	c.fields[base] = append(c.fields[base], field)
	return len(c.fields[base]) - 1
}

func (c *compiler) columns(r, input, base int) columns {
	var out columns
	for _, name := range c.rules[r].GroupBy {
		out.groupBy = append(out.groupBy, c.column(base, c.field(r, input, base, name)))
	}
	for _, name := range c.rules[r].Fields {
		out.fields = append(out.fields, c.column(base, c.field(r, input, base, name)))
	}
	return out
}

// New makes an Engine of correlations; each gets every match, once it is known
// to have ended.
func New(rules []Rule, limits Limits, each func(Match)) (*Engine, error) {
	c := &compiler{rules: rules, fields: map[int][]string{}}
	order, err := c.order()
	if err != nil {
		return nil, err
	}
	c.findBases(order)
	e := &Engine{limits: limits.withDefaults(), each: each, bases: map[int][]inputOf{}, stats: make([]Stats, len(rules)), watermark: math.MinInt64, told: math.MinInt64, newest: math.MinInt64, every: 1024}
	nodes := make([]*node, len(rules))
	for _, r := range order {
		n := &node{engine: e, index: r, rule: &rules[r], span: int64(rules[r].Span), groups: map[string]*group{}}
		if n.span <= 0 {
			n.span = math.MaxInt64
		}
		n.recent.next, n.recent.prev = &n.recent, &n.recent
		for i, in := range rules[r].Inputs {
			table := map[int]columns{}
			if in.Correlation {
				below := nodes[in.Rule]
				for b := range c.bases[in.Rule] {
					table[b] = c.columns(r, i, b)
				}
				below.above = append(below.above, inputOf{n, i})
				n.lag = max(n.lag, plus(below.lag, plus(below.span, below.span)))
			} else {
				table[in.Rule] = c.columns(r, i, in.Rule)
				e.bases[in.Rule] = append(e.bases[in.Rule], inputOf{n, i})
			}
			n.columns = append(n.columns, table)
		}
		nodes[r] = n
		e.nodes = append(e.nodes, n)
	}
	e.fields = c.fields
	return e, nil
}

// plus adds spans that may be endless.
func plus(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

// minus subtracts a span, which is not negative and may be endless, from a time.
func minus(t, span int64) int64 {
	if span == math.MaxInt64 || t < math.MinInt64+span {
		return math.MinInt64
	}
	return t - span
}
