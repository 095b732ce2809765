package explain

import (
	"cmp"
	"slices"

	"github.com/huntbook/huntbook/sigma"
)

// measured is what a window amounts to.
type measured struct {
	value float64
	ok    bool // there is a number
	holds bool // it fulfils the condition
}

func (r *relation) measure(entries []*entry) measured {
	m := measured{}
	m.value, m.ok = r.value(entries)
	c := r.rule.Correlation
	m.holds = m.ok && !slices.ContainsFunc(c.Condition.Bounds, func(b sigma.Bound) bool { return !within(b, m.value) }) &&
		(c.Expr == nil || sigma.Evaluate(c.Expr, func(name string) bool { return r.has(entries, name) }))
	return m
}

func within(b sigma.Bound, value float64) bool {
	switch b.Op {
	case "gt":
		return value > b.Value
	case "gte":
		return value >= b.Value
	case "lt":
		return value < b.Value
	case "lte":
		return value <= b.Value
	case "eq":
		return value == b.Value
	}
	return value != b.Value
}

// has tells whether the rule of that name has an entry.
func (r *relation) has(entries []*entry, name string) bool {
	i := r.input(name)
	return slices.ContainsFunc(entries, func(e *entry) bool { return e.input == i })
}

func (r *relation) input(name string) int {
	return slices.IndexFunc(r.inputs, func(in input) bool { return in.ref.Name == name })
}

// value is the number that is compared; false says that there is none.
func (r *relation) value(entries []*entry) (float64, bool) {
	switch c := r.rule.Correlation; {
	case c.Type == "event_count":
		return float64(countEvents(entries)), true
	case c.Type == "value_count":
		return float64(len(distinct(entries))), true
	case c.Type == "temporal":
		inputs := map[int]bool{}
		for _, e := range entries {
			inputs[e.input] = true
		}
		return float64(len(inputs)), true
	case c.Type == "temporal_ordered":
		return float64(len(r.inOrder(entries))), true
	}
	var numbers []float64
	counted := map[int]bool{}
	for _, e := range entries {
		for i, h := range e.hits {
			if !counted[h.number] {
				counted[h.number] = true
				numbers = append(numbers, e.numbers[i]...)
			}
		}
	}
	if len(numbers) == 0 {
		return 0, false
	}
	return r.statistic(numbers), true
}

// countEvents counts an event that several rules matched once, and a match of a
// correlation below once, however long it holds.
func countEvents(entries []*entry) int {
	n := 0
	runs := map[*run]bool{}
	for _, e := range entries {
		switch {
		case e.run != nil:
			runs[e.run] = true
		case !e.again:
			n++
		}
	}
	return n + len(runs)
}

// distinct are the values, or tuples of values, that the entries have: by their
// keys, as they were spelled first.
func distinct(entries []*entry) map[string][]string {
	out := map[string][]string{}
	for _, e := range entries {
		for _, t := range e.tuples {
			if out[t.key] == nil {
				out[t.key] = t.values
			}
		}
	}
	return out
}

func (r *relation) statistic(numbers []float64) float64 {
	sum := 0.0
	for _, f := range numbers {
		sum += f
	}
	switch r.rule.Correlation.Type {
	case "value_sum":
		return sum
	case "value_avg":
		return sum / float64(len(numbers))
	case "value_min":
		return slices.Min(numbers)
	case "value_max":
		return slices.Max(numbers)
	}
	// A percentile, between two numbers on the line that joins them.
	slices.Sort(numbers)
	at := float64(len(numbers)-1) * r.rule.Correlation.Condition.Percentile / 100
	low := int(at)
	if part := at - float64(low); part > 0 {
		return numbers[low] + part*(numbers[low+1]-numbers[low])
	}
	return numbers[low]
}

// inOrder finds the most rules with entries that follow each other in the order of
// the rules, and these entries. Entries of one time are in any order.
func (r *relation) inOrder(entries []*entry) []*entry {
	entries = slices.Clone(entries)
	slices.SortStableFunc(entries, func(a, b *entry) int {
		return cmp.Or(cmp.Compare(a.time, b.time), cmp.Compare(a.input, b.input))
	})
	best := make([][]*entry, len(r.inputs)) // the longest that ends with each rule
	for _, e := range entries {
		var before []*entry
		for i := range e.input {
			if len(best[i]) > len(before) {
				before = best[i]
			}
		}
		if len(before) >= len(best[e.input]) {
			best[e.input] = append(slices.Clone(before), e)
		}
	}
	return slices.MaxFunc(best, func(a, b []*entry) int { return cmp.Compare(len(a), len(b)) })
}
