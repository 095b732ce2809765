package pipeline

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// Summary says what a pipeline does, for the docs: what it demands of a log
// source, what it calls fields, and what else it does, in its own order.
type Summary struct {
	Sources []SummaryRow
	Fields  []SummaryRow
	Others  []SummaryRow
}

// SummaryRow is a line: What becomes To, for rules that meet When and items or
// fields that meet Where; "" is all.
type SummaryRow struct{ When, Where, What, To string }

// Summary describes the pipeline.
func (p *Pipeline) Summary() Summary {
	var s Summary
	s.add(p.items, "")
	return s
}

func (s *Summary) add(items []*processingItem, when string) {
	for _, it := range items {
		when := both(when, it.when)
		switch t := it.what.(type) {
		case *nest:
			s.add(t.items, when)
		case *alternatives:
			for _, way := range t.ways {
				s.add(way, when)
			}
		case *addCondition:
			s.Sources = append(s.Sources, SummaryRow{when, "", "", t.text})
		case *fieldMapping:
			s.addNames(t.doc, when)
		case *fieldAffix:
			s.Fields = append(s.Fields, SummaryRow{when, it.fields, t.what, t.to})
		default:
			s.Others = append(s.Others, SummaryRow{when, it.fields, it.kind, it.text})
		}
	}
}

func (s *Summary) addNames(m nameMap, when string) {
	for _, field := range m.order {
		names := m.exact[field]
		for _, c := range names.cases {
			s.Fields = append(s.Fields, SummaryRow{when, c.field + " = " + strings.Join(c.values, ", "), field, strings.Join(c.names, ", ")})
		}
		if names.names != nil {
			otherwise := ""
			if len(names.cases) > 0 {
				otherwise = "else"
			}
			s.Fields = append(s.Fields, SummaryRow{when, otherwise, field, strings.Join(names.names, ", ")})
		}
	}
	if m.keyword != nil {
		s.Fields = append(s.Fields, SummaryRow{when, "", "keywords", strings.Join(m.keyword, ", ")})
	}
}

func both(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "; " + b
}

// conditionsText writes the conditions of a processing item in a few words.
func conditionsText(d dict, key, prefix string) string {
	n := d.get(key)
	if n == nil {
		return ""
	}
	link := " and "
	if d.text(prefix+"_op") == "or" {
		link = " or "
	}
	var parts []string
	for _, x := range n.Content {
		if x.Kind == yaml.MappingNode {
			parts = append(parts, conditionText(x))
		}
	}
	text := strings.Join(parts, link)
	if d.text(prefix+"_not") == "true" || strings.HasPrefix(d.text(prefix+"_expr"), "not ") {
		text = "not (" + text + ")"
	}
	return text
}

func conditionText(n *yaml.Node) string {
	value := func(key string) string {
		if v := lookup(n, key); v != nil {
			return inline(v)
		}
		return ""
	}
	switch value("type") {
	case "logsource":
		return strings.Join(strings.Fields(value("product")+" "+value("category")+" "+value("service")), " ")
	case "contains_detection_item":
		return value("field") + " = " + value("value")
	case "contains_field":
		return "with " + value("field")
	case "include_fields":
		return value("fields")
	case "exclude_fields":
		return "all but " + value("fields")
	case "processing_item_applied":
		return "processed by " + value("processing_item_id")
	}
	return value("type")
}

// parametersText writes the parameters of a processing item in a line.
func parametersText(d dict, parameters []Parameter) string {
	var parts []string
	for _, p := range parameters {
		if v := d.get(p.Name); v != nil && p.Name != "items" && p.Name != "alternatives" {
			parts = append(parts, p.Name+": "+inline(v))
		}
	}
	return strings.Join(parts, "; ")
}

// inline writes a value in a line.
func inline(n *yaml.Node) string {
	parts := make([]string, 0, len(n.Content))
	switch n.Kind {
	case yaml.SequenceNode:
		for _, x := range n.Content {
			parts = append(parts, inline(x))
		}
		return strings.Join(parts, ", ")
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			parts = append(parts, n.Content[i].Value+" = "+alternatively(n.Content[i+1]))
		}
		return strings.Join(parts, " and ")
	}
	if isNull(n) {
		return "null"
	}
	return n.Value
}

func alternatively(n *yaml.Node) string {
	if n.Kind == yaml.SequenceNode {
		return strings.ReplaceAll(inline(n), ", ", " or ")
	}
	return inline(n)
}
