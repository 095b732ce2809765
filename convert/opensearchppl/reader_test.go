package opensearchppl

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/sigma"
)

// reader reads the part of PPL that we and pySigma write, as the published grammar
// has it: NOT binds before AND, AND before OR; words have no case.
type reader struct {
	tokens []token
	err    error
}

// token is a name (kind n; with backquotes q), a string (s), a number (d) or an
// operator (o).
type token struct {
	kind byte
	text string
}

func (t token) is(word string) bool {
	return (t.kind == 'n' || t.kind == 'o') && strings.EqualFold(t.text, word)
}

func tokenize(in string) ([]token, error) {
	var out []token
	add := func(kind byte, text string, n int) {
		out, in = append(out, token{kind, text}), in[n:]
	}
	for len(in) > 0 {
		switch c := in[0]; {
		case c == ' ':
			in = in[1:]
		case c == '"' || c == '\'':
			s, n, err := readString(in)
			if err != nil {
				return nil, err
			}
			add('s', s, n)
		case c == '`':
			n := 1
			for n < len(in) && (in[n] != '`' || n+1 < len(in) && in[n+1] == '`') {
				if in[n] == '`' {
					n++
				}
				n++
			}
			if n >= len(in) {
				return nil, fmt.Errorf("a name is not closed: %.20q", in)
			}
			add('q', strings.ReplaceAll(in[1:n], "``", "`"), n+1)
		case isLetter(c):
			n := 1
			for n < len(in) && (isLetter(in[n]) || isDigit(in[n])) {
				n++
			}
			add('n', in[:n], n)
		case isDigit(c), c == '-' && len(in) > 1 && isDigit(in[1]):
			n := 1
			for n < len(in) && (isDigit(in[n]) || in[n] == '.') {
				n++
			}
			add('d', in[:n], n)
		case len(in) > 1 && slices.Contains([]string{"!=", "<=", ">="}, in[:2]):
			add('o', in[:2], 2)
		case strings.IndexByte("()[]<>=,.", c) >= 0:
			add('o', in[:1], 1)
		default:
			return nil, fmt.Errorf("no token begins with %.10q", in)
		}
	}
	return out, nil
}

func isLetter(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == '@'
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// readString reads a literal: a backslash escapes quotes and itself, and is itself
// before what else there is; two quotes are one.
func readString(in string) (string, int, error) {
	quote := in[0]
	var b strings.Builder
	for i := 1; i < len(in); i++ {
		switch c := in[i]; {
		case c == '\\' && i+1 < len(in):
			if i++; strings.IndexByte(`"'\`, in[i]) < 0 {
				b.WriteByte('\\')
			}
			b.WriteByte(in[i])
		case c == quote && i+1 < len(in) && in[i+1] == quote:
			i++
			b.WriteByte(quote)
		case c == quote:
			return b.String(), i + 1, nil
		default:
			b.WriteByte(c)
		}
	}
	return "", 0, fmt.Errorf("a string is not closed: %.20q", in)
}

// read reads a query of one rule.
func read(query string) (ir.Expr, error) {
	source, where, found := strings.Cut(query, " | where ")
	if !found || !strings.HasPrefix(source, "source=") {
		return nil, fmt.Errorf("no source and where in %.60q", query)
	}
	tokens, err := tokenize(where)
	if err != nil {
		return nil, err
	}
	r := &reader{tokens: tokens}
	e := r.or()
	if r.err == nil && len(r.tokens) > 0 {
		r.fail("left over: " + r.tokens[0].text)
	}
	return e, r.err
}

func (r *reader) fail(message string) {
	if r.err == nil {
		r.err = errors.New(message)
	}
	r.tokens = nil
}

func (r *reader) peek() token {
	if len(r.tokens) == 0 {
		return token{}
	}
	return r.tokens[0]
}

func (r *reader) next() token {
	t := r.peek()
	if len(r.tokens) > 0 {
		r.tokens = r.tokens[1:]
	}
	return t
}

func (r *reader) take(word string) bool {
	if !r.peek().is(word) {
		return false
	}
	r.next()
	return true
}

func (r *reader) expect(word string) {
	if !r.take(word) {
		r.fail("expected " + word + " before " + r.peek().text)
	}
}

func (r *reader) or() ir.Expr {
	x := []ir.Expr{r.and()}
	for r.take("or") {
		x = append(x, r.and())
	}
	return ir.Any(x...)
}

func (r *reader) and() ir.Expr {
	x := []ir.Expr{r.not()}
	for r.take("and") {
		x = append(x, r.not())
	}
	return ir.All(x...)
}

func (r *reader) not() ir.Expr {
	if r.take("not") {
		return &ir.Not{X: r.not()}
	}
	if r.take("(") {
		e := r.or()
		r.expect(")")
		return e
	}
	return r.comparison()
}

// operand is a field and what is done to it before it is compared.
type operand struct {
	field           string
	lower, reversed bool
	part            string
}

var timeParts = []string{"minute", "hour", "day", "week", "month", "year"}

func (r *reader) operand() operand {
	t := r.peek()
	if len(r.tokens) > 1 && r.tokens[1].is("(") && t.kind == 'n' {
		r.next()
		r.expect("(")
		o := r.operand()
		switch word := strings.ToLower(t.text); {
		case word == "lower":
			o.lower = true
		case word == "reverse":
			o.reversed = true
		case word == "cast":
			r.expect("as")
			r.expect("string")
		case slices.Contains(timeParts, word):
			if o.part = word; r.take(",") {
				r.next()
			}
		default:
			r.fail("no function: " + t.text)
		}
		r.expect(")")
		return o
	}
	return operand{field: r.field()}
}

func (r *reader) field() string {
	var parts []string
	for {
		t := r.next()
		if t.kind != 'q' && (t.kind != 'n' || slices.Contains(reserved, strings.ToLower(t.text))) {
			r.fail("no name: " + t.text)
			return ""
		}
		if parts = append(parts, t.text); !r.take(".") {
			return strings.Join(parts, ".")
		}
	}
}

func (r *reader) comparison() ir.Expr {
	t := r.peek()
	if t.is("true") || t.is("false") {
		r.next()
		if t.is("true") {
			return &ir.And{}
		}
		return &ir.Or{}
	}
	if len(r.tokens) > 1 && r.tokens[1].is("(") && t.kind == 'n' {
		if e := r.function(strings.ToLower(t.text)); e != nil {
			return e
		}
	}
	o := r.operand()
	op := r.next()
	if op.is("in") {
		r.expect("(")
		x := []ir.Expr{r.value(o, r.next())}
		for r.take(",") {
			x = append(x, r.value(o, r.next()))
		}
		r.expect(")")
		return ir.Any(x...)
	}
	ops := map[string]ir.Op{"=": ir.Number, "<": ir.Less, "<=": ir.LessEqual, ">": ir.Greater, ">=": ir.GreaterEqual}
	compare, known := ops[op.text]
	switch v := r.peek(); {
	case !known:
		r.fail("no operator: " + op.text)
	case o.part != "":
		return &ir.Match{Field: o.field, Op: ir.TimePart, Part: o.part, Compare: compare, Text: r.next().text}
	case compare != ir.Number:
		return &ir.Match{Field: o.field, Op: compare, Text: r.next().text}
	case v.kind == 's', v.kind == 'd', v.is("true"), v.is("false"):
		return r.value(o, r.next())
	default:
		other := r.operand()
		return &ir.Match{Field: o.field, Op: ir.FieldRef, Text: other.field, Cased: !o.lower}
	}
	return &ir.Or{}
}

func (r *reader) value(o operand, t token) ir.Expr {
	m := &ir.Match{Field: o.field, Op: ir.Like, Pattern: sigma.Text(t.text), Cased: true}
	switch {
	case t.kind == 'd':
		m.Op, m.Text = ir.Number, t.text
	case t.is("true"), t.is("false"):
		m.Op, m.Text = ir.Bool, t.text
	case t.kind != 's':
		r.fail("no value: " + t.text)
	}
	return m
}

// function reads a function that is true or false; nil is another one.
func (r *reader) function(name string) ir.Expr {
	known := []string{"isnull", "isnotnull", "like", "ilike", "regexp_match", "match", "cidrmatch", "query_string", "locate"}
	if !slices.Contains(known, name) {
		return nil
	}
	r.next()
	r.expect("(")
	if name == "query_string" {
		r.expect("[")
		r.next()
		r.expect("]")
		r.expect(",")
		s := r.next()
		r.expect(")")
		return &ir.Match{Op: ir.Raw, Text: s.text}
	}
	o := r.operand()
	m := &ir.Match{Field: o.field}
	switch name {
	case "isnull":
		m.Op = ir.Null
	case "isnotnull":
		m.Op = ir.Exists
	case "locate":
		r.expect(",")
		whole := r.operand()
		m.Op, m.Field, m.Text, m.Cased = ir.FieldRef, whole.field, o.field, !whole.lower
	default:
		r.expect(",")
		s := r.next()
		if s.kind != 's' {
			r.fail("no string: " + s.text)
		}
		switch name {
		case "cidrmatch":
			m.Op, m.Text = ir.CIDR, s.text
		case "like", "ilike":
			m.Op, m.Pattern = ir.Like, r.pattern(s.text)
			if r.take(",") {
				m.Cased = r.next().is("true")
			}
		default:
			m.Op, m.Text = ir.Regexp, s.text
		}
	}
	r.expect(")")
	if name == "locate" {
		m.Affix = ir.Anywhere
		if op := r.next(); op.is("=") {
			m.Affix = ir.Prefix
			if o.reversed {
				m.Affix = ir.Suffix
			}
		}
		r.next()
	}
	return m
}

// pattern reads the language of LIKE.
func (r *reader) pattern(s string) ir.Pattern {
	var p ir.Pattern
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '%':
			p = p.Append(sigma.Token{Kind: sigma.AnyChars})
		case c == '_':
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
