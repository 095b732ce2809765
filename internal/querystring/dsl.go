package querystring

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/huntbook/huntbook/sigma"
)

// ParseDSL reads a query of the query DSL, as JSON is decoded. Values of one field are
// leaves as in a query string, of the forms "term", "wildcard", "phrase", "network" and
// "regexp"; those that ignore case are in lower case.
func ParseDSL(query any) (Query, error) {
	r := &dslReader{}
	q := r.query(query)
	return q, r.err
}

type dslReader struct{ err error }

func (r *dslReader) fail(format string, args ...any) Query {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
	return Query{Op: "or"}
}

func (r *dslReader) query(v any) Query {
	object, ok := v.(map[string]any)
	if !ok || len(object) != 1 {
		return r.fail("no query: %v", v)
	}
	for kind, body := range object {
		switch kind {
		case "bool":
			return r.boolean(body)
		case "constant_score":
			inner, _ := body.(map[string]any)
			return r.query(inner["filter"])
		case "match_all":
			return Query{Op: "and"}
		case "match_none":
			return Query{Op: "or"}
		case "exists":
			inner, _ := body.(map[string]any)
			name, _ := inner["field"].(string)
			return leaf("_exists_", "term", sigma.Text(name))
		case "query_string":
			inner, _ := body.(map[string]any)
			text, _ := inner["query"].(string)
			q, err := Parse(text)
			if err != nil {
				return r.fail("%w", err)
			}
			return q.Leaves(func(q Query) Query {
				if read, ok := alternatives(q.Field, q.Value); ok && q.Form == "regexp" && strings.Contains(q.Value, "[") {
					return read
				}
				return q
			})
		case "multi_match":
			inner, _ := body.(map[string]any)
			text, _ := inner["query"].(string)
			return leaf("*", "phrase", sigma.Text(text))
		}
		return r.field(kind, body)
	}
	return Query{}
}

func (r *dslReader) boolean(v any) Query {
	clauses, _ := v.(map[string]any)
	out := Query{Op: "and"}
	for _, key := range []string{"must", "filter", "must_not", "should"} {
		list, ok := clauses[key].([]any)
		if one := clauses[key]; !ok && one != nil {
			list = []any{one}
		}
		either := Query{Op: "or"}
		for _, x := range list {
			q := r.query(x)
			switch key {
			case "must_not":
				q = Query{Op: "not", Members: []Query{q}}
			case "should":
				either.Members = append(either.Members, q)
				continue
			}
			out.Members = append(out.Members, q)
		}
		if len(either.Members) > 0 {
			out.Members = append(out.Members, either)
		}
	}
	return out
}

func (r *dslReader) field(kind string, v any) Query {
	body, _ := v.(map[string]any)
	if len(body) != 1 {
		return r.fail("%s of %v", kind, v)
	}
	for field, value := range body {
		folds := false
		if long, ok := value.(map[string]any); ok && kind != "range" {
			folds, _ = long["case_insensitive"].(bool)
			value = long["value"]
		}
		text := fmt.Sprint(value)
		if n, ok := value.(float64); ok {
			text = fmt.Sprintf("%.0f", n)
		}
		if folds {
			text = strings.ToLower(text)
		}
		switch kind {
		case "term":
			return leaf(field, "term", sigma.Text(text))
		case "match_phrase":
			return leaf(field, "phrase", sigma.Text(text))
		case "wildcard":
			return leaf(field, "wildcard", pattern(text))
		case "prefix":
			return leaf(field, "wildcard", sigma.Text(text).StartsWith())
		case "terms":
			return r.terms(field, value)
		case "range":
			return Query{Op: "leaf", Field: field, Form: "range", Value: fmt.Sprint(value)}
		case "regexp":
			if q, ok := alternatives(field, text); ok && (folds || strings.Contains(text, "[")) {
				return q
			}
			return Query{Op: "leaf", Field: field, Form: "regexp", Value: text}
		}
	}
	return r.fail("unknown query %s", kind)
}

func (r *dslReader) terms(field string, v any) Query {
	values, ok := v.([]any)
	if !ok {
		return r.fail("terms of %v", v)
	}
	q := Query{Op: "or"}
	for _, x := range values {
		q.Members = append(q.Members, r.field("term", map[string]any{field: x}))
	}
	return q
}

func leaf(field, form string, p sigma.Pattern) Query {
	return Query{Op: "leaf", Field: field, Form: form, Value: p.String()}
}

// alternatives reads an expression that only lists texts: ".*(a|b.c).*".
func alternatives(field, re string) (Query, bool) {
	inner, before := strings.CutPrefix(re, ".*")
	p := &altReader{in: inner}
	if !p.take("(") {
		p = &altReader{in: re}
		before = false
	}
	grouped := p.in != re
	texts := []sigma.Pattern{p.text()}
	for grouped && p.take("|") {
		texts = append(texts, p.text())
	}
	after := grouped && p.take(").*")
	if grouped && !after && !p.take(")") || p.in != "" || p.failed {
		return Query{}, false
	}
	q := Query{Op: "or"}
	for _, text := range texts {
		if before {
			text = text.EndsWith()
		}
		if after {
			text = text.StartsWith()
		}
		q.Members = append(q.Members, leaf(field, "wildcard", text))
	}
	return q, true
}

type altReader struct {
	in     string
	failed bool
}

func (p *altReader) take(s string) bool {
	rest, ok := strings.CutPrefix(p.in, s)
	if ok {
		p.in = rest
	}
	return ok
}

// text reads characters, escaped ones, classes of one letter in its cases, and
// wildcards, up to an end of the alternative.
func (p *altReader) text() sigma.Pattern {
	var out sigma.Pattern
	for p.in != "" {
		r := []rune(p.in)[0]
		switch {
		case r == '|' || r == ')':
			return out
		case p.take(".*"):
			out = out.Append(sigma.Token{Kind: sigma.AnyChars})
			continue
		case p.take("."):
			out = out.Append(sigma.Token{Kind: sigma.OneChar})
			continue
		case p.take("["):
			members, rest, ok := strings.Cut(p.in, "]")
			p.in = rest
			letters := []rune(members)
			for _, other := range letters {
				ok = ok && strings.EqualFold(string(other), string(letters[0]))
			}
			if !ok || len(letters) == 0 {
				p.failed = true
				return nil
			}
			out = out.Append(sigma.Text(string(unicode.ToLower(letters[0])))...)
			continue
		case p.take(`\`):
			if p.in == "" {
				p.failed = true
				return nil
			}
			r = []rune(p.in)[0]
		case strings.ContainsRune(`?+{}(^$#@&<>~"`, r):
			p.failed = true
			return nil
		}
		p.in = strings.TrimPrefix(p.in, string(r))
		out = out.Append(sigma.Text(string(r))...)
	}
	return out
}
