package pipeline

import (
	"github.com/huntbook/huntbook/sigma"
)

// valueTransform gives the values that stand for one, nil to leave it.
type valueTransform func(sigma.Value) []sigma.Value

func (f valueTransform) apply(a *application) []*draft {
	a.itemsWithField(func(p placed) bool {
		values, changed := f.all(p.values)
		p.values = values
		return changed
	})
	return []*draft{a.draft}
}

// all gives the values that stand for several, and whether any is another.
func (f valueTransform) all(values []sigma.Value) (out []sigma.Value, changed bool) {
	out = make([]sigma.Value, len(values))
	for i, v := range values {
		out[i] = v
		if alternatives, ok := v.(sigma.Alternatives); ok {
			forms, other := f.all(alternatives)
			out[i], changed = sigma.Alternatives(forms), changed || other
			continue
		}
		switch to := f(v); len(to) {
		case 0:
			continue
		case 1:
			out[i] = to[0]
		default:
			out[i] = sigma.Alternatives(to)
		}
		changed = true
	}
	return out, changed
}
