package pipeline

import (
	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/sigma"
)

// LowerNaming lowers a rule as Lower does. Names gives the names that a field of the
// rule's events, one of those asked for, has behind the pipelines; where there are
// several, the first one present counts.
func LowerNaming(rule *sigma.Rule, chain *Chain, fields ...string) (l *Lowered, names func(field string) []string, diags diag.List) {
	asked := map[string]*ask{}
	for _, f := range fields {
		asked[f] = &ask{origin: f, names: []string{f}}
	}
	l, diags = lower(rule, chain, asked)
	if l == nil {
		return nil, nil, diags
	}
	return l, Input{Lowered: l, asked: l.asked}.Names, diags
}
