package eql

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/huntbook/huntbook/convert/backend"
	"github.com/huntbook/huntbook/pipeline"
	"github.com/huntbook/huntbook/sigma"
)

// maxRuns is the longest row of one event in a sequence.
const maxRuns = 100

// Correlation writes a sequence: events of rules one after the other, or so many of
// one rule.
func (w *writer) Correlation(c *pipeline.Correlation) (any, error) {
	s := c.Rule.Correlation
	conditions := make([]string, len(c.Inputs))
	keys := make([]string, len(c.Inputs))
	for i, in := range c.Inputs {
		var err error
		if conditions[i], err = w.where(in.Lowered, in.Expr()); err != nil {
			return nil, backend.InInput(c, i, err)
		}
		if keys[i], err = joinKeys(c, in); err != nil {
			return nil, err
		}
	}
	runs := ""
	switch {
	case s.Type == "event_count" && len(conditions) > 1:
		return nil, backend.UnsupportedCorrelation(c.Rule, "a sequence of EQL counts the events of one rule, and this correlation names several")
	case s.Type == "event_count":
		n, err := atLeast(c.Rule)
		if err != nil {
			return nil, err
		}
		if n == 1 {
			return w.finish(c.Lowered, 0, "any where "+conditions[0]), nil
		}
		runs = fmt.Sprintf(" with runs=%d", n)
	case s.Expr != nil, !asksForAll(s):
		return nil, backend.UnsupportedCorrelation(c.Rule, "a sequence of EQL has all rules, and no condition over them")
	}
	var b strings.Builder
	b.WriteString("sequence")
	same := len(slices.Compact(slices.Clone(keys))) == 1
	if same && keys[0] != "" {
		b.WriteString(" by " + keys[0])
	}
	if s.Span > 0 {
		b.WriteString(" with maxspan=" + span(s.Span))
	}
	for i, condition := range conditions {
		b.WriteString(" [any where " + condition + "]")
		if !same {
			b.WriteString(" by " + keys[i])
		}
	}
	b.WriteString(runs)
	return w.finish(c.Lowered, 0, b.String()), nil
}

// asksForAll tells whether a condition asks for all rules, as one does that is not
// written.
func asksForAll(s *sigma.Correlation) bool {
	return !slices.ContainsFunc(s.Condition.Bounds, func(b sigma.Bound) bool {
		return b.Op != "gte" && b.Op != "eq" || b.Value != float64(len(s.Rules))
	})
}

// joinKeys are the fields that a rule's events are joined by.
func joinKeys(c *pipeline.Correlation, in pipeline.Input) (string, error) {
	var keys []string
	for _, g := range c.Rule.Correlation.GroupBy {
		names := in.Names(g.Name)
		if len(names) > 1 {
			return "", backend.UnsupportedCorrelation(c.Rule, fmt.Sprintf("group-by %s is several fields (%s), and a sequence of EQL is joined by one", g.Name, strings.Join(names, ", ")))
		}
		keys = append(keys, name(names[0]))
	}
	return strings.Join(keys, ", "), nil
}

// atLeast is the number of events that a correlation asks for.
func atLeast(r *sigma.Rule) (int, error) {
	bounds := r.Correlation.Condition.Bounds
	if len(bounds) == 1 && (bounds[0].Op == "gt" || bounds[0].Op == "gte") {
		n := int(bounds[0].Value)
		if bounds[0].Op == "gt" || float64(n) < bounds[0].Value {
			n++
		}
		if 1 <= n && n <= maxRuns {
			return n, nil
		}
	}
	return 0, backend.UnsupportedCorrelation(r, fmt.Sprintf("a sequence of EQL has at least so many events, up to %d, and no other bound", maxRuns))
}

// span writes a length of time in the greatest unit that divides it.
func span(d time.Duration) string {
	for _, unit := range []struct {
		name   string
		length time.Duration
	}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}} {
		if d%unit.length == 0 {
			return fmt.Sprintf("%d%s", d/unit.length, unit.name)
		}
	}
	return fmt.Sprintf("%ds", d/time.Second)
}
