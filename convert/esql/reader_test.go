package esql

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/sigma"
)

// reader reads the part of ES|QL that we and pySigma write, as the language's
// grammar has it: NOT binds before AND, AND before OR.
type reader struct {
	tokens []token
	err    error
	// lenient takes a backslash in LIKE for itself, and notes that in loose: pySigma
	// writes one level of backslashes too few.
	lenient, loose bool
}

type token struct {
	kind byte // n name, s string, d number, o operator
	text string
}

func (t token) is(word string) bool {
	return t.kind != 's' && t.kind != 'q' && strings.EqualFold(t.text, word)
}

var twoChars = []string{"==", "!=", "<=", ">="}

// tokenize cuts a query into tokens.
func tokenize(in string) ([]token, error) {
	var out []token
	for len(in) > 0 {
		c := in[0]
		switch {
		case c == ' ':
			in = in[1:]
		case c == '"':
			s, n, err := readString(in)
			if err != nil {
				return nil, err
			}
			out, in = append(out, token{'s', s}), in[n:]
		case c == '`' || isNameByte(c) && !(c >= '0' && c <= '9'):
			// A name's parts may be quoted each; we quote a name as a whole.
			quoted := c == '`'
			s, n, err := readName(in)
			if err != nil {
				return nil, err
			}
			kind := byte('n')
			if quoted {
				kind = 'q'
			}
			out, in = append(out, token{kind, s}), in[n:]
		case c >= '0' && c <= '9' || c == '-' && len(in) > 1 && in[1] >= '0' && in[1] <= '9':
			n := 1
			for n < len(in) && (in[n] >= '0' && in[n] <= '9' || in[n] == '.') {
				n++
			}
			out, in = append(out, token{'d', in[:n]}), in[n:]
		case len(in) > 1 && slices.Contains(twoChars, in[:2]):
			out, in = append(out, token{'o', in[:2]}), in[2:]
		case strings.IndexByte("()<>:,|*", c) >= 0:
			out, in = append(out, token{'o', in[:1]}), in[1:]
		default:
			return nil, fmt.Errorf("no token begins with %.10q", in)
		}
	}
	return out, nil
}

func isNameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '@' || c == '.'
}

func readName(in string) (string, int, error) {
	if in[0] != '`' {
		n := 0
		for n < len(in) && isNameByte(in[n]) {
			n++
		}
		return in[:n], n, nil
	}
	var b strings.Builder
	for i := 1; i < len(in); i++ {
		if in[i] != '`' {
			b.WriteByte(in[i])
			continue
		}
		if i+1 < len(in) && in[i+1] == '`' {
			b.WriteByte('`')
			i++
			continue
		}
		return b.String(), i + 1, nil
	}
	return "", 0, fmt.Errorf("a name is not closed: %.20q", in)
}

var errEscape = errors.New("a string has an unknown escape")

// readString reads a literal with its escapes.
func readString(in string) (string, int, error) {
	var b strings.Builder
	for i := 1; i < len(in); i++ {
		switch c := in[i]; c {
		case '"':
			return b.String(), i + 1, nil
		case '\n', '\r':
			return "", 0, fmt.Errorf("a string goes over the end of the line")
		case '\\':
			if i++; i == len(in) {
				break
			}
			escapes := map[byte]byte{'n': '\n', 'r': '\r', 't': '\t', '"': '"', '\\': '\\'}
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

// read reads a query of one rule and gives what stands behind WHERE.
func read(query string, lenient bool) (ir.Expr, bool, error) {
	from, where, found := strings.Cut(query, " | where ")
	if !found || !strings.HasPrefix(from, "from ") {
		return nil, false, fmt.Errorf("no from and where in %.60q", query)
	}
	tokens, err := tokenize(where)
	if err != nil {
		return nil, false, err
	}
	r := &reader{tokens: tokens, lenient: lenient}
	e := r.or()
	if r.take("|") {
		r.expect("limit")
		r.next()
	}
	if r.err == nil && len(r.tokens) > 0 {
		r.fail("left over: " + r.tokens[0].text)
	}
	return e, r.loose, r.err
}

func (r *reader) fail(message string) {
	if r.err == nil {
		r.err = fmt.Errorf("%s", message)
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
	return r.comparison()
}

// operand is a field and the functions around it, or a text.
type operand struct {
	field   string
	literal bool
	folded  bool
	part    string
}

var conversions = []string{"to_lower", "to_string", "to_double", "to_ip", "to_datetime"}

func (r *reader) operand() operand {
	t := r.next()
	switch {
	case t.kind == 's':
		return operand{field: t.text, literal: true}
	case t.kind == 'n' && slices.Contains(conversions, t.text) && r.peek().is("("):
		r.expect("(")
		o := r.operand()
		r.expect(")")
		o.folded = o.folded || t.text == "to_lower"
		return o
	case t.is("date_extract"):
		r.expect("(")
		part := r.next().text
		r.expect(",")
		o := r.operand()
		r.expect(")")
		o.part = part
		return o
	case t.kind == 'q', t.kind == 'n' && !slices.Contains(reserved, strings.ToLower(t.text)):
		return operand{field: t.text}
	}
	r.fail("no field: " + t.text)
	return operand{}
}

func (r *reader) comparison() ir.Expr {
	switch t := r.peek(); {
	case r.take("("):
		e := r.or()
		r.expect(")")
		return e
	case r.take("true"):
		return &ir.And{}
	case r.take("false"):
		return &ir.Or{}
	case r.take("coalesce"):
		r.expect("(")
		e := r.or()
		r.expect(",")
		r.expect("false")
		r.expect(")")
		return e
	case r.take("greatest"):
		r.expect("(")
		x := []ir.Expr{r.or()}
		for r.take(",") {
			x = append(x, r.or())
		}
		r.expect(")")
		return ir.Any(x...)
	case r.take("qstr"):
		r.expect("(")
		s := r.next()
		r.expect(")")
		return &ir.Match{Op: ir.Raw, Text: s.text}
	case r.take("cidr_match"):
		r.expect("(")
		o := r.operand()
		r.expect(",")
		s := r.next()
		r.expect(")")
		return &ir.Match{Field: o.field, Op: ir.CIDR, Text: s.text}
	case r.take("starts_with"), r.take("ends_with"), r.take("locate"):
		return r.function(t.text)
	}
	o := r.operand()
	t := r.next()
	switch {
	case t.is("is"):
		op := ir.Null
		if r.take("not") {
			op = ir.Exists
		}
		r.expect("null")
		return &ir.Match{Field: o.field, Op: op}
	case t.is("like"), t.is("in"):
		return r.list(o, t.is("like"))
	case t.is("rlike"):
		return &ir.Match{Field: o.field, Op: ir.Regexp, Text: r.next().text}
	case t.is(":"):
		return &ir.Match{Field: o.field, Op: ir.Like, Pattern: sigma.Text(r.next().text)}
	}
	return r.compared(o, t)
}

// compared reads what stands behind an operator.
func (r *reader) compared(o operand, op token) ir.Expr {
	ops := map[string]ir.Op{"==": ir.Number, "<": ir.Less, "<=": ir.LessEqual, ">": ir.Greater, ">=": ir.GreaterEqual}
	m := &ir.Match{Field: o.field, Op: ops[op.text], Cased: !o.folded}
	if _, ok := ops[op.text]; !ok {
		r.fail("no operator: " + op.text)
	}
	switch v := r.peek(); {
	case o.part != "":
		m.Part, m.Compare, m.Op = o.part, m.Op, ir.TimePart
		m.Text = r.next().text
	case v.kind == 's' && m.Op == ir.Number:
		m.Op, m.Pattern = ir.Like, sigma.Text(r.next().text)
	case v.kind == 'd':
		m.Text = r.next().text
	case v.is("true"), v.is("false"):
		m.Op, m.Text = ir.Bool, r.next().text
	case m.Op == ir.Number:
		m.Op, m.Text = ir.FieldRef, r.operand().field
	default:
		r.fail("no value: " + v.text)
	}
	return m
}

func (r *reader) function(name string) ir.Expr {
	r.expect("(")
	a := r.operand()
	r.expect(",")
	b := r.operand()
	r.expect(")")
	affix := map[string]ir.Affix{"starts_with": ir.Prefix, "ends_with": ir.Suffix, "locate": ir.Anywhere}[name]
	if name == "locate" {
		r.expect(">")
		r.next()
	}
	if !b.literal {
		return &ir.Match{Field: a.field, Op: ir.FieldRef, Text: b.field, Affix: affix, Cased: !a.folded}
	}
	p := sigma.Text(b.field)
	switch affix {
	case ir.Prefix:
		p = p.StartsWith()
	case ir.Suffix:
		p = p.EndsWith()
	default:
		p = p.Contains()
	}
	return &ir.Match{Field: a.field, Op: ir.Like, Pattern: p, Cased: !a.folded}
}

// list reads one value, or several in parentheses.
func (r *reader) list(o operand, wildcards bool) ir.Expr {
	var x []ir.Expr
	several := r.take("(")
	for {
		t := r.next()
		if t.kind != 's' && (t.kind != 'd' || wildcards) {
			r.fail("no string: " + t.text)
		}
		p := sigma.Text(t.text)
		if wildcards {
			p = r.pattern(t.text)
		}
		x = append(x, &ir.Match{Field: o.field, Op: ir.Like, Pattern: p, Cased: !o.folded})
		if !several || !r.take(",") {
			break
		}
	}
	if several {
		r.expect(")")
	}
	return ir.Any(x...)
}

// pattern reads the language of LIKE.
func (r *reader) pattern(s string) ir.Pattern {
	var p ir.Pattern
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '*':
			p = p.Append(sigma.Token{Kind: sigma.AnyChars})
		case c == '?':
			p = p.Append(sigma.Token{Kind: sigma.OneChar})
		case c == '\\' && r.lenient:
			r.loose = true
			p = p.Append(sigma.Text(`\`)...)
		case c == '\\' && i+1 < len(s) && strings.IndexByte(`*?\`, s[i+1]) >= 0:
			i++
			p = p.Append(sigma.Text(s[i : i+1])...)
		case c == '\\':
			r.fail("LIKE has a backslash before nothing that it escapes")
		default:
			p = p.Append(sigma.Text(s[i : i+1])...)
		}
	}
	return p
}
