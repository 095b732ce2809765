package pipeline

import (
	"fmt"
	"strings"
)

var postSimpleTemplate = Postprocessor{
	Name:       "simple_template",
	Prose:      "Puts the query into a text in Python's format notation, with names alone: {query}, {rule.title}, {pipeline.state[index]}, {pipeline.vars.name}. Lists are JSON, {{ and }} are braces.",
	Parameters: []Parameter{{"template", "the text"}},
	Example: QueryExample{
		Item:    `{type: simple_template, template: '{rule.title} ({rule.level}): {query} {{x}}'}`,
		Queries: []string{`A:1`},
		Result:  `Example (high): A:1 {x}`,
	},
	read: func(d dict) postprocess {
		d.need("template")
		var parts []formatPart
		if n := d.get("template"); n != nil {
			parts = d.r.format(n, n.Value, "query", "rule", "pipeline")
		}
		return func(query any, c *postContext) (any, error) {
			values := c.values(query)
			var b strings.Builder
			for _, p := range parts {
				b.WriteString(p.text)
				if p.path == nil {
					continue
				}
				v, ok := valueAt(values, p.path)
				if !ok {
					return nil, fmt.Errorf("the template asks for %s, which is not set", strings.Join(p.path, "."))
				}
				b.WriteString(textOf(v))
			}
			return b.String(), nil
		}
	},
}
