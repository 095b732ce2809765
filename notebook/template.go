package notebook

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"text/template/parse"

	"github.com/huntbook/huntbook/kernel/syntax"
)

// Template makes notebooks of one flavour. It is safe for concurrent use.
type Template struct {
	Flavour
	metadata string // JSON of the notebook's metadata
	cells    []cellTemplate
}

type cellTemplate struct {
	name string
	kind CellType
	tags []string
	// perQuery cells stand once for each query of the page.
	perQuery bool
	text     *template.Template
}

// cellData is what a cell's template sees: the page and, in cells for each
// query, that query and its number from 1.
type cellData struct {
	*Page
	Query  Query
	Number int
}

const cellMark = "=== "

// section is a cell of a template's text.
type section struct {
	line   int
	header string
	text   string
	// shared reads the text of a cell that several flavours have.
	shared func(name string) (string, error)
}

// sections cuts a template's text at its cell marks, before any rule's text is
// in it; what stands before the first mark is a comment.
func sections(text string) []section {
	var list []section
	number := 0
	for line := range strings.Lines(text) {
		number++
		if header, ok := strings.CutPrefix(line, cellMark); ok {
			list = append(list, section{line: number, header: header})
		} else if len(list) > 0 {
			list[len(list)-1].text += line
		}
	}
	return list
}

// cell reads a cell's header, "name type [query] [tag=…] [from=…]", and its text.
func (s section) cell(language string) (cellTemplate, error) {
	words := strings.Fields(s.header)
	if len(words) < 2 || !validID(words[0]) || len(words[0]) > 40 {
		return cellTemplate{}, fmt.Errorf("a cell starts with %q, type markdown or code", cellMark+"name type")
	}
	c := cellTemplate{name: words[0], kind: CellType(words[1])}
	switch c.kind {
	case Markdown:
		language = "markdown"
	case Code:
	default:
		return c, fmt.Errorf("type %q of cell %s is neither markdown nor code", words[1], c.name)
	}
	text := s.text
	for _, w := range words[2:] {
		key, value, _ := strings.Cut(w, "=")
		switch {
		case key == "tag" && value != "":
			c.tags = append(c.tags, value)
		case key == "from" && value != "":
			if strings.TrimSpace(text) != "" {
				return c, fmt.Errorf("cell %s has a text of its own and one from %s.tmpl", c.name, value)
			}
			var err error
			if text, err = s.shared(value); err != nil {
				return c, fmt.Errorf("cell %s: %w", c.name, err)
			}
		case w == "query":
			c.perQuery = true
		default:
			return c, fmt.Errorf("%q of cell %s is none of query, tag=… and from=…", w, c.name)
		}
	}
	var err error
	c.text, err = template.New(c.name).Option("missingkey=error").Funcs(encoderFuncs()).Parse(strings.Trim(text, "\n"))
	if err != nil {
		return c, err
	}
	for _, t := range c.text.Templates() {
		if t.Name() != c.name {
			return c, fmt.Errorf("cell %s: {{define}} and {{block}} are not allowed", c.name)
		}
	}
	return c, checkEncoded(c.text.Tree.Root, language)
}

// An encoder writes a value so that it means itself in one language. Each is
// allowed in cells of that language alone.
type encoder struct {
	language string
	write    any // a function of one value, or of a name and one
}

var encoders = map[string]encoder{
	"md":     {"markdown", InlineMarkdown},
	"text":   {"markdown", MarkdownText},
	"link":   {"markdown", MarkdownLink},
	"attack": {"markdown", attackLink},
	"see":    {"markdown", relatedLine},
	"fence":  {"markdown", MarkdownCode},
	"list":   {"markdown", func(items []string) string { return InlineMarkdown(strings.Join(items, ", ")) }},
	"number": {"markdown", strconv.Itoa},
	"python": {"python", PythonLiteral},
	"r":      {"R", RLiteral},
	// An R integer is written 1L, which does not suit the end of a name.
	"rnumber": {"R", strconv.Itoa},
	"word":    {"huntbook", syntax.Quote},
	"value":   {"huntbook", syntax.QuoteValue},
	"int":     {"huntbook", strconv.Itoa},
	"body":    {"huntbook", cellBody},
}

// cellBody is text as the body of a cell magic, which ends where its cell ends:
// any text can stand there. The newline at the end goes without saying, and a
// byte order mark would be a character of the first line.
func cellBody(s string) string {
	return strings.TrimSuffix(unixLines(strings.TrimPrefix(s, "\uFEFF")), "\n")
}

func encoderFuncs() template.FuncMap {
	funcs := template.FuncMap{"trim": strings.TrimSpace}
	for name, e := range encoders {
		funcs[name] = e.write
	}
	return funcs
}

// checkEncoded makes sure that whatever the template puts into a cell passes an
// encoder for the cell's language last: nothing of a rule gets in as it is.
func checkEncoded(node parse.Node, language string) error {
	var errs []error
	switch n := node.(type) {
	case *parse.ListNode:
		if n == nil {
			return nil
		}
		for _, child := range n.Nodes {
			errs = append(errs, checkEncoded(child, language))
		}
	case *parse.ActionNode:
		if len(n.Pipe.Decl) > 0 {
			return nil
		}
		last := n.Pipe.Cmds[len(n.Pipe.Cmds)-1].Args[0]
		_, isFunction := last.(*parse.IdentifierNode)
		if !isFunction || encoders[last.String()].language != language {
			return fmt.Errorf("%s: write the value with an encoder for %s: %s", n, language, strings.Join(encodersOf(language), ", "))
		}
	case *parse.IfNode:
		errs = append(errs, checkEncoded(n.List, language), checkEncoded(n.ElseList, language))
	case *parse.RangeNode:
		errs = append(errs, checkEncoded(n.List, language), checkEncoded(n.ElseList, language))
	case *parse.WithNode:
		errs = append(errs, checkEncoded(n.List, language), checkEncoded(n.ElseList, language))
	case *parse.TemplateNode:
		return fmt.Errorf("%s: {{template}} is not allowed", n)
	}
	return errors.Join(errs...)
}

func encodersOf(language string) []string {
	var names []string
	for name, e := range encoders {
		if e.language == language {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Build makes the notebook of a rule, not run. The same page gives the same
// notebook. Cells whose text comes out empty are left out.
func (t *Template) Build(p *Page) (*Notebook, error) {
	v, err := decodeJSON([]byte(t.metadata))
	if err != nil {
		return nil, fmt.Errorf("notebook template %s: metadata.json: %w", t.Name, err)
	}
	metadata, _ := v.(object)
	metadata["huntbook"] = object{"flavour": t.Name, "rule": p.Rule.ID}
	nb := &Notebook{Metadata: metadata}
	for i := 0; i < len(t.cells); {
		end := i + 1
		if !t.cells[i].perQuery {
			if err := t.add(nb, t.cells[i], cellData{Page: p}); err != nil {
				return nil, err
			}
			i = end
			continue
		}
		// Neighbours that stand for each query are one group: all of the
		// first query, then all of the second.
		for end < len(t.cells) && t.cells[end].perQuery {
			end++
		}
		for n, q := range p.Queries {
			for _, c := range t.cells[i:end] {
				if err := t.add(nb, c, cellData{Page: p, Query: q, Number: n + 1}); err != nil {
					return nil, err
				}
			}
		}
		i = end
	}
	return nb, nil
}

func (t *Template) add(nb *Notebook, c cellTemplate, data cellData) error {
	var b strings.Builder
	if err := c.text.Execute(&b, data); err != nil {
		return fmt.Errorf("notebook template %s: %w", t.Name, err)
	}
	source := b.String()
	if c.kind == Markdown {
		source = strings.TrimSpace(source)
	}
	if source == "" {
		return nil
	}
	id := c.name
	if data.Number > 1 {
		id += "-" + strconv.Itoa(data.Number)
	}
	metadata := object{"huntbook": object{"cell": id}}
	if len(c.tags) > 0 {
		metadata["tags"] = slices.Clone(c.tags)
	}
	nb.Cells = append(nb.Cells, Cell{ID: id, Type: c.kind, Source: source, Metadata: metadata})
	return nil
}
