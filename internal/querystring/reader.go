// Package querystring reads Lucene query strings, for tests that compare queries by
// what they mean.
//
// It reads the part of the language that huntbook, sigmac and pySigma write, and
// knows no precedence unless it is asked to read what they got wrong. Data flows:
// text → Query → a normal form that two queries of one meaning share.
package querystring

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/huntbook/huntbook/sigma"
)

// Query is a query string read back: an operator over members, or a leaf.
type Query struct {
	Op      string // "and", "or", "not", "leaf"
	Members []Query
	// Of a leaf: the field, the form of the value ("quoted", "bare", "range" or
	// "regexp"), and the value; patterns are in Sigma's spelling.
	Field, Form, Value string
}

func (q Query) String() string {
	if q.Op == "leaf" {
		return fmt.Sprintf("%s %s %q", q.Field, q.Form, q.Value)
	}
	parts := make([]string, len(q.Members))
	for i, m := range q.Members {
		parts[i] = m.String()
	}
	return q.Op + "(" + strings.Join(parts, ", ") + ")"
}

// Normal flattens a query: operators in one another, the order of members,
// members that repeat.
func (q Query) Normal() Query {
	if q.Op == "leaf" {
		// Any value is what "exists" asks for.
		if q.Value == "*" && q.Form != "regexp" && q.Field != "" && q.Field != "*" && q.Field != "_exists_" {
			q.Field, q.Value = "_exists_", sigma.Text(q.Field).String()
		}
		return q
	}
	var members []Query
	for _, m := range q.Members {
		m = m.Normal()
		switch {
		case q.Op == "not" && m.Op == "not":
			return m.Members[0]
		case q.Op != "not" && m.Op == q.Op:
			members = append(members, m.Members...)
		default:
			members = append(members, m)
		}
	}
	texts := map[string]Query{}
	for _, m := range members {
		texts[m.String()] = m
	}
	members = members[:0]
	for _, text := range slices.Sorted(maps.Keys(texts)) {
		members = append(members, texts[text])
	}
	if len(members) == 1 && q.Op != "not" {
		return members[0]
	}
	return Query{Op: q.Op, Members: members}
}

// Leaves gives the query with each leaf changed by f.
func (q Query) Leaves(f func(Query) Query) Query {
	if q.Op == "leaf" {
		return f(q)
	}
	out := Query{Op: q.Op}
	for _, m := range q.Members {
		out.Members = append(out.Members, m.Leaves(f))
	}
	return out
}

type parser struct {
	in             string
	err            error
	lenient, mixed bool
}

// Parse reads a query in which AND and OR never stand side by side.
func Parse(text string) (Query, error) {
	q, _, err := read(&parser{in: text})
	return q, err
}

// ParseLenient reads also what sigmac got wrong: AND binds before OR, which mixed
// tells, and a slash ends an expression only where a value may end.
func ParseLenient(text string) (q Query, mixed bool, err error) {
	return read(&parser{in: text, lenient: true})
}

func read(p *parser) (Query, bool, error) {
	q := p.list("")
	if p.err == nil && strings.TrimSpace(p.in) != "" {
		p.fail("left over: " + p.in)
	}
	return q, p.mixed, p.err
}

func (p *parser) fail(message string) Query {
	if p.err == nil {
		p.err = fmt.Errorf("%s", message)
	}
	p.in = ""
	return Query{Op: "or"}
}

func (p *parser) take(s string) bool {
	rest, ok := strings.CutPrefix(p.in, s)
	if ok {
		p.in = rest
	}
	return ok
}

// list reads members that one operator links; field is what they are about
// when they stand in a field's list.
func (p *parser) list(field string) Query {
	q := Query{Op: "and", Members: []Query{p.clause(field)}}
	op := ""
	for p.err == nil {
		if p.lenient && op == "and" && p.take(" OR ") {
			p.mixed = true
			rest := p.list(field)
			return Query{Op: "or", Members: []Query{{Op: "and", Members: q.Members}, rest}}
		}
		if p.lenient && op == "or" && p.take(" AND ") {
			p.mixed = true
			last := len(q.Members) - 1
			rest := p.list(field)
			if rest.Op != "or" {
				q.Op = "or"
				q.Members[last] = Query{Op: "and", Members: []Query{q.Members[last], rest}}
				return q
			}
			rest.Members[0] = Query{Op: "and", Members: []Query{q.Members[last], rest.Members[0]}}
			return Query{Op: "or", Members: append(q.Members[:last], rest.Members...)}
		}
		switch {
		case p.take(" AND ") && op != "or":
			op = "and"
		case p.take(" OR ") && op != "and":
			op = "or"
		default:
			if op != "" {
				q.Op = op
			}
			return q
		}
		q.Members = append(q.Members, p.clause(field))
	}
	return q
}

func (p *parser) clause(field string) Query {
	if p.take("NOT ") {
		return Query{Op: "not", Members: []Query{p.clause(field)}}
	}
	if p.take("(") {
		q := p.list(field)
		if !p.take(")") {
			return p.fail("no closing parenthesis at " + p.in)
		}
		return q
	}
	if field == "" {
		if name, ok := p.name(); ok {
			if strings.HasPrefix(p.in, "(") {
				return p.clause(name)
			}
			return p.value(name)
		}
	}
	return p.value(field)
}

// name reads "field:".
func (p *parser) name() (string, bool) {
	var b strings.Builder
	for i := 0; i < len(p.in); i++ {
		switch c := p.in[i]; c {
		case '\\':
			if i+1 == len(p.in) {
				return "", false
			}
			i++
			b.WriteByte(p.in[i])
		case ':':
			p.in = p.in[i+1:]
			return b.String(), true
		case ' ', '(', ')', '"', '/':
			return "", false
		default:
			b.WriteByte(c)
		}
	}
	return "", false
}

func (p *parser) value(field string) Query {
	leaf := Query{Op: "leaf", Field: field}
	switch {
	case p.take(`"`):
		text, ok := p.until('"')
		if !ok {
			return p.fail("no closing quote")
		}
		leaf.Form, leaf.Value = "quoted", sigma.Text(unescape(text)).String()
	case p.take("/"):
		text, ok := p.until('/')
		if !ok {
			return p.fail("no closing slash")
		}
		leaf.Form, leaf.Value = "regexp", text
	default:
		text := p.term()
		if text == "" {
			return p.fail("a value is missing at " + p.in)
		}
		if slices.Contains([]string{"AND", "OR", "NOT", "TO"}, text) {
			return p.fail("a reserved word stands bare: " + text)
		}
		leaf.Form, leaf.Value = "bare", pattern(text).String()
		// A bare term that begins so is a range, with or without a backslash.
		if plain := unescape(text); len(plain) > 1 && (plain[0] == '<' || plain[0] == '>') && pattern(text).IsPlain() {
			leaf.Form = "range"
		}
	}
	return leaf
}

// until reads up to a character that no backslash stands before.
func (p *parser) until(end byte) (string, bool) {
	for i := 0; i < len(p.in); i++ {
		switch p.in[i] {
		case '\\':
			i++
		case end:
			if rest := p.in[i+1:]; p.lenient && end == '/' && rest != "" && rest[0] != ')' && !strings.HasPrefix(rest, " AND ") && !strings.HasPrefix(rest, " OR ") {
				continue
			}
			text := p.in[:i]
			p.in = p.in[i+1:]
			return text, true
		}
	}
	return "", false
}

// term reads a bare term: up to a space or a parenthesis.
func (p *parser) term() string {
	i := 0
	for i < len(p.in) {
		c := p.in[i]
		if c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '(' || c == ')' || c == '"' {
			break
		}
		if c == '\\' {
			i++
		}
		i++
	}
	i = min(i, len(p.in))
	text := p.in[:i]
	p.in = p.in[i:]
	return text
}

func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// pattern reads the wildcards of a bare term.
func pattern(s string) sigma.Pattern {
	var p sigma.Pattern
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '*':
			p = p.Append(sigma.Token{Kind: sigma.AnyChars})
		case c == '?':
			p = p.Append(sigma.Token{Kind: sigma.OneChar})
		case c == '\\' && i+1 < len(s):
			i++
			p = p.Append(sigma.Text(s[i : i+1])...)
		default:
			p = p.Append(sigma.Text(s[i : i+1])...)
		}
	}
	return p
}
