package sigma

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/huntbook/huntbook/diag"
)

// Filter is a filter document (specification 2.1.0, "Sigma Filters"): searches
// and a condition that must be true beside the condition of the rules that it
// is for. A filter that takes events away says so: "condition: not selection".
type Filter struct {
	// File, Document, Pos and Text are as in Rule.
	File     *diag.File
	Document int
	Pos      diag.Pos
	Text     string

	Title, ID, Name, Description string
	// LogSource must cover that of a rule: each part that it names is the
	// rule's.
	LogSource LogSource
	// Any is a filter for all rules of its log source, Rules names them
	// otherwise.
	Any   bool
	Rules []RuleRef
	// Detection has one condition.
	Detection Detection
	// Keys are as in Rule.
	Keys []Key
}

// Names tells whether the reference means the rule, by its id or its name.
// Letters of an id may be written in either case.
func (ref RuleRef) Names(r *Rule) bool {
	return ref.Name != "" && (strings.EqualFold(ref.Name, r.ID) || ref.Name == r.Name)
}

// isFilter tells a filter from other documents.
func isFilter(root *yaml.Node) bool {
	return lookup(root, "filter") != nil && lookup(root, "detection") == nil && lookup(root, "correlation") == nil
}

// filter reads a filter document.
func (p *parser) filter(root *yaml.Node) *Filter {
	head := &Rule{}
	f := &Filter{File: p.file, Pos: pos(root), Keys: keysOf(root, keyDepth)}
	var source *yaml.Node
	for i := 0; i+1 < len(root.Content); i += 2 {
		switch k, v := root.Content[i], root.Content[i+1]; {
		case p.flaws.unread[k.Value]:
		case k.Value == "filter":
			p.reading(func() { p.filterSection(f, v) }, k.Value)
		case documentKeys[k.Value] != nil:
			p.reading(func() { documentKeys[k.Value](p, head, v) }, k.Value)
			if k.Value == "logsource" {
				source = v
			}
		}
	}
	f.Title, f.ID, f.Name, f.Description, f.LogSource = head.Title, head.ID, head.Name, head.Description, head.LogSource
	if f.Title == "" && !p.flaws.keys["title"] {
		p.warnf(root, "no-title", "the filter has no title")
	}
	if f.LogSource.isEmpty() && !p.flaws.keys["logsource"] {
		if source == nil {
			source = root
		}
		p.flaws.keys["logsource"] = true
		p.errorf(source, "no-logsource", "a filter needs a logsource with category, product or service").Hint = "it is applied to rules whose log source has these parts"
	}
	return f
}

// filterSection reads what stands under the key "filter".
func (p *parser) filterSection(f *Filter, n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		p.errorf(n, "filter", "filter must be a map of rules, search identifiers and a condition, this is %s", kindName(n))
		return
	}
	p.filterRules(f, n)
	before := len(p.diags)
	f.Detection = p.section(without(n, "rules"), "filter")
	if c := lookup(n, "condition"); c != nil && c.Kind == yaml.SequenceNode && !p.diags[before:].HasErrors() {
		p.errorf(c, "filter-condition", "a filter has one condition, this is a list").Hint = "link them with and or or"
	}
	for _, c := range f.Detection.Conditions {
		if c.Aggregation != "" {
			p.errorf(lookup(n, "condition"), "filter-condition", "the condition of a filter can't count (| %s)", c.Aggregation)
		}
	}
}

// filterRules reads the list of rules that a filter is for. An empty list is
// all rules, as pySigma has it.
func (p *parser) filterRules(f *Filter, n *yaml.Node) {
	const hint = `write "rules: any" for all rules of the log source, or a list of ids or names`
	list := lookup(n, "rules")
	if list == nil {
		e := p.errorf(n, "filter-rules", "the filter does not say which rules it is for")
		if e.Hint = hint; lookup(n, "rule") != nil {
			e.Hint = `did you mean "rules"?`
		}
		return
	}
	switch {
	case list.Kind == yaml.ScalarNode && strings.EqualFold(list.Value, "any"), list.Kind == yaml.SequenceNode && len(list.Content) == 0:
		f.Any = true
		return
	case list.Kind == yaml.MappingNode, list.ShortTag() == "!!null":
		p.errorf(list, "filter-rules", "rules must be any, or a list of ids or names, this is %s", kindName(list)).Hint = hint
		return
	}
	nodes := []*yaml.Node{list}
	if list.Kind == yaml.SequenceNode {
		nodes = list.Content
	}
	for _, x := range nodes {
		if name := p.text(x, "an entry of rules"); name != "" {
			f.Rules = append(f.Rules, RuleRef{Name: name, Pos: pos(x)})
		}
	}
}

// Covers tells whether the filter is for a rule. Correlations are never
// filtered; the rules that they name are.
func (f *Filter) Covers(r *Rule) bool {
	want, got := f.LogSource, r.LogSource
	if r.Correlation != nil && !r.Correlation.Legacy() ||
		want.Category != "" && want.Category != got.Category ||
		want.Product != "" && want.Product != got.Product ||
		want.Service != "" && want.Service != got.Service {
		return false
	}
	return f.Any || slices.ContainsFunc(f.Rules, func(ref RuleRef) bool { return ref.Names(r) })
}

// WithFilters returns a copy of the rule with the filters that are for it, the
// rule itself where none is. The copy's conditions are "(the rule's) and (the
// filter's)", the filter's search identifiers stand beside the rule's own, and
// the filters' documents stand behind the rule's in Text, so that the text read
// alone gives the same rule. Equal filters count once.
func (r *Rule) WithFilters(filters []*Filter) *Rule {
	out, seen := r, map[string]bool{}
	for _, f := range filters {
		key := strings.TrimSpace(f.Text)
		if seen[key] || !f.Covers(r) || len(f.Detection.Conditions) == 0 {
			continue
		}
		seen[key] = true
		out = out.filtered(f, len(seen))
	}
	return out
}

func (r *Rule) filtered(f *Filter, number int) *Rule {
	out := *r
	d := &out.Detection
	prefix := fmt.Sprintf("_filter_%d_", number)
	for slices.ContainsFunc(d.Identifiers, func(id SearchIdentifier) bool { return strings.HasPrefix(id.Name, prefix) }) {
		prefix = "_" + prefix
	}
	d.Identifiers = slices.Clip(d.Identifiers)
	for _, id := range f.Detection.Identifiers {
		id.Name, id.File = prefix+id.Name, f.File
		d.Identifiers = append(d.Identifiers, id)
	}
	what := renamed(f.Detection.Conditions[0].Expr, prefix)
	d.Conditions = slices.Clone(d.Conditions)
	for i, c := range d.Conditions {
		if c.Expr == nil {
			continue
		}
		search, _, counted := strings.Cut(c.Text, "|")
		c.Text = "(" + strings.TrimSpace(search) + ") and (" + conditionText(what, false) + ")"
		if counted {
			c.Text += " | " + c.Aggregation
		}
		c.Expr = &CondAnd{[]ConditionExpr{c.Expr, what}}
		d.Conditions[i] = c
	}
	if r.Correlation != nil {
		c := *r.Correlation
		c.Rules = slices.Clone(c.Rules)
		for i := range c.Rules {
			c.Rules[i].Part = &CondAnd{[]ConditionExpr{c.Rules[i].Part, what}}
		}
		out.Correlation = &c
	}
	out.Text = joinDocuments(r.Text, f.Text)
	return &out
}

// renamed copies a condition with another beginning of all names.
func renamed(e ConditionExpr, prefix string) ConditionExpr {
	switch e := e.(type) {
	case *CondAnd:
		return &CondAnd{renamedAll(e.X, prefix)}
	case *CondOr:
		return &CondOr{renamedAll(e.X, prefix)}
	case *CondNot:
		return &CondNot{renamed(e.X, prefix)}
	case *CondRef:
		return &CondRef{prefix + e.Name, e.Pos}
	case *CondOf:
		c := *e
		if c.Names = nil; strings.EqualFold(c.Pattern, "them") {
			c.Pattern = "*"
		}
		c.Pattern = prefix + c.Pattern
		for _, name := range e.Names {
			c.Names = append(c.Names, prefix+name)
		}
		return &c
	}
	return e
}

func renamedAll(x []ConditionExpr, prefix string) []ConditionExpr {
	out := make([]ConditionExpr, len(x))
	for i, e := range x {
		out[i] = renamed(e, prefix)
	}
	return out
}

// conditionText writes a condition; inner says that it stands inside of
// another.
func conditionText(e ConditionExpr, inner bool) string {
	link := func(x []ConditionExpr, word string) string {
		texts := make([]string, len(x))
		for i, e := range x {
			texts[i] = conditionText(e, true)
		}
		s := strings.Join(texts, word)
		if inner {
			return "(" + s + ")"
		}
		return s
	}
	switch e := e.(type) {
	case *CondAnd:
		return link(e.X, " and ")
	case *CondOr:
		return link(e.X, " or ")
	case *CondNot:
		return "not " + conditionText(e.X, true)
	case *CondRef:
		return e.Name
	case *CondOf:
		if e.All {
			return "all of " + e.Pattern
		}
		return "1 of " + e.Pattern
	}
	return ""
}

// MissingRules warns of the rules that filters name and that no rule is.
func MissingRules(filters []*Filter, rules []*Rule) diag.List {
	var out diag.List
	var known []string
	for _, r := range rules {
		known = append(known, slices.DeleteFunc([]string{r.Name, r.ID}, func(s string) bool { return s == "" })...)
	}
	for _, f := range filters {
		for _, ref := range f.Rules {
			if slices.ContainsFunc(rules, ref.Names) {
				continue
			}
			out = append(out, &diag.Diagnostic{
				Code: "filter-rule", Severity: diag.Warning, Message: fmt.Sprintf("the filter names a rule that is not there: %q", ref.Name),
				Hint: Suggest(ref.Name, known), File: f.File, Pos: ref.Pos, Width: len([]rune(ref.Name)),
			})
		}
	}
	return out
}
