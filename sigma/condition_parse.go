package sigma

import (
	"bytes"
	"fmt"
	"path"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/huntbook/huntbook/diag"
)

// conditions reads one condition or a list of them.
func (p *parser) conditions(n *yaml.Node, d *Detection) []Condition {
	nodes := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		nodes = n.Content
	}
	var out []Condition
	for _, x := range nodes {
		if x.Kind != yaml.ScalarNode || x.ShortTag() == "!!null" {
			p.errorf(x, "condition", "a condition must be text, this is %s", kindName(x))
			continue
		}
		c := Condition{Text: x.Value, Pos: pos(x)}
		search, aggregation, found := strings.Cut(x.Value, "|")
		if found {
			c.Aggregation = strings.TrimSpace(aggregation)
			p.aggregation = x
		}
		c.Expr = p.condition(x, search, d)
		out = append(out, c)
	}
	if len(out) == 0 && n.Kind == yaml.SequenceNode && len(n.Content) == 0 {
		p.errorf(n, "condition", "the list of conditions is empty")
	}
	return out
}

// token is a word or a parenthesis of a condition; at counts bytes.
type token struct {
	text string
	at   int
}

// conditionParser reads: or < and < not < N of < ( ).
type conditionParser struct {
	p      *parser
	node   *yaml.Node
	text   string
	d      *Detection
	tokens []token
	depth  int
	failed bool
}

func (p *parser) condition(n *yaml.Node, text string, d *Detection) ConditionExpr {
	c := &conditionParser{p: p, node: n, text: text, d: d, tokens: tokenize(text)}
	if len(c.tokens) == 0 {
		c.fail(token{}, "the condition is empty", "")
		return nil
	}
	e := c.or()
	if len(c.tokens) > 0 && !c.failed {
		t := c.tokens[0]
		if t.text == ")" {
			c.fail(t, "this parenthesis closes nothing", "")
		} else {
			c.fail(t, fmt.Sprintf("expected \"and\" or \"or\" before %q", t.text), "")
		}
	}
	if c.failed {
		return nil
	}
	return e
}

func tokenize(s string) []token {
	var out []token
	start := -1
	flush := func(end int) {
		if start >= 0 {
			out = append(out, token{s[start:end], start})
			start = -1
		}
	}
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case ' ', '\t', '\r', '\n':
			flush(i)
		case '(', ')':
			flush(i)
			out = append(out, token{s[i : i+1], i})
		default:
			if start < 0 {
				start = i
			}
		}
	}
	flush(len(s))
	return out
}

func (t token) is(word string) bool { return strings.EqualFold(t.text, word) }

// fail reports the first error of a condition, at the place of the token.
func (c *conditionParser) fail(t token, message, hint string) ConditionExpr {
	if !c.failed {
		c.failed = true
		width := len([]rune(t.text))
		c.p.add(&diag.Diagnostic{Code: "condition", Message: message, Hint: hint, Pos: c.posOf(t), Width: max(width, 1)})
	}
	c.tokens = nil
	return nil
}

// posOf is exact for plain and quoted scalars of one line and for block
// scalars; a folded or escaped one is pointed at as a whole.
func (c *conditionParser) posOf(t token) diag.Pos {
	n := c.node
	before := c.text[:t.at]
	lines := strings.Count(before, "\n")
	if n.Style&yaml.LiteralStyle != 0 {
		line := n.Line + 1 + lines
		inLine := before[strings.LastIndexByte(before, '\n')+1:]
		return diag.Pos{Line: line, Column: c.p.indentation(n.Line+1) + len([]rune(inLine)) + 1}
	}
	if lines > 0 || n.Style&yaml.FoldedStyle != 0 {
		return pos(n)
	}
	return pos(n).Shift(len([]rune(before)) + quoted(n))
}

// indentation counts the spaces that a line of the file begins with.
func (p *parser) indentation(line int) int {
	data := p.file.Data
	for ; line > 1; line-- {
		i := bytes.IndexByte(data, '\n')
		if i < 0 {
			return 0
		}
		data = data[i+1:]
	}
	return len(data) - len(bytes.TrimLeft(data, " "))
}

func (c *conditionParser) peek() token {
	if len(c.tokens) == 0 {
		return token{at: len(strings.TrimRight(c.text, " \t\r\n"))}
	}
	return c.tokens[0]
}

func (c *conditionParser) take() token {
	t := c.peek()
	if len(c.tokens) > 0 {
		c.tokens = c.tokens[1:]
	}
	return t
}

func (c *conditionParser) or() ConditionExpr {
	x := []ConditionExpr{c.and()}
	for c.peek().is("or") {
		c.take()
		x = append(x, c.and())
	}
	if len(x) == 1 {
		return x[0]
	}
	return &CondOr{x}
}

func (c *conditionParser) and() ConditionExpr {
	x := []ConditionExpr{c.not()}
	for c.peek().is("and") {
		c.take()
		x = append(x, c.not())
	}
	if len(x) == 1 {
		return x[0]
	}
	return &CondAnd{x}
}

func (c *conditionParser) not() ConditionExpr {
	if c.depth++; c.depth > maxDepth {
		return c.fail(c.peek(), fmt.Sprintf("the condition is nested more than %d levels deep", maxDepth), "")
	}
	defer func() { c.depth-- }()
	if c.peek().is("not") {
		c.take()
		return &CondNot{c.not()}
	}
	return c.operand()
}

func (c *conditionParser) operand() ConditionExpr {
	t := c.take()
	switch {
	case t.text == "":
		return c.fail(t, "the condition ends where a search identifier is expected", "")
	case t.text == "(":
		e := c.or()
		if closing := c.take(); closing.text != ")" && !c.failed {
			return c.fail(t, "this parenthesis is never closed", "")
		}
		return e
	case t.text == ")" || t.is("and") || t.is("or"):
		return c.fail(t, fmt.Sprintf("expected a search identifier, found %q", t.text), "")
	}
	if c.peek().is("of") && (t.is("1") || t.is("any") || t.is("all")) {
		c.take()
		return c.of(t)
	}
	if c.peek().is("of") {
		return c.fail(t, fmt.Sprintf("expected \"1 of\", \"any of\" or \"all of\", found %q", t.text+" of"), "")
	}
	if c.d.Identifier(t.text) == nil {
		if strings.Contains(t.text, "*") {
			return c.fail(t, fmt.Sprintf("%q stands for several search identifiers", t.text), fmt.Sprintf("write \"1 of %s\" or \"all of %s\"", t.text, t.text))
		}
		return c.unknown(t)
	}
	return &CondRef{Name: t.text, Pos: c.posOf(t)}
}

func (c *conditionParser) unknown(t token) ConditionExpr {
	names := make([]string, len(c.d.Identifiers))
	for i, id := range c.d.Identifiers {
		names[i] = id.Name
	}
	hint := Suggest(t.text, names)
	if hint == "" {
		hint = "the rule has " + strings.Join(names, ", ")
	}
	return c.fail(t, fmt.Sprintf("unknown search identifier %q", t.text), hint)
}

// of reads what stands behind "1 of" and "all of".
func (c *conditionParser) of(quantifier token) ConditionExpr {
	t := c.take()
	if t.text == "" || t.text == "(" || t.text == ")" {
		return c.fail(t, "expected \"them\" or the name of search identifiers after \"of\"", "")
	}
	e := &CondOf{All: quantifier.is("all"), Pattern: t.text, Pos: c.posOf(t)}
	for _, id := range c.d.Identifiers {
		if t.is("them") && c.d.Identifier(t.text) == nil {
			if !strings.HasPrefix(id.Name, "_") {
				e.Names = append(e.Names, id.Name)
			}
		} else if matchName(t.text, id.Name) {
			e.Names = append(e.Names, id.Name)
		}
	}
	if len(e.Names) == 0 {
		if strings.Contains(t.text, "*") || t.is("them") {
			return c.fail(t, fmt.Sprintf("no search identifier is named like %q", t.text), "")
		}
		return c.unknown(t)
	}
	return e
}

var nameEscapes = strings.NewReplacer(`\`, `\\`, "?", `\?`, "[", `\[`)

// matchName tells whether a name is meant by a pattern in which only "*" is
// special.
func matchName(pattern, name string) bool {
	if !strings.Contains(pattern, "*") {
		return pattern == name
	}
	escaped := nameEscapes.Replace(pattern)
	ok, err := path.Match(strings.ReplaceAll(escaped, "/", "\x00"), strings.ReplaceAll(name, "/", "\x00"))
	return ok && err == nil
}
