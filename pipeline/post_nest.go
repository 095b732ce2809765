package pipeline

var postNest = Postprocessor{
	Name:       "nest",
	Prose:      "Applies a list of post-processing items, so that one set of conditions stands for all of them.",
	Parameters: []Parameter{{"items", "a list of post-processing items"}},
	Example: QueryExample{
		Item:    `{type: nest, items: [{type: embed, prefix: 'b '}, {type: embed, prefix: 'a '}], rule_conditions: [{type: rule_attribute, attribute: level, value: high}]}`,
		Queries: []string{`A:1`},
		Result:  `a b A:1`,
	},
	read: func(d dict) postprocess {
		n := d.get("items")
		if n == nil {
			d.need("items")
			return nil
		}
		items := d.r.postItems(n, "items")
		return func(query any, c *postContext) (any, error) { return postprocessWith(items, query, c) }
	},
}
