package sigma

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/agnivade/levenshtein"
	"go.yaml.in/yaml/v3"
)

// Levels and Statuses are the values that the specification names, from the
// least to the most.
var (
	Levels   = []string{"informational", "low", "medium", "high", "critical"}
	Statuses = []string{"unsupported", "deprecated", "experimental", "test", "stable"}
)

// documentKeys maps a rule's keys to what reads them; other keys are kept as
// custom ones.
var documentKeys = map[string]func(*parser, *Rule, *yaml.Node){
	"title":          func(p *parser, r *Rule, n *yaml.Node) { r.Title = p.text(n, "title") },
	"id":             func(p *parser, r *Rule, n *yaml.Node) { r.ID = p.text(n, "id") },
	"name":           func(p *parser, r *Rule, n *yaml.Node) { r.Name = p.text(n, "name") },
	"taxonomy":       func(p *parser, r *Rule, n *yaml.Node) { r.Taxonomy = p.text(n, "taxonomy") },
	"description":    func(p *parser, r *Rule, n *yaml.Node) { r.Description = p.text(n, "description") },
	"license":        func(p *parser, r *Rule, n *yaml.Node) { r.License = p.text(n, "license") },
	"author":         func(p *parser, r *Rule, n *yaml.Node) { r.Author = strings.Join(p.texts(n, "author"), ", ") },
	"date":           func(p *parser, r *Rule, n *yaml.Node) { r.Date = p.text(n, "date") },
	"modified":       func(p *parser, r *Rule, n *yaml.Node) { r.Modified = p.text(n, "modified") },
	"references":     func(p *parser, r *Rule, n *yaml.Node) { r.References = p.texts(n, "references") },
	"fields":         func(p *parser, r *Rule, n *yaml.Node) { r.Fields = p.texts(n, "fields") },
	"falsepositives": func(p *parser, r *Rule, n *yaml.Node) { r.FalsePositives = p.texts(n, "falsepositives") },
	"scope":          func(p *parser, r *Rule, n *yaml.Node) { r.Scope = p.texts(n, "scope") },
	"tags":           func(p *parser, r *Rule, n *yaml.Node) { r.Tags = p.texts(n, "tags") },
	"status":         func(p *parser, r *Rule, n *yaml.Node) { r.Status = p.word(n, "status", Statuses) },
	"level":          func(p *parser, r *Rule, n *yaml.Node) { r.Level = p.word(n, "level", Levels) },
	"related":        func(p *parser, r *Rule, n *yaml.Node) { r.Related = p.related(n) },
	"logsource":      func(p *parser, r *Rule, n *yaml.Node) { r.LogSource = p.logSource(n) },
	"detection":      func(p *parser, r *Rule, n *yaml.Node) { r.Detection = p.detection(n) },
	"correlation":    func(p *parser, r *Rule, n *yaml.Node) { r.Correlation = p.correlation(n) },
	"generate":       func(p *parser, r *Rule, n *yaml.Node) { p.generate = n },
}

// rule reads one document; nil says that it is about something else.
func (p *parser) rule(root *yaml.Node) *Rule {
	r := &Rule{File: p.file, Pos: pos(root), Keys: keysOf(root, keyDepth)}
	p.generate, p.aggregation = nil, nil
	seen := map[string]bool{}
	for i := 0; i+1 < len(root.Content); i += 2 {
		k, v := root.Content[i], root.Content[i+1]
		seen[k.Value] = true
		if p.flaws.unread[k.Value] {
			continue
		}
		if read := documentKeys[k.Value]; read != nil {
			p.reading(func() { read(p, r, v) }, k.Value)
			if k.Value == "logsource" && r.LogSource.isEmpty() && !p.flaws.keys[k.Value] {
				p.warnf(v, "no-logsource", "logsource names no category, product or service: the rule is matched against every event")
			}
			continue
		}
		var plain any
		if err := v.Decode(&plain); err == nil {
			r.Custom = append(r.Custom, Custom{k.Value, plain})
		}
	}
	switch {
	case seen["correlation"] || seen["detection"]:
	default:
		p.flaws.keys["detection"] = true
		k, near := nearKey(root, "detection")
		switch {
		case near:
			p.flaws.keys[k.Value] = true
			d := p.errorf(k, "no-detection", "the rule has no detection section")
			d.Hint = `did you mean "detection"?`
		case seen["logsource"] || seen["title"]:
			p.errorf(root, "no-detection", "the rule has no detection section")
		default:
			p.errorf(root, "not-a-rule", "this YAML is no Sigma rule: it has no title, logsource or detection")
			return nil
		}
	}
	p.reading(func() { p.finishCorrelation(root, r) }, "correlation", "detection")
	if r.Title == "" && !p.flaws.keys["title"] {
		p.warnf(root, "no-title", "the rule has no title")
	}
	if !seen["logsource"] && !seen["correlation"] && r.Correlation == nil {
		p.warnf(root, "no-logsource", "the rule has no logsource: it is matched against every event")
	}
	return r
}

// nearKey finds a key of a map that looks like a misspelt name.
func nearKey(m *yaml.Node, name string) (*yaml.Node, bool) {
	for i := 0; i+1 < len(m.Content); i += 2 {
		if k := m.Content[i]; levenshtein.ComputeDistance(k.Value, name) <= 2 {
			return k, true
		}
	}
	return nil, false
}

// text reads a scalar as it is written; null is "".
func (p *parser) text(n *yaml.Node, key string) string {
	if n.Kind != yaml.ScalarNode {
		p.errorf(n, "not-text", "%s must be text, this is %s", key, kindName(n))
		return ""
	}
	if n.ShortTag() == "!!null" {
		return ""
	}
	return n.Value
}

// texts reads a list of scalars; one scalar stands for a list of one.
func (p *parser) texts(n *yaml.Node, key string) []string {
	if n.Kind == yaml.ScalarNode {
		if s := p.text(n, key); s != "" {
			return []string{s}
		}
		return nil
	}
	if n.Kind == yaml.MappingNode {
		p.errorf(n, "not-a-list", "%s must be a list of texts, this is a map", key)
		return nil
	}
	var out []string
	for _, x := range n.Content {
		if x.Kind == yaml.MappingNode && len(x.Content) == 2 && x.Content[1].Kind == yaml.ScalarNode {
			// "- Unlikely: see below" is a map to YAML and a sentence to its author.
			out = append(out, x.Content[0].Value+": "+x.Content[1].Value)
			continue
		}
		if s := p.text(x, "an entry of "+key); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// word reads a text that should be one of a set.
func (p *parser) word(n *yaml.Node, key string, known []string) string {
	s := strings.ToLower(strings.TrimSpace(p.text(n, key)))
	if s != "" && !slices.Contains(known, s) {
		p.warnf(n, "unknown-"+key, "%s %q is not one of %s", key, s, strings.Join(known, ", ")).Hint = Suggest(s, known)
	}
	return s
}

// Suggest is a hint that names the nearest of the known names, "" when none
// is near.
func Suggest(name string, known []string) string {
	best, distance := "", min(3, max(1, utf8.RuneCountInString(name)/2))+1
	for _, k := range known {
		if d := levenshtein.ComputeDistance(strings.ToLower(name), strings.ToLower(k)); d < distance {
			best, distance = k, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("did you mean %q?", best)
}

func (p *parser) related(n *yaml.Node) []Related {
	if n.Kind != yaml.SequenceNode {
		if n.ShortTag() != "!!null" {
			p.warnf(n, "related", "related must be a list of maps with id and type")
		}
		return nil
	}
	var out []Related
	for _, x := range n.Content {
		if x.Kind != yaml.MappingNode {
			p.warnf(x, "related", "an entry of related must be a map with id and type, this is %s", kindName(x))
			continue
		}
		var rel Related
		if v := lookup(x, "id"); v != nil {
			rel.ID = p.text(v, "id")
		}
		if v := lookup(x, "type"); v != nil {
			rel.Type = p.text(v, "type")
		}
		out = append(out, rel)
	}
	return out
}

func (p *parser) logSource(n *yaml.Node) LogSource {
	ls := LogSource{Pos: pos(n)}
	if n.Kind != yaml.MappingNode {
		p.errorf(n, "logsource", "logsource must be a map with category, product or service, this is %s", kindName(n))
		return ls
	}
	parts := map[string]*string{"category": &ls.Category, "product": &ls.Product, "service": &ls.Service}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		switch part := parts[k.Value]; {
		case part != nil:
			*part = strings.ToLower(strings.TrimSpace(p.text(v, "logsource "+k.Value)))
		case k.Value == "definition" && v.Kind == yaml.ScalarNode:
			ls.Definition = v.Value
		case k.Value == "definition":
		default:
			if hint := Suggest(k.Value, []string{"category", "product", "service", "definition"}); hint != "" {
				p.warnf(k, "logsource-key", "logsource has no key %q", k.Value).Hint = hint
			}
		}
	}
	return ls
}

// isEmpty tells that a log source names no logs.
func (ls LogSource) isEmpty() bool { return ls.Category == "" && ls.Product == "" && ls.Service == "" }
