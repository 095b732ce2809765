package sigma

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/huntbook/huntbook/diag"
)

// Placeholders are the values that stand for %name% where the modifier expand
// is: for each name a list of texts as a rule writes values, so "*" and "?" are
// wildcards and a backslash takes their meaning away.
type Placeholders map[string][]string

// Documents are what a file of several YAML documents holds.
type Documents struct {
	Rules   []*Rule
	Filters []*Filter
	// Placeholders are those of documents with the one key "placeholders",
	// which the text of an expanded rule carries; nil when there are none.
	Placeholders Placeholders
	// Broken are documents with errors.
	Broken []Broken
}

// Apply gives each rule the filters and the placeholders of the file.
func (d *Documents) Apply() diag.List {
	for i, r := range d.Rules {
		d.Rules[i] = r.WithFilters(d.Filters)
	}
	return d.Expand()
}

// Expand gives each rule the placeholders of the file; a rule whose placeholders
// can't be replaced stays as it is.
func (d *Documents) Expand() diag.List {
	var diags diag.List
	for i, r := range d.Rules {
		out, list := r.WithPlaceholders(d.Placeholders)
		if diags = append(diags, list...); out != nil {
			d.Rules[i] = out
		}
	}
	return diags
}

func (d *Documents) addPlaceholders(p Placeholders) {
	if d.Placeholders == nil {
		d.Placeholders = Placeholders{}
	}
	maps.Copy(d.Placeholders, p)
}

// isPlaceholders tells a document of placeholders from a rule.
func isPlaceholders(root *yaml.Node) bool {
	return len(root.Content) == 2 && root.Content[0].Value == "placeholders" && root.Content[1].Kind == yaml.MappingNode
}

// ParsePlaceholders reads a file of placeholders: a YAML map from names to a
// value or a list of values, alone or under the key "placeholders"; or, when the
// file is named .csv, a table with the columns name and value, a value a row.
func ParsePlaceholders(file *diag.File) (Placeholders, diag.List) {
	p := &parser{file: file, memory: &nodes{}}
	if !p.checkBytes() {
		return nil, p.diags
	}
	var out Placeholders
	if strings.EqualFold(filepath.Ext(file.Path), ".csv") {
		out = p.placeholderTable()
	} else if docs := splitDocuments(file.Data); len(docs) == 1 {
		root, ok := p.parseYAML(docs[0])
		switch {
		case !ok || root == nil:
		case isPlaceholders(root):
			out = p.placeholders(root.Content[1])
		default:
			out = p.placeholders(root)
		}
	}
	if len(out) == 0 && !p.diags.HasErrors() {
		p.add(&diag.Diagnostic{Code: "placeholders", Message: "the file holds no placeholders", Hint: `write "name: [value, value]", or a .csv with the columns name and value`})
	}
	return out, p.diags
}

// placeholders reads a map from names to values.
func (p *parser) placeholders(n *yaml.Node) Placeholders {
	if n.Kind != yaml.MappingNode {
		p.errorf(n, "placeholders", "placeholders must be a map from names to values, this is %s", kindName(n))
		return nil
	}
	out := Placeholders{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		nodes := []*yaml.Node{v}
		if v.Kind == yaml.SequenceNode {
			nodes = v.Content
		}
		if len(nodes) == 0 {
			p.errorf(v, "placeholders", "placeholder %s has no value", k.Value)
		}
		for _, x := range nodes {
			if tag := x.ShortTag(); x.Kind != yaml.ScalarNode || tag != "!!str" && tag != "!!int" && tag != "!!float" {
				p.errorf(x, "placeholders", "a value of placeholder %s must be a text or a number, this is %s", k.Value, kindName(x)).Hint = "put it in quotes if it is meant as text"
				continue
			}
			out[k.Value] = append(out[k.Value], x.Value)
		}
	}
	return out
}

// placeholderTable reads a CSV text.
func (p *parser) placeholderTable() Placeholders {
	r := csv.NewReader(strings.NewReader(strings.TrimPrefix(string(p.file.Data), "\uFEFF")))
	r.FieldsPerRecord = -1
	out := Placeholders{}
	name, value := -1, -1
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return out
		}
		var at *csv.ParseError
		if errors.As(err, &at) {
			p.add(&diag.Diagnostic{Code: "csv", Message: "not valid CSV: " + at.Err.Error(), Pos: diag.Pos{Line: at.Line, Column: at.Column}})
			return out
		}
		if name < 0 {
			for i, column := range row {
				switch strings.ToLower(strings.TrimSpace(column)) {
				case "name":
					name = i
				case "value":
					value = i
				}
			}
			if name < 0 || value < 0 {
				p.add(&diag.Diagnostic{Code: "csv", Message: "the first line must name the columns name and value", Pos: diag.Pos{Line: 1, Column: 1}})
				return out
			}
			continue
		}
		if line, _ := r.FieldPos(0); max(name, value) >= len(row) || row[name] == "" {
			p.add(&diag.Diagnostic{Code: "csv", Message: "a line needs a name and a value", Pos: diag.Pos{Line: line, Column: 1}})
			continue
		}
		out[row[name]] = append(out[row[name]], row[value])
	}
}

// WithPlaceholders returns a copy of the rule whose placeholders are replaced:
// a value with placeholders becomes every combination of their values, linked
// with OR. Names that are not given stay. The values used stand as a document
// behind the rule in Text. The rule itself is returned where nothing changes,
// and nil beside errors.
func (r *Rule) WithPlaceholders(given Placeholders) (*Rule, diag.List) {
	if len(given) == 0 {
		return r, nil
	}
	used := Placeholders{}
	lookUp := func(name string) ([]string, bool) {
		values, ok := given[name]
		if ok {
			used[name] = values
		}
		return values, ok
	}
	var diags diag.List
	out := *r
	out.Detection.Identifiers = slices.Clone(r.Detection.Identifiers)
	for i, id := range out.Detection.Identifiers {
		file := r.File
		if id.File != nil {
			file = id.File
		}
		out.Detection.Identifiers[i].Body = mapItems(id.Body, func(it *Item) *Item {
			values, err := ReplaceAll(it.Values, lookUp)
			if err != nil {
				diags = append(diags, &diag.Diagnostic{Code: "placeholder", Message: err.Error(), File: file, Pos: it.Pos})
				return it
			}
			c := *it
			c.Values = values
			return &c
		})
	}
	if len(diags) > 0 {
		return nil, diags
	}
	if len(used) == 0 {
		return r, nil
	}
	out.Text = joinDocuments(r.Text, used.document())
	return &out, nil
}

// document writes placeholders as a YAML document that ParseAll reads.
func (p Placeholders) document() string {
	word := func(s string) *yaml.Node {
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s, Style: yaml.DoubleQuotedStyle}
	}
	lists := &yaml.Node{Kind: yaml.MappingNode}
	for _, name := range slices.Sorted(maps.Keys(p)) {
		list := &yaml.Node{Kind: yaml.SequenceNode}
		for _, value := range p[name] {
			list.Content = append(list.Content, word(value))
		}
		lists.Content = append(lists.Content, word(name), list)
	}
	key := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: "placeholders"}
	text, err := yaml.Marshal(&yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{key, lists}})
	if err != nil {
		return "" // a text in quotes always has a form
	}
	return string(text)
}

// mapItems copies a search with other items.
func mapItems(s Search, f func(*Item) *Item) Search {
	switch s := s.(type) {
	case *Item:
		return f(s)
	case *Group:
		c := *s
		c.Members = make([]Search, len(s.Members))
		for i, m := range s.Members {
			c.Members[i] = mapItems(m, f)
		}
		return &c
	}
	return s
}

// ReplaceAll replaces the placeholders of an item's values; values says what
// stands for a name, false leaves the placeholder. Several values that came of
// one are Alternatives.
func ReplaceAll(list []Value, values func(name string) ([]string, bool)) ([]Value, error) {
	out := make([]Value, len(list))
	total := 0
	for i, v := range list {
		forms, err := replaceOne(v, values)
		if err != nil {
			return nil, err
		}
		if total += len(forms); total > maxValues {
			return nil, fmt.Errorf("the placeholders make more than %d values", maxValues)
		}
		if out[i] = Alternatives(forms); len(forms) == 1 {
			out[i] = forms[0]
		}
	}
	return out, nil
}

func replaceOne(v Value, values func(string) ([]string, bool)) ([]Value, error) {
	switch v := v.(type) {
	case String:
		patterns, err := combine(v.Pattern, values)
		forms := make([]Value, len(patterns))
		for i, p := range patterns {
			forms[i] = String{Pattern: p, Cased: v.Cased}
		}
		return forms, err
	case Regexp:
		if !v.Expand {
			return []Value{v}, nil
		}
		return expandRegexp(v, values)
	case Alternatives:
		var forms []Value
		for _, a := range v {
			more, err := replaceOne(a, values)
			if err != nil {
				return nil, err
			}
			if forms = append(forms, more...); len(forms) > maxValues {
				break // ReplaceAll refuses them
			}
		}
		return forms, nil
	}
	return []Value{v}, nil
}

// combine replaces the placeholders of a pattern by every combination of their
// values.
func combine(p Pattern, values func(string) ([]string, bool)) ([]Pattern, error) {
	out := []Pattern{nil}
	for _, t := range p {
		pieces := []Pattern{{t}}
		if t.Kind == Placeholder {
			if texts, ok := values(t.Text); ok {
				pieces = pieces[:0]
				for _, text := range texts {
					pieces = append(pieces, ParsePattern(text))
				}
			}
		}
		if len(pieces) == 1 {
			for i := range out {
				out[i] = out[i].Append(pieces[0]...)
			}
			continue
		}
		if len(out)*len(pieces) > maxValues {
			return nil, fmt.Errorf("the placeholders make more than %d values", maxValues)
		}
		next := make([]Pattern, 0, len(out)*len(pieces))
		for _, before := range out {
			for _, piece := range pieces {
				next = append(next, before.Append(piece...))
			}
		}
		out = next
	}
	return out, nil
}

// expandRegexp puts the values into the expression as they are written: they
// are parts of it.
func expandRegexp(re Regexp, values func(string) ([]string, bool)) ([]Value, error) {
	out := []string{""}
	open := false
	for _, t := range regexpPlaceholders(re.Source) {
		pieces := []string{t.Text}
		if t.Kind == Placeholder {
			if texts, ok := values(t.Text); ok {
				pieces = texts
			} else {
				pieces, open = []string{"%" + t.Text + "%"}, true
			}
		}
		if len(out)*len(pieces) > maxValues {
			return nil, fmt.Errorf("the placeholders make more than %d values", maxValues)
		}
		next := make([]string, 0, len(out)*len(pieces))
		for _, before := range out {
			for _, piece := range pieces {
				next = append(next, before+piece)
			}
		}
		out = next
	}
	forms := make([]Value, len(out))
	for i, source := range out {
		re.Source, re.Expand = source, open
		v, err := checkRegexp(re)
		if err != nil {
			return nil, err
		}
		forms[i] = v
	}
	return forms, nil
}

// PlaceholdersOf names the placeholders of a value, in order.
func PlaceholdersOf(v Value) []string {
	var names []string
	switch v := v.(type) {
	case String:
		return v.Pattern.Placeholders()
	case Regexp:
		if v.Expand {
			return regexpPlaceholders(v.Source).Placeholders()
		}
	case Alternatives:
		for _, a := range v {
			names = append(names, PlaceholdersOf(a)...)
		}
	}
	return names
}
