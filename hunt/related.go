package hunt

import (
	"fmt"
	"path"

	"github.com/huntbook/huntbook/notebook"
	"github.com/huntbook/huntbook/sigma"
)

// relations are what notebooks say of other rules.
type relations struct {
	index   *notebook.RelatedIndex
	numbers map[*plan]int
	// planned are the plans whose notebook is written.
	planned map[*plan]bool
}

func (h *hunter) relate(planned []*plan) {
	rules := make([]*sigma.Rule, len(h.plans))
	r := &relations{numbers: map[*plan]int{}, planned: map[*plan]bool{}}
	for i, p := range h.plans {
		rules[i], r.numbers[p] = p.entry.Rule, i
	}
	for _, p := range planned {
		r.planned[p] = true
	}
	r.index = notebook.NewRelatedIndex(rules)
	h.relations = r
}

// relatedTo lists the rules to look at after that of a plan, with what they found.
func (h *hunter) relatedTo(p *plan) []notebook.Related {
	return h.relations.index.Of(h.relations.numbers[p], func(i int) (link, remark string) {
		other := h.plans[i]
		if h.relations.planned[other] {
			link = relativeTo(path.Join("/", path.Dir(p.notebook)), path.Join("/", other.notebook))
		}
		switch other.count {
		case 0:
			return link, "no findings"
		case 1:
			return link, "1 finding"
		}
		return link, fmt.Sprintf("%d findings", other.count)
	})
}
