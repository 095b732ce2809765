package esql

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/huntbook/huntbook/convert/backend"
	"github.com/huntbook/huntbook/pipeline"
	"github.com/huntbook/huntbook/sigma"
)

// Correlation writes a correlation: events that one of the rules matches, counted
// by window and group.
func (w *writer) Correlation(c *pipeline.Correlation) (any, error) {
	s := c.Rule.Correlation
	rules := make([]string, len(c.Inputs))
	for i, in := range c.Inputs {
		var err error
		if rules[i], err = w.where(in.Lowered, in.Expr()); err != nil {
			return nil, backend.InInput(c, i, err)
		}
	}
	commands := []string{w.from(c.Lowered), "where " + orLinked(rules)}
	windowed := s.Span > 0
	if windowed {
		commands = append(commands, w.windows(s)...)
	}
	values, conditions := w.counted(c, rules)
	values = append(values, "first_time = min("+w.time()+")", "last_time = max("+w.time()+")")
	var groups []string
	if windowed {
		groups = append(groups, "window")
		conditions = append([]string{"window is not null"}, conditions...)
	}
	for _, g := range s.GroupBy {
		groups = append(groups, name(g.Name)+" = to_lower(to_string("+valueOf(c, g.Name)+"))")
		conditions = append(conditions, name(g.Name)+" is not null")
	}
	stats := "stats " + strings.Join(values, ", ")
	if len(groups) > 0 {
		stats += " by " + strings.Join(groups, ", ")
	}
	commands = append(commands, stats, "where "+strings.Join(conditions, dialect.And))
	if windowed {
		commands = append(commands, "sort window")
	}
	return w.finish(c.Lowered, 0, strings.Join(commands, " | ")), nil
}

func (w *writer) time() string { return name(w.timeField) }

func orLinked(rules []string) string {
	if len(rules) == 1 {
		return rules[0]
	}
	return "(" + strings.Join(rules, ") or (") + ")"
}

// valueOf is the value of a field or alias: the first of its names that an event
// has.
func valueOf(c *pipeline.Correlation, field string) string {
	var names []string
	for _, in := range c.Inputs {
		for _, n := range in.Names(field) {
			if n = name(n); !slices.Contains(names, n) {
				names = append(names, n)
			}
		}
	}
	if len(names) == 1 {
		return names[0]
	}
	for i, n := range names {
		names[i] = "to_string(" + n + ")"
	}
	return "coalesce(" + strings.Join(names, ", ") + ")"
}

// windows adds the beginnings of the windows that an event lies in. Where the
// correlation asks for at least so many, windows overlap, so that whatever lies
// within the timespan lies in one of them.
func (w *writer) windows(s *sigma.Correlation) []string {
	if !atLeast(s) {
		return []string{fmt.Sprintf("eval window = date_trunc(%s, %s)", span(s.Span), w.time())}
	}
	half := s.Span / 2
	return []string{
		fmt.Sprintf("eval window = date_trunc(%s, %s), window = mv_append(window, mv_append(window - %s, window - %s))", span(half), w.time(), span(half), span(2*half)),
		"mv_expand window",
	}
}

// atLeast tells whether a correlation that holds in a window holds in a larger one
// too.
func atLeast(s *sigma.Correlation) bool {
	for _, b := range s.Condition.Bounds {
		up := b.Op == "gt" || b.Op == "gte"
		switch s.Type {
		case "event_count", "value_count", "value_max", "temporal":
			if !up {
				return false
			}
		case "value_min":
			if up || b.Op == "eq" || b.Op == "neq" {
				return false
			}
		default:
			return false
		}
	}
	return !negates(s.Expr)
}

func negates(e sigma.ConditionExpr) bool {
	switch e := e.(type) {
	case *sigma.CondAnd:
		return slices.ContainsFunc(e.X, negates)
	case *sigma.CondOr:
		return slices.ContainsFunc(e.X, negates)
	case *sigma.CondNot:
		return true
	}
	return false
}

// span writes a length of time in the greatest unit that divides it.
func span(d time.Duration) string {
	for _, unit := range []struct {
		name   string
		length time.Duration
	}{{"days", 24 * time.Hour}, {"hours", time.Hour}, {"minutes", time.Minute}, {"seconds", time.Second}} {
		if d%unit.length == 0 {
			return fmt.Sprintf("%d %s", d/unit.length, unit.name)
		}
	}
	return fmt.Sprintf("%d milliseconds", d.Milliseconds())
}

var operators = map[string]string{"gt": ">", "gte": ">=", "lt": "<", "lte": "<=", "eq": "==", "neq": "!="}

func bounds(of string, list []sigma.Bound) []string {
	var out []string
	for _, b := range list {
		out = append(out, of+" "+operators[b.Op]+" "+number(b.Value))
	}
	return out
}

func number(v float64) string {
	if v == math.Trunc(v) && math.Abs(v) < 1e15 {
		return strconv.FormatInt(int64(v), 10)
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

// counted are the values that a correlation calculates, and what must hold of them.
func (w *writer) counted(c *pipeline.Correlation, rules []string) (values, conditions []string) {
	s := c.Rule.Correlation
	values = []string{"event_count = count(*)"}
	var fields []string
	for _, f := range s.Condition.Fields {
		fields = append(fields, valueOf(c, f.Name))
	}
	switch s.Type {
	case "event_count":
		return values, bounds("event_count", s.Condition.Bounds)
	case "value_count":
		for i, f := range fields {
			fields[i] = "to_lower(to_string(" + f + "))"
		}
		of := fields[0]
		if len(fields) > 1 {
			of = "concat(" + strings.Join(fields, `, "\n", `) + ")"
		}
		return append(values, "value_count = count_distinct("+of+")"), bounds("value_count", s.Condition.Bounds)
	case "temporal":
		return w.temporal(s, values, rules)
	}
	functions := map[string]string{"value_sum": "sum(%s)", "value_avg": "avg(%s)", "value_min": "min(%s)", "value_max": "max(%s)"}
	form := functions[s.Type]
	if form == "" {
		form = "percentile(%s, " + number(s.Condition.Percentile) + ")"
	}
	return append(values, s.Type+" = "+fmt.Sprintf(form, "to_double("+fields[0]+")")), bounds(s.Type, s.Condition.Bounds)
}

// temporal counts the events of each rule.
func (w *writer) temporal(s *sigma.Correlation, values, rules []string) ([]string, []string) {
	counts := make([]string, len(rules))
	for i, r := range rules {
		counts[i] = fmt.Sprintf("rule_%d", i+1)
		values = append(values, counts[i]+" = count(*) where "+r)
	}
	switch {
	case s.Expr != nil:
		return values, []string{present(s, s.Expr)}
	case len(s.Condition.Bounds) > 0:
		terms := make([]string, len(counts))
		for i, n := range counts {
			terms[i] = "case(" + n + " > 0, 1, 0)"
		}
		return values, bounds(strings.Join(terms, " + "), s.Condition.Bounds)
	}
	for i, n := range counts {
		counts[i] = n + " > 0"
	}
	return values, counts
}

// present writes a condition over rules.
func present(s *sigma.Correlation, e sigma.ConditionExpr) string {
	list := func(x []sigma.ConditionExpr, token string) string {
		parts := make([]string, len(x))
		for i, m := range x {
			parts[i] = present(s, m)
		}
		return "(" + strings.Join(parts, token) + ")"
	}
	switch e := e.(type) {
	case *sigma.CondAnd:
		return list(e.X, dialect.And)
	case *sigma.CondOr:
		return list(e.X, dialect.Or)
	case *sigma.CondNot:
		return "not (" + present(s, e.X) + ")"
	case *sigma.CondRef:
		for i, r := range s.Rules {
			if r.Name == e.Name {
				return fmt.Sprintf("rule_%d > 0", i+1)
			}
		}
	}
	return dialect.False
}
