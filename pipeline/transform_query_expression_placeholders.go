package pipeline

import (
	"cmp"
	"strings"

	"github.com/huntbook/huntbook/sigma"
)

var transformQueryExpressionPlaceholders = Transformation{
	Name:  "query_expression_placeholders",
	Prose: "Replaces a value that is a placeholder (modifier expand) and nothing else by a text in the target's own language, such as a look-up in a list of the target. It goes into the query as it is.",
	Parameters: append([]Parameter{
		{"expression", "the text; {field} is the field's name, {id} the placeholder's or what mapping names, {{ and }} are braces"},
		{"mapping", "a map from placeholders to the identifiers that the target knows"},
	}, placeholderParameters...),
	Example: Example{
		Item:      `{type: query_expression_placeholders, expression: '{field} lookup {id}', mapping: {admins: admin_list}}`,
		Detection: `{User|expand: ['%admins%', root]}`,
		Result:    `query "User lookup admin_list" or User = "root"`,
	},
	read: func(d dict) transform {
		t := &queryExpressions{handles: readHandled(d), ids: map[string]string{}}
		d.need("expression")
		if n := d.get("expression"); n != nil {
			t.format = d.r.format(n, n.Value, "field", "id")
		}
		if n := d.get("mapping"); n != nil && !isNull(n) {
			m := d.names("mapping")
			for _, name := range m.order {
				t.ids[name] = strings.Join(m.exact[name].names, "")
			}
		}
		return t
	},
}

type queryExpressions struct {
	handles func(string) bool
	ids     map[string]string
	format  []formatPart
}

func (t *queryExpressions) apply(a *application) []*draft {
	a.itemsWithField(func(p placed) bool {
		values, changed := valueTransform(func(v sigma.Value) []sigma.Value { return t.value(a, p.item, v) }).all(p.values)
		p.values = values
		return changed
	})
	return []*draft{a.draft}
}

func (t *queryExpressions) value(a *application, it *item, v sigma.Value) []sigma.Value {
	s, ok := v.(sigma.String)
	if !ok || len(s.Pattern.Placeholders()) == 0 {
		return nil
	}
	name := s.Pattern.Placeholders()[0]
	if !t.handles(name) {
		return nil
	}
	if len(s.Pattern) != 1 {
		a.run.about(it, "placeholder", "a query expression can only stand for a whole value, and placeholder %"+name+"% has other text beside it",
			"modifiers such as contains put a wildcard there; value_placeholders can take its place")
		return nil
	}
	e := sigma.Expression{Parts: []string{""}}
	for _, part := range t.format {
		last := len(e.Parts) - 1
		switch part.root() {
		case "field":
			e.Parts = append(e.Parts, "")
		case "id":
			e.Parts[last] += cmp.Or(t.ids[name], name)
		default:
			e.Parts[last] += part.text
		}
	}
	return []sigma.Value{e}
}
