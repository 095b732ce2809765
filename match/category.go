package match

import (
	"slices"

	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/sigma"
)

// category is what is known of an event once its log source fields are: which
// rules can still match, and what they need for it.
type category struct {
	// always are rules of which nothing is left to look at.
	always []int32
	// rules are what is left of the others, one for each alternative.
	rules []openRule
	// columns hold the fields that the rules read, but for references.
	columns []int32
	// calls lists for a predicate the rules that need it, or one of several
	// that it belongs to; uncalled are those that need none.
	calls    callTable
	uncalled []int32
	// called lists for the first verdicts the rules that their predicates call up;
	// nil is not known yet.
	called [][]int32
	// search looks for the keywords that call up rules; nil when none does.
	search *rawSearch
}

// openRule is a rule's condition without what the category says already.
type openRule struct {
	rule int32
	root node
}

// categoryKey is the verdicts on the log source fields.
type categoryKey struct {
	windows  bool
	verdicts [len(logSourceFields)]verdict
}

// maxCategories bounds the categories that are remembered.
const maxCategories = 1 << 12

// categoryOf finds the current event's category.
func (m *Matcher) categoryOf() *category {
	key := categoryKey{windows: m.event.Windows()}
	for i, column := range m.p.logSource {
		key.verdicts[i] = m.verdict(column)
	}
	if m.category != nil && key == m.categoryKey {
		return m.category
	}
	c := m.categories[key]
	if c == nil {
		if len(m.categories) >= maxCategories {
			clear(m.categories)
		}
		c = m.newCategory(key)
		m.categories[key] = c
	}
	m.category, m.categoryKey = c, key
	return c
}

func (m *Matcher) newCategory(key categoryKey) *category {
	m.begin()
	for _, v := range key.verdicts {
		for _, p := range m.sets.sets[v] {
			m.truth[p] = m.now
		}
	}
	c := &category{}
	called := map[int32][]int32{}
	columns := map[int32]bool{}
	for i := range m.p.gates {
		g := &m.p.gates[i]
		if g.scope == WindowsEvent && !key.windows || g.scope == OtherEvent && key.windows {
			continue
		}
		if _, state := m.reduce(&g.root); state != isTrue {
			continue
		}
		for j := range g.alternatives {
			a := &g.alternatives[j]
			if a.plain {
				c.add(openRule{a.rule, a.rest}, a.calls, columns, called)
				continue
			}
			root, state := m.reduce(&a.rest)
			switch state {
			case isTrue:
				c.add(openRule{a.rule, node{kind: andNode}}, calls{}, columns, called)
			case unknown:
				c.add(openRule{a.rule, root}, m.p.callsOf(&root), columns, called)
			}
		}
	}
	for i := range m.p.columns {
		if columns[int32(i)] && !slices.Contains(m.p.logSource, int32(i)) {
			c.columns = append(c.columns, int32(i))
		}
	}
	c.calls = newCallTable(called)
	c.search = m.searchOf(called)
	return c
}

// searchOf is the search for the keywords among predicates. Most categories share
// one.
func (m *Matcher) searchOf(calls map[int32][]int32) *rawSearch {
	var preds []int32
	for pred := range calls {
		if m.p.preds[pred].column < 0 {
			preds = append(preds, pred)
		}
	}
	if len(preds) == 0 {
		return nil
	}
	slices.Sort(preds)
	for _, s := range m.searches {
		if slices.Equal(s.preds, preds) {
			return s
		}
	}
	s := m.p.rawFilter.search(preds)
	m.searches = append(m.searches, s)
	return s
}

// callTable maps predicates to rules of a category; most predicates of an event
// call none. It is open-addressed, its size a power of two.
type callTable struct {
	preds []int32 // and 1, 0 is free
	rules [][]int32
}

func newCallTable(calls map[int32][]int32) callTable {
	size := 1
	for size < 3*len(calls) {
		size *= 2
	}
	t := callTable{make([]int32, size), make([][]int32, size)}
	for pred, rules := range calls {
		i := t.slot(pred)
		t.preds[i], t.rules[i] = pred+1, rules
	}
	return t
}

// slot is where a predicate is, or would be.
func (t *callTable) slot(pred int32) uint32 {
	mask := uint32(len(t.preds) - 1)
	i := uint32(pred) * 0x9E3779B1 >> 7 & mask
	for t.preds[i] != 0 && t.preds[i] != pred+1 {
		i = (i + 1) & mask
	}
	return i
}

func (t *callTable) of(pred int32) []int32 { return t.rules[t.slot(pred)] }

// maxCalled bounds the verdicts whose rules a category remembers.
const maxCalled = 1 << 10

// calledBy lists the rules that the predicates of a verdict call up.
func (c *category) calledBy(v verdict, preds []int32) []int32 {
	if int(v) < len(c.called) && c.called[v] != nil {
		return c.called[v]
	}
	rules := []int32{}
	for _, p := range preds {
		rules = append(rules, c.calls.of(p)...)
	}
	if v < maxCalled {
		if n := int(v) + 1 - len(c.called); n > 0 {
			c.called = append(c.called, make([][]int32, n)...)
		}
		c.called[v] = rules
	}
	return rules
}

// calls is what a condition needs for its evaluation.
type calls struct {
	columns []int32 // whose verdicts it reads
	// preds are those of which it needs one; called is false when it needs none.
	preds  []int32
	called bool
}

func (p *Program) callsOf(n *node) calls {
	var c calls
	n.each(func(pred int32) {
		if x := &p.preds[pred]; x.column >= 0 && x.m.Op != ir.FieldRef {
			c.columns = append(c.columns, x.column)
		}
	})
	slices.Sort(c.columns)
	c.columns = slices.Compact(c.columns)
	c.preds, _, c.called = p.needs(n)
	slices.Sort(c.preds)
	c.preds = slices.Compact(c.preds)
	return c
}

func (c *category) add(r openRule, needs calls, columns map[int32]bool, called map[int32][]int32) {
	if r.root.kind == andNode && len(r.root.kids) == 0 {
		c.always = append(c.always, r.rule)
		return
	}
	i := int32(len(c.rules))
	c.rules = append(c.rules, r)
	for _, column := range needs.columns {
		columns[column] = true
	}
	if !needs.called {
		c.uncalled = append(c.uncalled, i)
	}
	for _, pred := range needs.preds {
		called[pred] = append(called[pred], i)
	}
}

// state is what is known of a condition.
type state uint8

const (
	unknown state = iota
	isTrue
	isFalse
)

// known tells that a category decides a predicate.
func (p *Program) known(pred int32) bool {
	x := &p.preds[pred]
	return x.m.Op != ir.FieldRef && slices.Contains(p.logSource, x.column)
}

// reduce leaves out of a condition what the category decides.
func (m *Matcher) reduce(n *node) (node, state) {
	switch n.kind {
	case predNode:
		switch {
		case !m.p.known(n.pred):
			return *n, unknown
		case m.truth[n.pred] == m.now:
			return node{}, isTrue
		}
		return node{}, isFalse
	case notNode:
		kid, s := m.reduce(&n.kids[0])
		switch s {
		case isTrue:
			return node{}, isFalse
		case isFalse:
			return node{}, isTrue
		}
		return node{kind: notNode, kids: []node{kid}}, unknown
	}
	decisive, other := isFalse, isTrue // of And
	if n.kind == orNode {
		decisive, other = isTrue, isFalse
	}
	left := node{kind: n.kind}
	for i := range n.kids {
		kid, s := m.reduce(&n.kids[i])
		switch s {
		case decisive:
			return node{}, decisive
		case unknown:
			left.kids = append(left.kids, kid)
		}
	}
	switch len(left.kids) {
	case 0:
		return node{}, other
	case 1:
		return left.kids[0], unknown
	}
	return left, unknown
}

// each calls f for every predicate below a node.
func (n *node) each(f func(pred int32)) {
	if n.kind == predNode {
		f(n.pred)
	}
	for i := range n.kids {
		n.kids[i].each(f)
	}
}

// needs returns predicates of which at least one is true in every event for
// which the node is, and how often that may be in vain; false when there are no
// such predicates.
func (p *Program) needs(n *node) (preds []int32, cost int, ok bool) {
	switch n.kind {
	case predNode:
		if p.preds[n.pred].m.Op == ir.FieldRef {
			return nil, 0, false
		}
		return []int32{n.pred}, p.preds[n.pred].frequency(), true
	case andNode:
		for i := range n.kids {
			x, c, found := p.needs(&n.kids[i])
			if found && (!ok || c < cost) {
				preds, cost, ok = x, c, true
			}
		}
		return preds, cost, ok
	case orNode:
		for i := range n.kids {
			x, c, found := p.needs(&n.kids[i])
			if !found {
				return nil, 0, false
			}
			preds, cost = append(preds, x...), cost+c
		}
		return preds, cost, true
	}
	return nil, 0, false
}

// frequency guesses how often events satisfy a predicate; only the order of the
// guesses matters.
func (p *predicate) frequency() int {
	const usual, often = 1 << 10, 1 << 16
	if p.column < 0 {
		return 1 << 20 // a search of the whole event
	}
	switch p.m.Op {
	case ir.Like:
		length := 0
		for _, t := range p.glob.tokens {
			if t.Kind == sigma.Literal {
				length += len(t.Text)
			}
		}
		if length == 0 {
			return often
		}
		return max(1, usual/(length*length))
	case ir.Number, ir.Bool:
		return usual / 4
	case ir.Regexp:
		return usual / 8
	}
	return often
}
