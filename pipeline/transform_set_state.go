package pipeline

import "go.yaml.in/yaml/v3"

var transformSetState = Transformation{
	Name:  "set_state",
	Prose: `Sets a value that later conditions (processing_state) and the target can read. The state "index" names the index or indices that a query is for.`,
	Parameters: []Parameter{
		{"key", "the name"}, {"val", "a text or a list of texts"},
	},
	Example: Example{
		Item:      `{type: set_state, key: index, val: logs-*}`,
		Detection: `{Image: x}`,
		Result:    `Image = "x" in logs-*`,
	},
	read: func(d dict) transform {
		key := d.need("key")
		var val any
		if n := d.get("val"); n == nil {
			d.need("val")
		} else if n.Kind == yaml.SequenceNode {
			val = d.texts("val")
		} else {
			val = d.text("val")
		}
		return transformFunc(func(a *application) { a.draft.state[key] = val })
	},
}
