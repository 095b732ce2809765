package pipeline

import (
	"cmp"
	"errors"
	"fmt"
	"html"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// templateExpr is a value of a template.
type templateExpr interface {
	eval(values map[string]any) (any, error)
}

// undefined is a value that is not set; its text is the path.
type undefined string

// safeText is text that needs no escaping any more.
type safeText string

type exprConst struct{ v any }

func (x exprConst) eval(map[string]any) (any, error) { return x.v, nil }

type exprPath []string

func (x exprPath) eval(values map[string]any) (any, error) {
	if v, ok := valueAt(values, x); ok {
		return v, nil
	}
	return undefined(strings.Join(x, ".")), nil
}

// exprLogic is and, or or not over its members.
type exprLogic struct {
	op string
	x  []templateExpr
}

func (x exprLogic) eval(values map[string]any) (any, error) {
	for _, m := range x.x {
		v, err := m.eval(values)
		if err != nil {
			return nil, err
		}
		if t := truth(v); x.op == "not" {
			return !t, nil
		} else if t == (x.op == "or") {
			return t, nil
		}
	}
	return x.op == "and", nil
}

type exprCompare struct {
	op   string
	a, b templateExpr
}

func (x exprCompare) eval(values map[string]any) (any, error) {
	a, err := x.a.eval(values)
	if err != nil {
		return nil, err
	}
	b, err := x.b.eval(values)
	if err != nil {
		return nil, err
	}
	switch x.op {
	case "==":
		return textOf(a) == textOf(b), nil
	case "!=":
		return textOf(a) != textOf(b), nil
	}
	found := false
	if s, ok := b.(string); ok {
		found = strings.Contains(s, textOf(a))
	} else if list, err := listOf(b); err == nil {
		found = slices.ContainsFunc(list, func(v any) bool { return textOf(v) == textOf(a) })
	} else if m, ok := b.(map[string]any); ok {
		_, found = m[textOf(a)]
	}
	return found != (x.op == "not in"), nil
}

type exprFilter struct {
	x    templateExpr
	name string
	args []templateExpr
}

func (x exprFilter) eval(values map[string]any) (any, error) {
	v, err := x.x.eval(values)
	if err != nil {
		return nil, err
	}
	args := make([]string, len(x.args))
	for i, a := range x.args {
		arg, err := a.eval(values)
		if err != nil {
			return nil, err
		}
		args[i] = textOf(arg)
	}
	if u, ok := v.(undefined); ok && x.name != "default" {
		return u, nil
	}
	return templateFilters[x.name].apply(v, args)
}

type templateFilter struct {
	// least and most are the number of arguments.
	least, most int
	apply       func(v any, args []string) (any, error)
}

var templateFilters = map[string]templateFilter{
	"default": {1, 1, func(v any, args []string) (any, error) {
		if _, ok := v.(undefined); ok {
			return args[0], nil
		}
		return v, nil
	}},
	"escape": {0, 0, func(v any, _ []string) (any, error) { return safeText(html.EscapeString(textOf(v))), nil }},
	"first":  {0, 0, func(v any, _ []string) (any, error) { return end(v, 0) }},
	"join": {0, 1, func(v any, args []string) (any, error) {
		list, err := listOf(v)
		texts := make([]string, len(list))
		for i, x := range list {
			texts[i] = textOf(x)
		}
		return strings.Join(texts, strings.Join(args, "")), err
	}},
	"last": {0, 0, func(v any, _ []string) (any, error) { return end(v, -1) }},
	"length": {0, 0, func(v any, _ []string) (any, error) {
		if s, ok := v.(string); ok {
			return utf8.RuneCountInString(s), nil
		}
		list, err := listOf(v)
		return len(list), err
	}},
	"lower":   {0, 0, func(v any, _ []string) (any, error) { return strings.ToLower(textOf(v)), nil }},
	"replace": {2, 2, func(v any, args []string) (any, error) { return strings.ReplaceAll(textOf(v), args[0], args[1]), nil }},
	"tojson": {0, 0, func(v any, _ []string) (any, error) {
		// As Jinja does, so that the text is safe inside of HTML, too.
		return safeText(strings.NewReplacer("<", `\u003c`, ">", `\u003e`, "&", `\u0026`, "'", `\u0027`).Replace(jsonText(v))), nil
	}},
	"trim":  {0, 0, func(v any, _ []string) (any, error) { return strings.TrimSpace(textOf(v)), nil }},
	"upper": {0, 0, func(v any, _ []string) (any, error) { return strings.ToUpper(textOf(v)), nil }},
}

func end(v any, at int) (any, error) {
	list, err := listOf(v)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return undefined("the first or last of an empty list"), nil
	}
	return list[(at+len(list))%len(list)], nil
}

// listOf is a value that must be a list.
func listOf(v any) ([]any, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case []any:
		return v, nil
	case []string:
		list := make([]any, len(v))
		for i, s := range v {
			list[i] = s
		}
		return list, nil
	case undefined:
		return nil, fmt.Errorf("the template asks for %s, which is not set", string(v))
	}
	return nil, fmt.Errorf("the template asks for a list, and %q is none", textOf(v))
}

// truth is what a value means as a condition.
func truth(v any) bool {
	switch v := v.(type) {
	case nil, undefined:
		return false
	case bool:
		return v
	case int:
		return v != 0
	case []any:
		return len(v) > 0
	case []string:
		return len(v) > 0
	case map[string]any:
		return len(v) > 0
	}
	return textOf(v) != ""
}

// exprParser reads: or < and < not < == != in < | filter.
type exprParser struct {
	words []string
	names []string
	depth int
}

func readTemplateExpr(s string, names []string) (templateExpr, error) {
	words, err := exprWords(s)
	if err != nil {
		return nil, err
	}
	p := &exprParser{words: words, names: names}
	x, err := p.logic("or")
	if err == nil && len(p.words) > 0 {
		err = fmt.Errorf("unexpected %q in %q", p.words[0], s)
	}
	return x, err
}

// exprWords cuts an expression: names with dots and brackets, numbers, texts in
// quotes, operators.
func exprWords(s string) ([]string, error) {
	var words []string
	for s = strings.TrimSpace(s); s != ""; s = strings.TrimSpace(s) {
		n := 1
		switch c := s[0]; {
		case c == '"' || c == '\'':
			for n < len(s) && s[n] != c {
				if s[n] == '\\' {
					n++
				}
				n++
			}
			if n++; n > len(s) {
				return nil, errors.New("a text in quotes is never closed")
			}
		case isNameRune(rune(c)):
			inBracket := false
			for n < len(s) && (inBracket || isNameRune(rune(s[n])) || s[n] == '.' || s[n] == '[') {
				inBracket = s[n] == '[' || inBracket && s[n] != ']'
				n++
			}
			if n < len(s) && s[n] == ']' {
				n++
			}
		case strings.HasPrefix(s, "==") || strings.HasPrefix(s, "!="):
			n = 2
		case !strings.ContainsRune("|(),", rune(c)):
			return nil, fmt.Errorf("%q is not known in a template", string(c))
		}
		words = append(words, s[:n])
		s = s[n:]
	}
	return words, nil
}

func (p *exprParser) peek() string {
	if len(p.words) == 0 {
		return ""
	}
	return p.words[0]
}

func (p *exprParser) take(word string) bool {
	if p.peek() != word {
		return false
	}
	p.words = p.words[1:]
	return true
}

func (p *exprParser) logic(op string) (templateExpr, error) {
	read := p.not
	if op == "or" {
		read = func() (templateExpr, error) { return p.logic("and") }
	}
	x, err := read()
	list := []templateExpr{x}
	for err == nil && p.take(op) {
		x, err = read()
		list = append(list, x)
	}
	if len(list) == 1 {
		return list[0], err
	}
	return exprLogic{op, list}, err
}

func (p *exprParser) not() (templateExpr, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, errors.New("it is nested too deeply")
	}
	defer func() { p.depth-- }()
	if p.take("not") {
		x, err := p.not()
		return exprLogic{"not", []templateExpr{x}}, err
	}
	a, err := p.filtered()
	if err != nil {
		return nil, err
	}
	op := p.peek()
	switch op {
	case "==", "!=", "in":
		p.take(op)
	case "not":
		if p.take("not"); !p.take("in") {
			return nil, errors.New(`"not" stands where an operator is expected`)
		}
		op = "not in"
	default:
		return a, nil
	}
	b, err := p.filtered()
	return exprCompare{op, a, b}, err
}

func (p *exprParser) filtered() (templateExpr, error) {
	x, err := p.primary()
	for err == nil && p.take("|") {
		name := p.peek()
		p.take(name)
		name = cmp.Or(map[string]string{"e": "escape", "d": "default", "count": "length"}[name], name)
		filter, ok := templateFilters[name]
		if !ok {
			var known []string
			for name := range templateFilters {
				known = append(known, name)
			}
			slices.Sort(known)
			return nil, unknownName(name, known)
		}
		var args []templateExpr
		if p.take("(") && !p.take(")") {
			for {
				var arg templateExpr
				if arg, err = p.logic("or"); err != nil {
					return nil, err
				}
				args = append(args, arg)
				if !p.take(",") {
					break
				}
			}
			if !p.take(")") {
				return nil, errors.New("a parenthesis is never closed")
			}
		}
		if len(args) < filter.least || len(args) > filter.most {
			return nil, fmt.Errorf("the filter %s takes %d to %d arguments, not %d", name, filter.least, filter.most, len(args))
		}
		x = exprFilter{x, name, args}
	}
	return x, err
}

func (p *exprParser) primary() (templateExpr, error) {
	word := p.peek()
	if word == "" {
		return nil, errors.New("a value is missing")
	}
	p.take(word)
	switch {
	case word == "(":
		x, err := p.logic("or")
		if err == nil && !p.take(")") {
			err = errors.New("a parenthesis is never closed")
		}
		return x, err
	case word[0] == '"' || word[0] == '\'':
		return exprConst{unquote(word)}, nil
	case word == "true" || word == "True":
		return exprConst{true}, nil
	case word == "false" || word == "False":
		return exprConst{false}, nil
	case word == "none" || word == "None":
		return exprConst{nil}, nil
	}
	if n, err := strconv.Atoi(word); err == nil {
		return exprConst{n}, nil
	}
	path, err := readPath(word)
	if err == nil {
		err = checkPath(path, p.names)
	}
	return exprPath(path), err
}

func unquote(word string) string {
	return strings.NewReplacer(`\n`, "\n", `\t`, "\t", `\\`, `\`, `\"`, `"`, `\'`, `'`).Replace(word[1 : len(word)-1])
}
