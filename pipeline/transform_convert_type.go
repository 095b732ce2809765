package pipeline

import (
	"fmt"
	"strconv"

	"github.com/huntbook/huntbook/sigma"
)

var transformConvertType = Transformation{
	Name:       "convert_type",
	Prose:      "Makes texts of numbers, or numbers of texts. A text that is no number is an error.",
	Parameters: []Parameter{{"target_type", "str or num"}},
	Example: Example{
		Item:      `{type: convert_type, target_type: num, field_name_conditions: [{type: include_fields, fields: [Port]}]}`,
		Detection: `{Port: '443', Name: '443'}`,
		Result:    `Port = 443 and Name = "443"`,
	},
	read: func(d dict) transform {
		to := d.need("target_type")
		if to != "str" && to != "num" && to != "" {
			d.r.errorf(d.get("target_type"), "target_type", "target_type must be str or num, this is %q", to)
		}
		return transformFunc(func(a *application) {
			a.itemsWithField(func(p placed) bool {
				values, changed := valueTransform(func(v sigma.Value) []sigma.Value { return convertType(a, p.item, v, to) }).all(p.values)
				p.values = values
				return changed
			})
		})
	},
}

func convertType(a *application, it *item, v sigma.Value, to string) []sigma.Value {
	switch v := v.(type) {
	case sigma.Number:
		if to == "str" {
			return []sigma.Value{sigma.String{Pattern: sigma.Text(v.Text)}}
		}
	case sigma.String:
		if to == "str" {
			return nil
		}
		text, plain := v.Pattern.Plain()
		if _, err := strconv.ParseFloat(text, 64); err != nil || !plain {
			a.run.about(it, "convert-type", fmt.Sprintf("the pipeline makes numbers of the values of %s, and %q is none", it.origin, v.Pattern), "")
			return nil
		}
		return []sigma.Value{sigma.Number{Text: text}}
	}
	return nil
}
