package pipeline

import "github.com/huntbook/huntbook/diag"

var transformDropDetectionItem = Transformation{
	Name:  "drop_detection_item",
	Prose: "Removes detection items, for fields that the target does not have. What is left must match; a rule of which nothing is left is an error.",
	Example: Example{
		Item:      `{type: drop_detection_item, field_name_conditions: [{type: include_fields, fields: [IntegrityLevel]}]}`,
		Detection: `{Image: x, IntegrityLevel: High}`,
		Result:    `Image = "x"`,
	},
	read: func(dict) transform { return dropItem{} },
}

type dropItem struct{}

func (dropItem) apply(a *application) []*draft {
	dropped := map[*item]node{}
	a.itemsWithField(func(p placed) bool {
		dropped[p.item] = nil
		return true
	})
	a.draft.replace(dropped)
	for _, n := range a.draft.conditions {
		if n == nil {
			a.fail(diag.Error, "nothing-left", "the pipeline drops every detection item of a condition", "")
			a.draft.conditions = nil
			break
		}
	}
	return []*draft{a.draft}
}

// replace puts other nodes in the place of items, nil for none; what is empty
// then is removed too.
func (d *draft) replace(by map[*item]node) {
	var added []node
	for _, n := range d.added {
		if n = replaceIn(n, by); n != nil {
			added = append(added, n)
		}
	}
	d.added = added
	for i, n := range d.conditions {
		d.conditions[i] = replaceIn(n, by)
	}
}

func replaceIn(n node, by map[*item]node) node {
	switch n := n.(type) {
	case *item:
		if to, ok := by[n]; ok {
			return to
		}
	case *not:
		if n.x = replaceIn(n.x, by); n.x == nil {
			return nil
		}
	case *group:
		var x []node
		for _, m := range n.x {
			if m = replaceIn(m, by); m != nil {
				x = append(x, m)
			}
		}
		if len(x) == 0 && len(n.x) > 0 {
			return nil
		}
		n.x = x
	}
	return n
}
