package pipeline

import "github.com/huntbook/huntbook/sigma"

var transformFieldNameMapping = Transformation{
	Name:  "field_name_mapping",
	Prose: "Gives fields the names that the target knows. A list of names means that one of them must match. Fields that a rule refers to as values, and the rule's list of fields to show, are mapped too. The key null names the field in which keywords are looked for. A map instead of a name is conditional: its keys are field=value, several values with commas, and default; a case counts where an AND, at any level, links the item to one that demands the value. Conditional mappings are not in pySigma.",
	Parameters: []Parameter{
		{"mapping", "a map from Sigma's name to a name, a list of names, or a conditional mapping"},
	},
	Example: Example{
		Item:      `{type: field_name_mapping, mapping: {User: [user.name, user.full_name], ImageLoaded: {EventID=6: driver, EventID=7: module}}}`,
		Detection: `{EventID: 7, ImageLoaded: x, User: y}`,
		Result:    `EventID = 7 and module = "x" and (user.name = "y" or user.full_name = "y")`,
	},
	read: func(d dict) transform {
		m := d.names("mapping")
		return &fieldMapping{func(a *application, p placed, name string) []string {
			return m.exact[name].resolve(p.beside, a.run.rule.LogSource, a.draft.source)
		}, m.keyword, m}
	},
}

type fieldMapping struct {
	names   func(*application, placed, string) []string
	keyword []string
	doc     nameMap
}

func (t *fieldMapping) apply(a *application) []*draft {
	a.rename(func(p placed, name string) []string { return t.names(a, p, name) })
	if t.keyword != nil {
		a.itemsWithField(t.bind)
	}
	return []*draft{a.draft}
}

// bind makes a keyword an item with a field: it is found anywhere in its value.
func (t *fieldMapping) bind(p placed) bool {
	if len(p.fields) > 0 {
		return false
	}
	p.fields, p.mapped = t.keyword, true
	p.values, _ = valueTransform(func(v sigma.Value) []sigma.Value {
		switch v := v.(type) {
		case sigma.String:
			v.Pattern = v.Pattern.Contains()
			return []sigma.Value{v}
		case sigma.Number:
			return []sigma.Value{sigma.String{Pattern: sigma.Text(v.Text).Contains()}}
		}
		return nil
	}).all(p.values)
	return true
}
