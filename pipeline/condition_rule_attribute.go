package pipeline

import (
	"fmt"
	"slices"
	"strings"

	"github.com/huntbook/huntbook/sigma"
)

var ruleAttributeCondition = condition[*draft]{
	Condition{
		Name: "rule_attribute",
		Prose: "An attribute of the rule compares with a value as op says. Levels and statuses have their order, dates and numbers too; a list of texts knows in and not_in; other texts eq and ne. " +
			"An attribute that the rule does not have makes it false, and so does an op that the attribute's kind does not know.",
		Parameters: []Parameter{
			{"attribute", "a key of the rule, such as level, status, author, date or tags, a key of its own, or one that set_custom_attribute set"},
			{"value", "what to compare with"},
			{"op", "eq (default), ne, gte, gt, lte, lt, in, not_in"},
		},
		Example: Example{
			Item:      `{type: field_name_prefix, prefix: e., rule_conditions: [{type: rule_attribute, attribute: level, value: medium, op: gte}]}`,
			Detection: `{A: 1}`,
			Result:    `e.A = 1`,
		},
	},
	func(d dict) func(*draft) bool {
		name, value := d.need("attribute"), d.need("value")
		op := d.operator(true)
		return func(d *draft) bool { return attributeHolds(d, name, op, value) }
	},
}

var relations = []string{"eq", "ne", "gte", "gt", "lte", "lt"}

// operator reads the key op; lists tells whether in and not_in are known.
func (d dict) operator(lists bool) string {
	known := relations
	if lists {
		known = append(slices.Clone(relations), "in", "not_in")
	}
	op := d.text("op")
	if op == "" {
		return "eq"
	}
	if !slices.Contains(known, op) {
		d.r.errorf(d.get("op"), "op", "op must be one of %s, this is %q", strings.Join(known, ", "), op)
	}
	return op
}

func attributeHolds(d *draft, name, op, want string) bool {
	v, ok := d.attribute(name)
	if !ok {
		return false
	}
	switch v := v.(type) {
	case []string:
		switch op {
		case "in":
			return slices.Contains(v, want)
		case "not_in":
			return !slices.Contains(v, want)
		}
		return op == "ne" // a list is never one value
	case string:
		return attributeRelation(name, op, v, want)
	}
	return attributeRelation(name, op, fmt.Sprint(v), want)
}

// ranks are the attributes whose values have an order of their own.
var ranks = map[string][]string{"level": sigma.Levels, "status": sigma.Statuses}

func attributeRelation(name, op, got, want string) bool {
	switch op {
	case "eq":
		return got == want
	case "ne":
		return got != want
	case "in", "not_in":
		return false
	}
	if ranked, ok := ranks[name]; ok {
		g, w := slices.Index(ranked, got), slices.Index(ranked, strings.ToLower(want))
		return g >= 0 && w >= 0 && relation(op, g-w)
	}
	if name == "date" || name == "modified" {
		// Written YYYY-MM-DD, and YYYY/MM/DD in v1, dates are in order as texts.
		clean := strings.NewReplacer("/", "-")
		return relation(op, strings.Compare(clean.Replace(got), clean.Replace(want)))
	}
	n, ok := compareNumbers(got, want)
	return ok && relation(op, n)
}

// attribute is a value of the rule or one that a pipeline set: a text, a list
// of texts, or what a key of the rule's own holds.
func (d *draft) attribute(name string) (any, bool) {
	if v, ok := d.custom[name]; ok {
		return v, true
	}
	if v, ok := d.ruleAttribute(name); ok {
		return v, v != ""
	}
	for _, c := range d.rule.Custom {
		if c.Key == name {
			return plain(c.Value)
		}
	}
	return nil, false
}

// ruleAttribute is the value of a key that the specification names: a string,
// "" when it is absent, or a list of strings.
func (d *draft) ruleAttribute(name string) (any, bool) {
	r := d.rule
	texts := map[string]string{
		"title": r.Title, "id": r.ID, "name": r.Name, "taxonomy": r.Taxonomy, "status": r.Status, "description": r.Description,
		"license": r.License, "author": r.Author, "date": r.Date, "modified": r.Modified, "level": r.Level,
	}
	if v, ok := texts[name]; ok {
		return v, true
	}
	lists := map[string][]string{
		"references": r.References, "fields": d.fields, "falsepositives": r.FalsePositives, "scope": r.Scope, "tags": r.Tags,
	}
	v, ok := lists[name]
	return v, ok
}

// plain is a value of a rule's own key as a condition can compare it.
func plain(v any) (any, bool) {
	switch v := v.(type) {
	case nil, map[string]any:
		return nil, false
	case []any:
		texts := make([]string, len(v))
		for i, x := range v {
			texts[i] = fmt.Sprint(x)
		}
		return texts, true
	}
	return v, true
}
