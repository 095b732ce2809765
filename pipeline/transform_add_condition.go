package pipeline

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/sigma"
)

var transformAddCondition = Transformation{
	Name:  "add_condition",
	Prose: "Demands detection items beside the rule's condition, which is how a log source becomes a channel and an event id.",
	Parameters: []Parameter{
		{"conditions", "a map of detection items, as in a rule"},
		{"negated", "true demands that they do not hold"},
		{"template", "true replaces $category, $product and $service by the rule's"},
		{"name", "kept for pySigma; it has no effect"},
	},
	Example: Example{
		Item:      `{type: add_condition, conditions: {EventID: [17, 18]}}`,
		Detection: `{PipeName: x}`,
		Result:    `EventID = (17 or 18) and PipeName = "x"`,
	},
	read: func(d dict) transform {
		t := &addCondition{d.conditions("conditions"), d.flag("negated"), d.flag("template"), ""}
		if n := d.get("conditions"); n != nil {
			t.text = inline(n)
		}
		return t
	},
}

type addCondition struct {
	what     node
	negated  bool
	template bool
	text     string
}

func (t *addCondition) apply(a *application) []*draft {
	n := cloneNode(t.what)
	source := a.draft.source
	eachItem(n, nil, func(it *item, _ context) {
		it.owner = a.owner
		a.touched(it)
		if t.template {
			it.values = fillTemplates(it.values, source)
		}
	})
	if t.negated {
		n = &not{n}
	}
	a.draft.added = append(a.draft.added, n)
	a.draft.sourced = true
	return []*draft{a.draft}
}

// sourceTemplate puts the parts of a log source into a text that names them.
func sourceTemplate(ls sigma.LogSource) *strings.Replacer {
	return strings.NewReplacer(
		"${category}", ls.Category, "${product}", ls.Product, "${service}", ls.Service,
		"$category", ls.Category, "$product", ls.Product, "$service", ls.Service)
}

func fillTemplates(values []sigma.Value, ls sigma.LogSource) []sigma.Value {
	fill := sourceTemplate(ls)
	filled, _ := valueTransform(func(v sigma.Value) []sigma.Value {
		s, ok := v.(sigma.String)
		if !ok {
			return nil
		}
		p := slices.Clone(s.Pattern)
		for i := range p {
			p[i].Text = fill.Replace(p[i].Text)
		}
		s.Pattern = sigma.Pattern(nil).Append(p...)
		return []sigma.Value{s}
	}).all(values)
	return filled
}

// conditions reads a map of detection items with Sigma's own parser.
func (d dict) conditions(key string) node {
	n := d.get(key)
	if n == nil || n.Kind != yaml.MappingNode || len(n.Content) == 0 {
		d.r.errorf(d.node, "missing-key", "%s needs %q, a map of detection items", d.what, key)
		return &group{all: true}
	}
	return d.r.detection(n, d.what)
}

func (r *reader) detection(n *yaml.Node, what string) node {
	word := func(s string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s} }
	dict := func(kv ...*yaml.Node) *yaml.Node {
		return &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Content: kv}
	}
	text, err := yaml.Marshal(dict(
		word("title"), word("condition"),
		word("logsource"), dict(word("category"), word("any")),
		word("detection"), dict(word("items"), uncommented(n), word("condition"), word("items")),
	))
	if err != nil {
		r.errorf(n, "conditions", "the conditions of %s can't be read: %v", what, err)
		return &group{all: true}
	}
	rules, diags := sigma.Parse(&diag.File{Data: text})
	for _, d := range diags.Errors() {
		r.errorf(n, d.Code, "in the conditions of %s: %s", what, d.Message).Hint = d.Hint
	}
	if diags.HasErrors() || len(rules) != 1 {
		return &group{all: true}
	}
	return identifier(&rules[0].Detection, "items")
}

// uncommented copies a node without comments, which would break a map in flow
// style.
func uncommented(n *yaml.Node) *yaml.Node {
	c := *n
	c.HeadComment, c.LineComment, c.FootComment, c.Anchor = "", "", "", ""
	c.Content = make([]*yaml.Node, len(n.Content))
	for i, x := range n.Content {
		c.Content[i] = uncommented(x)
	}
	return &c
}
