package agreement

import (
	"fmt"
	"strings"

	"github.com/huntbook/huntbook/convert/mapping"
	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/sigma"
)

// kibana gives what Kibana asks a server with for a query in KQL, but for the case of
// values, which the language has no way to leave out.
func kibana(e ir.Expr, m *mapping.Index) any {
	switch e := e.(type) {
	case *ir.And:
		return map[string]any{"bool": map[string]any{"filter": kibanaAll(e.X, m)}}
	case *ir.Or:
		return map[string]any{"bool": map[string]any{"should": kibanaAll(e.X, m), "minimum_should_match": 1}}
	case *ir.Not:
		return map[string]any{"bool": map[string]any{"must_not": kibana(e.X, m)}}
	}
	return kibanaMatch(e.(*ir.Match), m)
}

func kibanaAll(x []ir.Expr, m *mapping.Index) []any {
	all := make([]any, len(x))
	for i, e := range x {
		all[i] = kibana(e, m)
	}
	return all
}

func kibanaMatch(match *ir.Match, m *mapping.Index) any {
	clause := func(query string, value any) any {
		return map[string]any{query: map[string]any{match.Field: value}}
	}
	if op, ok := map[ir.Op]string{ir.Less: "lt", ir.LessEqual: "lte", ir.Greater: "gt", ir.GreaterEqual: "gte"}[match.Op]; ok {
		return clause("range", map[string]any{op: match.Text})
	}
	value, plain := match.Pattern.Plain()
	switch {
	case match.Field == "" && plain:
		return map[string]any{"multi_match": map[string]any{"type": "phrase", "query": value, "lenient": true}}
	case match.Field == "":
		return map[string]any{"query_string": map[string]any{"query": queryString(match.Pattern)}}
	case len(match.Pattern) == 1 && match.Pattern[0].Kind == sigma.AnyChars:
		return map[string]any{"exists": map[string]any{"field": match.Field}}
	}
	whole := isWhole(m, match.Field)
	switch {
	case plain && whole:
		return clause("term", map[string]any{"value": value, "case_insensitive": true})
	case plain:
		return clause("match_phrase", value)
	case whole:
		return clause("wildcard", map[string]any{"value": wildcard(match.Pattern), "case_insensitive": true})
	}
	return map[string]any{"query_string": map[string]any{"fields": []string{match.Field}, "query": queryString(match.Pattern)}}
}

// isWhole tells whether a field, or the form of one, is a keyword.
func isWhole(m *mapping.Index, name string) bool {
	f := m.Field(name)
	if f == nil {
		return true
	}
	for _, form := range f.Forms {
		if form.Name == name {
			return form.Whole && f.Kind == mapping.Text
		}
	}
	return false
}

func wildcard(p ir.Pattern) string {
	return join(p, strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`))
}

// queryString escapes what Kibana escapes.
func queryString(p ir.Pattern) string {
	var pairs []string
	for _, c := range `+-=&|><!(){}[]^"~*?:\/` {
		pairs = append(pairs, string(c), fmt.Sprintf(`\%c`, c))
	}
	return join(p, strings.NewReplacer(pairs...))
}

func join(p ir.Pattern, escape *strings.Replacer) string {
	var b strings.Builder
	for _, t := range p {
		switch t.Kind {
		case sigma.AnyChars:
			b.WriteByte('*')
		case sigma.OneChar:
			b.WriteByte('?')
		default:
			b.WriteString(escape.Replace(t.Text))
		}
	}
	return b.String()
}
