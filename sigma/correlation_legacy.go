package sigma

import (
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/huntbook/huntbook/diag"
)

// legacyFunctions are the aggregations of v1 conditions, with the type of
// correlation that each one is.
var legacyFunctions = map[string]string{"count": "event_count", "min": valueMin, "max": valueMax, "avg": "value_avg", "sum": "value_sum"}

var legacyOps = map[string]string{">": "gt", ">=": "gte", "<": "lt", "<=": "lte", "=": "eq", "==": "eq", "!=": "neq"}

// legacyCorrelation reads what stands behind "|" in a v1 condition as a
// correlation over parts of the rule's own detection:
//
//	search | count() by host > 5      event_count over search
//	search | count(user) by host > 5  value_count of user
//	search | sum(bytes) by host > 5   value_sum; avg, min and max likewise
//	search | near a and not b         temporal over search and a, without b
//
// "Near" has no order. "Near … not" wants that no event of b stands in the same
// window as the others.
func (p *parser) legacyCorrelation(n *yaml.Node, r *Rule) *Correlation {
	d := &r.Detection
	if len(d.Conditions) != 1 {
		p.errorf(n, "aggregation", "a rule with an aggregation has one condition, this one has %d", len(d.Conditions)).Hint = "make each one a rule of its own"
		return nil
	}
	condition := &d.Conditions[0]
	if condition.Expr == nil {
		return nil
	}
	start := strings.IndexByte(n.Value, '|') + 1
	l := &legacyParser{conditionParser{p: p, node: n, text: n.Value, d: d}}
	c := &Correlation{Pos: condition.Pos, Timespan: d.Timeframe}
	c.Rules = []Correlated{{RuleRef{strings.TrimSpace(n.Value[:start-1]), condition.Pos}, condition.Expr}}
	if first, _, _ := strings.Cut(strings.TrimSpace(n.Value[start:]), " "); strings.EqualFold(first, "near") {
		l.near(c, start)
	} else {
		l.tokens = aggregationTokens(n.Value, start)
		l.function(c)
	}
	if l.failed {
		return nil
	}
	return p.legacyWindow(c, d)
}

// legacyWindow reads the timeframe; without one all of the time is the window.
func (p *parser) legacyWindow(c *Correlation, d *Detection) *Correlation {
	if d.Timeframe == "" {
		p.add(&diag.Diagnostic{
			Code: "timeframe", Severity: diag.Warning, Pos: c.Pos,
			Message: "the rule has an aggregation and no timeframe: all of the time is one window",
			Hint:    `add for example "timeframe: 10m" to the detection`,
		})
		return c
	}
	var hint string
	var ok bool
	if c.Span, hint, ok = ParseSpan(d.Timeframe); !ok {
		if hint == "" {
			hint = "write a number and s, m, h or d: 90m"
		}
		p.add(&diag.Diagnostic{Code: "timespan", Pos: d.Pos, Message: fmt.Sprintf("timeframe %q is not understood", d.Timeframe), Hint: hint})
		return nil
	}
	return c
}

// legacyParser reads aggregations with the means of the condition parser.
type legacyParser struct{ conditionParser }

// aggregationTokens cuts "count(field) by a,b >= 5" behind a place of a text.
func aggregationTokens(text string, from int) []token {
	const single, operator, space = "(),", "<>=!", " \t\r\n"
	var out []token
	for i := from; i < len(text); {
		end := i + 1
		switch c := text[i]; {
		case strings.IndexByte(space, c) >= 0:
			i++
			continue
		case strings.IndexByte(single, c) >= 0:
		case strings.IndexByte(operator, c) >= 0:
			for end < len(text) && strings.IndexByte(operator, text[end]) >= 0 {
				end++
			}
		default:
			for end < len(text) && strings.IndexByte(single+operator+space, text[end]) < 0 {
				end++
			}
		}
		out = append(out, token{text[i:end], i})
		i = end
	}
	return out
}

// function reads "count(field) by a,b >= 5".
func (l *legacyParser) function(c *Correlation) {
	name := l.take()
	c.Type = legacyFunctions[strings.ToLower(name.text)]
	if c.Type == "" {
		known := []string{"count", "min", "max", "avg", "sum", "near"}
		hint := Suggest(name.text, known)
		if hint == "" {
			hint = "known are " + strings.Join(known, ", ")
		}
		l.fail(name, fmt.Sprintf("unknown aggregation %q", name.text), hint)
		return
	}
	if !l.expect("(") {
		return
	}
	if field := l.peek(); field.text != ")" && field.text != "" {
		l.take()
		c.Condition.Fields = []FieldName{{field.text, l.posOf(field)}}
		if c.Type == "event_count" {
			c.Type = "value_count"
		}
	} else if c.Type != "event_count" {
		l.fail(name, fmt.Sprintf("%s needs a field", name.text), fmt.Sprintf("write %s(FIELD)", name.text))
		return
	}
	if !l.expect(")") {
		return
	}
	if l.peek().is("by") {
		l.take()
		for {
			field := l.take()
			if field.text == "" || strings.Contains("(),", field.text) || legacyOps[field.text] != "" {
				l.fail(field, "expected the name of a field after \"by\"", "")
				return
			}
			c.GroupBy = append(c.GroupBy, FieldName{field.text, l.posOf(field)})
			if l.peek().text != "," {
				break
			}
			l.take()
		}
	}
	l.bound(c)
}

func (l *legacyParser) bound(c *Correlation) {
	op := l.take()
	if legacyOps[op.text] == "" {
		l.fail(op, fmt.Sprintf("expected a comparison such as \"> 5\", found %q", op.text), "")
		return
	}
	number := l.take()
	value, err := strconv.ParseFloat(number.text, 64)
	if err != nil || !isDecimal(strings.TrimPrefix(number.text, "+")) {
		l.fail(number, fmt.Sprintf("expected a number after %q, found %q", op.text, number.text), "")
		return
	}
	c.Condition.Pos = l.posOf(op)
	c.Condition.Bounds = []Bound{{legacyOps[op.text], value, l.posOf(op)}}
	if rest := l.peek(); rest.text != "" {
		l.fail(rest, fmt.Sprintf("the aggregation ends before %q", rest.text), "")
	}
}

func (l *legacyParser) expect(text string) bool {
	if t := l.take(); t.text != text {
		l.fail(t, fmt.Sprintf("expected %q in the aggregation, found %q", text, t.text), "write for example count(FIELD) by FIELD > 5")
	}
	return !l.failed
}

// near reads "near a and b and not c". What is linked with AND are events of
// their own; below that, "(b or c)" is one event that either matches.
func (l *legacyParser) near(c *Correlation, start int) {
	c.Type = "temporal"
	for _, t := range tokenize(l.text[start:]) {
		l.tokens = append(l.tokens, token{t.text, t.at + start})
	}
	near := l.take()
	if len(l.tokens) == 0 {
		l.fail(near, "expected search identifiers after \"near\"", "")
		return
	}
	e := l.or()
	if rest := l.peek(); rest.text != "" && !l.failed {
		l.fail(rest, fmt.Sprintf("expected \"and\" before %q", rest.text), "")
	}
	if l.failed {
		return
	}
	members := []ConditionExpr{e}
	if and, ok := e.(*CondAnd); ok {
		members = and.X
	}
	all := []ConditionExpr{&CondRef{Name: c.Rules[0].Name, Pos: c.Pos}}
	for _, m := range members {
		not, negated := m.(*CondNot)
		if negated {
			m = not.X
		}
		ref := Correlated{RuleRef{conditionText(m, false), l.posOf(near)}, m}
		if id, ok := m.(*CondRef); ok {
			ref.Pos = id.Pos
		}
		var member ConditionExpr = &CondRef{Name: ref.Name, Pos: ref.Pos}
		if negated {
			member = &CondNot{member}
		}
		all = append(all, member)
		c.Rules = append(c.Rules, ref)
	}
	c.Expr = &CondAnd{all}
	c.Condition.Pos = l.posOf(near)
}
