package pipeline

import (
	"go.yaml.in/yaml/v3"
)

var transformAlternatives = Transformation{
	Name:       "alternatives",
	Prose:      "Applies several lists of processing items, each to a copy of the rule of its own, and links the results with OR: for a category that several logs hold, each with its own field names. It is not in pySigma.",
	Parameters: []Parameter{{"alternatives", "a list of maps with items, a list of processing items"}},
	Example: Example{
		Item:      `{type: alternatives, alternatives: [{items: [{type: add_condition, conditions: {EventID: 1}}]}, {items: [{type: add_condition, conditions: {EventID: 4688}}, {type: field_name_mapping, mapping: {Image: NewProcessName}}]}]}`,
		Detection: `{Image: x}`,
		Result:    `(EventID = 1 and Image = "x") or (EventID = 4688 and NewProcessName = "x")`,
	},
	read: func(d dict) transform {
		t := &alternatives{}
		n := d.get("alternatives")
		if n == nil || n.Kind != yaml.SequenceNode || len(n.Content) == 0 {
			d.r.errorf(d.node, "missing-key", "%s needs %q, a list of maps with items", d.what, "alternatives")
			return t
		}
		for _, x := range n.Content {
			if way, ok := d.r.dict(x, "an alternative", "items"); ok {
				t.ways = append(t.ways, way.items())
			}
		}
		return t
	},
}

type alternatives struct{ ways [][]*processingItem }

func (t *alternatives) apply(a *application) []*draft {
	var out []*draft
	for _, items := range t.ways {
		out = append(out, a.run.applyItems(a.owner, items, a.draft.clone())...)
	}
	return out
}
