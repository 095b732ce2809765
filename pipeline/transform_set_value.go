package pipeline

import (
	"strconv"

	"go.yaml.in/yaml/v3"

	"github.com/huntbook/huntbook/sigma"
)

var transformSetValue = Transformation{
	Name:  "set_value",
	Prose: "Replaces every value of a detection item by a fixed one. Without conditions it changes all items.",
	Parameters: []Parameter{
		{"value", "a text as a rule writes it, a number, true, false or null"},
		{"force_type", "str or num: what the value is, whatever it looks like"},
	},
	Example: Example{
		Item:      `{type: set_value, value: 1, force_type: str, field_name_conditions: [{type: include_fields, fields: [A]}]}`,
		Detection: `{A: x, B: y}`,
		Result:    `A = "1" and B = "y"`,
	},
	read: func(d dict) transform {
		n := d.get("value")
		if n == nil {
			d.need("value")
			return valueTransform(nil)
		}
		value := d.setValue(n)
		return transformFunc(func(a *application) {
			a.itemsWithField(func(p placed) bool {
				p.values = []sigma.Value{value}
				return true
			})
		})
	},
}

// setValue reads the value that set_value sets.
func (d dict) setValue(n *yaml.Node) sigma.Value {
	tag := n.ShortTag()
	isNumber := tag == "!!int" || tag == "!!float"
	force := d.text("force_type")
	switch {
	case n.Kind != yaml.ScalarNode, force != "" && (tag == "!!null" || tag == "!!bool"):
		d.r.errorf(n, "value", "value of %s must be a text or a number, this is %s", d.what, kindName(n))
		return sigma.Null{}
	case force != "" && force != "str" && force != "num":
		d.r.errorf(d.get("force_type"), "force_type", "force_type must be str or num, this is %q", force)
		return sigma.Null{}
	case tag == "!!null":
		return sigma.Null{}
	case tag == "!!bool":
		return sigma.Bool(plainYAML(n) == true)
	case force == "str", force == "" && !isNumber:
		return sigma.String{Pattern: sigma.ParsePattern(n.Value)}
	}
	if _, err := strconv.ParseFloat(n.Value, 64); err != nil {
		d.r.errorf(n, "value", "%q is no number", n.Value)
	}
	return sigma.Number{Text: n.Value}
}
