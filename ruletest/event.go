package ruletest

import (
	"encoding/json"
	"math"
	"strings"

	"go.yaml.in/yaml/v3"
)

// The bounds of an event that is written in a test file.
const maxDepth, maxNodes = 32, 100_000

// event writes a YAML map as a JSON object, its keys in their order.
func (r *reader) event(n *yaml.Node) json.RawMessage {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind != yaml.MappingNode {
		r.errorf(n, "an event is a map of fields")
		return nil
	}
	w := &eventWriter{r: r}
	w.node(n, 0)
	return json.RawMessage(w.b.String())
}

type eventWriter struct {
	r     *reader
	b     strings.Builder
	nodes int
}

func (w *eventWriter) node(n *yaml.Node, depth int) {
	if w.nodes++; depth > maxDepth || w.nodes > maxNodes {
		if w.nodes <= maxNodes || w.nodes == maxNodes+1 {
			w.r.errorf(n, "the event has more than %d levels or %d values", maxDepth, maxNodes)
		}
		w.nodes = maxNodes + 2
		w.b.WriteString("null")
		return
	}
	switch n.Kind {
	case yaml.AliasNode:
		w.node(n.Alias, depth+1)
	case yaml.SequenceNode:
		w.b.WriteByte('[')
		for i, x := range n.Content {
			if i > 0 {
				w.b.WriteByte(',')
			}
			w.node(x, depth+1)
		}
		w.b.WriteByte(']')
	case yaml.MappingNode:
		w.b.WriteByte('{')
		w.members(n, depth, map[string]bool{})
		w.b.WriteByte('}')
	default:
		w.scalar(n)
	}
}

// members writes a map's keys, and behind them those that merge keys bring in.
func (w *eventWriter) members(n *yaml.Node, depth int, written map[string]bool) {
	var merged []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if k.ShortTag() == "!!merge" {
			merged = append(merged, v)
			continue
		}
		if written[k.Value] {
			continue
		}
		if len(written) > 0 {
			w.b.WriteByte(',')
		}
		written[k.Value] = true
		w.text(k.Value)
		w.b.WriteByte(':')
		w.node(v, depth+1)
	}
	for _, v := range merged {
		if v.Kind == yaml.AliasNode {
			v = v.Alias
		}
		maps := []*yaml.Node{v}
		if v.Kind == yaml.SequenceNode {
			maps = v.Content
		}
		for _, m := range maps {
			if m.Kind == yaml.AliasNode {
				m = m.Alias
			}
			if w.nodes++; m.Kind == yaml.MappingNode && depth < maxDepth && w.nodes < maxNodes {
				w.members(m, depth+1, written)
			}
		}
	}
}

// scalar writes numbers, booleans and null as such, all else as text: a time is
// the text that stands there.
func (w *eventWriter) scalar(n *yaml.Node) {
	switch n.ShortTag() {
	case "!!null":
		w.b.WriteString("null")
		return
	case "!!bool":
		var b bool
		if n.Decode(&b) == nil {
			w.b.WriteString(map[bool]string{true: "true", false: "false"}[b])
			return
		}
	case "!!int", "!!float":
		if json.Valid([]byte(n.Value)) {
			w.b.WriteString(n.Value)
			return
		}
		var f float64
		if n.Decode(&f) == nil && !math.IsNaN(f) && !math.IsInf(f, 0) && strings.Trim(n.Value, "0123456789") != "" {
			if text, err := json.Marshal(f); err == nil {
				w.b.Write(text)
				return
			}
		}
	}
	w.text(n.Value)
}

func (w *eventWriter) text(s string) {
	text, err := json.Marshal(s)
	if err != nil {
		text = []byte(`""`)
	}
	w.b.Write(text)
}
