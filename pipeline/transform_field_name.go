package pipeline

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

var transformFieldNameMapping = Transformation{
	Name:  "field_name_mapping",
	Prose: "Gives fields the names that the target knows. A list of names means that one of them must match. Fields that a rule refers to as values, and the rule's list of fields to show, are mapped too. A map instead of a name is conditional: its keys are field=value, several values with commas, and default; a case counts where an AND, at any level, links the item to one that demands the value. Conditional mappings are not in pySigma.",
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
		}}
	},
}

var transformFieldNamePrefixMapping = Transformation{
	Name:  "field_name_prefix_mapping",
	Prose: "Replaces the beginning of field names.",
	Parameters: []Parameter{
		{"mapping", "a map from a beginning to its replacement or a list of replacements; the first that fits is taken"},
	},
	Example: Example{
		Item:      `{type: field_name_prefix_mapping, mapping: {win.: winlog.}}`,
		Detection: `{win.channel: x}`,
		Result:    `winlog.channel = "x"`,
	},
	read: func(d dict) transform {
		m := d.names("mapping")
		return &fieldMapping{func(_ *application, _ placed, name string) []string {
			for _, prefix := range m.order {
				if rest, ok := strings.CutPrefix(name, prefix); ok {
					var out []string
					for _, to := range m.exact[prefix].names {
						out = append(out, to+rest)
					}
					return out
				}
			}
			return nil
		}}
	},
}

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
		return &fieldAffix{func(name string) string { return prefix + name }}
	},
}

var transformFieldNameSuffix = Transformation{
	Name:       "field_name_suffix",
	Prose:      "Puts a text behind every field name.",
	Parameters: []Parameter{{"suffix", "the text"}},
	Example: Example{
		Item:      `{type: field_name_suffix, suffix: .keyword}`,
		Detection: `{Image: x}`,
		Result:    `Image.keyword = "x"`,
	},
	read: func(d dict) transform {
		suffix := d.need("suffix")
		return &fieldAffix{func(name string) string { return name + suffix }}
	},
}

// nameMap is a map from a name to its new names, and its keys in order.
type nameMap struct {
	exact map[string]fieldNames
	order []string
}

func (d dict) names(key string) nameMap {
	m := nameMap{exact: map[string]fieldNames{}}
	n := d.get(key)
	if n == nil || n.Kind != yaml.MappingNode {
		d.r.errorf(d.node, "missing-key", "%s needs %q, a map from names to names", d.what, key)
		return m
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		m.exact[k.Value] = d.r.fieldNames(k, n.Content[i+1])
		m.order = append(m.order, k.Value)
	}
	return m
}

type fieldMapping struct {
	names func(*application, placed, string) []string
}

func (t *fieldMapping) apply(a *application) []*draft {
	a.rename(func(p placed, name string) []string { return t.names(a, p, name) })
	return []*draft{a.draft}
}

type fieldAffix struct{ name func(string) string }

func (t *fieldAffix) apply(a *application) []*draft {
	a.rename(func(_ placed, name string) []string { return []string{t.name(name)} })
	return []*draft{a.draft}
}
