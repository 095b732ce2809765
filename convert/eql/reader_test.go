package eql

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/sigma"
)

// reader reads the part of EQL that we and pySigma write, as Elasticsearch's grammar
// has it: NOT binds before AND, AND before OR.
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

func (t token) is(word string) bool { return (t.kind == 'n' || t.kind == 'o') && t.text == word }

var errEscape = errors.New("a string has an unknown escape")

func tokenize(in string) ([]token, error) {
	var out []token
	add := func(kind byte, text string, n int) {
		out, in = append(out, token{kind, text}), in[n:]
	}
	for len(in) > 0 {
		switch c := in[0]; {
		case c == ' ':
			in = in[1:]
		case c == '"':
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
			if n < len(in) && in[n] == '~' {
				n++
			}
			add('n', in[:n], n)
		case isDigit(c), c == '-' && len(in) > 1 && isDigit(in[1]):
			n := 1
			for n < len(in) && (isDigit(in[n]) || in[n] == '.') {
				n++
			}
			add('d', in[:n], n)
		case len(in) > 1 && slices.Contains([]string{"==", "!=", "<=", ">="}, in[:2]):
			add('o', in[:2], 2)
		case strings.IndexByte("()<>:,?.", c) >= 0:
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

// readString reads a literal with its escapes.
func readString(in string) (string, int, error) {
	if strings.HasPrefix(in, `"""`) {
		return "", 0, errors.New("a raw string")
	}
	var b strings.Builder
	for i := 1; i < len(in); i++ {
		switch c := in[i]; c {
		case '"':
			return b.String(), i + 1, nil
		case '\n', '\r':
			return "", 0, errors.New("a string goes over the end of the line")
		case '\\':
			if i++; i == len(in) {
				break
			}
			escapes := map[byte]byte{'n': '\n', 'r': '\r', 't': '\t', 'b': '\b', 'f': '\f', '"': '"', '\'': '\'', '\\': '\\'}
			if escapes[in[i]] == 0 {
				return "", 0, fmt.Errorf("%w: \\%c", errEscape, in[i])
			}
			b.WriteByte(escapes[in[i]])
		default:
			b.WriteByte(c)
		}
	}
	return "", 0, fmt.Errorf("a string is not closed: %.20q", in)
}

// read reads a query of one rule.
func read(query string) (ir.Expr, error) {
	where, ok := strings.CutPrefix(query, "any where ")
	if !ok {
		return nil, fmt.Errorf("no any where in %.60q", query)
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

// field reads a name: parts with dots between, "?" before them.
func (r *reader) field() string {
	r.take("?")
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

var affixed = map[string]ir.Affix{"startsWith": ir.Prefix, "endsWith": ir.Suffix, "stringContains": ir.Anywhere}

func (r *reader) comparison() ir.Expr {
	t := r.peek()
	if t.is("true") || t.is("false") {
		r.next()
		if t.text == "true" {
			return &ir.And{}
		}
		return &ir.Or{}
	}
	call := len(r.tokens) > 1 && r.tokens[1].is("(")
	function, fold := strings.CutSuffix(t.text, "~")
	affix, compares := affixed[function]
	switch {
	case call && compares:
		r.next()
		r.expect("(")
		a := r.field()
		r.expect(",")
		b := r.field()
		r.expect(")")
		return &ir.Match{Field: a, Op: ir.FieldRef, Text: b, Affix: affix, Cased: !fold}
	case call && t.text == "cidrMatch":
		r.next()
		r.expect("(")
		f := r.field()
		var x []ir.Expr
		for r.take(",") {
			x = append(x, &ir.Match{Field: f, Op: ir.CIDR, Text: r.next().text})
		}
		r.expect(")")
		return ir.Any(x...)
	case call && (t.text == "string" || t.text == "number"):
		r.next()
		r.expect("(")
		f := r.field()
		r.expect(")")
		return r.compared(f, r.next())
	}
	return r.compared(r.field(), r.next())
}

// compared reads what stands behind an operator.
func (r *reader) compared(field string, op token) ir.Expr {
	ops := map[string]ir.Op{"<": ir.Less, "<=": ir.LessEqual, ">": ir.Greater, ">=": ir.GreaterEqual}
	switch op.text {
	case ":", "like", "like~", "regex", "regex~", "in":
		return r.list(field, op.text)
	case "==", "!=":
		if r.take("null") {
			if op.text == "==" {
				return &ir.Match{Field: field, Op: ir.Null}
			}
			return &ir.Match{Field: field, Op: ir.Exists}
		}
		return r.value(field, "in", r.next())
	}
	if _, ok := ops[op.text]; !ok {
		r.fail("no operator: " + op.text)
	}
	return &ir.Match{Field: field, Op: ops[op.text], Text: r.next().text}
}

func (r *reader) list(field, op string) ir.Expr {
	if !r.take("(") {
		return r.value(field, op, r.next())
	}
	x := []ir.Expr{r.value(field, op, r.next())}
	for r.take(",") {
		x = append(x, r.value(field, op, r.next()))
	}
	r.expect(")")
	return ir.Any(x...)
}

func (r *reader) value(field, op string, t token) ir.Expr {
	m := &ir.Match{Field: field, Op: ir.Like, Cased: op == "in" || op == "like"}
	switch {
	case t.kind == 'd':
		m.Op, m.Text = ir.Number, t.text
	case t.is("true"), t.is("false"):
		m.Op, m.Text = ir.Bool, t.text
	case t.kind != 's':
		r.fail("no value: " + t.text)
	case strings.HasPrefix(op, "regex"):
		m.Op, m.Text = ir.Regexp, t.text
		if op == "regex~" {
			m.Text = "(?i)" + t.text
		}
	case op == "in":
		m.Pattern = sigma.Text(t.text)
	default:
		m.Pattern = wildcards(t.text)
	}
	return m
}

// wildcards reads "*" and "?", which have no escape.
func wildcards(s string) ir.Pattern {
	var p ir.Pattern
	for _, c := range s {
		switch c {
		case '*':
			p = p.Append(sigma.Token{Kind: sigma.AnyChars})
		case '?':
			p = p.Append(sigma.Token{Kind: sigma.OneChar})
		default:
			p = p.Append(sigma.Text(string(c))...)
		}
	}
	return p
}
