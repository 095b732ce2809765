package pipeline

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/huntbook/huntbook/sigma"
)

// fieldNames are a field's names in the target, linked with OR. Where cases
// hold they decide; names is what counts elsewhere, nil for no mapping.
type fieldNames struct {
	names []string
	cases []nameCase
}

// nameCase holds where a field, or category, product or service of the log
// source, has one of the values.
type nameCase struct {
	field  string
	values []string
	names  []string
}

// fieldNames reads a name, a list of names, or a conditional mapping:
// "field=value: name", several values with commas, and "default: name".
func (r *reader) fieldNames(k, v *yaml.Node) fieldNames {
	what := "the new name of " + k.Value
	if v.Kind != yaml.MappingNode {
		names := r.texts(v, what)
		if len(names) == 0 || slices.Contains(names, "") {
			r.errorf(v, "name", "%s is empty", what)
		}
		return fieldNames{names: names}
	}
	var m fieldNames
	for i := 0; i+1 < len(v.Content); i += 2 {
		k, v := v.Content[i], v.Content[i+1]
		field, values, ok := strings.Cut(k.Value, "=")
		switch {
		case ok:
			c := nameCase{field: strings.TrimSpace(field), names: r.texts(v, what)}
			for _, value := range strings.Split(values, ",") {
				c.values = append(c.values, strings.TrimSpace(value))
			}
			m.cases = append(m.cases, c)
		case k.Value == "default":
			m.names = r.texts(v, what)
		default:
			r.errorf(k, "mapping", `a conditional mapping has keys "field=value" and "default", this is %q`, k.Value)
		}
	}
	return m
}

// resolve gives the names of all cases whose field has their value beside the
// item; where no field decides, those of a part of the log sources, the
// narrower first; then the default. nil means that the mapping says nothing.
func (m fieldNames) resolve(beside context, sources ...sigma.LogSource) []string {
	var names []string
	for _, c := range m.cases {
		if slices.ContainsFunc(c.values, func(v string) bool { return beside.has(c.field, v) }) {
			names = union(names, c.names...)
		}
	}
	if names != nil {
		return names
	}
	for _, ls := range sources {
		for _, part := range []struct{ name, value string }{{"service", ls.Service}, {"category", ls.Category}, {"product", ls.Product}} {
			for _, c := range m.cases {
				if c.field == part.name && slices.Contains(c.values, part.value) {
					return c.names
				}
			}
		}
	}
	return m.names
}

// nameMap is a map from a name to its new names, and its keys in order.
type nameMap struct {
	exact map[string]fieldNames
	order []string
	// keyword are the fields in which keywords are looked for, under the key
	// null.
	keyword []string
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
		if isNull(k) {
			m.keyword = d.r.fieldNames(k, n.Content[i+1]).names
			continue
		}
		m.exact[k.Value] = d.r.fieldNames(k, n.Content[i+1])
		m.order = append(m.order, k.Value)
	}
	return m
}
