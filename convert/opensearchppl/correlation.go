package opensearchppl

import (
	"fmt"
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
	var of []*sigma.Rule
	for i, in := range c.Inputs {
		of = append(of, in.Rule)
		var err error
		if rules[i], err = w.where(in.Lowered, in.Expr()); err != nil {
			return nil, backend.InInput(c, i, err)
		}
	}
	where := rules[0]
	if len(rules) > 1 {
		where = "(" + strings.Join(rules, ") OR (") + ")"
	}
	values, conditions := counted(c)
	var groups, evals []string
	if s.Type == "temporal" {
		for i, r := range rules { // before groups take names of fields
			evals = append(evals, fmt.Sprintf("rule_%d = if(%s, 1, 0)", i+1, r))
		}
	}
	if s.Span > 0 {
		groups = append(groups, "span("+name(w.timeField)+", "+span(s.Span)+") as window")
	}
	for _, g := range s.GroupBy {
		group := name(g.Name)
		evals = append(evals, group+" = lower(cast("+valueOf(c, g.Name)+" as string))")
		groups = append(groups, group)
		conditions = append(conditions, "isnotnull("+group+")")
	}
	commands := []string{w.source(c.Lowered, of...), "where " + where}
	if evals != nil {
		commands = append(commands, "eval "+strings.Join(evals, ", "))
	}
	stats := "stats " + strings.Join(values, ", ")
	if groups != nil {
		stats += " by " + strings.Join(groups, ", ")
	}
	return strings.Join(append(commands, stats, "where "+strings.Join(conditions, dialect.And)), " | "), nil
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
	return "coalesce(" + strings.Join(names, ", ") + ")"
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

var operators = map[string]string{"gt": ">", "gte": ">=", "lt": "<", "lte": "<=", "eq": "=", "neq": "!="}

func bounds(of string, list []sigma.Bound) []string {
	var out []string
	for _, b := range list {
		out = append(out, of+" "+operators[b.Op]+" "+strconv.FormatFloat(b.Value, 'f', -1, 64))
	}
	return out
}

// counted are the values that a correlation calculates, and what must hold of them.
func counted(c *pipeline.Correlation) (values, conditions []string) {
	s := c.Rule.Correlation
	values = []string{"count() as event_count"}
	var fields []string
	for _, f := range s.Condition.Fields {
		fields = append(fields, valueOf(c, f.Name))
	}
	switch s.Type {
	case "event_count":
		return values, bounds("event_count", s.Condition.Bounds)
	case "value_count":
		for i, f := range fields {
			fields[i] = "lower(cast(" + f + " as string))"
		}
		of := fields[0]
		if len(fields) > 1 {
			of = `concat_ws("\\n", ` + strings.Join(fields, ", ") + ")"
		}
		return append(values, "distinct_count("+of+") as value_count"), bounds("value_count", s.Condition.Bounds)
	case "temporal":
		return temporal(s, values)
	}
	function := strings.TrimPrefix(s.Type, "value_")
	return append(values, function+"("+fields[0]+") as "+s.Type), bounds(s.Type, s.Condition.Bounds)
}

// temporal tells for each rule whether it matched an event.
func temporal(s *sigma.Correlation, values []string) ([]string, []string) {
	matched := make([]string, len(s.Rules))
	for i := range matched {
		matched[i] = fmt.Sprintf("rule_%d", i+1)
		values = append(values, fmt.Sprintf("max(%s) as %[1]s", matched[i]))
	}
	if s.Expr != nil {
		return values, []string{present(s, s.Expr)}
	}
	return values, bounds(strings.Join(matched, " + "), s.Condition.Bounds)
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
		return "NOT (" + present(s, e.X) + ")"
	case *sigma.CondRef:
		for i, r := range s.Rules {
			if r.Name == e.Name {
				return fmt.Sprintf("rule_%d = 1", i+1)
			}
		}
	}
	return dialect.False
}
