package pipeline

var transformFieldNamePrefix = Transformation{
	Name:       "field_name_prefix",
	Prose:      "Puts a text before every field name.",
	Parameters: []Parameter{{"prefix", "the text"}},
	Example: Example{
		Item:      `{type: field_name_prefix, prefix: win., field_name_conditions: [{type: exclude_fields, fields: [EventID]}]}`,
		Detection: `{EventID: 1, Image: x}`,
		Result:    `EventID = 1 and win.Image = "x"`,
	},
	read: func(d dict) transform {
		prefix := d.need("prefix")
		return &fieldAffix{func(name string) string { return prefix + name }, "…", prefix + "…"}
	},
}

// fieldAffix renames every field; what and to say it in the docs.
type fieldAffix struct {
	name     func(string) string
	what, to string
}

func (t *fieldAffix) apply(a *application) []*draft {
	a.rename(func(_ placed, name string) []string { return []string{t.name(name)} })
	return []*draft{a.draft}
}
