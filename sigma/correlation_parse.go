package sigma

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/huntbook/huntbook/diag"
)

// maxCorrelated bounds the rules of one correlation.
const maxCorrelated = 1000

// maxOrdered bounds the rules of a temporal_ordered correlation, whose cost grows
// with their square.
const maxOrdered = 64

var correlationKeys = []string{"type", "rules", "group-by", "timespan", "aliases", "condition", "generate"}

// otherSpellings are keys of drafts and of v1 that mean one of today's.
var otherSpellings = map[string]string{"timeframe": "timespan", "group_by": "group-by", "groupby": "group-by", "rule": "rules"}

// correlation reads the correlation section (specification 2.1.0).
func (p *parser) correlation(n *yaml.Node) *Correlation {
	c := &Correlation{Pos: pos(n)}
	before := len(p.diags)
	if n.Kind != yaml.MappingNode {
		p.errorf(n, "correlation", "correlation must be a map, this is %s", kindName(n))
		return c
	}
	keys := map[string]*yaml.Node{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		keys[k.Value] = v
		if !slices.Contains(correlationKeys, k.Value) {
			p.unknownCorrelationKey(k)
		}
	}
	c.Type = p.correlationType(n, keys["type"])
	if v := keys["rules"]; v != nil {
		c.Rules = p.correlatedRules(v)
	}
	if v := keys["group-by"]; v != nil {
		c.GroupBy = p.fieldRefs(v, "group-by")
	}
	if v := keys["aliases"]; v != nil {
		c.Aliases = p.aliases(v)
	}
	if v := keys["generate"]; v != nil {
		c.Generate = p.boolean(v, "generate")
	}
	switch v := keys["timespan"]; {
	case v != nil:
		c.Timespan = p.text(v, "timespan")
		var hint string
		var ok bool
		if c.Span, hint, ok = ParseSpan(c.Timespan); !ok && v.Kind == yaml.ScalarNode {
			if hint == "" {
				hint = "write a number and s, m, h or d: 90m"
			}
			p.errorf(v, "timespan", "timespan %q is not understood", c.Timespan).Hint = hint
		}
	case lookupSpelling(keys, "timespan") == nil:
		p.errorf(n, "timespan", "the correlation has no timespan").Hint = `add for example "timespan: 10m"`
	}
	p.correlationCondition(n, keys["condition"], c)
	p.checkCorrelation(n, c, p.diags[before:].HasErrors())
	return c
}

// unknownCorrelationKey reports a key that nothing reads. A misspelt one would
// change what the correlation means, any other is ignored.
func (p *parser) unknownCorrelationKey(k *yaml.Node) {
	hint := Suggest(k.Value, correlationKeys)
	if key := otherSpellings[k.Value]; key != "" {
		hint = fmt.Sprintf("did you mean %q?", key)
	}
	if k.Value == "ordered" {
		hint = "write \"type: temporal_ordered\""
	}
	if hint != "" {
		p.errorf(k, "correlation-key", "correlation has no key %q", k.Value).Hint = hint
		return
	}
	p.warnf(k, "correlation-key", "correlation has no key %q: it is ignored", k.Value)
}

func lookupSpelling(keys map[string]*yaml.Node, key string) *yaml.Node {
	for spelling, meant := range otherSpellings {
		if meant == key && keys[spelling] != nil {
			return keys[spelling]
		}
	}
	return nil
}

func (p *parser) correlationType(n, v *yaml.Node) string {
	if v == nil {
		p.errorf(n, "correlation-type", "the correlation has no type").Hint = "known are " + strings.Join(CorrelationTypes, ", ")
		return ""
	}
	s := strings.ToLower(strings.TrimSpace(p.text(v, "type")))
	if !slices.Contains(CorrelationTypes, s) && v.Kind == yaml.ScalarNode {
		hint := Suggest(s, CorrelationTypes)
		if hint == "" {
			hint = "known are " + strings.Join(CorrelationTypes, ", ")
		}
		p.errorf(v, "correlation-type", "unknown correlation type %q", s).Hint = hint
	}
	return s
}

func (p *parser) correlatedRules(v *yaml.Node) []Correlated {
	var out []Correlated
	for _, x := range p.scalars(v, "rules") {
		if slices.ContainsFunc(out, func(r Correlated) bool { return strings.EqualFold(r.Name, x.Value) }) {
			p.warnf(x, "correlation-rules", "rule %q stands here again: it counts once", x.Value)
			continue
		}
		out = append(out, Correlated{RuleRef: RuleRef{x.Value, pos(x)}})
	}
	if len(out) > maxCorrelated {
		p.errorf(v, "correlation-rules", "the correlation names %d rules, %d are the most", len(out), maxCorrelated)
		out = out[:maxCorrelated]
	}
	return out
}

// scalars returns the non-empty texts of a list; one text stands for a list of
// one.
func (p *parser) scalars(v *yaml.Node, key string) []*yaml.Node {
	list := []*yaml.Node{v}
	switch v.Kind {
	case yaml.SequenceNode:
		list = v.Content
	case yaml.MappingNode:
		p.errorf(v, "not-a-list", "%s must be a list of texts, this is a map", key)
		return nil
	}
	var out []*yaml.Node
	for _, x := range list {
		if x.Kind != yaml.ScalarNode || x.ShortTag() == "!!null" && x != v || x.Value == "" && x.ShortTag() != "!!null" {
			p.errorf(x, "not-text", "an entry of %s must be text, this is %s", key, emptyOr(x))
		} else if x.ShortTag() != "!!null" {
			out = append(out, x)
		}
	}
	return out
}

func emptyOr(n *yaml.Node) string {
	if n.Kind == yaml.ScalarNode && n.Value == "" {
		return "empty"
	}
	return kindName(n)
}

func (p *parser) fieldRefs(v *yaml.Node, key string) []FieldName {
	var out []FieldName
	for _, x := range p.scalars(v, key) {
		if !slices.ContainsFunc(out, func(f FieldName) bool { return f.Name == x.Value }) {
			out = append(out, FieldName{x.Value, pos(x)})
		}
	}
	return out
}

func (p *parser) boolean(v *yaml.Node, key string) bool {
	var b bool
	if v.ShortTag() != "!!bool" || v.Decode(&b) != nil {
		p.errorf(v, key, "%s is true or false, this is %s", key, emptyOr(v))
	}
	return b
}

// aliases reads {alias: {rule: field}}.
func (p *parser) aliases(v *yaml.Node) []Alias {
	if v.Kind != yaml.MappingNode {
		if v.ShortTag() != "!!null" {
			p.errorf(v, "aliases", "aliases must be a map from aliases to {rule: field}, this is %s", kindName(v))
		}
		return nil
	}
	var out []Alias
	for i := 0; i+1 < len(v.Content); i += 2 {
		k, fields := v.Content[i], v.Content[i+1]
		a := Alias{Name: k.Value, Pos: pos(k)}
		if fields.Kind != yaml.MappingNode {
			p.errorf(fields, "aliases", "alias %q must be a map from rules to fields, this is %s", k.Value, emptyOr(fields))
			continue
		}
		for j := 0; j+1 < len(fields.Content); j += 2 {
			rule, field := fields.Content[j], fields.Content[j+1]
			if name := p.text(field, "the field of an alias"); name != "" {
				a.Fields = append(a.Fields, AliasField{rule.Value, name, pos(rule)})
			}
		}
		out = append(out, a)
	}
	return out
}

var boundOps = []string{"gt", "gte", "lt", "lte", "eq", "neq"}

// correlationCondition reads a map of bounds, or for temporal correlations an
// expression over the rules.
func (p *parser) correlationCondition(n, v *yaml.Node, c *Correlation) {
	switch {
	case v == nil:
		c.Condition.Pos = c.Pos
		if !c.Temporal() && slices.Contains(CorrelationTypes, c.Type) {
			p.errorf(n, "correlation-condition", "the correlation has no condition").Hint = `add for example "condition: {gte: 10}"`
		}
		return
	case v.Kind == yaml.ScalarNode && v.ShortTag() == "!!str":
		c.Condition.Pos = pos(v)
		p.correlationExpr(v, c)
		return
	case v.Kind != yaml.MappingNode:
		p.errorf(v, "correlation-condition", "the condition of a correlation is a map such as {gte: 10}, this is %s", kindName(v))
		return
	}
	c.Condition.Pos = pos(v)
	for i := 0; i+1 < len(v.Content); i += 2 {
		k, x := v.Content[i], v.Content[i+1]
		switch {
		case slices.Contains(boundOps, k.Value):
			if number, ok := p.number(x, k.Value); ok {
				c.Condition.Bounds = append(c.Condition.Bounds, Bound{k.Value, number, pos(k)})
			}
		case k.Value == "field":
			c.Condition.Fields = p.fieldRefs(x, "field")
		case k.Value == "percentile":
			number, ok := p.number(x, "percentile")
			if ok && (number < 0 || number > 100) {
				p.errorf(x, "correlation-condition", "percentile is a number from 0 to 100, this is %s", x.Value)
			}
			c.Condition.Percentile = number
			if c.Type != "value_percentile" {
				p.warnf(k, "correlation-condition", "percentile means nothing to %s", c.Type)
			}
		default:
			d := p.errorf(k, "correlation-condition", "a correlation's condition has no key %q", k.Value)
			if d.Hint = Suggest(k.Value, append([]string{"field", "percentile"}, boundOps...)); d.Hint == "" {
				d.Hint = "known are " + strings.Join(boundOps, ", ") + " and field"
			}
		}
	}
	switch {
	case lookup(v, "percentile") != nil:
	case c.Type == "value_percentile":
		c.Condition.Percentile = 50
		p.warnf(v, "correlation-condition", "value_percentile names no percentile: 50, the median, is taken").Hint = `add for example "percentile: 99"`
	case c.Type == "value_median":
		c.Condition.Percentile = 50
	}
}

func (p *parser) number(x *yaml.Node, key string) (float64, bool) {
	text := x.Value
	if x.ShortTag() == "!!int" || x.ShortTag() == "!!float" {
		if s, ok := numberText(x); ok {
			text = s
		}
	}
	f, err := strconv.ParseFloat(text, 64)
	if x.Kind != yaml.ScalarNode || err != nil || f != f || f > 1e300 || f < -1e300 {
		p.errorf(x, "correlation-condition", "%s takes a number, this is %s", key, emptyOr(x))
		return 0, false
	}
	return f, true
}

// correlationExpr reads pySigma's extended condition, whose names are rules.
func (p *parser) correlationExpr(v *yaml.Node, c *Correlation) {
	if c.Type != "temporal" {
		p.errorf(v, "correlation-condition", "a condition over rules belongs to temporal correlations; %s takes a map such as {gte: 10}", c.Type)
		return
	}
	named := len(c.Rules) > 0
	names := &Detection{}
	for _, r := range c.Rules {
		names.Identifiers = append(names.Identifiers, SearchIdentifier{Name: r.Name})
	}
	if !named {
		// Without a list the rules are those that the condition names.
		for _, t := range tokenize(v.Value) {
			if !slices.Contains([]string{"and", "or", "not", "(", ")"}, strings.ToLower(t.text)) && names.Identifier(t.text) == nil {
				names.Identifiers = append(names.Identifiers, SearchIdentifier{Name: t.text})
				at := &conditionParser{p: p, node: v, text: v.Value}
				c.Rules = append(c.Rules, Correlated{RuleRef: RuleRef{t.text, at.posOf(t)}})
			}
		}
	}
	c.Expr = p.condition(v, v.Value, names)
	if c.Expr == nil || !named {
		return
	}
	used := map[string]bool{}
	walkRefs(c.Expr, func(name string) { used[name] = true })
	for _, r := range c.Rules {
		if !used[r.Name] {
			p.add(&diag.Diagnostic{
				Code: "correlation-condition", Severity: diag.Warning, Pos: r.Pos, Width: len([]rune(r.Name)),
				Message: fmt.Sprintf("the condition does not name rule %q", r.Name),
			})
		}
	}
}

// walkRefs calls f for every name of a condition.
func walkRefs(e ConditionExpr, f func(string)) {
	switch e := e.(type) {
	case *CondAnd:
		for _, x := range e.X {
			walkRefs(x, f)
		}
	case *CondOr:
		for _, x := range e.X {
			walkRefs(x, f)
		}
	case *CondNot:
		walkRefs(e.X, f)
	case *CondRef:
		f(e.Name)
	case *CondOf:
		for _, name := range e.Names {
			f(name)
		}
	}
}

// checkCorrelation finds what is wrong with the parts together. Failed says that
// one of them is wrong by itself.
func (p *parser) checkCorrelation(n *yaml.Node, c *Correlation, failed bool) {
	at := lookup(n, "condition")
	if at == nil {
		at = n
	}
	fields := c.Condition.Fields
	needsField := c.Type == "value_count" || c.Numeric()
	switch {
	case len(c.Rules) == 0 && lookup(n, "rules") == nil:
		p.errorf(n, "correlation-rules", "the correlation names no rules").Hint = `add "rules:" with the names or ids of rules`
	case len(c.Rules) == 0 && isEmptyList(lookup(n, "rules")):
		p.errorf(lookup(n, "rules"), "correlation-rules", "the correlation names no rules")
	case c.Type == "temporal_ordered" && len(c.Rules) > maxOrdered:
		p.errorf(lookup(n, "rules"), "correlation-rules", "temporal_ordered takes at most %d rules, these are %d", maxOrdered, len(c.Rules))
	}
	switch {
	case needsField && len(fields) == 0 && lookup(n, "condition") != nil:
		p.errorf(at, "correlation-condition", "%s needs the field to look at", c.Type).Hint = `add "field: NAME" to the condition`
	case c.Numeric() && len(fields) > 1:
		p.errorf(at, "correlation-condition", "%s calculates with one field, these are %d", c.Type, len(fields))
	case !needsField && len(fields) > 0:
		p.warnf(at, "correlation-condition", "%s does not look at a field", c.Type).Hint = "value_count counts the values of one"
	}
	if lookup(n, "condition") != nil && at.Kind == yaml.MappingNode && len(c.Condition.Bounds) == 0 && !failed {
		p.errorf(at, "correlation-condition", "the condition compares with no number").Hint = "add for example \"gte: 10\""
	}
	if c.Temporal() && c.Expr == nil && len(c.Condition.Bounds) == 0 {
		c.Condition.Bounds = []Bound{{"gte", float64(len(c.Rules)), c.Condition.Pos}}
	}
	if low, high := c.Condition.span(); low > high {
		p.errorf(at, "correlation-condition", "no number fulfils the whole condition")
	}
	for _, a := range c.Aliases {
		if !slices.ContainsFunc(append(slices.Clone(c.GroupBy), fields...), func(f FieldName) bool { return f.Name == a.Name }) {
			p.add(&diag.Diagnostic{
				Code: "aliases", Severity: diag.Warning, Pos: a.Pos, Width: len([]rune(a.Name)),
				Message: fmt.Sprintf("alias %q is used neither in group-by nor in the condition", a.Name),
			})
		}
	}
}

// isEmptyList tells a list without entries, or a key without a value.
func isEmptyList(n *yaml.Node) bool {
	return n.Kind == yaml.SequenceNode && len(n.Content) == 0 || n.ShortTag() == "!!null"
}

// span is the range that the bounds leave; open ends count as closed, which errs
// towards leaving a number.
func (c *CorrelationCondition) span() (low, high float64) {
	low, high = -1e301, 1e301
	for _, b := range c.Bounds {
		switch b.Op {
		case "gt", "gte":
			low = max(low, b.Value)
		case "lt", "lte":
			high = min(high, b.Value)
		case "eq":
			low, high = max(low, b.Value), min(high, b.Value)
		}
	}
	return low, high
}

// finishCorrelation joins what stands in several places of a document: the key
// "generate", which may stand beside the section, and a v1 aggregation, whose
// window stands in the detection.
func (p *parser) finishCorrelation(root *yaml.Node, r *Rule) {
	switch {
	case r.Correlation != nil:
		if d := lookupKey(root, "detection", nil); d != nil {
			p.errorf(d, "correlation", "a correlation has no detection of its own").Hint = "write the detection as a rule of its own, and name it in the correlation's rules"
		}
		if p.generate != nil {
			r.Correlation.Generate = p.boolean(p.generate, "generate")
		}
	case p.aggregation != nil:
		r.Correlation = p.legacyCorrelation(p.aggregation, r)
	}
}
