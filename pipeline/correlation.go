package pipeline

import (
	"fmt"
	"slices"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/sigma"
)

// Correlation is a correlation with the rules that it is about, lowered.
type Correlation struct {
	// Lowered has the correlation's rule and no Exprs; its Index, Unmapped and
	// Fields are those of all inputs.
	*Lowered
	// Inputs stand in the order of the rule's Correlation.Rules.
	Inputs []Input
}

// Input is a rule that a correlation is about, or a part of a v1 rule.
type Input struct {
	*Lowered
	// Name is the reference as it was written; of a part its text.
	Name  string
	asked map[string]*ask
}

// ask is a field that a correlation looks at in a rule's events, on its way
// through the pipelines.
type ask struct {
	// origin is the field as the rule names it, names are its names now.
	origin string
	names  []string
	// mapped is of the stage at work.
	mapped bool
}

// mergeAsks adds the names of one way in which a rule applies to those of others.
func mergeAsks(to, from map[string]*ask) map[string]*ask {
	if to == nil {
		to = make(map[string]*ask, len(from))
	}
	for field, a := range from {
		if to[field] == nil {
			to[field] = &ask{a.origin, nil, a.mapped}
		}
		to[field].names = union(to[field].names, a.names...)
	}
	return to
}

// Names are the names under which an input's events hold a field or alias of
// the correlation; where there are several, the first one present counts.
func (in Input) Names(field string) []string {
	if a := in.asked[field]; a != nil {
		return a.names
	}
	return []string{field}
}

// LowerCorrelation lowers the rules that a correlation is about, and gives the
// fields that it looks at the names of their events. The list is that of Lower:
// warnings beside a result, errors when there is none.
func LowerCorrelation(rule *sigma.Rule, library *sigma.Library, chain *Chain) (*Correlation, diag.List) {
	if _, diags := library.Needs(rule); diags.HasErrors() {
		return nil, diags
	}
	rules, diags := library.Resolve(rule)
	out := &Correlation{Lowered: &Lowered{Rule: rule, State: map[string]any{}, Attributes: map[string]any{}, chain: chain}}
	for i, below := range rules {
		ref := rule.Correlation.Rules[i]
		fail := func(code, message, hint string) {
			diags = append(diags, &diag.Diagnostic{Code: code, File: rule.File, Pos: ref.Pos, Width: len([]rune(ref.Name)), Message: message, Hint: hint})
		}
		if below.Correlation != nil {
			fail("correlation-chain", fmt.Sprintf("%q is a correlation too, and a query is about single events", ref.Name), "huntbook match and huntbook hunt evaluate it")
			continue
		}
		lowered, more := lower(below, chain, asksOf(rule.Correlation, below))
		if lowered == nil {
			first := more.Errors()[0]
			fail(first.Code, fmt.Sprintf("rule %q can't be used: %s", ref.Name, first.Message), first.Hint)
			continue
		}
		for _, d := range more {
			if !slices.ContainsFunc(diags, func(told *diag.Diagnostic) bool { return told.Error() == d.Error() }) {
				diags = append(diags, d)
			}
		}
		out.add(Input{Lowered: lowered, Name: ref.Name, asked: lowered.asked})
	}
	if diags.HasErrors() {
		return nil, diags
	}
	out.drafts = []*draft{{rule: rule, fields: out.Fields, state: out.State, custom: out.Attributes, applied: map[string]bool{}}}
	return out, diags
}

func (c *Correlation) add(in Input) {
	c.Inputs = append(c.Inputs, in)
	c.Index = union(c.Index, in.Index...)
	c.Fields = union(c.Fields, in.Lowered.Fields...)
	c.Unmapped = union(c.Unmapped, in.Unmapped...)
}

// asksOf are the fields that a correlation looks at in a rule's events, by the
// correlation's own names for them.
func asksOf(c *sigma.Correlation, rule *sigma.Rule) map[string]*ask {
	asked := map[string]*ask{}
	for _, f := range slices.Concat(c.GroupBy, c.Condition.Fields) {
		name := f.Name
		for _, a := range c.Aliases {
			for _, field := range a.Fields {
				if a.Name == f.Name && (sigma.RuleRef{Name: field.Rule}).Names(rule) {
					name = field.Field
				}
			}
		}
		asked[f.Name] = &ask{origin: name, names: []string{name}}
	}
	return asked
}
