// Package lucene reads Lucene's query strings, as Elasticsearch and OpenSearch take
// them, into the tree that events are matched with.
//
// Clauses are required, optional or forbidden as in Lucene's own parser, which is not
// what AND and OR look like where they stand side by side; a warning says so then.
// Values are compared as Sigma compares them: the whole value, letters of any case,
// with * and ?; a network such as 10.0.0.0/8 stands for its addresses too, Image.keyword
// for Image, and a word without a field is looked for within every value. What could
// only be guessed (fuzzy words, distances, ranges of text) is an error. The package
// knows nothing of events. Data flows: text → tokens → clauses → ir.Expr.
package lucene

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/ir"
)

const (
	// maxText bounds a query, in bytes, maxDepth how deep parentheses may nest.
	maxText  = 1 << 20
	maxDepth = 100
	// maxWarnings is the number of warnings that are told.
	maxWarnings = 10
)

// Parse reads a query. Messages point into its text, which is the data of a file
// without a path; the tree is nil when one is an error.
func Parse(text string) (ir.Expr, diag.List) {
	p := &parser{file: &diag.File{Data: []byte(text)}, text: text}
	if len(text) > maxText {
		p.fail(0, 0, fmt.Sprintf("the query has %d bytes, more than the %d that are read", len(text), maxText), "")
		return nil, p.diags
	}
	p.next()
	e := p.list("", 0)
	if p.tok.kind != end {
		p.fail(p.tok.start, p.tok.stop, "a closing parenthesis without an opening one", `write "\)" for the character`)
	}
	if p.diags.HasErrors() {
		return nil, p.diags
	}
	return e, p.diags
}

type parser struct {
	file  *diag.File
	text  string
	at    int // of what is read next
	tok   token
	diags diag.List
	// pos is the position of the place known.
	known int
	pos   diag.Pos
}

// fail notes the first error; what comes after one is a guess.
func (p *parser) fail(start, stop int, message, hint string) {
	if !p.diags.HasErrors() {
		p.diags = append(p.diags, p.message(start, stop, message, hint))
	}
	p.at = len(p.text)
	p.tok = token{kind: end, start: len(p.text), stop: len(p.text)}
}

// warn notes what is read otherwise than it looks.
func (p *parser) warn(start, stop int, message, hint string) {
	if len(p.diags) >= maxWarnings {
		return
	}
	warning := p.message(start, stop, message, hint)
	warning.Severity = diag.Warning
	p.diags = append(p.diags, warning)
}

// word tells whether the next clause is a word alone, without a field or wildcards.
func (p *parser) word() bool {
	return p.tok.kind == term && !p.tok.wild() && !p.peek(':') && !p.peek('~') && !p.peek('^')
}

func (p *parser) message(start, stop int, message, hint string) *diag.Diagnostic {
	return &diag.Diagnostic{
		Code: "lucene", Message: message, Hint: hint, File: p.file,
		Pos: p.position(start), Width: max(utf8.RuneCountInString(p.text[start:stop]), 1),
	}
}

// position is the line and column of a place. It goes on from the last one that was
// asked for, as most come one after the other.
func (p *parser) position(at int) diag.Pos {
	if at < p.known || p.known == 0 {
		p.known, p.pos = 0, diag.Pos{Line: 1, Column: 1}
	}
	between := p.text[p.known:at]
	if i := strings.LastIndexByte(between, '\n'); i >= 0 {
		p.pos.Line += strings.Count(between, "\n")
		p.pos.Column = 1
		between = between[i+1:]
	}
	p.pos.Column += utf8.RuneCountInString(between)
	p.known = at
	return p.pos
}

// occur says what a clause is to its list.
type occur int

const (
	should occur = iota
	must
	mustNot
)

type clause struct {
	occur occur
	expr  ir.Expr
}

// list reads clauses up to a closing parenthesis or the end; field is what those
// without a field are about. How AND, OR, NOT, + and - decide what is required follows
// Lucene's classic parser with OR as the default operator.
func (p *parser) list(field string, depth int) ir.Expr {
	if depth > maxDepth {
		p.fail(p.tok.start, p.tok.stop, fmt.Sprintf("parentheses nest deeper than %d", maxDepth), "")
		return nil
	}
	var clauses []clause
	var ands, ors int
	var beside *token // a word right behind another
	bare := false     // the clause before is a word, and nothing stands behind it
	begin := p.tok
	for p.tok.kind != end && p.tok.kind != closing {
		and := false
		switch p.tok.kind {
		case andOperator, orOperator:
			if len(clauses) == 0 {
				p.fail(p.tok.start, p.tok.stop, p.tok.text+" has nothing before it", `write "\`+p.tok.text+`" for the word`)
				return nil
			}
			if and = p.tok.kind == andOperator; and {
				ands++
			} else {
				ors++
			}
			operator := p.tok
			p.next()
			if p.tok.kind == end || p.tok.kind == closing {
				p.fail(operator.start, operator.stop, operator.text+" has nothing behind it", `write "\`+operator.text+`" for the word`)
				return nil
			}
		default:
			if len(clauses) > 0 && p.tok.kind != notOperator && p.tok.kind != plus && p.tok.kind != minus {
				ors++
			}
		}
		c := clause{}
		switch p.tok.kind {
		case notOperator, minus:
			c.occur = mustNot
		case plus:
			c.occur = must
		}
		if c.occur != should {
			sign := p.tok
			if p.next(); p.tok.kind == end || p.tok.kind == closing {
				p.fail(sign.start, sign.stop, sign.text+" has nothing behind it", `write "\`+sign.text+`" for the character`)
				return nil
			}
		}
		if and {
			if last := &clauses[len(clauses)-1]; last.occur == should {
				last.occur = must
			}
			if c.occur == should {
				c.occur = must
			}
		}
		word, single := p.tok, p.word()
		if c.expr = p.clause(field, depth); c.expr == nil {
			return nil
		}
		if single && bare && beside == nil {
			beside = &word
		}
		bare = single && p.tok.kind == term
		clauses = append(clauses, c)
	}
	if beside != nil {
		p.warn(beside.start, beside.stop, "words stand side by side: one of them is enough, where a cluster may take them for one value", "write OR, or quotes around one value")
	}
	if len(clauses) == 0 {
		p.fail(begin.start, begin.stop, "there is nothing to look for", "write a query such as EventID:1 AND Image:*cmd.exe")
		return nil
	}
	return p.combine(clauses, begin.start, ands > 0 && ors > 0)
}

// combine makes the tree of a list's clauses.
func (p *parser) combine(clauses []clause, start int, mixed bool) ir.Expr {
	var by [3][]ir.Expr
	for _, c := range clauses {
		by[c.occur] = append(by[c.occur], c.expr)
	}
	if len(by[must]) > 0 && len(by[should]) > 0 && mixed {
		p.warn(start, min(p.tok.start, len(p.text)), "AND and OR stand side by side: what AND stands next to is required, and the rest then changes nothing", "put parentheses around what belongs together")
	}
	var out []ir.Expr
	switch {
	case len(by[must]) > 0:
		out = append(out, by[must]...)
	case len(by[should]) > 0:
		out = append(out, ir.Any(by[should]...))
	}
	for _, e := range by[mustNot] {
		out = append(out, &ir.Not{X: e})
	}
	return ir.All(out...)
}

// clause reads one clause without its sign.
func (p *parser) clause(field string, depth int) ir.Expr {
	if p.tok.kind == term && p.peek(':') {
		name := p.tok
		if name.wild() && name.text != "*" {
			p.fail(name.start, name.stop, "wildcards in the name of a field are not supported", "name the field")
			return nil
		}
		if field = fieldName(name.plain()); name.text == "*" {
			field = ""
		}
		p.at++ // the colon
		p.next()
		if name.text == "_exists_" {
			return p.exists()
		}
	}
	switch p.tok.kind {
	case opening:
		open := p.tok
		p.next()
		e := p.list(field, depth+1)
		if e == nil {
			return nil
		}
		if p.tok.kind != closing {
			p.fail(open.start, open.stop, "this parenthesis is not closed", "")
			return nil
		}
		p.suffix()
		return e
	case term, quoted, slashed, bracket:
		return p.value(field)
	}
	p.fail(p.tok.start, p.tok.stop, "a value is missing here", `quote it, or write a backslash before + - ! ( ) : ^ [ ] " { } ~ * ? \ /`)
	return nil
}

func (p *parser) exists() ir.Expr {
	if p.tok.kind != term && p.tok.kind != quoted || p.tok.kind == term && p.tok.wild() {
		p.fail(p.tok.start, p.tok.stop, "_exists_ wants the name of a field", "write _exists_:Image")
		return nil
	}
	e := present(fieldName(p.tok.plain()), p.position(p.tok.start))
	p.suffix()
	return e
}

// forms are the names under which indices keep a field once more.
var forms = []string{".keyword", ".caseless"}

// fieldName is a field without the form in which an index keeps it.
func fieldName(name string) string {
	for _, form := range forms {
		if field, ok := strings.CutSuffix(name, form); ok && field != "" {
			return field
		}
	}
	return name
}

// present is true when a field has a value, null being none.
func present(field string, pos diag.Pos) ir.Expr {
	return &ir.Not{X: &ir.Match{Field: field, Op: ir.Null, Pos: pos}}
}
