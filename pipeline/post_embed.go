package pipeline

var postEmbed = Postprocessor{
	Name:       "embed",
	Prose:      "Puts a text before and behind the query.",
	Parameters: []Parameter{{"prefix", "the text before"}, {"suffix", "the text behind"}},
	Example: QueryExample{
		Item:    `{type: embed, prefix: 'search ', suffix: ' | head 10'}`,
		Queries: []string{`A:1`},
		Result:  `search A:1 | head 10`,
	},
	read: func(d dict) postprocess {
		prefix, suffix := d.text("prefix"), d.text("suffix")
		return func(query any, _ *postContext) (any, error) {
			s, err := queryText(query, "embed")
			return prefix + s + suffix, err
		}
	},
}
