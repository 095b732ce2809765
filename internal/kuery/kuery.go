// Package kuery reads KQL as Kibana does, for the tests of what huntbook writes in it.
//
// It knows nothing of indices: a field is taken for one that is kept whole (keyword),
// whose value with wildcards Kibana hands to the wildcard query. Data flows: text →
// ir.Expr.
package kuery

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/sigma"
)

// special are the characters that end a bare value.
const special = `\():<>"*{}`

// reader reads KQL as Kibana's grammar has it (kbn-es-query, grammar.peggy): OR of
// ANDs of NOTs; a bare literal goes on up to a special character or an operator with
// spaces around it, and is trimmed.
type reader struct {
	in  []rune
	at  int
	err error
}

// Read gives what a query means: a quoted or bare value is compared with its case.
func Read(query string) (ir.Expr, error) {
	r := &reader{in: []rune(query)}
	r.space()
	e := r.or(r.sub)
	r.space()
	if r.err == nil && r.at < len(r.in) {
		r.fail("left over")
	}
	return e, r.err
}

func (r *reader) fail(message string) {
	if r.err == nil {
		r.err = fmt.Errorf("%s at %q", message, string(r.in[min(r.at, len(r.in)):]))
	}
	r.at = len(r.in)
}

func isSpace(c rune) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\u00a0' }

func (r *reader) space() (any bool) {
	for r.at < len(r.in) && isSpace(r.in[r.at]) {
		r.at++
		any = true
	}
	return any
}

func (r *reader) has(text string) bool {
	t := []rune(text)
	return r.at+len(t) <= len(r.in) && strings.EqualFold(string(r.in[r.at:r.at+len(t)]), text)
}

func (r *reader) take(text string) bool {
	if !r.has(text) {
		return false
	}
	r.at += len([]rune(text))
	return true
}

// operator takes "and" or "or" with spaces around it.
func (r *reader) operator(word string) bool {
	start := r.at
	if r.space() && r.take(word) && r.space() {
		return true
	}
	r.at = start
	return false
}

// not takes "not" with spaces behind it.
func (r *reader) not() bool {
	start := r.at
	if r.take("not") && r.space() {
		return true
	}
	r.at = start
	return false
}

// or reads members that OR links, and below that those that AND links; of a list of
// values or of a query.
func (r *reader) or(member func() ir.Expr) ir.Expr {
	x := []ir.Expr{r.and(member)}
	for r.err == nil && r.operator("or") {
		x = append(x, r.and(member))
	}
	return ir.Any(x...)
}

func (r *reader) and(member func() ir.Expr) ir.Expr {
	x := []ir.Expr{r.negated(member)}
	for r.err == nil && r.operator("and") {
		x = append(x, r.negated(member))
	}
	return ir.All(x...)
}

func (r *reader) negated(member func() ir.Expr) ir.Expr {
	if r.not() {
		return &ir.Not{X: member()}
	}
	return member()
}

func (r *reader) sub() ir.Expr {
	if r.err != nil {
		return &ir.Or{}
	}
	if r.take("(") {
		r.space()
		e := r.or(r.sub)
		r.space()
		if !r.take(")") {
			r.fail("no closing parenthesis")
		}
		return e
	}
	field := r.literal()
	start := r.at
	r.space()
	for _, op := range []string{"<=", ">=", "<", ">"} {
		if r.take(op) {
			r.space()
			ops := map[string]ir.Op{"<": ir.Less, "<=": ir.LessEqual, ">": ir.Greater, ">=": ir.GreaterEqual}
			s, _ := r.literal().pattern.Plain()
			return &ir.Match{Field: field.name(), Op: ops[op], Text: s}
		}
	}
	if r.take(":") {
		r.space()
		return r.values(field.name())
	}
	r.at = start
	return field.compared("")
}

// values reads a value or a list of them.
func (r *reader) values(field string) ir.Expr {
	if !r.take("(") {
		return r.literal().compared(field)
	}
	r.space()
	e := r.or(func() ir.Expr { return r.values(field) })
	r.space()
	if !r.take(")") {
		r.fail("no closing parenthesis")
	}
	return e
}

// literal is a quoted or bare text with wildcards.
type literal struct {
	pattern ir.Pattern
	quoted  bool
}

func (l literal) name() string {
	if s, plain := l.pattern.Plain(); plain {
		return s
	}
	return l.pattern.String()
}

func (l literal) compared(field string) ir.Expr {
	if field == "*" && len(l.pattern) == 1 && l.pattern[0].Kind == sigma.AnyChars {
		return &ir.And{}
	}
	if field != "" && !l.pattern.IsPlain() {
		return &ir.Match{Field: field, Op: ir.Like, Pattern: wildcardQuery(l.pattern), Cased: true}
	}
	return &ir.Match{Field: field, Op: ir.Like, Pattern: l.pattern, Cased: true}
}

// wildcardQuery reads what Kibana hands to the wildcard query of a keyword field: a
// backslash takes what follows for itself, a question mark is any character.
func wildcardQuery(p ir.Pattern) ir.Pattern {
	var text []rune
	for _, t := range p {
		if t.Kind == sigma.AnyChars {
			text = append(text, '*')
		}
		text = append(text, []rune(t.Text)...)
	}
	var out ir.Pattern
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '*':
			out = out.Append(sigma.Token{Kind: sigma.AnyChars})
		case c == '?':
			out = out.Append(sigma.Token{Kind: sigma.OneChar})
		case c == '\\' && i+1 < len(text):
			i++
			out = out.Append(sigma.Text(string(text[i]))...)
		default:
			out = out.Append(sigma.Text(string(c))...)
		}
	}
	return out
}

func (r *reader) literal() literal {
	if r.take(`"`) {
		return literal{sigma.Text(r.quoted()), true}
	}
	var p ir.Pattern
	var text []rune
	flush := func() {
		p = p.Append(sigma.Text(string(text))...)
		text = nil
	}
	start := r.at
	for r.at < len(r.in) && r.err == nil {
		c := r.in[r.at]
		if c == '*' {
			flush()
			p = p.Append(sigma.Token{Kind: sigma.AnyChars})
			r.at++
			continue
		}
		if c == '\\' {
			text = append(text, r.escape()...)
			continue
		}
		if strings.ContainsRune(special, c) || r.keyword() {
			break
		}
		text = append(text, c)
		r.at++
	}
	flush()
	if r.at == start {
		r.fail("no literal")
	}
	return literal{trimmed(p), false}
}

// keyword tells whether an operator stands here.
func (r *reader) keyword() bool {
	start := r.at
	defer func() { r.at = start }()
	return r.operator("or") || r.operator("and") || r.not()
}

// escape reads what stands behind a backslash, in the order of the grammar: \n goes
// before \not.
func (r *reader) escape() []rune {
	r.at++
	if r.at == len(r.in) {
		r.fail("nothing is escaped")
		return nil
	}
	c := r.in[r.at]
	if space := strings.IndexRune("trn", c); space >= 0 {
		r.at++
		return []rune("\t\r\n")[space : space+1]
	}
	if strings.ContainsRune(special, c) {
		r.at++
		return []rune{c}
	}
	if u, ok := r.unicode(); ok {
		return []rune{u}
	}
	for _, word := range []string{"or", "and", "not"} {
		if at := r.at; r.take(word) {
			return r.in[at:r.at]
		}
	}
	r.fail("an unknown escape")
	return nil
}

// unicode reads u and four digits.
func (r *reader) unicode() (rune, bool) {
	if r.at+5 > len(r.in) || r.in[r.at] != 'u' {
		return 0, false
	}
	u, err := strconv.ParseUint(string(r.in[r.at+1:r.at+5]), 16, 16)
	if err != nil {
		return 0, false
	}
	r.at += 5
	return rune(u), true
}

func (r *reader) quoted() string {
	var b []rune
	for r.at < len(r.in) {
		switch c := r.in[r.at]; c {
		case '"':
			r.at++
			return string(b)
		case '\\':
			b = append(b, r.quotedEscape()...)
		default:
			b = append(b, c)
			r.at++
		}
	}
	r.fail("no closing quote")
	return ""
}

// quotedEscape reads a backslash between quotes, which stands for itself before what
// it does not escape.
func (r *reader) quotedEscape() []rune {
	if next := r.at + 1; next < len(r.in) && strings.ContainsRune(`trnu"\`, r.in[next]) {
		start := r.at
		if r.in[next] == 'u' {
			r.at++
			if u, ok := r.unicode(); ok {
				return []rune{u}
			}
			r.at = start + 1
			return []rune{'\\'}
		}
		return r.escape()
	}
	r.at++
	return []rune{'\\'}
}

// trimmed is a pattern without spaces at its ends.
func trimmed(p ir.Pattern) ir.Pattern {
	var out ir.Pattern
	for i, t := range p {
		if i == 0 {
			t.Text = strings.TrimLeft(t.Text, " \t\r\n\u00a0\u3000\u2028\u2029\ufeff")
		}
		if i == len(p)-1 {
			t.Text = strings.TrimRight(t.Text, " \t\r\n\u00a0\u3000\u2028\u2029\ufeff")
		}
		out = out.Append(t)
	}
	return out
}
