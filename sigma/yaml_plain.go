package sigma

import (
	"strings"
	"sync"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// plainYAML reads a document of the YAML that nearly all rules are written in: block
// maps and lists, scalars of one line, literal and folded text, lists of scalars in
// brackets. It gives the nodes that the library gives, in a tenth of its time, or
// nil: anchors, tags, tabs, other flow collections, keys that stand twice and all that
// is no valid YAML are left to the library, which says what is wrong.
//
// firstLine is the line in the file of the text's first one, from 1.
func plainYAML(text string, firstLine int, memory *nodes) (root *yaml.Node, count int) {
	if !plainBytes(text) {
		return nil, 0
	}
	r := &plainReader{text: text, line: firstLine - 1, memory: memory}
	r.next()
	if r.indent != 0 || r.ended() {
		return nil, 0
	}
	root = r.mapping(0, 0)
	if root == nil || !r.ended() {
		return nil, 0
	}
	return root, r.count
}

// plainBytes tells that the text has no character that YAML treats apart: only
// spaces and newlines as white space, nothing that can't be printed.
func plainBytes(text string) bool {
	ascii := true
	for i := range len(text) {
		c := text[i]
		if c < ' ' && c != '\n' || c == 0x7F {
			return false
		}
		ascii = ascii && c < utf8.RuneSelf
	}
	if ascii {
		return true
	}
	for _, c := range text {
		if c >= 0x7F && c < 0xA0 || c == '\u2028' || c == '\u2029' || c == '\uFEFF' || c > 0xFFFD {
			return false
		}
	}
	return true
}

// The deepest nesting and the longest key, in bytes, that are read here; YAML takes
// no key of more than 1,024 characters (1.2.2, 7.4).
const (
	plainDepth = 30
	plainKey   = 500
)

// plainReader stands on a line that has content, or at the end.
type plainReader struct {
	text   string
	start  int // of the line
	indent int // of the line, in spaces
	end    int // of the line, without its newline
	line   int // its number, from 1
	after  int // where the next line starts
	memory *nodes
	count  int // of nodes
}

// nodes is memory for nodes, which are large and live only while a file is read.
type nodes struct {
	slabs [][]yaml.Node
	used  int // of the slabs, in nodes
}

const slabNodes = 256

var nodePool = sync.Pool{New: func() any { return &nodes{} }}

// next gives a node that is empty but for the room in its content.
func (m *nodes) next() *yaml.Node {
	slab, at := m.used/slabNodes, m.used%slabNodes
	if slab == len(m.slabs) {
		m.slabs = append(m.slabs, make([]yaml.Node, slabNodes))
	}
	m.used++
	n := &m.slabs[slab][at]
	*n = yaml.Node{Content: n.Content[:0]}
	return n
}

// release gives the memory to the next file: no node of this one is used any more.
func (m *nodes) release() {
	if m.used <= 64*slabNodes {
		m.used = 0
		nodePool.Put(m)
	}
}

func (r *plainReader) ended() bool { return r.start >= len(r.text) }

// next goes to the next line that holds more than a comment.
func (r *plainReader) next() {
	for {
		r.advance()
		if r.ended() || r.start+r.indent < r.end && r.text[r.start+r.indent] != '#' {
			return
		}
	}
}

// advance goes to the next line.
func (r *plainReader) advance() {
	r.start, r.line = r.after, r.line+1
	if r.ended() {
		r.indent = 0
		return
	}
	r.end = len(r.text)
	r.after = r.end
	if i := strings.IndexByte(r.text[r.start:], '\n'); i >= 0 {
		r.end = r.start + i
		r.after = r.end + 1
	}
	r.indent = 0
	for r.start+r.indent < r.end && r.text[r.start+r.indent] == ' ' {
		r.indent++
	}
}

// node makes a node that stands at a place in the line.
func (r *plainReader) node(kind yaml.Kind, tag, value string, at int) *yaml.Node {
	n := r.memory.next()
	r.count++
	n.Kind, n.Tag, n.Value, n.Line = kind, tag, value, r.line
	n.Column = utf8.RuneCountInString(r.text[r.start:at]) + 1
	return n
}

// mapping reads a map whose keys stand in a column, counted from 0; the reader stands
// on its first line, of which what is before the column is read already.
func (r *plainReader) mapping(column, depth int) *yaml.Node {
	if depth > plainDepth {
		return nil
	}
	m := r.node(yaml.MappingNode, "!!map", "", r.start+column)
	for {
		key, rest := r.key(r.start + column)
		if key == nil || hasKey(m, key.Value) {
			return nil
		}
		value := r.value(rest, column, depth, true)
		if value == nil {
			return nil
		}
		m.Content = append(m.Content, key, value)
		if r.ended() || r.indent < column {
			return m
		}
		if r.indent > column {
			return nil
		}
	}
}

// hasKey tells whether a map has a key; large maps, where looking takes long, are
// said to have it, and so left to the library.
func hasKey(m *yaml.Node, key string) bool {
	if len(m.Content) > 200 {
		return true
	}
	for i := 0; i < len(m.Content); i += 2 {
		if m.Content[i].Value == key {
			return true
		}
	}
	return false
}

// sequence reads a list whose dashes stand in a column.
func (r *plainReader) sequence(column, depth int) *yaml.Node {
	if depth > plainDepth {
		return nil
	}
	s := r.node(yaml.SequenceNode, "!!seq", "", r.start+column)
	for {
		at := r.start + column
		if !r.dash(at) {
			return nil
		}
		item := r.value(at+1, column, depth, false)
		if item == nil {
			return nil
		}
		s.Content = append(s.Content, item)
		if r.ended() || r.indent < column || r.indent == column && !r.dash(r.start+column) {
			return s
		}
		if r.indent > column {
			return nil
		}
	}
}

// dash tells whether a list's item begins there.
func (r *plainReader) dash(at int) bool {
	return r.text[at] == '-' && (at+1 == r.end || r.text[at+1] == ' ')
}

// key reads a key and gives the place after its colon.
func (r *plainReader) key(at int) (*yaml.Node, int) {
	c := r.text[at]
	if c == '"' || c == '\'' {
		n, end := r.quoted(at)
		if n == nil || !r.colon(end) || end-at > plainKey {
			return nil, 0
		}
		return n, end + 1
	}
	if !isWordByte(c) {
		return nil, 0
	}
	for i := at; i < r.end && i-at < plainKey; i++ {
		switch {
		case r.colon(i):
			if r.text[i-1] == ' ' {
				return nil, 0
			}
			return r.plain(at, i), i + 1
		case r.text[i] == '#' && r.text[i-1] == ' ':
			return nil, 0
		}
	}
	return nil, 0
}

// colon tells whether the colon of a key stands there.
func (r *plainReader) colon(at int) bool {
	return at < r.end && r.text[at] == ':' && (at+1 == r.end || r.text[at+1] == ' ')
}

func isWordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_'
}

// value reads what stands from a place in the line on, after a key or a dash in the
// column, and goes to the line after it.
func (r *plainReader) value(at, column, depth int, ofKey bool) *yaml.Node {
	begin := at
	for at < r.end && r.text[at] == ' ' {
		at++
	}
	if at == r.end || r.text[at] == '#' {
		return r.below(begin, column, depth, ofKey)
	}
	switch c := r.text[at]; {
	case c == '|' || c == '>':
		return r.block(at, column)
	case c == '[':
		return r.closed(r.flow(at))
	case !ofKey && (r.dash(at) || r.isKey(at)):
		// A list or a map begins in the line of the dash, and goes on in that column.
		if r.dash(at) {
			return r.sequence(at-r.start, depth+1)
		}
		return r.mapping(at-r.start, depth+1)
	case c == '"' || c == '\'':
		return r.closed(r.quoted(at))
	}
	end := r.plainEnd(at)
	if end == 0 {
		return nil
	}
	n := r.plain(at, end)
	if r.next(); !r.ended() && r.indent > column {
		return nil // the text may go on there
	}
	return n
}

// isKey tells whether a map begins there.
func (r *plainReader) isKey(at int) bool {
	count, used := r.count, r.memory.used
	n, _ := r.key(at)
	r.count, r.memory.used = count, used
	return n != nil
}

// below reads the value that begins in a line below its key or dash, or is not there.
func (r *plainReader) below(at, column, depth int, ofKey bool) *yaml.Node {
	line, column0 := r.line, utf8.RuneCountInString(r.text[r.start:at])
	r.next()
	if r.ended() || r.indent < column || r.indent == column && (!ofKey || !r.dash(r.start+column)) {
		empty := r.node(yaml.ScalarNode, "!!null", "", r.start)
		empty.Line, empty.Column = line, column0+1
		return empty
	}
	first := r.start + r.indent
	switch {
	case r.dash(first):
		return r.sequence(r.indent, depth+1)
	case r.isKey(first):
		return r.mapping(r.indent, depth+1)
	}
	return nil
}

// closed takes a value that ends by itself, and goes to the next line, which must not
// go on with it.
func (r *plainReader) closed(n *yaml.Node, end int) *yaml.Node {
	if n == nil || !r.blank(end) {
		return nil
	}
	r.next()
	return n
}

// blank tells that nothing follows in the line but a comment.
func (r *plainReader) blank(at int) bool {
	i := at
	for i < r.end && r.text[i] == ' ' {
		i++
	}
	return i == r.end || r.text[i] == '#' && i > at
}

// plainEnd finds the end of a plain scalar in the line; 0 for what begins or goes on
// as one can't here.
func (r *plainReader) plainEnd(at int) int {
	if c := r.text[at]; !isWordByte(c) && c < utf8.RuneSelf && strings.IndexByte(`\/.$(<;^+=~`, c) < 0 && (c != '-' || r.dash(at)) {
		return 0
	}
	end := r.end
	for i := at + 1; i < r.end; i++ {
		c := r.text[i]
		if c == '#' && r.text[i-1] == ' ' {
			end = i
			break
		}
		if c == ':' && r.colon(i) {
			return 0
		}
	}
	for r.text[end-1] == ' ' {
		end--
	}
	return end
}

// plain makes the node of a plain scalar, whose text tells its type.
func (r *plainReader) plain(at, end int) *yaml.Node {
	value := r.text[at:end]
	n := r.node(yaml.ScalarNode, "", value, at)
	n.Tag = "!!str"
	// Words that mean something else begin with one of these letters, and are short.
	c := value[0]
	switch {
	case c >= '0' && c <= '9', c == '+', c == '-', c == '.', c == '~', c == '<', len(value) <= 5 && strings.IndexByte("nNtTfFyYoO", c) >= 0:
		n.Tag = (&yaml.Node{Kind: yaml.ScalarNode, Value: value}).ShortTag()
	}
	if value == "<<" {
		n.Tag = "!!merge"
	}
	return n
}

// quoted reads a quoted scalar of one line, and gives the place after it.
func (r *plainReader) quoted(at int) (*yaml.Node, int) {
	quote := r.text[at]
	var value strings.Builder
	from := at + 1
	for i := from; i < r.end; i++ {
		c := r.text[i]
		switch {
		case c == quote && quote == '\'' && i+1 < r.end && r.text[i+1] == '\'',
			c == '\\' && quote == '"' && i+1 < r.end && (r.text[i+1] == '\\' || r.text[i+1] == '"'):
			value.WriteString(r.text[from:i])
			from = i + 1
			i++
		case c == '\\' && quote == '"':
			return nil, 0
		case c == quote:
			text := r.text[from:i]
			if value.Len() > 0 || from > at+1 {
				value.WriteString(text)
				text = value.String()
			}
			n := r.node(yaml.ScalarNode, "!!str", text, at)
			n.Style = yaml.SingleQuotedStyle
			if quote == '"' {
				n.Style = yaml.DoubleQuotedStyle
			}
			return n, i + 1
		}
	}
	return nil, 0
}

// flow reads a list of scalars in brackets, in one line.
func (r *plainReader) flow(at int) (*yaml.Node, int) {
	s := r.node(yaml.SequenceNode, "!!seq", "", at)
	s.Style = yaml.FlowStyle
	space := func(i int) int {
		for i < r.end && r.text[i] == ' ' {
			i++
		}
		return i
	}
	i := space(at + 1)
	if i < r.end && r.text[i] == ']' {
		return s, i + 1
	}
	for i < r.end {
		var item *yaml.Node
		if c := r.text[i]; c == '"' || c == '\'' {
			if item, i = r.quoted(i); item == nil {
				return nil, 0
			}
		} else {
			end := i
			for end < r.end && (isWordByte(r.text[end]) || end > i && strings.IndexByte(".-/ *\\", r.text[end]) >= 0) {
				end++
			}
			if end == i || end == r.end {
				return nil, 0
			}
			item = r.plain(i, i+len(strings.TrimRight(r.text[i:end], " ")))
			i = end
		}
		s.Content = append(s.Content, item)
		if i = space(i); i == r.end {
			return nil, 0
		}
		switch r.text[i] {
		case ']':
			return s, i + 1
		case ',':
			i = space(i + 1)
		default:
			return nil, 0
		}
	}
	return nil, 0
}

// block reads literal or folded text (YAML 1.2.2, 8.1) below a key or dash in the
// column.
func (r *plainReader) block(at, column int) *yaml.Node {
	literal, strip := r.text[at] == '|', false
	n := r.node(yaml.ScalarNode, "!!str", "", at)
	n.Style = yaml.FoldedStyle
	if literal {
		n.Style = yaml.LiteralStyle
	}
	end := at + 1
	if end < r.end && r.text[end] == '-' {
		end, strip = end+1, true
	}
	if strings.TrimRight(r.text[end:r.end], " ") != "" {
		return nil
	}
	if r.advance(); r.ended() || r.start+r.indent == r.end || r.indent <= column {
		return nil
	}
	indent := r.indent
	var value strings.Builder
	breaks, wasBlank, first := 0, false, true
	for {
		if r.ended() || r.indent < indent && r.start+r.indent < r.end {
			break
		}
		if r.start+r.indent == r.end && r.indent <= indent {
			breaks++ // an empty line
			r.advance()
			continue
		}
		if r.after == r.end {
			return nil // the file ends without a newline
		}
		isBlank := r.text[r.start+indent] == ' '
		switch {
		case first:
		case !literal && !wasBlank && !isBlank && breaks == 0:
			value.WriteByte(' ')
		case !literal && !wasBlank && !isBlank:
		default:
			value.WriteByte('\n')
		}
		for range breaks {
			value.WriteByte('\n')
		}
		value.WriteString(r.text[r.start+indent : r.end])
		breaks, wasBlank, first = 0, isBlank, false
		r.advance()
	}
	if !strip {
		value.WriteByte('\n')
	}
	n.Value = value.String()
	if !r.ended() && r.text[r.start+r.indent] == '#' {
		r.next()
	}
	return n
}
