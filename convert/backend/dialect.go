package backend

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/sigma"
)

// Dialect is what the boolean part of a text language looks like. Mixed AND
// and OR are always parenthesised, whatever the language's precedence.
type Dialect struct {
	// And, Or and Not are tokens with their spaces: " AND ", "NOT ".
	And, Or, Not string
	// Open and Close are parentheses.
	Open, Close string
	// True and False are queries that everything and nothing meets.
	True, False string
	// Whole puts parentheses around a query that is not a single comparison.
	Whole bool
	// Binds tells that NOT binds before AND and AND before OR, for every reader.
	Binds bool
}

// Language writes the comparisons of a dialect.
type Language interface {
	// Group writes comparisons of one field, of one detection item, that AND
	// (all) or OR links, in as many pieces as the language needs; the same
	// operator links the pieces.
	Group(matches []*ir.Match, all bool) ([]Piece, error)
}

// Negator is a Language in which more than a token makes a negation.
type Negator interface {
	Language
	// Not writes the negation of a tree.
	Not(x ir.Expr) (Piece, error)
}

// Piece is the text of a comparison.
type Piece struct {
	Text string
	// Negative tells that the text begins with the dialect's Not: beside an OR
	// it needs parentheses.
	Negative bool
	// Closed tells that it needs no parentheses behind a Not.
	Closed bool
}

// Print writes a tree.
func (d *Dialect) Print(e ir.Expr, l Language) (string, error) {
	p, err := d.expr(e, l)
	if err != nil {
		return "", err
	}
	if p.op == leaf && len(p.pieces) == 1 || !d.Whole {
		return d.join(p), nil
	}
	return d.Open + d.join(p) + d.Close, nil
}

// printed is a tree on its way to text: pieces linked by an operator. A piece
// of it that is a tree itself has its parentheses already.
type printed struct {
	op     operator
	pieces []Piece
}

type operator uint8

const (
	leaf operator = iota // one piece
	and
	or
	not // one piece behind a Not
)

func (d *Dialect) join(p printed) string {
	switch p.op {
	case and, or:
		token := d.And
		if p.op == or {
			token = d.Or
		}
		texts := make([]string, len(p.pieces))
		for i, piece := range p.pieces {
			texts[i] = piece.Text
			if p.op == or && piece.Negative {
				texts[i] = d.Open + piece.Text + d.Close
			}
		}
		return strings.Join(texts, token)
	case not:
		return d.Not + p.pieces[0].Text
	}
	return p.pieces[0].Text
}

func (d *Dialect) expr(e ir.Expr, l Language) (printed, error) {
	switch e := e.(type) {
	case *ir.And:
		return d.list(e.X, and, l)
	case *ir.Or:
		return d.list(e.X, or, l)
	case *ir.Not:
		return d.not(e.X, l)
	case *ir.Match:
		return group([]*ir.Match{e}, or, l)
	}
	return printed{leaf, []Piece{{Text: d.False, Closed: true}}}, nil
}

func group(matches []*ir.Match, op operator, l Language) (printed, error) {
	pieces, err := l.Group(matches, op == and)
	if len(pieces) == 1 {
		op = leaf
	}
	return printed{op, pieces}, err
}

func (d *Dialect) list(x []ir.Expr, op operator, l Language) (printed, error) {
	switch {
	case len(x) == 1:
		return d.expr(x[0], l)
	case len(x) == 0 && op == and:
		return printed{leaf, []Piece{{Text: d.True, Closed: true}}}, nil
	case len(x) == 0:
		return printed{leaf, []Piece{{Text: d.False, Closed: true}}}, nil
	}
	if matches, ok := oneItem(x); ok {
		return group(matches, op, l)
	}
	out := printed{op: op}
	for _, m := range x {
		p, err := d.expr(m, l)
		if err != nil {
			return out, err
		}
		switch {
		case p.op == op || p.op == leaf:
			out.pieces = append(out.pieces, p.pieces...)
		case p.op == not && d.Binds:
			out.pieces = append(out.pieces, Piece{Text: d.join(p), Negative: true})
		default:
			out.pieces = append(out.pieces, Piece{Text: d.Open + d.join(p) + d.Close, Closed: true})
		}
	}
	return out, nil
}

// oneItem tells whether all members compare one field and stem from one
// detection item. What stands in several items of a rule is kept apart: in a
// list a value may take the form that its neighbour needs.
func oneItem(x []ir.Expr) ([]*ir.Match, bool) {
	matches := make([]*ir.Match, len(x))
	for i, e := range x {
		m, ok := e.(*ir.Match)
		if !ok || i > 0 && (m.Field != matches[0].Field || m.Pos != matches[0].Pos || m.File != matches[0].File) {
			return nil, false
		}
		matches[i] = m
	}
	return matches, true
}

// not writes a negation. The operand has parentheses, and so has each member
// of an OR in it where readers may bind NOT, AND and OR in ways of their own.
func (d *Dialect) not(x ir.Expr, l Language) (printed, error) {
	if n, ok := l.(Negator); ok {
		p, err := n.Not(x)
		return printed{leaf, []Piece{p}}, err
	}
	p, err := d.expr(x, l)
	if err != nil {
		return p, err
	}
	if p.op == leaf && p.pieces[0].Closed {
		return printed{not, p.pieces}, nil
	}
	if p.op == or && !d.Binds {
		for i, piece := range p.pieces {
			if !piece.Closed {
				p.pieces[i] = Piece{Text: d.Open + piece.Text + d.Close, Closed: true}
			}
		}
	}
	return printed{not, []Piece{{Text: d.Open + d.join(p) + d.Close, Closed: true}}}, nil
}

// Escaping is how a language writes a pattern.
type Escaping struct {
	// Open and Close stand around it.
	Open, Close string
	// Escape stands before each of Chars, and before each of Pairs, which are
	// longer than a character.
	Escape string
	Chars  string
	Pairs  []string
	// Space escapes white space too.
	Space bool
	// Any and One are the wildcards, "" where the form has none.
	Any, One string
}

// Write writes a pattern. It must have no wildcard that the form lacks.
func (e *Escaping) Write(p ir.Pattern) string {
	var b strings.Builder
	b.WriteString(e.Open)
	for _, t := range p {
		switch t.Kind {
		case sigma.AnyChars:
			b.WriteString(e.Any)
		case sigma.OneChar:
			b.WriteString(e.One)
		default:
			e.text(&b, t.Text)
		}
	}
	b.WriteString(e.Close)
	return b.String()
}

// Text writes a text without wildcards.
func (e *Escaping) Text(s string) string {
	var b strings.Builder
	b.WriteString(e.Open)
	e.text(&b, s)
	b.WriteString(e.Close)
	return b.String()
}

func (e *Escaping) text(b *strings.Builder, s string) {
next:
	for len(s) > 0 {
		for _, pair := range e.Pairs {
			if strings.HasPrefix(s, pair) {
				b.WriteString(e.Escape + pair)
				s = s[len(pair):]
				continue next
			}
		}
		r, n := utf8.DecodeRuneInString(s)
		if strings.ContainsRune(e.Chars, r) || e.Space && unicode.IsSpace(r) {
			b.WriteString(e.Escape)
		}
		b.WriteString(s[:n])
		s = s[n:]
	}
}
