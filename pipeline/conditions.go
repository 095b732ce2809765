package pipeline

import (
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/huntbook/huntbook/sigma"
)

// Condition describes one condition of processing items.
type Condition struct {
	Name, Prose string
	Parameters  []Parameter
	Example     Example
}

// condition is a Condition and its reader.
type condition[T any] struct {
	Condition
	read func(dict) func(T) bool
}

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

// equals tells whether a value is the text, read as a rule writes it. Letters
// of either case are the same, as they are to rules.
func equals(v sigma.Value, text string) bool {
	switch v := v.(type) {
	case sigma.String:
		return strings.EqualFold(v.Pattern.String(), sigma.ParsePattern(text).String())
	case sigma.Number:
		return v.Text == text
	case sigma.Bool:
		return strings.EqualFold(text, map[sigma.Bool]string{true: "true", false: "false"}[v])
	case sigma.Alternatives:
		return slices.ContainsFunc(v, func(a sigma.Value) bool { return equals(a, text) })
	}
	return false
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
