package lucene

import (
	"strings"
	"unicode/utf8"
)

// kind is what a token is.
type kind int

const (
	end kind = iota
	term
	quoted  // "…"
	slashed // /…/
	bracket // [… TO …] or {… TO …}
	opening
	closing
	andOperator
	orOperator
	notOperator
	plus
	minus
)

// token is a piece of a query, from start to stop. Its text is as it was written, what
// is between the marks of quoted, slashed and bracket.
type token struct {
	kind        kind
	text        string
	start, stop int
}

// wild tells whether a term has wildcards.
func (t token) wild() bool {
	for i := 0; i < len(t.text); i++ {
		switch t.text[i] {
		case '\\':
			i++
		case '*', '?':
			return true
		}
	}
	return false
}

// plain is the text without backslashes that escape.
func (t token) plain() string { return unescape(t.text) }

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

// ends are the signs that end a term.
const ends = " \t\r\n()^:[]\"{}~/!"

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// peek tells whether a sign stands right behind the token.
func (p *parser) peek(c byte) bool { return p.at < len(p.text) && p.text[p.at] == c }

// next reads the next token.
func (p *parser) next() {
	for p.at < len(p.text) && (isSpace(p.text[p.at]) || strings.HasPrefix(p.text[p.at:], "\u3000")) {
		_, n := utf8.DecodeRuneInString(p.text[p.at:])
		p.at += n
	}
	start := p.at
	if start == len(p.text) {
		p.tok = token{kind: end, start: start, stop: start}
		return
	}
	one := func(k kind, n int) {
		p.at = start + n
		p.tok = token{k, p.text[start:p.at], start, p.at}
	}
	rest := p.text[start:]
	switch {
	case rest[0] == '(':
		one(opening, 1)
	case rest[0] == ')':
		one(closing, 1)
	case strings.HasPrefix(rest, "&&"):
		one(andOperator, 2)
	case strings.HasPrefix(rest, "||"):
		one(orOperator, 2)
	case rest[0] == '!':
		one(notOperator, 1)
	case rest[0] == '+':
		one(plus, 1)
	case rest[0] == '-':
		one(minus, 1)
	case rest[0] == '"':
		p.marked(quoted, `"`, "this quote is not closed")
	case rest[0] == '/':
		p.marked(slashed, "/", "this regular expression is not closed")
	case rest[0] == '[' || rest[0] == '{':
		p.marked(bracket, "]}", "this range is not closed")
	default:
		p.term()
	}
}

// marked reads what stands between two marks.
func (p *parser) marked(k kind, closers, message string) {
	start := p.at
	inQuotes := false
	for i := start + 1; i < len(p.text); i++ {
		switch c := p.text[i]; {
		case c == '\\':
			i++
		case k == bracket && c == '"':
			inQuotes = !inQuotes
		case !inQuotes && strings.IndexByte(closers, c) >= 0:
			p.at = i + 1
			p.tok = token{k, p.text[start+1 : i], start, p.at}
			return
		}
	}
	p.fail(start, start+1, message, `write a backslash before the character itself`)
}

func (p *parser) term() {
	start := p.at
	for p.at < len(p.text) && strings.IndexByte(ends, p.text[p.at]) < 0 && !strings.HasPrefix(p.text[p.at:], "\u3000") {
		if p.text[p.at] == '\\' {
			if p.at++; p.at == len(p.text) {
				p.fail(start, p.at, "the query ends in a backslash", `write "\\" for the character`)
				return
			}
		}
		_, n := utf8.DecodeRuneInString(p.text[p.at:])
		p.at += n
	}
	text := p.text[start:p.at]
	k := term
	switch text {
	case "":
		p.fail(start, start+1, "a value is missing before "+p.text[start:start+1], `write a backslash before the character itself`)
		return
	case "AND":
		k = andOperator
	case "OR":
		k = orOperator
	case "NOT":
		k = notOperator
	}
	p.tok = token{k, text, start, p.at}
}
