package pipeline

import "github.com/huntbook/huntbook/sigma"

var transformFieldNamePrefix = Transformation{
	Name:       "field_name_prefix",
	Prose:      "Puts a text before every field name. The parameter template is not in pySigma.",
	Parameters: []Parameter{{"prefix", "the text"}, {"template", "true replaces $category, $product and $service by the rule's"}},
	Example: Example{
		Item:      `{type: field_name_prefix, prefix: win., field_name_conditions: [{type: exclude_fields, fields: [EventID]}]}`,
		Detection: `{EventID: 1, Image: x}`,
		Result:    `EventID = 1 and win.Image = "x"`,
	},
	read: func(d dict) transform {
		prefix, template := d.need("prefix"), d.flag("template")
		return &fieldAffix{func(ls sigma.LogSource, name string) string {
			if template {
				return sourceTemplate(ls).Replace(prefix) + name
			}
			return prefix + name
		}, "…", prefix + "…"}
	},
}

// fieldAffix renames every field; what and to say it in the docs.
type fieldAffix struct {
	name     func(sigma.LogSource, string) string
	what, to string
}

func (t *fieldAffix) apply(a *application) []*draft {
	a.rename(func(_ placed, name string) []string { return []string{t.name(a.draft.source, name)} })
	return []*draft{a.draft}
}
