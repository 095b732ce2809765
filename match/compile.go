// Package match finds the events that rules match, all rules at once.
//
// Rules are compiled into a Program: every comparison of every rule becomes a
// predicate, kept once however many rules share it, and ordered by the field
// that it reads. An event is matched in three steps. Its log source fields give
// its category: the rules that can still match, and the fields that these read.
// Each of these fields' values gives the predicates that it satisfies, its
// verdict, which is remembered, since logs repeat themselves. And each predicate
// calls up the rules that need it; only their conditions are evaluated. The
// package knows nothing of files, rules' YAML or queries. Data flows: ir trees →
// Compile → Program; an event's JSON → Matcher → rules.
package match

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/huntbook/huntbook/internal/parallel"
	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/sigma"
)

// Scope says on which events a rule is evaluated.
type Scope uint8

// The scopes: every event; those of a Windows event log; all others.
const (
	AnyEvent Scope = iota
	WindowsEvent
	OtherEvent
)

// Rule is what Compile takes of a rule.
type Rule struct {
	Expr  ir.Expr
	Scope Scope
}

// Program is a set of compiled rules. It is immutable: any number of Matchers
// may use it at once.
type Program struct {
	rules   []compiledRule
	preds   []predicate
	columns []*columnProgram
	// fields are the names of the columns, logSource the columns that give an
	// event its category.
	fields    []string
	logSource []int32
	gates     []gate
	// keywords holds the predicates that look at every column; nil when no
	// rule has any. rawFilter passes over events that hold none.
	keywords  *columnProgram
	rawFilter *rawFilter
}

// gate is a scope and a condition on log source fields that alternatives have in
// common.
type gate struct {
	scope        Scope
	root         node
	alternatives []alternative
}

type compiledRule struct {
	root  node
	scope Scope
}

// alternative is a rule, or one of several conditions of which one is enough: as
// a rule has them that is for several logs.
type alternative struct {
	rule int32
	// rest is the condition without what its gate decides. It is plain when
	// log source fields decide nothing of it, so that it is the same in all
	// categories; calls are then what a category notes.
	rest  node
	plain bool
	calls calls
}

type nodeKind uint8

const (
	predNode nodeKind = iota
	andNode
	orNode
	notNode
)

type node struct {
	kind nodeKind
	pred int32
	kids []node
	// cost orders the members of And: what narrows the candidates cheaply
	// comes first.
	cost int
}

// The costs of nodes: those that read only the fields that log sources name,
// other comparisons, groups of them, and what holds a keyword.
const (
	costLogSource = iota
	costPred
	costGroup
	costKeyword
)

// logSourceFields have few distinct values, and tell for most rules that an
// event is none of theirs.
var logSourceFields = [...]string{"Channel", "EventID", "Provider_Name"}

func predCost(field string) int {
	switch {
	case field == "":
		return costKeyword
	case slices.Contains(logSourceFields[:], field):
		return costLogSource
	}
	return costPred
}

// predicate is one comparison.
type predicate struct {
	m    *ir.Match
	glob glob
	re   *regexp.Regexp
	// ordered are texts that a value must hold for the expression to match: looking
	// for them is much cheaper.
	ordered [][]string
	prefix  netip.Prefix
	number  float64
	column  int32 // index into Program.columns, -1 for a keyword
	other   int32 // the column that a field reference names
}

// Compile makes a Program. The errors have an entry a rule, nil where all went
// well; a rule with an error never matches.
func Compile(rules []Rule) (*Program, []error) {
	c := &compiler{p: &Program{rules: make([]compiledRule, len(rules))}, columnIndex: map[string]int32{}}
	for _, name := range logSourceFields {
		c.p.logSource = append(c.p.logSource, c.column(name))
	}
	errs := make([]error, len(rules))
	c.number(rules, errs)
	c.ready(errs)
	c.build()
	return c.p, errs
}

// number gives each comparison its number: in parts at once, each with numbers of its
// own, which then become those of all.
func (c *compiler) number(rules []Rule, errs []error) {
	each := max(1, (len(rules)+runtime.GOMAXPROCS(0)-1)/runtime.GOMAXPROCS(0))
	parts := make([]*part, (len(rules)+each-1)/each)
	parallel.Each(len(parts), func(k int) {
		from, to := k*each, min(len(rules), (k+1)*each)
		parts[k] = newPart(rules[from:to], c.p.rules[from:to], errs[from:to])
	})
	most := 0
	for _, p := range parts {
		most += len(p.matches)
	}
	c.p.preds, c.predIndex = make([]predicate, 0, most), make(map[string]int32, most)
	numbers := make([][]int32, len(parts))
	for k, p := range parts {
		numbers[k] = make([]int32, len(p.matches))
		for i, m := range p.matches {
			numbers[k][i] = c.pred(m, p.keys[i])
		}
	}
	parallel.Each(len(parts), func(k int) {
		if k == 0 {
			return // its numbers are those of all
		}
		for i := range parts[k].rules {
			parts[k].rules[i].root.renumber(numbers[k])
		}
	})
}

// chunk is how many comparisons are made ready in one piece.
const chunk = 256

// ready makes the comparisons ready, many at once. Rules with one that can't be are
// left out.
func (c *compiler) ready(errs []error) {
	failed := make([]error, len(c.p.preds))
	var fail atomic.Bool
	parallel.Each((len(failed)+chunk-1)/chunk, func(part int) {
		for i := part * chunk; i < min(len(failed), (part+1)*chunk); i++ {
			p := &c.p.preds[i]
			if failed[i] = p.ready(); failed[i] != nil {
				fail.Store(true)
			} else if p.re != nil {
				p.ordered = orderedLiterals(p.m.Text)
			}
		}
	})
	if !fail.Load() {
		return
	}
	for i := range c.p.rules {
		root := &c.p.rules[i].root
		root.each(func(pred int32) {
			if errs[i] == nil {
				errs[i] = failed[pred]
			}
		})
		if errs[i] != nil {
			*root = node{kind: orNode}
		}
	}
	drop := func(pred int32) bool { return failed[pred] != nil }
	for _, b := range c.builders {
		b.preds = slices.DeleteFunc(b.preds, drop)
	}
	if c.keywords != nil {
		c.keywords.preds = slices.DeleteFunc(c.keywords.preds, drop)
	}
}

// build makes what is independent of each other at once, the long ones first.
func (c *compiler) build() {
	order := make([]int, len(c.builders))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return len(c.builders[b].preds) - len(c.builders[a].preds) })
	parallel.Each(len(order)+2, func(i int) {
		switch {
		case i == 0:
			c.p.gates = c.p.newGates()
		case i > 1:
			at := order[i-2]
			c.p.columns[at] = c.builders[at].build(c.p.preds)
		case c.keywords != nil:
			c.p.keywords = c.keywords.build(c.p.preds)
			c.p.rawFilter = newRawFilter(c.p.preds, c.keywords.preds)
		}
	})
}

// newGates groups the rules' alternatives by what they ask of the log source.
func (p *Program) newGates() []gate {
	var gates []gate
	index := map[string]int{}
	var key []byte
	for i := range p.rules {
		r := &p.rules[i]
		conditions := []node{r.root}
		if r.root.kind == orNode {
			conditions = r.root.kids
		}
		for _, n := range conditions {
			root, a := p.split(n)
			a.rule = int32(i)
			key = root.appendKey(append(key[:0], byte(r.scope)))
			at, ok := index[string(key)]
			if !ok {
				at = len(gates)
				index[string(key)] = at
				gates = append(gates, gate{scope: r.scope, root: root})
			}
			gates[at].alternatives = append(gates[at].alternatives, a)
		}
	}
	return gates
}

// alternatives counts those of all rules.
func (p *Program) alternatives() int {
	n := 0
	for i := range p.gates {
		n += len(p.gates[i].alternatives)
	}
	return n
}

// split takes out of a condition what log source fields decide.
func (p *Program) split(n node) (gate node, a alternative) {
	kids := []node{n}
	if n.kind == andNode {
		kids = n.kids
	}
	gate, a.rest = node{kind: andNode}, node{kind: andNode}
	for _, kid := range kids {
		if kid.cost == costLogSource && p.decides(&kid) {
			gate.kids = append(gate.kids, kid)
		} else {
			a.rest.kids = append(a.rest.kids, kid)
		}
	}
	if a.plain = !p.mentions(&a.rest); a.plain {
		a.calls = p.callsOf(&a.rest)
	}
	return gate, a
}

// decides tells that log source fields alone decide a condition.
func (p *Program) decides(n *node) bool {
	decided := true
	n.each(func(pred int32) { decided = decided && p.known(pred) })
	return decided
}

// mentions tells that log source fields decide something of a condition.
func (p *Program) mentions(n *node) bool {
	found := false
	n.each(func(pred int32) { found = found || p.known(pred) })
	return found
}

// appendKey appends what tells a condition from others.
func (n *node) appendKey(key []byte) []byte {
	key = append(key, byte(n.kind))
	if n.kind == predNode {
		return binary.LittleEndian.AppendUint32(key, uint32(n.pred))
	}
	key = binary.LittleEndian.AppendUint32(key, uint32(len(n.kids)))
	for i := range n.kids {
		key = n.kids[i].appendKey(key)
	}
	return key
}

type compiler struct {
	p           *Program
	predIndex   map[string]int32
	columnIndex map[string]int32
	builders    []*columnBuilder
	keywords    *columnBuilder
}

// pred is the number of a comparison.
func (c *compiler) pred(m *ir.Match, key string) int32 {
	if i, ok := c.predIndex[key]; ok {
		return i
	}
	p := predicate{m: m, column: -1}
	if m.Op == ir.FieldRef {
		p.other = c.column(m.Text)
	}
	i := int32(len(c.p.preds))
	c.predIndex[key] = i
	b := c.builder(m.Field, &p)
	b.preds = append(b.preds, i)
	c.p.preds = append(c.p.preds, p)
	return i
}

// part is some of the rules, whose comparisons have numbers of their own.
type part struct {
	rules   []compiledRule
	index   map[string]int32
	matches []*ir.Match // by number
	keys    []string
	key     []byte
}

func newPart(rules []Rule, compiled []compiledRule, errs []error) *part {
	p := &part{rules: compiled, index: make(map[string]int32, 8*len(rules))} // about so many are new
	for i, r := range rules {
		root, err := p.node(r.Expr)
		if err != nil {
			errs[i], root = err, node{kind: orNode}
		}
		compiled[i] = compiledRule{root: root, scope: r.Scope}
	}
	return p
}

func (p *part) node(e ir.Expr) (node, error) {
	switch e := e.(type) {
	case *ir.And:
		return p.group(andNode, e.X)
	case *ir.Or:
		return p.group(orNode, e.X)
	case *ir.Not:
		return p.group(notNode, []ir.Expr{e.X})
	case *ir.Match:
		return node{kind: predNode, pred: p.match(e), cost: predCost(e.Field)}, nil
	}
	return node{}, fmt.Errorf("the rule's tree holds a %T", e)
}

func (p *part) group(kind nodeKind, x []ir.Expr) (node, error) {
	n := node{kind: kind, kids: make([]node, 0, len(x))}
	for _, e := range x {
		kid, err := p.node(e)
		if err != nil {
			return n, err
		}
		n.kids = append(n.kids, kid)
		n.cost = max(n.cost, kid.cost)
	}
	if n.cost == costPred {
		n.cost = costGroup
	}
	slices.SortStableFunc(n.kids, func(a, b node) int { return a.cost - b.cost })
	return n, nil
}

func (p *part) match(m *ir.Match) int32 {
	p.key = appendKey(p.key[:0], m)
	if i, ok := p.index[string(p.key)]; ok {
		return i
	}
	i, key := int32(len(p.matches)), string(p.key)
	p.index[key] = i
	p.matches, p.keys = append(p.matches, m), append(p.keys, key)
	return i
}

// renumber gives comparisons their numbers among all.
func (n *node) renumber(numbers []int32) {
	if n.kind == predNode {
		n.pred = numbers[n.pred]
	}
	for i := range n.kids {
		n.kids[i].renumber(numbers)
	}
}

// appendKey appends what tells a comparison from others.
func appendKey(key []byte, m *ir.Match) []byte {
	text := func(s string) {
		key = binary.AppendUvarint(key, uint64(len(s)))
		key = append(key, s...)
	}
	cased := byte(0)
	if m.Cased {
		cased = 1
	}
	key = append(key, byte(m.Op), byte(m.Compare), byte(m.Affix), cased)
	text(m.Field)
	text(m.Text)
	text(m.Part)
	for _, t := range m.Pattern {
		key = append(key, byte(t.Kind))
		text(t.Text)
	}
	return key
}

// Check returns the first error that Compile would have of a condition.
func Check(e ir.Expr) error {
	var first error
	ir.Walk(e, func(m *ir.Match) {
		// A pattern can always be compiled, and nearly all comparisons have one.
		if first == nil && m.Op != ir.Like {
			first = (&predicate{m: m}).ready()
		}
	})
	return first
}

// ready makes of the comparison what matching needs.
func (p *predicate) ready() error {
	m := p.m
	switch m.Op {
	case ir.Like:
		pattern := m.Pattern
		if m.Field == "" {
			pattern = pattern.Contains()
		}
		p.glob = newGlob(pattern, m.Cased)
	case ir.Number, ir.Bool:
		if m.Field == "" {
			p.glob = newGlob(sigma.Text(m.Text).Contains(), false)
		}
	case ir.Regexp:
		re, err := regexp.Compile(m.Text)
		if err != nil {
			return fmt.Errorf("regular expression %q: %w", m.Text, err)
		}
		p.re = re
	case ir.CIDR:
		prefix, err := netip.ParsePrefix(m.Text)
		if err != nil {
			return fmt.Errorf("network %q: %w", m.Text, err)
		}
		p.prefix = prefix
	case ir.Less, ir.LessEqual, ir.Greater, ir.GreaterEqual, ir.TimePart:
		number, err := strconv.ParseFloat(m.Text, 64)
		if err != nil {
			return fmt.Errorf("number %q: %w", m.Text, err)
		}
		p.number = number
	case ir.Raw:
		return errors.New("a text in a target's own language (query_expression_placeholders) can't be matched")
	}
	return nil
}

func (c *compiler) builder(field string, p *predicate) *columnBuilder {
	if field == "" {
		if c.keywords == nil {
			c.keywords = newColumnBuilder()
		}
		return c.keywords
	}
	p.column = c.column(field)
	return c.builders[p.column]
}

// column is the number of the column that holds a field.
func (c *compiler) column(field string) int32 {
	i, ok := c.columnIndex[field]
	if !ok {
		i = int32(len(c.builders))
		c.columnIndex[field] = i
		c.builders = append(c.builders, newColumnBuilder())
		c.p.columns = append(c.p.columns, nil)
		c.p.fields = append(c.p.fields, field)
	}
	return i
}

// shortNumber is the shortest form of a decimal number: "1.50" → "1.5".
func shortNumber(s string) string {
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}
