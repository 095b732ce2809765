package lucene

import (
	"fmt"
	"net/netip"
	"regexp"
	"regexp/syntax"
	"strings"

	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/sigma"
)

var number = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?$`)

// value reads a value of a field, "" for every field.
func (p *parser) value(field string) ir.Expr {
	t := p.tok
	m := &ir.Match{Field: field, Op: ir.Like, Pos: p.position(t.start)}
	switch t.kind {
	case quoted:
		m.Pattern = sigma.Text(t.plain())
		p.suffix()
		return orNetwork(m, t.plain())
	case slashed:
		re, err := translate(t.text)
		if err != nil {
			p.fail(t.start, t.stop, err.Error(), "write a backslash before a sign to look for the sign itself")
			return nil
		}
		m.Op, m.Text = ir.Regexp, re
	case bracket:
		return p.bounds(m, t)
	default:
		switch op, text := comparison(t.text); {
		case t.text == "*" && field == "":
			p.suffix()
			return &ir.And{}
		case t.text == "*":
			p.suffix()
			return present(field, m.Pos)
		case op != "":
			if m.Op = comparisons[op]; !number.MatchString(text) || field == "" {
				p.fail(t.start, t.stop, op+" compares a field with a number", "write Size:>1000; bound the time with since and until")
				return nil
			}
			m.Text = text
		case number.MatchString(t.plain()) && field != "":
			m.Op, m.Text = ir.Number, t.plain()
		default:
			m.Pattern = pattern(t.text)
			p.suffix()
			return orNetwork(m, t.plain())
		}
	}
	p.suffix()
	return m
}

// orNetwork adds the addresses of a network to a value that names one.
func orNetwork(m *ir.Match, text string) ir.Expr {
	prefix, err := netip.ParsePrefix(text)
	if err != nil || m.Field == "" {
		return m
	}
	return ir.Any(m, &ir.Match{Field: m.Field, Op: ir.CIDR, Text: prefix.String(), Pos: m.Pos})
}

var comparisons = map[string]ir.Op{">": ir.Greater, ">=": ir.GreaterEqual, "<": ir.Less, "<=": ir.LessEqual}

// comparison divides ">=5" into its sign and number; Elasticsearch takes the sign with
// or without a backslash.
func comparison(s string) (op, text string) {
	s = strings.TrimPrefix(s, `\`)
	for _, op := range []string{">=", "<=", ">", "<"} {
		if rest, ok := strings.CutPrefix(s, op); ok && rest != "" {
			return op, rest
		}
	}
	return "", ""
}

// suffix goes on behind a value. A boost changes no match; what would is refused.
func (p *parser) suffix() {
	if p.peek('~') {
		what := "words that are like a word are not looked for"
		if p.tok.kind == quoted {
			what = "words at a distance are not looked for"
		}
		p.fail(p.at, p.at+1, what, `write "\~" for the character`)
		return
	}
	if p.peek('^') {
		start := p.at
		p.at++
		for p.at < len(p.text) && (p.text[p.at] >= '0' && p.text[p.at] <= '9' || p.text[p.at] == '.') {
			p.at++
		}
		if p.at == start+1 {
			p.fail(start, p.at, "a number is missing behind ^", `write "\^" for the character`)
			return
		}
	}
	p.next()
}

// pattern reads a term's wildcards.
func pattern(s string) sigma.Pattern {
	var out sigma.Pattern
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '*':
			out = out.Append(sigma.Token{Kind: sigma.AnyChars})
		case c == '?':
			out = out.Append(sigma.Token{Kind: sigma.OneChar})
		case c == '\\' && i+1 < len(s):
			i++
			out = out.Append(sigma.Text(s[i : i+1])...)
		default:
			out = out.Append(sigma.Text(s[i : i+1])...)
		}
	}
	return out
}

// bounds reads "1 TO 5"; a * is no bound.
func (p *parser) bounds(m *ir.Match, t token) ir.Expr {
	parts := strings.Fields(t.text)
	if len(parts) != 3 || parts[1] != "TO" {
		p.fail(t.start, t.stop, "a range has two bounds", "write [1 TO 5], or [1 TO *]")
		return nil
	}
	closer := p.text[t.stop-1]
	var out []ir.Expr
	for i, bound := range []string{parts[0], parts[2]} {
		if bound == "*" {
			continue
		}
		if bound = strings.Trim(bound, `"`); !number.MatchString(bound) || m.Field == "" {
			p.fail(t.start, t.stop, fmt.Sprintf("the bound %q is no number of a field", bound), "only numbers have ranges; bound the time with since and until")
			return nil
		}
		side := *m
		side.Text = bound
		switch {
		case i == 0 && p.text[t.start] == '[':
			side.Op = ir.GreaterEqual
		case i == 0:
			side.Op = ir.Greater
		case closer == ']':
			side.Op = ir.LessEqual
		default:
			side.Op = ir.Less
		}
		out = append(out, &side)
	}
	p.suffix()
	if len(out) == 0 {
		return present(m.Field, m.Pos)
	}
	return ir.All(out...)
}

// translate makes a regular expression of Lucene's, which matches the whole value, one
// of RE2's. Signs that mean something to Lucene alone are refused.
func translate(text string) (string, error) {
	var b strings.Builder
	inClass := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && i+1 < len(text):
			i++
			if strings.IndexByte("wWdDsS", text[i]) >= 0 {
				b.WriteString(text[i-1 : i+1])
			} else {
				b.WriteString(regexp.QuoteMeta(text[i : i+1]))
			}
		case inClass:
			inClass = c != ']'
			if c == '[' {
				b.WriteByte('\\')
			}
			b.WriteByte(c)
		case c == '[':
			inClass = true
			b.WriteByte(c)
		case strings.IndexByte(`~@&<#"`, c) >= 0:
			return "", fmt.Errorf("%c in a regular expression is not supported", c)
		case c == '^' || c == '$':
			b.WriteString(`\` + string(c))
		default:
			b.WriteByte(c)
		}
	}
	out := "^(?s:" + b.String() + ")$"
	if _, err := syntax.Parse(out, syntax.Perl); err != nil {
		return "", fmt.Errorf("the regular expression can't be read: %w", err)
	}
	return out, nil
}
