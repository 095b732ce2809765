package sigma

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/huntbook/huntbook/diag"
)

// MaxFileSize bounds a rule file, in bytes. SigmaHQ's largest is 60 KB.
const MaxFileSize = 4 << 20

// Parse reads all rules of a file. Rules that can't be used are left out of
// the result, and the list says why; a rule that is returned may have warnings.
// A filter among them is warned of: ParseAll returns it.
func Parse(file *diag.File) ([]*Rule, diag.List) {
	docs, diags := ParseAll(file)
	for _, f := range docs.Filters {
		diags = append(diags, &diag.Diagnostic{Code: "filter", Severity: diag.Warning, Message: "this is a filter: it is not applied here", File: file, Pos: f.Pos})
	}
	if len(docs.Rules) == 0 && len(diags) == 0 {
		none := noRule()
		none.File = file
		diags = append(diags, none)
	}
	return docs.Rules, diags
}

func noRule() *diag.Diagnostic {
	return &diag.Diagnostic{Code: "no-rule", Message: "no Sigma rule in this file", Hint: "a rule has title, logsource and detection"}
}

// ParseAll reads all documents of a file: rules, filters and placeholders.
func ParseAll(file *diag.File) (*Documents, diag.List) {
	p := &parser{file: file, memory: nodePool.Get().(*nodes)}
	defer p.memory.release()
	docs := &Documents{}
	if !p.checkBytes() {
		return docs, p.diags
	}
	collection := collection{}
	for i, doc := range splitDocuments(file.Data) {
		root, ok := p.parseYAML(doc)
		switch {
		case ok && root == nil:
			continue
		case p.refused, !ok && (root == nil || root.Kind != yaml.MappingNode || lookup(root, "action") != nil):
			collection.lose(doc.text)
			docs.Broken = append(docs.Broken, Broken{Text: doc.text})
			continue
		case root.Kind != yaml.MappingNode:
			p.errorf(root, "not-a-rule", "a rule is a YAML map with title, logsource and detection, this is %s", kindName(root))
			continue
		case isFilter(root):
			before := len(p.diags)
			f := p.filter(root)
			f.Document, f.Text = i+1, doc.text
			if !ok || p.diags[before:].HasErrors() {
				docs.Broken = append(docs.Broken, Broken{Filter: f, Flawed: p.flaws.keys, Text: doc.text})
				continue
			}
			docs.Filters = append(docs.Filters, f)
			continue
		case isPlaceholders(root):
			if ok {
				docs.addPlaceholders(p.placeholders(root.Content[1]))
			}
			continue
		}
		root, whole := collection.next(p, root, doc.text)
		if !whole {
			docs.Broken = append(docs.Broken, Broken{Text: doc.text})
		}
		if root == nil {
			continue
		}
		before := len(p.diags)
		r := p.rule(root)
		if r == nil {
			continue
		}
		r.Document, r.Text = i+1, collection.text
		if !ok || p.diags[before:].HasErrors() {
			collection.previousLost = !ok
			docs.Broken = append(docs.Broken, Broken{Rule: r, Flawed: p.flaws.keys, Text: doc.text})
			continue
		}
		markLegacy(r, collection.began)
		docs.Rules = append(docs.Rules, r)
	}
	if len(docs.Rules) == 0 && len(docs.Filters) == 0 && docs.Placeholders == nil && len(p.diags) == 0 {
		p.add(noRule())
	}
	return docs, p.diags
}

// parser collects what is wrong with one file.
type parser struct {
	file   *diag.File
	memory *nodes
	diags  diag.List
	// nodes counts the YAML nodes seen, through aliases too; refused is set
	// once there were too many.
	nodes   int
	refused bool
	// flaws are those of the document that is read.
	flaws flaws
	// generate is the key of that name beside the correlation section, and
	// aggregation the condition with a v1 aggregation, of the rule that is read.
	generate, aggregation *yaml.Node
}

func (p *parser) add(d *diag.Diagnostic) {
	d.File = p.file
	p.diags = append(p.diags, d)
}

func (p *parser) errorf(n *yaml.Node, code, format string, args ...any) *diag.Diagnostic {
	return p.at(n, diag.Error, code, format, args...)
}

func (p *parser) warnf(n *yaml.Node, code, format string, args ...any) *diag.Diagnostic {
	return p.at(n, diag.Warning, code, format, args...)
}

func (p *parser) at(n *yaml.Node, s diag.Severity, code, format string, args ...any) *diag.Diagnostic {
	d := &diag.Diagnostic{Code: code, Severity: s, Message: fmt.Sprintf(format, args...), Pos: pos(n)}
	if n.Kind == yaml.ScalarNode {
		d.Width = utf8.RuneCountInString(n.Value) + 2*quoted(n)
		if i := strings.IndexByte(n.Value, '\n'); i >= 0 {
			d.Width = 1
		}
	}
	p.add(d)
	return d
}

func pos(n *yaml.Node) diag.Pos { return diag.Pos{Line: n.Line, Column: n.Column} }

// checkBytes refuses what can't be a rule before YAML sees it.
func (p *parser) checkBytes() bool {
	data := p.file.Data
	switch {
	case len(data) > MaxFileSize:
		p.add(&diag.Diagnostic{Code: "too-large", Message: fmt.Sprintf("the file has %d bytes, a rule file may have %d", len(data), MaxFileSize), Hint: "is this a log instead of a rule?"})
	case bytes.IndexByte(data, 0) >= 0:
		p.add(&diag.Diagnostic{Code: "not-text", Message: "this is not a text file: it holds NUL bytes", Hint: "rules are YAML in UTF-8"})
	case !utf8.Valid(data):
		line, column := 1, 1
		for rest := data; len(rest) > 0; {
			r, n := utf8.DecodeRune(rest)
			if r == utf8.RuneError && n == 1 {
				break
			}
			if column++; r == '\n' {
				line, column = line+1, 1
			}
			rest = rest[n:]
		}
		p.add(&diag.Diagnostic{Code: "not-text", Message: "a byte here is not UTF-8", Hint: "save the file as UTF-8", Pos: diag.Pos{Line: line, Column: column}})
	default:
		return true
	}
	return false
}

// document is one document of a YAML stream.
type document struct {
	text string
	line int // of its first line in the file, from 1
}

// splitDocuments cuts a stream at its markers. A line that begins with "---"
// or "..." ends a document whatever stands before it (YAML 1.2.2, 9.1.2), so
// cutting needs no parser, and a broken document leaves the others whole.
func splitDocuments(data []byte) []document {
	text := strings.TrimPrefix(string(data), "\uFEFF")
	var docs []document
	start, startLine, line := 0, 1, 1
	flush := func(end int) {
		if hasContent(text[start:end]) {
			docs = append(docs, document{text[start:end], startLine})
		}
	}
	for at := 0; at < len(text); line++ {
		end := len(text)
		if i := strings.IndexByte(text[at:], '\n'); i >= 0 {
			end = at + i + 1
		}
		l := strings.TrimRight(text[at:end], " \t\r\n")
		if l == "---" || l == "..." || strings.HasPrefix(l, "--- ") {
			flush(at)
			start, startLine = end, line+1
			if rest := strings.TrimSpace(l[3:]); rest != "" && rest[0] != '#' {
				start, startLine = at+3, line
			}
		}
		at = end
	}
	flush(len(text))
	return docs
}

// hasContent tells whether a document holds more than comments, directives
// and white space.
func hasContent(s string) bool {
	for l := range strings.Lines(s) {
		l = strings.TrimSpace(l)
		if l != "" && l[0] != '#' && l[0] != '%' {
			return true
		}
	}
	return false
}

var yamlErrorLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

// parseYAML turns a document into nodes whose lines count from the start of
// the file. False says that there are errors; what could be read is still given,
// and p.flaws names the keys that are concerned.
func (p *parser) parseYAML(doc document) (*yaml.Node, bool) {
	p.flaws = flawsOf(&yaml.Node{}, 0, nil)
	if root, count := plainYAML(doc.text, doc.line, p.memory); root != nil && p.nodes+count < maxNodes {
		p.nodes += count
		return root, true
	}
	var top yaml.Node
	if err := unmarshal(doc.text, &top); err != nil {
		msg := err.Error()
		at := diag.Pos{Line: doc.line, Column: 1}
		if m := yamlErrorLine.FindStringSubmatch(msg); m != nil {
			msg = msg[len(m[0]):]
			if n, err := strconv.Atoi(m[1]); err == nil {
				at.Line = doc.line + n - 1
			}
		}
		d := &diag.Diagnostic{Code: "yaml", Message: "not valid YAML: " + msg, Pos: at}
		if strings.Contains(msg, "tab") || strings.Contains(msg, "cannot start any token") {
			d.Hint = "indent with spaces, and quote values that begin with a special character"
		}
		p.add(d)
		return nil, false
	}
	if len(top.Content) == 0 {
		return nil, true
	}
	before := len(p.diags)
	root := p.check(top.Content[0], doc.line-1, 0)
	p.flaws = flawsOf(top.Content[0], doc.line-1, p.diags[before:].Errors())
	return root, len(p.flaws.keys) == 0
}

func unmarshal(text string, into *yaml.Node) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("yaml: %v", r)
		}
	}()
	return yaml.Unmarshal([]byte(text), into)
}

// The bounds of a document: deep or alias-multiplied ones are refused.
const (
	maxDepth = 64
	maxNodes = 200_000
)

// check returns the node with lines shifted, aliases replaced by what they
// stand for and merge keys applied. Duplicate keys, aliases that explode or
// contain themselves are errors.
func (p *parser) check(n *yaml.Node, shift, depth int) *yaml.Node {
	if p.nodes++; p.nodes > maxNodes || depth > maxDepth {
		stub := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Line: n.Line + shift, Column: n.Column}
		if !p.refused {
			p.refused = true
			p.errorf(stub, "too-complex", "the document has more than %d nodes or %d levels", maxNodes, maxDepth).Hint = "write out what its aliases repeat"
		}
		p.nodes = maxNodes
		return stub
	}
	if n.Kind == yaml.AliasNode {
		return p.check(n.Alias, shift, depth+1)
	}
	c := *n
	c.Line += shift
	c.Content = make([]*yaml.Node, len(n.Content))
	for i, x := range n.Content {
		c.Content[i] = p.check(x, shift, depth+1)
	}
	if c.Kind == yaml.MappingNode {
		c.Content = p.mapping(c.Content)
	}
	return &c
}

// mapping applies merge keys and reports duplicate ones.
func (p *parser) mapping(content []*yaml.Node) []*yaml.Node {
	if p.refused {
		return nil
	}
	first := map[string]*yaml.Node{}
	var out, merged []*yaml.Node
	for i := 0; i+1 < len(content); i += 2 {
		k, v := content[i], content[i+1]
		if k.Kind != yaml.ScalarNode {
			p.errorf(k, "key", "a key must be text, this is %s", kindName(k))
			continue
		}
		if k.ShortTag() == "!!merge" {
			merged = append(merged, v)
			continue
		}
		if f := first[k.Value]; f != nil {
			d := p.errorf(k, "duplicate-key", "key %q stands here again; first in line %d", k.Value, f.Line)
			d.Hint = "of two equal keys YAML readers keep only one: merge them or rename one"
			continue
		}
		first[k.Value] = k
		out = append(out, k, v)
	}
	for _, v := range merged {
		maps := []*yaml.Node{v}
		if v.Kind == yaml.SequenceNode {
			maps = v.Content
		}
		for _, m := range maps {
			if m.Kind != yaml.MappingNode {
				p.errorf(m, "merge", "a merge key (<<) takes a map, this is %s", kindName(m))
				continue
			}
			for i := 0; i+1 < len(m.Content); i += 2 {
				if first[m.Content[i].Value] == nil {
					first[m.Content[i].Value] = m.Content[i]
					out = append(out, m.Content[i], m.Content[i+1])
				}
			}
		}
	}
	return out
}

// kindName names a node as a sentence needs it.
func kindName(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a map"
	case yaml.SequenceNode:
		return "a list"
	}
	switch n.ShortTag() {
	case "!!null":
		return "empty"
	case "!!int", "!!float":
		return "a number"
	case "!!bool":
		return "true or false"
	}
	return "text"
}

// collection is the state of a v1 rule collection: documents with "action".
type collection struct {
	global, previous *yaml.Node
	// globalText and text are the documents that the global part and the
	// current rule were made of, so that the text read alone gives the rule.
	globalText, text string
	// began is set by the first action.
	began bool
	// globalLost and previousLost say that a document could not be read which
	// changes the global part, or what a "repeat" would repeat.
	globalLost, previousLost bool
}

var errAction = errors.New("unknown action")

// next merges a document with the state of its collection; nil means that the
// document is no rule of its own. False says that it would be one, but stands on
// what could not be read.
func (c *collection) next(p *parser, n *yaml.Node, text string) (*yaml.Node, bool) {
	action := ""
	if v := lookup(n, "action"); v != nil {
		action = v.Value
		n = without(n, "action")
		c.began = true
	}
	switch action {
	case "global":
		c.global, c.globalText = mergeNodes(c.global, n), joinDocuments(c.globalText, text)
		return nil, true
	case "reset":
		c.global, c.globalText, c.globalLost = nil, "", false
		return nil, true
	case "repeat":
		if c.previousLost || c.globalLost {
			return nil, false
		}
		n, c.text = mergeNodes(c.previous, n), joinDocuments(c.text, text)
	case "":
		c.previousLost = c.globalLost
		if c.globalLost {
			return nil, false
		}
		n, c.text = mergeNodes(c.global, n), joinDocuments(c.globalText, text)
	default:
		p.errorf(lookupKey(n, "action", n), "action", "%v %q", errAction, action).Hint = "v1 collections know global, reset and repeat"
		return nil, false
	}
	c.previous = n
	return n, true
}

func joinDocuments(a, b string) string {
	if a == "" {
		return b
	}
	return strings.TrimRight(a, "\n") + "\n---\n" + b
}

// mergeNodes merges two maps deeply; what stands in b wins.
func mergeNodes(a, b *yaml.Node) *yaml.Node {
	if a == nil || a.Kind != yaml.MappingNode || b.Kind != yaml.MappingNode {
		return b
	}
	out := *b
	out.Content = append([]*yaml.Node(nil), a.Content...)
	for i := 0; i+1 < len(b.Content); i += 2 {
		k, v := b.Content[i], b.Content[i+1]
		found := false
		for j := 0; j+1 < len(out.Content); j += 2 {
			if out.Content[j].Value == k.Value {
				out.Content[j], out.Content[j+1] = k, mergeNodes(out.Content[j+1], v)
				found = true
			}
		}
		if !found {
			out.Content = append(out.Content, k, v)
		}
	}
	return &out
}

func lookup(m *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == key {
			return m.Content[i+1]
		}
	}
	return nil
}

func lookupKey(m *yaml.Node, key string, otherwise *yaml.Node) *yaml.Node {
	for i := 0; i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == key {
			return m.Content[i]
		}
	}
	return otherwise
}

func without(m *yaml.Node, key string) *yaml.Node {
	out := *m
	out.Content = nil
	for i := 0; i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value != key {
			out.Content = append(out.Content, m.Content[i], m.Content[i+1])
		}
	}
	return &out
}
