package elastic

// boolean is a bool query on its way to JSON.
type boolean struct {
	filter, should, mustNot []any
}

func (b *boolean) object() object {
	clauses := object{}
	add := func(name string, list []any) {
		if len(list) > 0 {
			clauses[name] = list
		}
	}
	add("filter", objects(b.filter))
	add("must_not", objects(b.mustNot))
	if len(b.should) > 0 {
		add("should", objects(b.should))
		clauses["minimum_should_match"] = 1
	}
	return object{"bool": clauses}
}

func objects(list []any) []any {
	out := make([]any, len(list))
	for i, q := range list {
		out[i] = finished(q)
	}
	return out
}

// finished is a query that nothing is added to any more.
func finished(q any) any {
	if b, ok := q.(*boolean); ok {
		return b.object()
	}
	return q
}

// all links queries of which every one must match.
func all(list []any) any {
	b := &boolean{}
	for _, q := range list {
		inner, ok := q.(*boolean)
		if !ok || len(inner.should) > 0 {
			b.filter = append(b.filter, q)
			continue
		}
		b.filter = append(b.filter, inner.filter...)
		b.mustNot = append(b.mustNot, inner.mustNot...)
	}
	if len(b.filter) == 1 && len(b.mustNot) == 0 {
		return b.filter[0]
	}
	return b
}

// AnyOf links finished queries of which one must match.
func AnyOf(list []any) any { return finished(anyOf(list)) }

func anyOf(list []any) any {
	b := &boolean{}
	for _, q := range list {
		if inner, ok := q.(*boolean); ok && len(inner.should) > 0 && len(inner.filter)+len(inner.mustNot) == 0 {
			b.should = append(b.should, inner.should...)
			continue
		}
		b.should = append(b.should, q)
	}
	if len(b.should) == 1 {
		return b.should[0]
	}
	return b
}

func not(q any) any {
	if b, ok := q.(*boolean); ok && len(b.filter)+len(b.should) == 0 && len(b.mustNot) == 1 {
		return b.mustNot[0]
	}
	return &boolean{mustNot: []any{q}}
}
