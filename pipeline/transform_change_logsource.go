package pipeline

var transformChangeLogsource = Transformation{
	Name:  "change_logsource",
	Prose: "Gives the rule another log source; what follows in the chain sees the new one. Parts that are not named become empty.",
	Parameters: []Parameter{
		{"category", "the new category"}, {"product", "the new product"}, {"service", "the new service"},
	},
	Example: Example{
		Item:      `{type: nest, items: [{type: change_logsource, product: windows, service: sysmon}, {type: add_condition, conditions: {from: $service}, template: true}]}`,
		Detection: `{Image: x}`,
		Result:    `from = "sysmon" and Image = "x"`,
	},
	read: func(d dict) transform {
		to := readLogSource(d)
		return transformFunc(func(a *application) { a.draft.rewrite(to) })
	},
}

// transformFunc is a transformation that changes the draft in place.
type transformFunc func(*application)

func (f transformFunc) apply(a *application) []*draft {
	f(a)
	return []*draft{a.draft}
}
