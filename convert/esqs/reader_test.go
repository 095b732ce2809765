package esqs

import (
	"fmt"
	"slices"
	"strings"

	"github.com/huntbook/huntbook/sigma"
)

// query is a query string read back: an operator over members, or a leaf.
type query struct {
	op      string // "and", "or", "not", "leaf"
	members []query
	// Of a leaf: the field, the form of the value ("quoted", "bare", "regexp"),
	// and the value; patterns are in Sigma's spelling.
	field, form, value string
}

func (q query) String() string {
	if q.op == "leaf" {
		return fmt.Sprintf("%s %s %q", q.field, q.form, q.value)
	}
	parts := make([]string, len(q.members))
	for i, m := range q.members {
		parts[i] = m.String()
	}
	return q.op + "(" + strings.Join(parts, ", ") + ")"
}

// normal flattens a query: operators in one another, the order of members,
// members that repeat.
func (q query) normal() query {
	if q.op == "leaf" {
		return q
	}
	var members []query
	for _, m := range q.members {
		m = m.normal()
		switch {
		case q.op == "not" && m.op == "not":
			return m.members[0]
		case q.op != "not" && m.op == q.op:
			members = append(members, m.members...)
		default:
			members = append(members, m)
		}
	}
	slices.SortFunc(members, func(a, b query) int { return strings.Compare(a.String(), b.String()) })
	members = slices.CompactFunc(members, func(a, b query) bool { return a.String() == b.String() })
	if len(members) == 1 && q.op != "not" {
		return members[0]
	}
	return query{op: q.op, members: members}
}

// leaves gives the query with each leaf changed by f.
func (q query) leaves(f func(query) query) query {
	if q.op == "leaf" {
		return f(q)
	}
	out := query{op: q.op}
	for _, m := range q.members {
		out.members = append(out.members, m.leaves(f))
	}
	return out
}

// parser reads the part of the language that we and sigmac write. It knows no
// precedence: AND and OR side by side are an error.
type parser struct {
	in  string
	err error
	// lenient reads what sigmac got wrong: AND binds before OR, and a slash
	// ends an expression only where a value may end. mixed notes the first.
	lenient, mixed bool
}

func parse(text string) (query, error) {
	p := &parser{in: text}
	q := p.list("")
	if p.err == nil && strings.TrimSpace(p.in) != "" {
		p.fail("left over: " + p.in)
	}
	return q, p.err
}

func (p *parser) fail(message string) query {
	if p.err == nil {
		p.err = fmt.Errorf("%s", message)
	}
	p.in = ""
	return query{op: "or"}
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
func (p *parser) list(field string) query {
	q := query{op: "and", members: []query{p.clause(field)}}
	op := ""
	for p.err == nil {
		if p.lenient && op == "and" && p.take(" OR ") {
			p.mixed = true
			rest := p.list(field)
			return query{op: "or", members: []query{{op: "and", members: q.members}, rest}}
		}
		if p.lenient && op == "or" && p.take(" AND ") {
			p.mixed = true
			last := len(q.members) - 1
			rest := p.list(field)
			if rest.op != "or" {
				q.op = "or"
				q.members[last] = query{op: "and", members: []query{q.members[last], rest}}
				return q
			}
			rest.members[0] = query{op: "and", members: []query{q.members[last], rest.members[0]}}
			return query{op: "or", members: append(q.members[:last], rest.members...)}
		}
		switch {
		case p.take(" AND ") && op != "or":
			op = "and"
		case p.take(" OR ") && op != "and":
			op = "or"
		default:
			if op != "" {
				q.op = op
			}
			return q
		}
		q.members = append(q.members, p.clause(field))
	}
	return q
}

func (p *parser) clause(field string) query {
	if p.take("NOT ") {
		return query{op: "not", members: []query{p.clause(field)}}
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

func (p *parser) value(field string) query {
	leaf := query{op: "leaf", field: field}
	switch {
	case p.take(`"`):
		text, ok := p.until('"')
		if !ok {
			return p.fail("no closing quote")
		}
		leaf.form, leaf.value = "quoted", sigma.Text(unescape(text)).String()
	case p.take("/"):
		text, ok := p.until('/')
		if !ok {
			return p.fail("no closing slash")
		}
		leaf.form, leaf.value = "regexp", text
	default:
		text := p.term()
		if text == "" {
			return p.fail("a value is missing at " + p.in)
		}
		if slices.Contains(reserved, text) {
			return p.fail("a reserved word stands bare: " + text)
		}
		leaf.form, leaf.value = "bare", pattern2(text).String()
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

// pattern2 reads the wildcards of a bare term.
func pattern2(s string) sigma.Pattern {
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
