package pipeline

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/huntbook/huntbook/diag"
)

// Finalizer describes one kind of finalizer, which makes one output of the
// queries of all rules.
type Finalizer struct {
	Name, Prose string
	Parameters  []Parameter
	Example     QueryExample

	read func(dict) finalize
}

// Finalizers lists the kinds of finalizers.
func Finalizers() []*Finalizer {
	return []*Finalizer{&finalizerConcat, &finalizerJSON, &finalizerYAML, &finalizerTemplate, &finalizerNested}
}

// finalize makes an output of queries, or of what the finalizer before made.
type finalize func(output any, at *finalContext) (any, error)

type finalContext struct {
	owner *Pipeline
	vars  map[string]variable
}

type finalItem struct {
	what finalize
	pos  diag.Pos
}

func (r *reader) finalizers(n *yaml.Node, key string) []*finalItem {
	kinds := r.finals
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = k.Name
	}
	var items []*finalItem
	for _, x := range r.list(n, key) {
		i, ok := r.kind(x, "finalizer", names)
		if !ok {
			continue
		}
		known := []string{"type"}
		for _, p := range kinds[i].Parameters {
			known = append(known, p.Name)
		}
		d, _ := r.dict(x, "finalizer "+names[i], known...)
		items = append(items, &finalItem{kinds[i].read(d), diag.Pos{Line: x.Line, Column: x.Column}})
	}
	return items
}

// Finalizes tells whether the chain has finalizers: the queries of all rules
// become one output then.
func (c *Chain) Finalizes() bool {
	for _, s := range c.stages() {
		if p, ok := s.(*Pipeline); ok && len(p.final) > 0 {
			return true
		}
	}
	return false
}

// Finalize makes one output of the queries of all rules, each a text or what
// becomes JSON. Without finalizers it is the list of them. Errors are a
// diag.List that points into the pipeline's file.
func (c *Chain) Finalize(queries []any) (any, error) {
	var out any = queries
	vars := c.vars()
	for _, s := range c.stages() {
		p, ok := s.(*Pipeline)
		if !ok {
			continue
		}
		var err error
		if out, err = finalizeWith(p.final, out, &finalContext{p, vars}); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func finalizeWith(items []*finalItem, out any, c *finalContext) (any, error) {
	for _, it := range items {
		var err error
		if out, err = it.what(out, c); err != nil {
			return nil, inPipeline(err, c.owner, it.pos)
		}
	}
	return out, nil
}

var finalizerConcat = Finalizer{
	Name:       "concat",
	Prose:      "Links the queries, which must be texts.",
	Parameters: []Parameter{{"separator", "the text between two queries, a new line by default"}, {"prefix", "the text before all"}, {"suffix", "the text behind all"}},
	Example: QueryExample{
		Item:    `{type: concat, prefix: '(', separator: ') OR (', suffix: ')'}`,
		Queries: []string{"A:1", "B:2"},
		Result:  `(A:1) OR (B:2)`,
	},
	read: func(d dict) finalize {
		separator, prefix, suffix := "\n", d.text("prefix"), d.text("suffix")
		if d.get("separator") != nil {
			separator = d.text("separator")
		}
		return func(out any, _ *finalContext) (any, error) {
			queries, err := queryList(out, "concat")
			if err != nil {
				return nil, err
			}
			texts := make([]string, len(queries))
			for i, q := range queries {
				if texts[i], err = queryText(q, "concat"); err != nil {
					return nil, err
				}
			}
			return prefix + strings.Join(texts, separator) + suffix, nil
		}
	},
}

func queryList(out any, what string) ([]any, error) {
	queries, ok := out.([]any)
	if !ok {
		return nil, fmt.Errorf("%s takes the list of queries, and a finalizer before has made one text of it", what)
	}
	return queries, nil
}

var indentParameter = []Parameter{{"indent", "the number of spaces of a level"}}

var finalizerJSON = Finalizer{
	Name:       "json",
	Prose:      "Writes the queries as a JSON list.",
	Parameters: indentParameter,
	Example: QueryExample{
		Item:    `{type: json}`,
		Queries: []string{`A:"1"`, "B:2"},
		Result:  `["A:\"1\"","B:2"]`,
	},
	read: func(d dict) finalize {
		indent := d.indent()
		return func(out any, _ *finalContext) (any, error) {
			text := jsonText(out)
			if indent == 0 {
				return text, nil
			}
			var b bytes.Buffer
			err := json.Indent(&b, []byte(text), "", strings.Repeat(" ", indent))
			return b.String(), err
		}
	},
}

// indent reads the number of spaces of a level, 0 to 16.
func (d dict) indent() int {
	n := d.number("indent")
	if n < 0 || n > 16 {
		d.r.errorf(d.get("indent"), "indent", "indent must be a number from 0 to 16, this is %d", n)
		return 0
	}
	return n
}

var finalizerYAML = Finalizer{
	Name:       "yaml",
	Prose:      "Writes the queries as a YAML list.",
	Parameters: indentParameter,
	Example: QueryExample{
		Item:    `{type: yaml}`,
		Queries: []string{"A:1", "B: 2"},
		Result:  "- A:1\n- 'B: 2'\n",
	},
	read: func(d dict) finalize {
		indent := d.indent()
		return func(out any, _ *finalContext) (any, error) {
			var b strings.Builder
			e := yaml.NewEncoder(&b)
			if indent > 0 {
				e.SetIndent(indent)
			}
			err := e.Encode(out)
			return b.String(), err
		}
	},
}

var finalizerTemplate = Finalizer{
	Name:       "template",
	Prose:      "Puts the queries into a template; see Templates. It reads queries and pipeline; the state is each rule's own and not there.",
	Parameters: templateParameters,
	Example: QueryExample{
		Item:    `{type: template, template: "{% for q in queries %}{{ loop.index }}. {{ q }}\n{% endfor %}"}`,
		Queries: []string{"A:1", "B:2"},
		Result:  "1. A:1\n2. B:2\n",
	},
	read: func(d dict) finalize {
		t := d.template("queries", "pipeline")
		return func(out any, c *finalContext) (any, error) {
			return t.render(map[string]any{"queries": out, "pipeline": pipelineValues(c.owner, c.vars, nil)})
		}
	},
}

var finalizerNested = Finalizer{
	Name:       "nested",
	Prose:      "Applies a list of finalizers, one after the other.",
	Parameters: []Parameter{{"finalizers", "a list of finalizers"}},
	Example: QueryExample{
		Item:    `{type: nested, finalizers: [{type: concat, separator: ' '}, {type: json}]}`,
		Queries: []string{"A:1", "B:2"},
		Result:  `"A:1 B:2"`,
	},
	read: func(d dict) finalize {
		n := d.get("finalizers")
		if n == nil {
			d.need("finalizers")
			return nil
		}
		items := d.r.finalizers(n, "finalizers")
		return func(out any, c *finalContext) (any, error) { return finalizeWith(items, out, c) }
	},
}
