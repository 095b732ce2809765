package pipeline

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/sigma"
)

var transformValuePlaceholders = Transformation{
	Name:       "value_placeholders",
	Prose:      "Replaces placeholders (modifier expand) by the values that the pipeline's vars give them: a text, a number or a list of these, written as values of a rule, so that * is a wildcard. Of several values one must match. A placeholder without a variable is an error.",
	Parameters: placeholderParameters,
	Vars:       `{admins: [root, 'adm_*']}`,
	Example: Example{
		Item:      `{type: value_placeholders, include: [admins]}`,
		Detection: `{User|expand: '%admins%'}`,
		Result:    `User = ("root" or "adm_*")`,
	},
	read: func(d dict) transform { return &valuePlaceholders{readHandled(d)} },
}

var placeholderParameters = []Parameter{
	{"include", "only the placeholders of these names"}, {"exclude", "all placeholders but those of these names"},
}

// readHandled tells which placeholders a transformation is for.
func readHandled(d dict) func(name string) bool {
	include, exclude := d.texts("include"), d.texts("exclude")
	if d.get("include") != nil && d.get("exclude") != nil {
		d.r.errorf(d.get("exclude"), "exclude", "include and exclude can't stand together")
	}
	return func(name string) bool {
		if d.get("include") != nil {
			return slices.Contains(include, name)
		}
		return !slices.Contains(exclude, name)
	}
}

type valuePlaceholders struct{ handles func(string) bool }

func (t *valuePlaceholders) apply(a *application) []*draft {
	a.itemsWithField(func(p placed) bool {
		return a.replacePlaceholders(p, func(name string) ([]string, bool) {
			if !t.handles(name) {
				return nil, false
			}
			v, ok := a.run.vars[name]
			switch {
			case !ok:
				a.run.about(p.item, "placeholder", fmt.Sprintf("placeholder %%%s%% has no value", name),
					"name it in the vars of pipeline "+a.owner.ID+", or exclude it there")
			case v.texts == nil:
				a.run.diags = append(a.run.diags, &diag.Diagnostic{
					Code: "vars", Message: fmt.Sprintf("variable %s stands for a placeholder, and is no text, number or list of these", name), File: v.file, Pos: v.pos,
				})
			}
			return v.texts, v.texts != nil
		})
	})
	return []*draft{a.draft}
}

// replacePlaceholders gives an item the values that stand for its placeholders.
func (a *application) replacePlaceholders(p placed, values func(string) ([]string, bool)) bool {
	before := placeholderNames(p.values)
	if len(before) == 0 {
		return false
	}
	out, err := sigma.ReplaceAll(p.values, values)
	if err != nil {
		a.run.about(p.item, "placeholder", err.Error(), "")
		return false
	}
	p.values = out
	return !slices.Equal(before, placeholderNames(out))
}

func placeholderNames(values []sigma.Value) []string {
	var names []string
	for _, v := range values {
		names = append(names, sigma.PlaceholdersOf(v)...)
	}
	return names
}

// variable is an entry of a pipeline's vars. texts is nil when it is no text,
// number or list of these.
type variable struct {
	value any
	texts []string
	file  *diag.File
	pos   diag.Pos
}

// vars reads the variables of a pipeline.
func (r *reader) vars(n *yaml.Node) map[string]variable {
	vars := map[string]variable{}
	if n == nil || isNull(n) {
		return vars
	}
	if n.Kind != yaml.MappingNode {
		r.errorf(n, "not-a-map", "vars must be a map, this is %s", kindName(n))
		return vars
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		x := variable{file: r.file, pos: diag.Pos{Line: v.Line, Column: v.Column}, value: plainYAML(v)}
		nodes := []*yaml.Node{v}
		if v.Kind == yaml.SequenceNode {
			nodes = v.Content
		}
		for _, one := range nodes {
			if tag := one.ShortTag(); one.Kind != yaml.ScalarNode || tag == "!!null" || tag == "!!bool" {
				x.texts = nil
				break
			}
			x.texts = append(x.texts, one.Value)
		}
		vars[k.Value] = x
	}
	return vars
}

// plainYAML is a node as Go's plain types: text, []any and map[string]any.
// Numbers stay as they are written.
func plainYAML(n *yaml.Node) any {
	switch {
	case n.Kind == yaml.SequenceNode:
		list := make([]any, len(n.Content))
		for i, x := range n.Content {
			list[i] = plainYAML(x)
		}
		return list
	case n.Kind == yaml.MappingNode:
		m := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			m[n.Content[i].Value] = plainYAML(n.Content[i+1])
		}
		return m
	case isNull(n):
		return nil
	case n.ShortTag() == "!!bool":
		return strings.EqualFold(n.Value, "true")
	}
	return n.Value
}
