package pipeline

var postTemplate = Postprocessor{
	Name:       "template",
	Prose:      "Puts the query into a template; see Templates. It reads query, rule and pipeline.",
	Parameters: templateParameters,
	Example: QueryExample{
		Item:    `{type: template, template: "{% for tag in rule.tags %}{{ tag | upper }}{% if not loop.last %}, {% endif %}{% endfor %}: {{ query | tojson }}"}`,
		Queries: []string{`A:"1"`},
		Result:  `ATTACK.EXECUTION: "A:\"1\""`,
	},
	read: func(d dict) postprocess {
		t := d.template("query", "rule", "pipeline")
		return func(query any, c *postContext) (any, error) { return t.render(c.values(query)) }
	},
}
