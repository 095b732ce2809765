package elastic

import (
	"slices"

	"github.com/huntbook/huntbook/convert/backend"
	"github.com/huntbook/huntbook/convert/mapping"
	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/pipeline"
	"github.com/huntbook/huntbook/sigma"
)

// DSLLimits are what the query DSL can't say, or says otherwise.
func DSLLimits() []string {
	return []string{
		"A comparison of two fields of an event (fieldref) and parts of a time (minute, hour, day …) can't be expressed.",
		"Regular expressions with word boundaries, or with anchors inside of the text, can't be expressed.",
		"Case is ignored by Elasticsearch from 7.10 on and by OpenSearch. A value with letters beyond ASCII becomes a regular expression that names both forms of each.",
		"Without a mapping (--mapping) numbers, flags and addresses are looked for in the field itself, all other values in its sub-field keyword_field.",
		"A field that the index keeps as words alone is asked for the words, in any order; a warning names it.",
		"Presence (exists) and absence can't be told from null.",
		"Networks (cidr) need a field of type ip, or a mapping.",
		"Values without field are looked for in text, by a query string; a number in a numeric field is not found by a part of it.",
		`A "." inside of a regular expression matches a newline too.`,
	}
}

// DSL writes Elasticsearch's query DSL: JSON objects that are made of bool, term,
// terms, prefix, wildcard, regexp, range and exists queries.
type DSL struct {
	Fields *Fields
	// strings writes what is looked for in every field.
	strings *QueryString
}

// NewDSL makes a DSL with SigmacOptions.
func NewDSL(o map[string]string) (*DSL, error) {
	fields, err := NewFields(o)
	if err != nil {
		return nil, err
	}
	fields.Exact = true
	every, err := NewFields(map[string]string{"keyword_field": o["keyword_field"], "not_bound_keyword": o["not_bound_keyword"], "ci_whitelist": "*"})
	return &DSL{fields, &QueryString{Fields: every}}, err
}

// UseMapping makes a mapping say how fields are kept.
func (w *DSL) UseMapping(m *mapping.Index) {
	w.Fields.UseMapping(m)
	w.strings.UseMapping(m)
}

// Remarks are what is to be told about the queries since the last call.
func (w *DSL) Remarks() diag.List { return append(w.Fields.Remarks(), w.strings.Remarks()...) }

// object is a JSON object of which the keys' order does not matter.
type object map[string]any

// Body is a query as the body of a search request.
func Body(query any) any { return object{"query": query} }

// Clause writes one condition as a query.
func (w *DSL) Clause(l *pipeline.Lowered, e ir.Expr) (any, error) {
	q, err := w.expr(e)
	if err != nil {
		return nil, err
	}
	if len(l.Search) > 0 {
		// A sigmac configuration's own conditions are query strings.
		b := &boolean{filter: []any{q}}
		for _, s := range l.Search {
			b.filter = append(b.filter, object{"query_string": object{"query": s}})
		}
		return b.object(), nil
	}
	return finished(q), nil
}

var (
	everything = object{"match_all": object{}}
	nothing    = object{"match_none": object{}}
)

func (w *DSL) expr(e ir.Expr) (any, error) {
	switch e := e.(type) {
	case *ir.And:
		return w.list(e.X, true)
	case *ir.Or:
		return w.list(e.X, false)
	case *ir.Not:
		q, err := w.expr(e.X)
		return not(q), err
	case *ir.Match:
		return w.group([]*ir.Match{e}, false)
	}
	return nothing, nil
}

func (w *DSL) list(x []ir.Expr, and bool) (any, error) {
	switch {
	case len(x) == 0 && and:
		return everything, nil
	case len(x) == 0:
		return nothing, nil
	}
	var list []any
	for i := 0; i < len(x); {
		// Neighbours that compare the same field are asked together.
		var same []*ir.Match
		for ; i < len(x); i++ {
			m, ok := x[i].(*ir.Match)
			if !ok || len(same) > 0 && m.Field != same[0].Field {
				break
			}
			same = append(same, m)
		}
		q, err := any(nil), error(nil)
		if len(same) > 0 {
			q, err = w.group(same, and)
		} else {
			q, err = w.expr(x[i])
			i++
		}
		if err != nil {
			return nil, err
		}
		list = append(list, q)
	}
	if and {
		return all(list), nil
	}
	return anyOf(list), nil
}

// group writes comparisons of one field.
func (w *DSL) group(matches []*ir.Match, and bool) (any, error) {
	if matches[0].Field == "" {
		return w.everywhere(matches, and)
	}
	asks, err := w.Fields.Asks(matches, and)
	if err != nil {
		return nil, err
	}
	return link(asks, and), nil
}

// everywhere looks in every field, as only a query string can.
func (w *DSL) everywhere(matches []*ir.Match, and bool) (any, error) {
	x := make([]ir.Expr, len(matches))
	for i, m := range matches {
		x[i] = m
	}
	e := ir.Any(x...)
	if and {
		e = ir.All(x...)
	}
	text, err := w.strings.Query(&pipeline.Lowered{}, e)
	// Fields of other types than text are looked at too, and are no error.
	return object{"query_string": object{"query": text, "lenient": true}}, err
}

// link writes questions that AND (and) or OR links. Values of a field of which one
// must match, and which are compared as they are, share a list.
func link(asks []Ask, and bool) any {
	type entry struct {
		field  string
		values []any
		query  any
	}
	var entries []entry
	for _, a := range asks {
		if !isTerm(a) {
			entries = append(entries, entry{query: query(a)})
			continue
		}
		s, _ := a.Pattern.Plain()
		at := slices.IndexFunc(entries, func(e entry) bool { return e.query == nil && e.field == a.Field })
		if at >= 0 && !and {
			entries[at].values = append(entries[at].values, number(s))
			continue
		}
		entries = append(entries, entry{field: a.Field, values: []any{number(s)}})
	}
	list := make([]any, len(entries))
	for i, e := range entries {
		switch {
		case e.query != nil:
			list[i] = e.query
		case len(e.values) == 1:
			list[i] = object{"term": object{e.field: e.values[0]}}
		default:
			list[i] = object{"terms": object{e.field: e.values}}
		}
	}
	if and {
		return all(list)
	}
	return anyOf(list)
}

// isTerm tells a value that is compared as it is.
func isTerm(a Ask) bool { return a.Op == Value && !a.Fold && a.Whole }

func query(a Ask) any {
	s, _ := a.Pattern.Plain()
	switch a.Op {
	case Value:
		switch {
		case isTerm(a):
			return object{"term": object{a.Field: number(s)}}
		case !a.Whole:
			return object{"match_phrase": object{a.Field: s}}
		}
		return folded("term", a, s)
	case Wild:
		return wild(a)
	case Regexp:
		return object{"regexp": object{a.Field: object{"value": a.Text}}}
	case OneOf:
		return oneOf(a)
	case Range:
		return object{"range": object{a.Field: object{rangeOps[a.Compare]: number(a.Text)}}}
	case Network:
		return object{"term": object{a.Field: a.Text}}
	case Exists:
		return object{"exists": object{"field": a.Field}}
	case Raw:
		return object{"query_string": object{"query": a.Text}}
	case All, Any:
		return link(a.Of, a.Op == All)
	case Not:
		return not(query(a.Of[0]))
	}
	return nothing
}

// oneOf writes a regular expression, which ignores case unless the field keeps none;
// Elasticsearch folds ASCII alone.
func oneOf(a Ask) any {
	if a.lower || slices.ContainsFunc(a.Texts, BeyondASCII) {
		return object{"regexp": object{a.Field: object{"value": a.regexp(backend.LucenePattern)}}}
	}
	return object{"regexp": object{a.Field: object{"value": a.regexp(backend.LuceneText), "case_insensitive": true}}}
}

var rangeOps = map[ir.Op]string{ir.Less: "lt", ir.LessEqual: "lte", ir.Greater: "gt", ir.GreaterEqual: "gte"}

// folded writes a query that ignores case.
func folded(kind string, a Ask, value string) any {
	if a.Fold && BeyondASCII(a.Pattern) {
		// Elasticsearch folds ASCII alone.
		return object{"regexp": object{a.Field: object{"value": backend.LucenePattern(a.Pattern)}}}
	}
	if !a.Fold && a.Whole {
		return object{kind: object{a.Field: object{"value": value}}}
	}
	return object{kind: object{a.Field: object{"value": value, "case_insensitive": true}}}
}

var wildcards = backend.Escaping{Escape: `\`, Chars: `\*?`, Any: "*", One: "?"}

func wild(a Ask) any {
	// A text and then anything is a prefix, which is faster.
	if p := a.Pattern; len(p) == 2 && p[0].Kind == sigma.Literal && p[1].Kind == sigma.AnyChars && a.Whole {
		return folded("prefix", a, p[0].Text)
	}
	return folded("wildcard", a, wildcards.Write(a.Pattern))
}

// number is a value as JSON writes it best: a whole number as such.
func number(s string) any {
	if len(s) == 0 || len(s) > 15 || s != "0" && s[0] == '0' || slices.ContainsFunc([]byte(s), func(c byte) bool { return c < '0' || c > '9' }) {
		return s
	}
	n := 0
	for _, c := range s {
		n = 10*n + int(c-'0')
	}
	return n
}
