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
	"slices"
	"strconv"
	"strings"

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
	c := &compiler{p: &Program{}, predIndex: map[string]int32{}, columnIndex: map[string]int32{}}
	for _, name := range logSourceFields {
		c.p.logSource = append(c.p.logSource, c.column(name))
	}
	errs := make([]error, len(rules))
	// Rules have about eight comparisons of their own.
	c.p.preds = make([]predicate, 0, 8*len(rules))
	for i, r := range rules {
		root, err := c.node(r.Expr)
		if err != nil {
			errs[i] = err
			root = node{kind: orNode}
		}
		c.p.rules = append(c.p.rules, compiledRule{root: root, scope: r.Scope})
	}
	c.build()
	return c.p, errs
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
			c.p.rawFilter = newRawFilter(c.p.preds)
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
	key         []byte
}

func (c *compiler) node(e ir.Expr) (node, error) {
	switch e := e.(type) {
	case *ir.And:
		return c.group(andNode, e.X)
	case *ir.Or:
		return c.group(orNode, e.X)
	case *ir.Not:
		return c.group(notNode, []ir.Expr{e.X})
	case *ir.Match:
		return c.match(e)
	}
	return node{}, fmt.Errorf("the rule's tree holds a %T", e)
}

func (c *compiler) group(kind nodeKind, x []ir.Expr) (node, error) {
	n := node{kind: kind, kids: make([]node, 0, len(x))}
	for _, e := range x {
		kid, err := c.node(e)
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

func (c *compiler) match(m *ir.Match) (node, error) {
	c.key = appendKey(c.key[:0], m)
	if i, ok := c.predIndex[string(c.key)]; ok {
		return node{kind: predNode, pred: i, cost: predCost(m.Field)}, nil
	}
	p, err := newPredicate(m)
	if err != nil {
		return node{}, err
	}
	if m.Op == ir.Regexp {
		p.ordered = orderedLiterals(m.Text)
	}
	if m.Op == ir.FieldRef {
		p.other = c.column(m.Text)
	}
	i := int32(len(c.p.preds))
	c.predIndex[string(c.key)] = i
	b := c.builder(m.Field, &p)
	b.preds = append(b.preds, i)
	c.p.preds = append(c.p.preds, p)
	return node{kind: predNode, pred: i, cost: predCost(m.Field)}, nil
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
			_, first = newPredicate(m)
		}
	})
	return first
}

func newPredicate(m *ir.Match) (predicate, error) {
	p := predicate{m: m, column: -1}
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
			return p, fmt.Errorf("regular expression %q: %w", m.Text, err)
		}
		p.re = re
	case ir.CIDR:
		prefix, err := netip.ParsePrefix(m.Text)
		if err != nil {
			return p, fmt.Errorf("network %q: %w", m.Text, err)
		}
		p.prefix = prefix
	case ir.Less, ir.LessEqual, ir.Greater, ir.GreaterEqual, ir.TimePart:
		number, err := strconv.ParseFloat(m.Text, 64)
		if err != nil {
			return p, fmt.Errorf("number %q: %w", m.Text, err)
		}
		p.number = number
	case ir.Raw:
		return p, errors.New("a text in a target's own language (query_expression_placeholders) can't be matched")
	}
	return p, nil
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
