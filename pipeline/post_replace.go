package pipeline

var postReplace = Postprocessor{
	Name:  "replace",
	Prose: "Replaces what a regular expression finds in the query.",
	Parameters: []Parameter{
		{"pattern", "the regular expression (RE2)"}, {"replacement", `the new text; \1 is the first group`},
	},
	Example: QueryExample{
		Item:    `{type: replace, pattern: '(\w+):', replacement: '\1='}`,
		Queries: []string{`A:1 AND B:2`},
		Result:  `A=1 AND B=2`,
	},
	read: func(d dict) postprocess {
		re, to := d.regexp("pattern", false), goReplacement(d.text("replacement"))
		return func(query any, _ *postContext) (any, error) {
			s, err := queryText(query, "replace")
			return re.ReplaceAllString(s, to), err
		}
	},
}
