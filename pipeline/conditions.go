package pipeline

import (
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/huntbook/huntbook/sigma"
)

// Conditions lists the conditions of each kind: "rule", "detection item" and
// "field name".
func Conditions() map[string][]Condition {
	return map[string][]Condition{
		"rule":           describe(ruleConditions),
		"detection item": describe(itemConditions),
		"field name":     describe(fieldConditions),
	}
}

func describe[T any](kinds []condition[T]) []Condition {
	out := make([]Condition, len(kinds))
	for i, k := range kinds {
		out[i] = k.Condition
	}
	return out
}

var ruleConditions = []condition[*draft]{
	{
		Condition{"logsource", "The rule's log source has each of the named parts.", []Parameter{
			{"category", "a category"}, {"product", "a product"}, {"service", "a service"},
		}},
		func(d dict) func(*draft) bool {
			want := readLogSource(d)
			return func(d *draft) bool { return covers(want, d.source) }
		},
	},
	{
		Condition{"contains_detection_item", "Some detection item of the rule has the field and the value.", []Parameter{
			{"field", "the field, by its first or its present name"}, {"value", "the value, as text or number"},
		}},
		func(d dict) func(*draft) bool {
			field, value := d.need("field"), d.need("value")
			return func(d *draft) bool {
				found := false
				d.each(func(it *item, _ context) {
					named, _ := it.names(value)
					found = found || named && it.called(field)
				})
				return found
			}
		},
	},
	{
		Condition{"contains_field", "Some detection item of the rule has the field.", []Parameter{
			{"field", "the field, by its first or its present name"},
		}},
		func(d dict) func(*draft) bool {
			field := d.need("field")
			return func(d *draft) bool {
				found := false
				d.each(func(it *item, _ context) { found = found || it.called(field) })
				return found
			}
		},
	},
	{
		Condition{"processing_item_applied", "The processing item with that id was applied to the rule.", []Parameter{
			{"processing_item_id", "the id"},
		}},
		func(d dict) func(*draft) bool {
			id := d.need("processing_item_id")
			return func(d *draft) bool { return d.applied[id] }
		},
	},
	{
		Condition{"processing_state", "The state has that value (set_state).", stateParameters},
		func(d dict) func(*draft) bool {
			f := readState(d)
			return func(d *draft) bool { return f(d) }
		},
	},
	{
		Condition{"is_sigma_rule", "The rule is no correlation.", nil},
		func(dict) func(*draft) bool { return func(*draft) bool { return true } },
	},
}

var itemConditions = []condition[placed]{
	{
		Condition{"match_string", "The item's values, as text, meet a regular expression.", []Parameter{
			{"pattern", "the regular expression, matched from the start of the value"}, condParameter,
		}},
		func(d dict) func(placed) bool {
			re := d.regexp("pattern", true)
			return meets(d, func(v sigma.Value) bool {
				s, ok := v.(sigma.String)
				return ok && re.MatchString(s.Pattern.String())
			})
		},
	},
	{
		Condition{"contains_wildcard", "A value of the item has a wildcard.", []Parameter{condParameter}},
		func(d dict) func(placed) bool {
			return meets(d, func(v sigma.Value) bool {
				s, ok := v.(sigma.String)
				return ok && !s.Pattern.IsPlain()
			})
		},
	},
	{
		Condition{"is_null", "A value of the item is null.", []Parameter{condParameter}},
		func(d dict) func(placed) bool {
			return meets(d, func(v sigma.Value) bool {
				_, null := v.(sigma.Null)
				return null
			})
		},
	},
	{
		Condition{"processing_item_applied", "The processing item with that id touched this item.", []Parameter{
			{"processing_item_id", "the id"},
		}},
		func(d dict) func(placed) bool {
			id := d.need("processing_item_id")
			return func(p placed) bool { return p.applied[id] }
		},
	},
	{
		Condition{"processing_state", "The state has that value (set_state).", stateParameters},
		func(d dict) func(placed) bool {
			f := readState(d)
			return func(p placed) bool { return f(p.draft) }
		},
	},
}

var condParameter = Parameter{"cond", "any (default) or all of the values"}

// meets tells whether any or all values of an item meet f, as cond says.
func meets(d dict, f func(sigma.Value) bool) func(placed) bool {
	switch cond := d.text("cond"); cond {
	case "", "any":
		return func(p placed) bool { return slices.ContainsFunc(p.values, f) }
	case "all":
	default:
		d.r.errorf(d.get("cond"), "cond", "cond must be any or all, this is %q", cond)
	}
	return func(p placed) bool {
		return !slices.ContainsFunc(p.values, func(v sigma.Value) bool { return !f(v) })
	}
}

var fieldConditions = []condition[fieldName]{
	{
		Condition{"include_fields", "The field is one of the list.", fieldsParameters},
		func(d dict) func(fieldName) bool {
			in := readFields(d)
			return func(f fieldName) bool { return in(f.name) }
		},
	},
	{
		Condition{"exclude_fields", "The field is none of the list.", fieldsParameters},
		func(d dict) func(fieldName) bool {
			in := readFields(d)
			return func(f fieldName) bool { return !in(f.name) }
		},
	},
	{
		Condition{"processing_item_applied", "The processing item with that id touched the field's item.", []Parameter{
			{"processing_item_id", "the id"},
		}},
		func(d dict) func(fieldName) bool {
			id := d.need("processing_item_id")
			return func(f fieldName) bool { return f.applied[id] }
		},
	},
	{
		Condition{"processing_state", "The state has that value (set_state).", stateParameters},
		func(d dict) func(fieldName) bool {
			f := readState(d)
			return func(n fieldName) bool { return f(n.draft) }
		},
	},
}

var stateParameters = []Parameter{{"key", "the name in the state"}, {"val", "the value it must have"}}

func readState(d dict) func(*draft) bool {
	key, want := d.need("key"), d.need("val")
	return func(d *draft) bool {
		switch v := d.state[key].(type) {
		case string:
			return v == want
		case []string:
			return slices.Contains(v, want)
		}
		return false
	}
}

var fieldsParameters = []Parameter{{"fields", "field names"}, {"mode", "plain (default), or re for regular expressions matched from the start"}}

func readFields(d dict) func(string) bool {
	fields := d.texts("fields")
	switch mode := d.text("mode"); mode {
	case "", "plain":
		return func(name string) bool { return slices.Contains(fields, name) }
	case "re":
	default:
		d.r.errorf(d.get("mode"), "mode", "mode must be plain or re, this is %q", mode)
	}
	var patterns []*regexp.Regexp
	for _, f := range fields {
		patterns = append(patterns, d.compile(d.get("fields"), f, true))
	}
	return func(name string) bool {
		return slices.ContainsFunc(patterns, func(re *regexp.Regexp) bool { return re.MatchString(name) })
	}
}

// regexp compiles the text of a key. atStart matches as Python's re.match.
func (d dict) regexp(key string, atStart bool) *regexp.Regexp {
	return d.compile(d.get(key), d.need(key), atStart)
}

func (d dict) compile(at *yaml.Node, text string, atStart bool) *regexp.Regexp {
	if atStart {
		text = "^(?:" + text + ")"
	}
	re, err := regexp.Compile(text)
	if err != nil {
		if at == nil {
			at = d.node
		}
		d.r.errorf(at, "regexp", "%v", err).Hint = "regular expressions are RE2's: no look-around, no back-references"
		return regexp.MustCompile(`$^`)
	}
	return re
}

// called tells whether the item is about the field, by its first name or one
// of its present ones.
func (it *item) called(field string) bool {
	return it.origin == field || slices.Contains(it.fields, field)
}

// readLogSource reads category, product and service of a map.
func readLogSource(d dict) sigma.LogSource {
	return sigma.LogSource{
		Category: strings.ToLower(d.text("category")),
		Product:  strings.ToLower(d.text("product")),
		Service:  strings.ToLower(d.text("service")),
	}
}

// covers tells whether every part that is named in want is the same in got.
func covers(want, got sigma.LogSource) bool {
	return (want.Category == "" || want.Category == got.Category) &&
		(want.Product == "" || want.Product == got.Product) &&
		(want.Service == "" || want.Service == got.Service)
}
