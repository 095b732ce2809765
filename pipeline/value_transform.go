package pipeline

import (
	"github.com/huntbook/huntbook/sigma"
)

// valueTransform gives the values that stand for one, nil to leave it.
type valueTransform func(sigma.Value) []sigma.Value

func (f valueTransform) apply(a *application) []*draft {
	a.itemsWithField(func(p placed) { p.values = f.all(p.values) })
	return []*draft{a.draft}
}

func (f valueTransform) all(values []sigma.Value) []sigma.Value {
	out := make([]sigma.Value, len(values))
	for i, v := range values {
		out[i] = v
		if alternatives, ok := v.(sigma.Alternatives); ok {
			out[i] = sigma.Alternatives(f.all(alternatives))
			continue
		}
		switch to := f(v); len(to) {
		case 0:
		case 1:
			out[i] = to[0]
		default:
			out[i] = sigma.Alternatives(to)
		}
	}
	return out
}
