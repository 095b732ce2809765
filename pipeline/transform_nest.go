package pipeline

var transformNest = Transformation{
	Name:       "nest",
	Prose:      "Applies a list of processing items, so that one set of conditions stands for all of them.",
	Parameters: []Parameter{{"items", "a list of processing items"}},
	Example: Example{
		Item:      `{type: nest, items: [{type: field_name_prefix, prefix: b.}, {type: field_name_prefix, prefix: a.}]}`,
		Detection: `{Image: x}`,
		Result:    `a.b.Image = "x"`,
	},
	read: func(d dict) transform { return &nest{d.items()} },
}

type nest struct{ items []*processingItem }

func (t *nest) apply(a *application) []*draft {
	return a.run.applyItems(a.owner, t.items, a.draft)
}

// items reads the processing items under the key "items".
func (d dict) items() []*processingItem {
	n := d.get("items")
	if n == nil {
		d.r.errorf(d.node, "missing-key", "%s needs %q", d.what, "items")
		return nil
	}
	return d.r.items(n, "items")
}
