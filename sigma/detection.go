package sigma

import (
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// detection reads the detection section (specification 2.1.0, "Detection").
func (p *parser) detection(n *yaml.Node) Detection { return p.section(n, "detection") }

// section reads search identifiers and a condition; name is the section's key.
func (p *parser) section(n *yaml.Node, name string) Detection {
	d := Detection{Pos: pos(n)}
	if n.Kind != yaml.MappingNode {
		p.errorf(n, name, "%s must be a map of search identifiers and a condition, this is %s", name, kindName(n))
		return d
	}
	var condition *yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		switch k.Value {
		case "condition":
			condition = v
		case "timeframe":
			d.Timeframe = p.text(v, "timeframe")
		default:
			d.Identifiers = append(d.Identifiers, SearchIdentifier{Name: k.Value, Pos: pos(k), Body: p.search(v)})
		}
	}
	if condition == nil {
		e := p.errorf(n, "no-condition", "the %s section has no condition", name)
		if k, near := nearKey(n, "condition"); near {
			e.Pos, e.Hint = pos(k), `did you mean "condition"?`
		} else if len(d.Identifiers) > 0 {
			e.Hint = "add for example \"condition: " + d.Identifiers[0].Name + "\""
		}
		return d
	}
	if len(d.Identifiers) == 0 {
		p.errorf(n, "no-identifier", "the %s section has no search identifier", name)
		return d
	}
	d.Conditions = p.conditions(condition, &d)
	return d
}

// search reads the body of a search identifier: a map links its items with
// AND, a list links its entries with OR, plain values are keywords.
func (p *parser) search(n *yaml.Node) Search {
	switch n.Kind {
	case yaml.MappingNode:
		g := &Group{All: true, Pos: pos(n)}
		for i := 0; i+1 < len(n.Content); i += 2 {
			g.Members = append(g.Members, p.item(n.Content[i], n.Content[i+1]))
		}
		if len(g.Members) == 0 {
			p.errorf(n, "empty-search", "an empty map matches everything").Hint = "remove it, or name fields"
		}
		return g
	case yaml.SequenceNode:
		if len(n.Content) == 0 {
			p.errorf(n, "empty-search", "an empty list matches nothing").Hint = "remove it, or name values"
			return &Group{Pos: pos(n)}
		}
		if allScalars(n.Content) {
			return p.keywords(n, n.Content)
		}
		g := &Group{Pos: pos(n)}
		for _, x := range n.Content {
			g.Members = append(g.Members, p.search(x))
		}
		return g
	}
	if n.ShortTag() == "!!null" {
		p.errorf(n, "empty-search", "the search identifier is empty").Hint = "name fields, or a list of keywords"
		return &Group{Pos: pos(n)}
	}
	return p.keywords(n, []*yaml.Node{n})
}

func allScalars(nodes []*yaml.Node) bool {
	for _, n := range nodes {
		if n.Kind != yaml.ScalarNode {
			return false
		}
	}
	return true
}

func (p *parser) keywords(at *yaml.Node, nodes []*yaml.Node) *Item {
	item := &Item{Pos: pos(at)}
	p.applyModifiers(item, at, nodes)
	return item
}

// item reads "Field|modifier|modifier: value or list of values".
func (p *parser) item(k, v *yaml.Node) *Item {
	names := strings.Split(k.Value, "|")
	item := &Item{Field: names[0], Modifiers: names[1:], Pos: pos(k)}
	nodes := []*yaml.Node{v}
	switch v.Kind {
	case yaml.SequenceNode:
		nodes = v.Content
		if len(nodes) == 0 {
			p.errorf(v, "empty-list", "the list of values is empty").Hint = `write null for "the field is absent", or remove the item`
			return item
		}
	case yaml.MappingNode:
		p.errorf(v, "value", "a field's value is a text, a number, true, false, null or a list of these, this is a map").Hint = "write nested fields with dots: outer.inner"
		return item
	}
	ok := true
	for _, x := range nodes {
		if x.Kind != yaml.ScalarNode {
			p.errorf(x, "value", "an entry of a list of values must be a text, a number, true, false or null, this is %s", kindName(x))
			ok = false
		}
	}
	if ok {
		p.applyModifiers(item, k, nodes)
	}
	return item
}

// scalar reads a value as it is written in the rule.
func scalar(n *yaml.Node) Value {
	switch n.ShortTag() {
	case "!!null":
		return Null{}
	case "!!bool":
		var b bool
		if n.Decode(&b) == nil {
			return Bool(b)
		}
	case "!!int", "!!float":
		if text, ok := numberText(n); ok {
			return Number{text}
		}
	}
	return String{Pattern: ParsePattern(n.Value)}
}

// numberText is a number in decimal: as written where it is decimal already.
func numberText(n *yaml.Node) (string, bool) {
	s := strings.TrimPrefix(n.Value, "+")
	if isDecimal(s) {
		return s, true
	}
	if digits := strings.TrimLeft(s, "-0123456789"); digits == "" {
		// 00000409 is octal to some YAML readers, and a text to its author.
		return "", false
	}
	var i int64
	if n.ShortTag() == "!!int" && n.Decode(&i) == nil {
		return strconv.FormatInt(i, 10), true
	}
	var f float64
	if n.Decode(&f) != nil || f != f || f > 1e300 || f < -1e300 {
		return "", false
	}
	return strconv.FormatFloat(f, 'f', -1, 64), true
}

// isDecimal accepts "0", "-12", "1.50": digits without a leading zero, since
// YAML reads 010 as octal.
func isDecimal(s string) bool {
	s = strings.TrimPrefix(s, "-")
	whole, fraction, dot := strings.Cut(s, ".")
	if whole == "" || len(whole) > 1 && whole[0] == '0' || dot && fraction == "" {
		return false
	}
	for _, c := range whole + fraction {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}
