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
	// keywords holds the predicates that look at every column; nil when no
	// rule has any. rawFilter passes over events that hold none.
	keywords  *columnProgram
	rawFilter *rawFilter
}

type compiledRule struct {
	root  node
	scope Scope
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
	m      *ir.Match
	glob   glob
	re     *regexp.Regexp
	prefix netip.Prefix
	number float64
	column int32 // index into Program.columns, -1 for a keyword
	other  int32 // the column that a field reference names
}

// Compile makes a Program. The errors have an entry a rule, nil where all went
// well; a rule with an error never matches.
func Compile(rules []Rule) (*Program, []error) {
	c := &compiler{p: &Program{}, predIndex: map[string]int32{}, columnIndex: map[string]int32{}}
	for _, name := range logSourceFields {
		c.p.logSource = append(c.p.logSource, c.column(name))
	}
	errs := make([]error, len(rules))
	for i, r := range rules {
		root, err := c.node(r.Expr)
		if err != nil {
			errs[i] = err
			root = node{kind: orNode}
		}
		c.p.rules = append(c.p.rules, compiledRule{root, r.Scope})
	}
	for i, b := range c.builders {
		c.p.columns[i] = b.build()
	}
	if c.keywords != nil {
		c.p.keywords = c.keywords.build()
		c.p.rawFilter = newRawFilter(c.p.preds)
	}
	return c.p, errs
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
	n := node{kind: kind}
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
	if m.Op == ir.FieldRef {
		p.other = c.column(m.Text)
	}
	i := int32(len(c.p.preds))
	c.predIndex[string(c.key)] = i
	c.builder(m.Field, &p).add(i, &p)
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
		if first == nil {
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
