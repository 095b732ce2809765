package match

import (
	"hash/maphash"
	"slices"
	"strings"

	"github.com/huntbook/huntbook/event"
	"github.com/huntbook/huntbook/ir"
)

// Matcher runs a Program over events. It remembers what it learns of values, in
// bounded memory, and must not be used by two goroutines at once.
type Matcher struct {
	p       *Program
	event   *event.Decoder
	seed    maphash.Seed
	scanner valueScanner

	sets        verdictSets
	columns     []columnVerdicts
	categories  map[categoryKey]*category
	searches    []*rawSearch // of the categories
	category    *category    // of the event before
	categoryKey categoryKey

	// Of the current event, whose number is now: a predicate is true when its
	// truth is now, and a rule of the category was called when called is.
	now      uint32
	truth    []uint32
	called   []uint32
	keywords keywordState
	whole    *event.Builder // of all fields
	found    []int32
	// candidates are the rules of the category whose conditions may be true.
	candidates []int32
	matched    []int32
	work       Work
}

// Work counts what a Matcher did, to hold its cost to what it should be.
type Work struct {
	// Values were looked at, of ValueBytes in sum; other values were known.
	Values, ValueBytes int
	// Conditions of rules were evaluated.
	Conditions int
	// Searched are bytes of events that were searched for keywords.
	Searched int
	// Reread are events that were read again for keywords.
	Reread int
}

// NewMatcher makes a Matcher of a Program. The options say how events are read;
// their Fields are not looked at.
func NewMatcher(p *Program, o event.Options) *Matcher {
	m := &Matcher{
		p:       p,
		event:   event.NewDecoder(o, p.fields),
		seed:    maphash.MakeSeed(),
		scanner: valueScanner{preds: p.preds},
		truth:   make([]uint32, len(p.preds)),
		called:  make([]uint32, p.alternatives()),
		whole:   event.NewBuilder(event.Options{}),
	}
	m.forget()
	return m
}

// Work tells what the Matcher did up to now.
func (m *Matcher) Work() Work { return m.work }

// Match returns the rules that match an event, in ascending order; they are
// valid until the next call. Raw is one JSON object. The errors are those of
// event.Builder.AppendJSON. Time is the event's, as event.Batch has it.
func (m *Matcher) Match(raw []byte) (rules []int32, time int64, err error) {
	if err := m.event.Read(raw); err != nil {
		return nil, 0, err
	}
	if len(m.sets.sets) > maxVerdicts {
		m.forget()
	}
	return m.match(m.categoryOf()), m.event.Time(), nil
}

// Batch matches the events of a batch and calls hit for every rule that matches
// some, in the order of the rules, with their rows in ascending order. An event
// that the Matcher's options leave out matches none.
func (m *Matcher) Batch(b *event.Batch, hit func(rule int, rows []int)) {
	rows := make([][]int, len(m.p.rules))
	for row := range b.Records {
		rules, _, err := m.Match(b.Records[row].Raw)
		if err != nil {
			continue
		}
		for _, r := range rules {
			rows[r] = append(rows[r], row)
		}
	}
	for rule, list := range rows {
		if len(list) > 0 {
			hit(rule, list)
		}
	}
}

// begin makes all predicates false.
func (m *Matcher) begin() {
	if m.now++; m.now == 0 {
		clear(m.truth)
		clear(m.called)
		m.now = 1
	}
}

func (m *Matcher) match(c *category) []int32 {
	m.matched = append(m.matched[:0], c.always...)
	if len(c.rules) == 0 {
		return m.sorted()
	}
	m.begin()
	m.candidates = append(m.candidates[:0], c.uncalled...)
	for _, column := range c.columns {
		v := m.verdict(column)
		if v == 0 {
			continue
		}
		preds := m.sets.sets[v]
		for _, p := range preds {
			m.truth[p] = m.now
		}
		m.consider(c.calledBy(v, preds))
	}
	m.keywords.reset()
	if c.search != nil {
		m.searchFor(c)
	}
	m.work.Conditions += len(m.candidates)
	for _, i := range m.candidates {
		if r := &c.rules[i]; m.eval(&r.root) {
			m.matched = append(m.matched, r.rule)
		}
	}
	return m.sorted()
}

// sorted are the rules that matched, each once: an event may satisfy several of a
// rule's alternatives.
func (m *Matcher) sorted() []int32 {
	slices.Sort(m.matched)
	m.matched = slices.Compact(m.matched)
	return m.matched
}

// consider makes rules candidates.
func (m *Matcher) consider(rules []int32) {
	for _, i := range rules {
		if m.called[i] != m.now {
			m.called[i] = m.now
			m.candidates = append(m.candidates, i)
		}
	}
}

// eval tells whether a condition is true for the event.
func (m *Matcher) eval(n *node) bool {
	switch n.kind {
	case predNode:
		return m.isTrue(n.pred)
	case notNode:
		return !m.eval(&n.kids[0])
	case orNode:
		for i := range n.kids {
			if m.eval(&n.kids[i]) {
				return true
			}
		}
		return false
	}
	for i := range n.kids {
		if !m.eval(&n.kids[i]) {
			return false
		}
	}
	return true
}

func (m *Matcher) isTrue(pred int32) bool {
	switch p := &m.p.preds[pred]; {
	case p.column < 0:
		return m.hasKeyword(pred)
	case p.m.Op == ir.FieldRef:
		return m.refers(p)
	}
	return m.truth[pred] == m.now
}

// refers compares the values of two fields.
func (m *Matcher) refers(p *predicate) bool {
	a := m.event.Value(int(p.column))
	if a.Kind == event.Absent {
		return false
	}
	a.Text = strings.Clone(a.Text) // the next value takes its place
	b := m.event.Value(int(p.other))
	return b.Kind != event.Absent && refersTo(p.m, &a, &b)
}

// refersTo compares two values as a field reference does; of lists, any two
// elements.
func refersTo(match *ir.Match, a, b *event.Value) bool {
	if a.Kind == event.List {
		for i := range a.Elems {
			if refersTo(match, &a.Elems[i], b) {
				return true
			}
		}
		return false
	}
	if b.Kind == event.List {
		for i := range b.Elems {
			if refersTo(match, a, &b.Elems[i]) {
				return true
			}
		}
		return false
	}
	if a.Kind == event.Null || b.Kind == event.Null {
		return false
	}
	x, y := a.Text, b.Text
	if !match.Cased {
		x, y = fold(x), fold(y)
	}
	switch match.Affix {
	case ir.Prefix:
		return strings.HasPrefix(x, y)
	case ir.Suffix:
		return strings.HasSuffix(x, y)
	case ir.Anywhere:
		return strings.Contains(x, y)
	}
	return x == y
}
