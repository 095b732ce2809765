package hunt

import (
	"fmt"

	"github.com/huntbook/huntbook/notebook"
	"github.com/huntbook/huntbook/sigma"
)

// relations are what notebooks say of other rules.
type relations struct {
	index   *notebook.RelatedIndex
	numbers map[*plan]int
}

// relate indexes the rules; those that are planned have a notebook to lead to.
func (h *hunter) relate(planned []*plan) {
	rules, names := make([]*sigma.Rule, len(h.plans)), make([]string, len(h.plans))
	h.relations = relations{numbers: map[*plan]int{}}
	for i, p := range h.plans {
		rules[i], h.relations.numbers[p] = p.entry.Rule, i
	}
	for _, p := range planned {
		names[h.relations.numbers[p]] = p.notebook
	}
	h.relations.index = notebook.NewRelatedIndex(rules, names)
}

// relatedTo lists the rules to look at after that of a plan, with what they found.
func (h *hunter) relatedTo(p *plan) []notebook.Related {
	return h.relations.index.Of(h.relations.numbers[p], func(i int) string {
		switch n := h.plans[i].count; n {
		case 0:
			return "no findings"
		case 1:
			return "1 finding"
		default:
			return fmt.Sprintf("%d findings", n)
		}
	})
}
