package match

import (
	"math/bits"
	"strings"

	"github.com/huntbook/huntbook/event"
	"github.com/huntbook/huntbook/ir"
)

// Matcher runs a Program over batches. It keeps buffers between batches and
// must not be used by two goroutines at once.
//
// Work is put off: a rule's condition is evaluated on the rows that are still
// candidates, narrowed from left to right, and a column's values are looked at
// only when a rule reads them on candidate rows. So a long message of a log
// that no rule is for costs nothing.
type Matcher struct {
	p       *Program
	scanner valueScanner

	batch   *event.Batch
	all     bitmap // every row
	columns []columnState
	// preds have what is known of a predicate; touched are those that are not
	// blank.
	preds    []predState
	touched  []int32
	keywords keywordState

	fresh      bitmap // see freshRows
	free, used []bitmap
	rows       []int
}

// predState is what is known of a predicate in the current batch.
type predState struct {
	// hits are the codes of values that satisfy it, in the order of their
	// discovery; the first applied of them are in rows.
	hits    []uint32
	applied int
	rows    bitmap
	// known tells that rows are complete, whatever is looked at later.
	known bool
}

// columnState is a column of the current batch.
type columnState struct {
	column *event.Column
	// scanned are the rows whose values were looked at, seen their codes.
	scanned bitmap
	seen    []bool
	// starts and order list the rows of every code, made when first needed:
	// order[starts[c]:starts[c+1]] are the rows with code c.
	starts, order []uint32
	sorted        bool
}

func (s *columnState) reset(c *event.Column) {
	s.column, s.scanned, s.sorted = c, nil, false
	if c != nil {
		s.seen = append(s.seen[:0], make([]bool, len(c.Values))...)
		s.seen[0] = true
	}
}

// unseen calls f for every code of the rows that was not looked at before.
func (s *columnState) unseen(rows bitmap, f func(code uint32)) {
	for i, w := range rows {
		for ; w != 0; w &= w - 1 {
			code := s.column.Codes[i<<6+bits.TrailingZeros64(w)]
			if !s.seen[code] {
				s.seen[code] = true
				f(code)
			}
		}
	}
}

// NewMatcher makes a Matcher of a Program.
func NewMatcher(p *Program) *Matcher {
	return &Matcher{
		p:       p,
		scanner: valueScanner{preds: p.preds},
		columns: make([]columnState, len(p.columns)),
		preds:   make([]predState, len(p.preds)),
		keywords: keywordState{
			searched: make([]bitmap, len(classForms)),
			maybe:    map[int32]bitmap{},
			whole:    event.NewBuilder(event.Options{}),
		},
	}
}

// Match calls hit for every rule that matches events of the batch, in the order
// of the rules, with the rows in ascending order. The rows are valid during the
// call only.
func (m *Matcher) Match(b *event.Batch, hit func(rule int, rows []int)) {
	if b.Rows == 0 {
		return
	}
	m.reset(b)
	scopes := [...]bitmap{AnyEvent: m.all, WindowsEvent: m.blank(), OtherEvent: m.blank()}
	for row, windows := range b.Windows {
		if windows {
			scopes[WindowsEvent].set(uint32(row))
		} else {
			scopes[OtherEvent].set(uint32(row))
		}
	}
	for i := range m.p.rules {
		r := &m.p.rules[i]
		if scopes[r.scope].empty() {
			continue
		}
		rows := m.eval(&r.root, scopes[r.scope])
		if rows == nil {
			continue
		}
		if m.rows = rows.appendRows(m.rows[:0]); len(m.rows) > 0 {
			hit(i, m.rows)
		}
	}
}

func (m *Matcher) reset(b *event.Batch) {
	for _, p := range m.touched {
		s := &m.preds[p]
		s.hits, s.applied, s.rows, s.known = s.hits[:0], 0, nil, false
	}
	m.touched = m.touched[:0]
	m.free = append(m.free, m.used...)
	m.used = m.used[:0]
	if m.batch != nil && words(m.batch.Rows) != words(b.Rows) {
		m.free = m.free[:0]
	}
	m.batch = b
	for i, c := range m.p.columns {
		m.columns[i].reset(b.Column(c.field))
	}
	m.keywords.reset()
	m.all = m.blank()
	m.all.not(b.Rows)
}

// blank returns an empty bitmap that lives until the next batch.
func (m *Matcher) blank() bitmap {
	var b bitmap
	if n := len(m.free); n > 0 {
		b = m.free[n-1]
		m.free = m.free[:n-1]
		clear(b)
	} else {
		b = make(bitmap, words(m.batch.Rows))
	}
	m.used = append(m.used, b)
	return b
}

// touch returns what is known of a predicate, to be changed.
func (m *Matcher) touch(i int32) *predState {
	s := &m.preds[i]
	if len(s.hits) == 0 && s.rows == nil && !s.known {
		m.touched = append(m.touched, i)
	}
	return s
}

// freshRows returns the rows that are not scanned yet and notes them as
// scanned; nil when there are none. It is valid until the next call.
func (m *Matcher) freshRows(scanned *bitmap, rows bitmap) bitmap {
	if *scanned == nil {
		*scanned = m.blank()
	}
	if len(m.fresh) != len(rows) {
		m.fresh = make(bitmap, len(rows))
	}
	some := uint64(0)
	for i, w := range rows {
		m.fresh[i] = w &^ (*scanned)[i]
		some |= m.fresh[i]
	}
	if some == 0 {
		return nil
	}
	scanned.or(rows)
	return m.fresh
}

// look finds the predicates that the column's values on the rows satisfy.
func (m *Matcher) look(i int32, rows bitmap) {
	s, c := &m.columns[i], m.p.columns[i]
	fresh := m.freshRows(&s.scanned, rows)
	s.unseen(fresh, func(code uint32) {
		m.scanner.scan(c, &s.column.Values[code], func(pred int32) {
			p := m.touch(pred)
			if n := len(p.hits); n == 0 || p.hits[n-1] != code {
				p.hits = append(p.hits, code)
			}
		})
	})
}

// eachRow calls f for the rows that hold a code.
func (s *columnState) eachRow(code uint32, f func(row uint32)) {
	if !s.sorted {
		s.sort()
	}
	for _, row := range s.order[s.starts[code]:s.starts[code+1]] {
		f(row)
	}
}

// addRows sets the rows that hold a code.
func (s *columnState) addRows(b bitmap, code uint32) { s.eachRow(code, b.set) }

// sort lists the rows by code.
func (s *columnState) sort() {
	codes := s.column.Codes
	n := len(s.column.Values)
	s.starts = append(s.starts[:0], make([]uint32, n+1)...)
	for _, c := range codes {
		s.starts[c+1]++
	}
	for i := range n {
		s.starts[i+1] += s.starts[i]
	}
	if cap(s.order) < len(codes) {
		s.order = make([]uint32, len(codes))
	}
	s.order = s.order[:len(codes)]
	for row, c := range codes {
		s.order[s.starts[c]] = uint32(row)
		s.starts[c]++
	}
	copy(s.starts[1:], s.starts[:n])
	s.starts[0] = 0
	s.sorted = true
}

// eval returns the rows of the candidates for which a node is true: nil when
// there are none. The bitmap must not be changed; it may be the candidates.
func (m *Matcher) eval(n *node, candidates bitmap) bitmap {
	switch n.kind {
	case predNode:
		return m.pred(n.pred, candidates)
	case notNode:
		x := m.eval(&n.kids[0], candidates)
		if x == nil {
			return candidates
		}
		out := m.blank()
		out.or(candidates)
		out.without(x)
		return out
	case orNode:
		var out bitmap
		for i := range n.kids {
			x := m.eval(&n.kids[i], candidates)
			if x == nil {
				continue
			}
			if out == nil {
				out = m.blank()
			}
			out.or(x)
		}
		return out
	}
	for i := range n.kids {
		if candidates = m.eval(&n.kids[i], candidates); candidates == nil || candidates.empty() {
			return nil
		}
	}
	return candidates
}

// pred returns the candidates that satisfy a predicate, nil when there are none.
func (m *Matcher) pred(i int32, candidates bitmap) bitmap {
	p := &m.p.preds[i]
	s := &m.preds[i]
	if !s.known {
		m.find(i, p, candidates)
	}
	if s.rows == nil {
		return nil
	}
	out := m.blank()
	out.or(s.rows)
	out.and(candidates)
	return out
}

// find brings a predicate's rows up to date for the candidates.
func (m *Matcher) find(i int32, p *predicate, candidates bitmap) {
	if p.column < 0 {
		m.findKeyword(i, candidates)
		return
	}
	column := &m.columns[p.column]
	switch p.m.Op {
	case ir.Null:
		rows := m.blank()
		if column.column != nil {
			rows.or(m.rowsWhere(column, func(v *event.Value) bool { return !isNull(v) }))
		}
		rows.not(m.batch.Rows)
		m.settle(i, rows)
	case ir.Exists:
		var rows bitmap
		if column.column != nil {
			rows = m.rowsWhere(column, func(*event.Value) bool { return true })
		}
		m.settle(i, rows)
	case ir.FieldRef:
		var rows bitmap
		if other := m.batch.Column(p.m.Text); other != nil && column.column != nil {
			rows = m.fieldRef(p.m, column.column, other)
		}
		m.settle(i, rows)
	default:
		if column.column == nil {
			return
		}
		m.look(p.column, candidates)
		s := &m.preds[i]
		if s.applied < len(s.hits) && s.rows == nil {
			s.rows = m.blank()
		}
		for ; s.applied < len(s.hits); s.applied++ {
			column.addRows(s.rows, s.hits[s.applied])
		}
	}
}

// settle notes the rows of a predicate for good.
func (m *Matcher) settle(i int32, rows bitmap) {
	s := m.touch(i)
	s.rows, s.known = rows, true
}

// rowsWhere returns the rows whose value is present and wanted.
func (m *Matcher) rowsWhere(s *columnState, want func(*event.Value) bool) bitmap {
	rows := m.blank()
	for code := 1; code < len(s.column.Values); code++ {
		if want(&s.column.Values[code]) {
			s.addRows(rows, uint32(code))
		}
	}
	return rows
}

// isNull tells whether a value counts as null: null itself, and a list of
// nothing else, as in Elasticsearch.
func isNull(v *event.Value) bool {
	if v.Kind != event.List {
		return v.Kind == event.Null
	}
	for i := range v.Elems {
		if v.Elems[i].Kind != event.Null {
			return false
		}
	}
	return true
}

func (m *Matcher) fieldRef(match *ir.Match, a, b *event.Column) bitmap {
	rows := m.blank()
	for row := range m.batch.Rows {
		ca, cb := a.Codes[row], b.Codes[row]
		if ca != 0 && cb != 0 && refersTo(match, &a.Values[ca], &b.Values[cb]) {
			rows.set(uint32(row))
		}
	}
	return rows
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
