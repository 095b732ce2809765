package pipeline

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/sigma"
)

// The bounds of a pipeline file: larger, deeper or alias-multiplied ones are
// refused.
const (
	maxFileSize = 8 << 20
	maxDepth    = 64
	maxNodes    = 200_000
)

// reader reads one YAML file and collects what is wrong with it.
type reader struct {
	file  *diag.File
	diags diag.List
	nodes int
	// kinds, posts and finals are what a pipeline may use.
	kinds  []*Transformation
	posts  []*Postprocessor
	finals []*Finalizer
	// lenient lets the last of two equal keys win, as sigmac did.
	lenient bool
}

func (r *reader) add(n *yaml.Node, s diag.Severity, code, format string, args ...any) *diag.Diagnostic {
	d := &diag.Diagnostic{Code: code, Severity: s, Message: fmt.Sprintf(format, args...), File: r.file}
	if n != nil {
		d.Pos = diag.Pos{Line: n.Line, Column: n.Column}
		if n.Kind == yaml.ScalarNode && !strings.Contains(n.Value, "\n") {
			d.Width = utf8.RuneCountInString(n.Value)
		}
	}
	r.diags = append(r.diags, d)
	return d
}

func (r *reader) errorf(n *yaml.Node, code, format string, args ...any) *diag.Diagnostic {
	return r.add(n, diag.Error, code, format, args...)
}

// readFile reads a file that a user named, up to the bound.
func readFile(path string) (*diag.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return nil, fmt.Errorf("%s is a folder; name a file", path)
	}
	if info.Size() > maxFileSize {
		return nil, fmt.Errorf("%s has %d bytes, more than the %d that a pipeline may have", path, info.Size(), maxFileSize)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return &diag.File{Path: path, Data: data}, nil
}

var yamlErrorLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

// root parses the file into nodes: aliases replaced, keys checked. It returns
// nil and reports when the file is not one YAML map.
func (r *reader) root() *yaml.Node {
	if len(r.file.Data) > maxFileSize || !utf8.Valid(r.file.Data) || slices.Contains(r.file.Data, 0) {
		r.errorf(nil, "not-text", "this is not a YAML text of at most %d bytes", maxFileSize)
		return nil
	}
	var top yaml.Node
	if err := unmarshal(r.file.Data, &top); err != nil {
		msg := err.Error()
		d := r.errorf(nil, "yaml", "")
		if m := yamlErrorLine.FindStringSubmatch(msg); m != nil {
			msg = msg[len(m[0]):]
			if line, err := strconv.Atoi(m[1]); err == nil {
				d.Pos = diag.Pos{Line: line, Column: 1}
			}
		}
		d.Message = "not valid YAML: " + msg
		return nil
	}
	if len(top.Content) == 0 {
		r.errorf(nil, "empty", "the file is empty")
		return nil
	}
	n := r.check(top.Content[0], 0)
	if r.diags.HasErrors() {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		r.errorf(n, "not-a-map", "expected a map of keys, found %s", kindName(n))
		return nil
	}
	return n
}

func unmarshal(data []byte, into *yaml.Node) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("yaml: %v", p)
		}
	}()
	return yaml.Unmarshal(data, into)
}

// check returns the node with aliases replaced by what they stand for, and
// reports duplicate keys and documents that are too complex.
func (r *reader) check(n *yaml.Node, depth int) *yaml.Node {
	if r.nodes++; r.nodes > maxNodes || depth > maxDepth {
		if r.nodes < 2*maxNodes {
			r.errorf(n, "too-complex", "the file has more than %d values or %d levels", maxNodes, maxDepth).Hint = "write out what its aliases repeat"
		}
		r.nodes = 2 * maxNodes
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Line: n.Line, Column: n.Column}
	}
	if n.Kind == yaml.AliasNode {
		return r.check(n.Alias, depth+1)
	}
	c := *n
	c.Content = make([]*yaml.Node, 0, len(n.Content))
	if n.Kind != yaml.MappingNode {
		for _, x := range n.Content {
			c.Content = append(c.Content, r.check(x, depth+1))
		}
		return &c
	}
	at := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := r.check(n.Content[i], depth+1), r.check(n.Content[i+1], depth+1)
		first, again := at[k.Value]
		switch {
		case k.Kind != yaml.ScalarNode:
			r.errorf(k, "key", "a key must be text, this is %s", kindName(k))
		case again && r.lenient:
			c.Content[first], c.Content[first+1] = k, v
		case again:
			r.errorf(k, "duplicate-key", "key %q stands here again; first in line %d", k.Value, c.Content[first].Line)
		default:
			at[k.Value] = len(c.Content)
			c.Content = append(c.Content, k, v)
		}
	}
	return &c
}

func kindName(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a map"
	case yaml.SequenceNode:
		return "a list"
	}
	switch n.ShortTag() {
	case "!!null":
		return "nothing"
	case "!!int", "!!float":
		return "a number"
	case "!!bool":
		return "true or false"
	}
	return "text"
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// dict is a YAML map whose keys are known.
type dict struct {
	r    *reader
	node *yaml.Node
	what string
}

// dict checks that a node is a map without unknown keys.
func (r *reader) dict(n *yaml.Node, what string, known ...string) (dict, bool) {
	d := dict{r, n, what}
	if n.Kind != yaml.MappingNode {
		r.errorf(n, "not-a-map", "%s must be a map, this is %s", what, kindName(n))
		return d, false
	}
	for i := 0; i < len(n.Content); i += 2 {
		if k := n.Content[i]; !slices.Contains(known, k.Value) {
			e := r.errorf(k, "unknown-key", "%s has no key %q", what, k.Value)
			if reason := refusedKey(what, k.Value); reason != "" {
				e.Code, e.Message = "refused", fmt.Sprintf("the key %s of %s is not taken: %s", k.Value, what, reason)
			} else if e.Hint = sigma.Suggest(k.Value, known); e.Hint == "" {
				e.Hint = "known are " + strings.Join(known, ", ")
			}
		}
	}
	return d, true
}

// get is the node of a key, nil when it is absent.
func (d dict) get(key string) *yaml.Node { return lookup(d.node, key) }

func lookup(m *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == key {
			return m.Content[i+1]
		}
	}
	return nil
}

// text is the text of a key, "" when it is absent or null.
func (d dict) text(key string) string {
	n := d.get(key)
	if n == nil || isNull(n) {
		return ""
	}
	if n.Kind != yaml.ScalarNode {
		d.r.errorf(n, "not-text", "%s of %s must be text, this is %s", key, d.what, kindName(n))
		return ""
	}
	return n.Value
}

// need is the text of a key that must be there.
func (d dict) need(key string) string {
	s := d.text(key)
	if n := d.get(key); n == nil || isNull(n) {
		d.r.errorf(d.node, "missing-key", "%s needs %q", d.what, key)
	}
	return s
}

func (d dict) number(key string) int {
	n := d.get(key)
	if n == nil || isNull(n) {
		return 0
	}
	var i int
	if n.Kind != yaml.ScalarNode || n.Decode(&i) != nil {
		d.r.errorf(n, "not-a-number", "%s of %s must be a whole number", key, d.what)
	}
	return i
}

func (d dict) flag(key string) bool {
	n := d.get(key)
	if n == nil || isNull(n) {
		return false
	}
	var b bool
	if n.Kind != yaml.ScalarNode || n.Decode(&b) != nil {
		d.r.errorf(n, "not-a-flag", "%s of %s must be true or false", key, d.what)
	}
	return b
}

// needTexts is a text or a list of texts that must be there.
func (d dict) needTexts(key string) []string {
	if n := d.get(key); n == nil || isNull(n) {
		d.r.errorf(d.node, "missing-key", "%s needs %q", d.what, key)
	}
	return d.texts(key)
}

// texts is a text or a list of texts.
func (d dict) texts(key string) []string {
	if n := d.get(key); n != nil {
		return d.r.texts(n, key+" of "+d.what)
	}
	return nil
}

func (r *reader) texts(n *yaml.Node, what string) []string {
	nodes := []*yaml.Node{n}
	switch {
	case n.Kind == yaml.SequenceNode:
		nodes = n.Content
	case isNull(n):
		return nil
	}
	var out []string
	for _, x := range nodes {
		if x.Kind != yaml.ScalarNode {
			r.errorf(x, "not-text", "%s must be text or a list of texts, this is %s", what, kindName(x))
			continue
		}
		out = append(out, x.Value)
	}
	return out
}
