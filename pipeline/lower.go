package pipeline

import (
	"maps"
	"slices"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/sigma"
)

// Lowered is a rule made ready for a target, the matcher or a store.
type Lowered struct {
	Rule *sigma.Rule
	// Product is the product of the rule's own log source, in lower case: a
	// rule for "windows" says nothing about events of another product; "" is
	// a rule for any.
	Product string
	// LogSource is the log source after the pipelines rewrote it.
	LogSource sigma.LogSource
	// Exprs has one tree for each condition of the rule. A rule matches when
	// one of them does.
	Exprs []ir.Expr
	// Index names the indices to search, as the pipelines say; empty when
	// they say nothing.
	Index []string
	// Fields is the rule's own list of fields to show, under their new names.
	Fields []string
	// Unmapped names the rule's fields that the last pipeline with a field
	// mapping does not know, in order of use.
	Unmapped []string
	// Search holds conditions in the target's own language, as a sigmac
	// configuration gives them; each must be true beside the Exprs.
	Search []string
	// State is what pipelines set for the target (set_state), Attributes what
	// they set for the rule (set_custom_attribute).
	State, Attributes map[string]any

	drafts []*draft
	chain  *Chain
	// asked are the fields that a correlation looks at.
	asked map[string]*ask
}

// Expr is the rule as one tree: its conditions linked with OR.
func (l *Lowered) Expr() ir.Expr { return ir.Any(l.Exprs...) }

// Lower applies the pipelines of a chain, nil for none, to a copy of the rule
// and lowers it. The list holds what the reader should know: warnings beside a
// result, errors when there is none.
func Lower(rule *sigma.Rule, chain *Chain) (*Lowered, diag.List) {
	return lower(rule, chain, nil)
}

func lower(rule *sigma.Rule, chain *Chain, asked map[string]*ask) (*Lowered, diag.List) {
	r := &run{rule: rule, vars: chain.vars()}
	if !r.supported() {
		return nil, r.diags
	}
	d := &draft{
		rule:    rule,
		source:  rule.LogSource,
		fields:  slices.Clone(rule.Fields),
		state:   map[string]any{},
		custom:  map[string]any{},
		applied: map[string]bool{},
		asked:   asked,
	}
	for _, c := range rule.Detection.Conditions {
		d.conditions = append(d.conditions, expand(c.Expr, &rule.Detection))
	}
	drafts := []*draft{d}
	for _, s := range chain.stages() {
		drafts = s.apply(r, drafts)
		if s.maps() {
			r.unmapped = unmapped(drafts, s)
		}
	}
	if len(chain.stages()) > 0 {
		r.checkSource(drafts)
	}
	if r.diags.HasErrors() {
		return nil, r.diags
	}
	l := r.lower(drafts)
	l.chain = chain
	if r.diags.HasErrors() {
		return nil, r.diags
	}
	return l, r.diags
}

// run is the lowering of one rule.
type run struct {
	rule     *sigma.Rule
	vars     map[string]variable
	diags    diag.List
	unmapped []string
}

func (r *run) add(s diag.Severity, code string, pos diag.Pos, message, hint string) {
	r.diags = append(r.diags, &diag.Diagnostic{Code: code, Severity: s, Message: message, Hint: hint, File: r.rule.File, Pos: pos})
}

// about reports an error about an item of the rule or of a filter.
func (r *run) about(it *item, code, message, hint string) {
	r.add(diag.Error, code, it.pos, message, hint)
	if it.file != nil {
		r.diags[len(r.diags)-1].File = it.file
	}
}

// supported refuses rules that have no lowered form: a correlation is no tree, its
// rules are lowered one by one.
func (r *run) supported() bool {
	if c := r.rule.Correlation; c != nil {
		const hint = "huntbook match and huntbook hunt evaluate it"
		if c.Legacy() {
			r.add(diag.Error, "aggregation", c.Pos, "an aggregation (| "+r.rule.Detection.Conditions[0].Aggregation+") is more than one query of this target can express", hint)
		} else {
			r.add(diag.Error, "correlation", c.Pos, "a correlation is more than one query of this target can express", hint)
		}
		return false
	}
	if len(r.rule.Detection.Conditions) == 0 {
		r.add(diag.Error, "no-condition", r.rule.Detection.Pos, "the rule has no condition", `add "condition:" with the names of its search identifiers`)
	}
	for _, c := range r.rule.Detection.Conditions {
		if c.Expr == nil {
			r.add(diag.Error, "condition", c.Pos, "the condition could not be read", "")
		}
	}
	return !r.diags.HasErrors()
}

// unmapped lists the fields that no mapping of the stage knew. What the stage
// itself added is in the target's names already.
func unmapped(drafts []*draft, s stage) []string {
	var names []string
	add := func(name string) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, d := range drafts {
		d.each(func(it *item, _ context) {
			if it.origin != "" && !it.mapped && !s.owns(it.owner) {
				add(it.origin)
			}
			for _, ref := range slices.Sorted(maps.Keys(it.refs)) {
				if !it.refs[ref] {
					add(ref)
				}
			}
		})
		for _, name := range slices.Sorted(maps.Keys(d.asked)) {
			if a := d.asked[name]; !a.mapped {
				add(a.origin)
			}
		}
	}
	return names
}

// checkSource warns where a Windows rule is left without what its log source
// implies.
func (r *run) checkSource(drafts []*draft) {
	ls := r.rule.LogSource
	if ls.Product != "windows" {
		return
	}
	for _, d := range drafts {
		if d.sourced || ls.Category == "" && (ls.Service == "" || len(d.named()) > 0) || d.reads("EventID") {
			return
		}
	}
	if ls.Category != "" {
		r.add(diag.Warning, "no-event-id", ls.Pos, "category "+ls.Category+" got no channel and event id: no pipeline knows it",
			"the query reads the events of other categories too; -p windows-logsources or -p helk knows the categories of the Windows event log")
		return
	}
	r.add(diag.Warning, "no-log-source", ls.Pos, "service "+ls.Service+" got no channel and no index: no pipeline knows it",
		"the query reads the events of other services too")
}

func (d *draft) reads(field string) bool {
	found := false
	d.each(func(it *item, _ context) { found = found || it.origin == field })
	return found
}

func (r *run) lower(drafts []*draft) *Lowered {
	l := &Lowered{
		Rule:      r.rule,
		Product:   r.rule.LogSource.Product,
		LogSource: drafts[0].source,
		Unmapped:  r.unmapped,
		State:     drafts[0].state, Attributes: drafts[0].custom,
		drafts: drafts,
	}
	for i := range r.rule.Detection.Conditions {
		var ways []ir.Expr
		for _, d := range drafts {
			parts := make([]ir.Expr, 0, len(d.added)+1)
			for _, n := range d.added {
				parts = append(parts, r.expr(n))
			}
			ways = append(ways, ir.All(append(parts, r.expr(d.conditions[i]))...))
		}
		l.Exprs = append(l.Exprs, ir.Any(ways...))
	}
	for _, d := range drafts {
		if l.Index = union(l.Index, d.named()...); len(d.named()) == 0 {
			l.Index = union(l.Index, d.fallback...)
		}
		l.Fields = union(l.Fields, d.fields...)
		l.Search = union(l.Search, d.search...)
		l.asked = mergeAsks(l.asked, d.asked)
	}
	return l
}

// named are the indices of sigmac's log sources and of the state "index",
// which pipelines set.
func (d *draft) named() []string {
	switch v := d.state["index"].(type) {
	case string:
		return union(d.index, v)
	case []string:
		return union(d.index, v...)
	}
	return d.index
}

func union(names []string, more ...string) []string {
	names = names[:len(names):len(names)]
	for _, n := range more {
		if !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	return names
}

func (r *run) expr(n node) ir.Expr {
	switch n := n.(type) {
	case *not:
		return &ir.Not{X: r.expr(n.x)}
	case *item:
		return r.item(n)
	case *group:
		x := make([]ir.Expr, len(n.x))
		for i, m := range n.x {
			x[i] = r.expr(m)
		}
		if n.all {
			return ir.All(x...)
		}
		return ir.Any(x...)
	}
	return &ir.And{}
}
