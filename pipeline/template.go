package pipeline

import (
	"errors"
	"fmt"
	"html"
	"slices"
	"strings"
)

// Templates are a small part of Jinja's language, enough to put queries into a
// text and too little to do harm: {{ value | filter }}, {% if %} with elif and
// else, {% for x in list %} with loop.index, loop.index0, loop.first and
// loop.last, {# comments #}, and the minus that takes white space away. Names
// that are never there are errors when the pipeline is read.

var templateParameters = []Parameter{
	{"template", "the template"},
	{"autoescape", "true escapes values for HTML and XML, but for those of tojson"},
}

// maxTemplateOutput bounds what a template may write, in bytes.
const maxTemplateOutput = 16 << 20

var errTemplateOutput = fmt.Errorf("the template writes more than %d bytes", maxTemplateOutput)

type jinja struct {
	body   []templateNode
	escape bool
}

// templateNode writes a piece of a template.
type templateNode interface {
	write(w *templateWriter) error
}

type templateWriter struct {
	b      strings.Builder
	values map[string]any
	escape bool
}

func (t *jinja) render(values map[string]any) (string, error) {
	w := &templateWriter{values: values, escape: t.escape}
	if err := writeNodes(w, t.body); err != nil {
		return "", err
	}
	return w.b.String(), nil
}

func writeNodes(w *templateWriter, nodes []templateNode) error {
	for _, n := range nodes {
		if err := n.write(w); err != nil {
			return err
		}
		if w.b.Len() > maxTemplateOutput {
			return errTemplateOutput
		}
	}
	return nil
}

type templateText string

func (t templateText) write(w *templateWriter) error {
	w.b.WriteString(string(t))
	return nil
}

type templateValue struct{ x templateExpr }

func (t templateValue) write(w *templateWriter) error {
	v, err := t.x.eval(w.values)
	if err != nil {
		return err
	}
	if u, ok := v.(undefined); ok {
		return fmt.Errorf("the template asks for %s, which is not set", string(u))
	}
	s := textOf(v)
	if safe, ok := v.(safeText); ok {
		s = string(safe)
	} else if w.escape {
		s = html.EscapeString(s)
	}
	w.b.WriteString(s)
	return nil
}

type templateIf struct {
	when []templateExpr // a nil one is else
	then [][]templateNode
}

func (t *templateIf) write(w *templateWriter) error {
	for i, x := range t.when {
		if x != nil {
			v, err := x.eval(w.values)
			if err != nil {
				return err
			}
			if !truth(v) {
				continue
			}
		}
		return writeNodes(w, t.then[i])
	}
	return nil
}

type templateFor struct {
	name string
	in   templateExpr
	body []templateNode
}

func (t *templateFor) write(w *templateWriter) error {
	v, err := t.in.eval(w.values)
	if err != nil {
		return err
	}
	list, err := listOf(v)
	if err != nil {
		return err
	}
	outer := w.values
	defer func() { w.values = outer }()
	for i, x := range list {
		w.values = make(map[string]any, len(outer)+2)
		for k, v := range outer {
			w.values[k] = v
		}
		w.values[t.name] = x
		w.values["loop"] = map[string]any{"index": i + 1, "index0": i, "first": i == 0, "last": i == len(list)-1, "length": len(list)}
		if err := writeNodes(w, t.body); err != nil {
			return err
		}
	}
	return nil
}

// template reads the parameters of a template.
func (d dict) template(roots ...string) *jinja {
	t := &jinja{escape: d.flag("autoescape")}
	d.need("template")
	n := d.get("template")
	if n == nil {
		return t
	}
	// Of the new lines at the end, Jinja takes one away.
	p := &templateParser{pieces: cutTemplate(strings.TrimSuffix(n.Value, "\n")), names: roots}
	var err error
	if t.body, err = p.nodes(0); err == nil && len(p.pieces) > 0 {
		err = fmt.Errorf("{%% %s %%} stands alone", p.pieces[0].text)
	}
	if err != nil {
		d.r.errorf(n, "template", "the template can't be read: %v", err)
	}
	return t
}

// templatePiece is a text ('t'), a value ('{') or a statement ('%').
type templatePiece struct {
	kind byte
	text string
	open bool // it is never closed
}

func cutTemplate(s string) []templatePiece {
	var pieces []templatePiece
	trim := false
	text := func(s string) {
		if trim {
			s = strings.TrimLeft(s, " \t\r\n")
		}
		if trim = false; s != "" {
			pieces = append(pieces, templatePiece{kind: 't', text: s})
		}
	}
	for {
		i := nextMark(s)
		if i < 0 {
			text(s)
			return pieces
		}
		kind := s[i+1]
		closing := map[byte]string{'{': "}}", '%': "%}", '#': "#}"}[kind]
		before, rest := s[:i], s[i+2:]
		if strings.HasPrefix(rest, "-") {
			before, rest = strings.TrimRight(before, " \t\r\n"), rest[1:]
		}
		text(before)
		inner, after, closed := strings.Cut(rest, closing)
		if closed && strings.HasSuffix(inner, "-") {
			inner, trim = strings.TrimSuffix(inner, "-"), true
		}
		if kind != '#' || !closed {
			pieces = append(pieces, templatePiece{kind, strings.TrimSpace(inner), !closed})
		}
		s = after
	}
}

func nextMark(s string) int {
	for i := 0; i+1 < len(s); i++ {
		if s[i] == '{' && (s[i+1] == '{' || s[i+1] == '%' || s[i+1] == '#') {
			return i
		}
	}
	return -1
}

// templateParser reads pieces into nodes; names are those that values may begin
// with where it stands.
type templateParser struct {
	pieces []templatePiece
	names  []string
}

func (p *templateParser) next() templatePiece {
	piece := p.pieces[0]
	p.pieces = p.pieces[1:]
	return piece
}

// nodes reads up to the end or a statement that ends or divides a block.
func (p *templateParser) nodes(depth int) ([]templateNode, error) {
	if depth > maxDepth {
		return nil, errors.New("it is nested too deeply")
	}
	var nodes []templateNode
	for len(p.pieces) > 0 {
		piece := p.pieces[0]
		if piece.open {
			return nil, fmt.Errorf("{%c is never closed", piece.kind)
		}
		word, rest, _ := strings.Cut(piece.text, " ")
		if piece.kind == '%' && slices.Contains([]string{"elif", "else", "endif", "endfor"}, word) {
			return nodes, nil
		}
		p.next()
		var n templateNode
		var err error
		switch {
		case piece.kind == 't':
			n = templateText(piece.text)
		case piece.kind == '{':
			var x templateExpr
			x, err = readTemplateExpr(piece.text, p.names)
			n = templateValue{x}
		case word == "if":
			n, err = p.ifNode(rest, depth)
		case word == "for":
			n, err = p.forNode(rest, depth)
		default:
			err = fmt.Errorf("{%% %s %%} is not known; there are if, elif, else, endif, for and endfor", piece.text)
		}
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, n)
	}
	return nodes, nil
}

func (p *templateParser) ifNode(condition string, depth int) (templateNode, error) {
	t := &templateIf{}
	for word := "if"; ; {
		var x templateExpr
		if word != "else" {
			var err error
			if x, err = readTemplateExpr(condition, p.names); err != nil {
				return nil, err
			}
		}
		body, err := p.nodes(depth + 1)
		if err != nil {
			return nil, err
		}
		t.when, t.then = append(t.when, x), append(t.then, body)
		if len(p.pieces) == 0 {
			return nil, errors.New("{% if %} has no {% endif %}")
		}
		piece := p.next()
		before := word
		word, condition, _ = strings.Cut(piece.text, " ")
		switch {
		case word == "endif":
			return t, nil
		case word == "endfor" || before == "else":
			return nil, fmt.Errorf("{%% %s %%} stands where {%% endif %%} is expected", piece.text)
		}
	}
}

func (p *templateParser) forNode(text string, depth int) (templateNode, error) {
	name, list, ok := strings.Cut(text, " in ")
	name = strings.TrimSpace(name)
	if !ok || name == "" || strings.ContainsFunc(name, func(c rune) bool { return !isNameRune(c) }) {
		return nil, fmt.Errorf("{%% for %s %%} is not {%% for name in list %%}", text)
	}
	in, err := readTemplateExpr(list, p.names)
	if err != nil {
		return nil, err
	}
	outer := p.names
	p.names = append(slices.Clone(outer), name, "loop")
	body, err := p.nodes(depth + 1)
	p.names = outer
	if err != nil {
		return nil, err
	}
	if len(p.pieces) == 0 || p.next().text != "endfor" {
		return nil, errors.New("{% for %} has no {% endfor %}")
	}
	return &templateFor{name, in, body}, nil
}
