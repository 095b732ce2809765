package match

import (
	"strings"

	"github.com/huntbook/huntbook/event"
	"github.com/huntbook/huntbook/ir"
)

// Matcher runs a Program over batches. It keeps buffers between batches and
// must not be used by two goroutines at once.
type Matcher struct {
	p       *Program
	scanner valueScanner

	batch   *event.Batch
	columns []columnState
	// hits has the codes of the values that satisfy a predicate, bitmaps the
	// rows of a predicate once it was asked for; touched are the predicates
	// with an entry in either.
	hits    [][]uint32
	bitmaps []bitmap
	touched []int32
	known   []bool
	free    []bitmap
	used    []bitmap
	rows    []int
}

// columnState is a column of the current batch.
type columnState struct {
	column *event.Column
	// starts and order list the rows of every code, made when first needed:
	// order[starts[c]:starts[c+1]] are the rows with code c.
	starts, order []uint32
	sorted        bool
}

// NewMatcher makes a Matcher of a Program.
func NewMatcher(p *Program) *Matcher {
	return &Matcher{
		p:       p,
		scanner: valueScanner{preds: p.preds},
		columns: make([]columnState, len(p.columns)),
		hits:    make([][]uint32, len(p.preds)),
		bitmaps: make([]bitmap, len(p.preds)),
		known:   make([]bool, len(p.preds)),
	}
}

// Match calls hit for every rule that matches events of the batch, in the order
// of the rules, with the rows in ascending order. The rows are valid during the
// call only.
func (m *Matcher) Match(b *event.Batch, hit func(rule int, rows []int)) {
	m.reset(b)
	if b.Rows == 0 {
		return
	}
	for i, c := range m.p.columns {
		col := b.Column(c.field)
		m.columns[i].column, m.columns[i].sorted = col, false
		if col == nil || !c.wanted {
			continue
		}
		for code := 1; code < len(col.Values); code++ {
			m.scanner.scan(c, &col.Values[code], func(pred int32) { m.addHit(pred, uint32(code)) })
		}
	}
	if m.p.keywords != nil {
		m.scanKeywords(b)
	}
	for i := range m.p.rules {
		r := &m.p.rules[i]
		rows := m.eval(&r.root)
		if rows = m.scoped(r.scope, rows); rows == nil || rows.empty() {
			continue
		}
		m.rows = rows.appendRows(m.rows[:0])
		hit(i, m.rows)
	}
}

func (m *Matcher) reset(b *event.Batch) {
	for _, p := range m.touched {
		m.hits[p] = m.hits[p][:0]
		m.bitmaps[p] = nil
		m.known[p] = false
	}
	m.touched = m.touched[:0]
	m.free = append(m.free, m.used...)
	m.used = m.used[:0]
	if m.batch != nil && words(m.batch.Rows) != words(b.Rows) {
		m.free = m.free[:0]
	}
	m.batch = b
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

func (m *Matcher) addHit(pred int32, code uint32) {
	h := m.hits[pred]
	if len(h) == 0 {
		m.touched = append(m.touched, pred)
	} else if h[len(h)-1] == code {
		return
	}
	m.hits[pred] = append(h, code)
}

// scanKeywords looks for keywords in every column's values.
func (m *Matcher) scanKeywords(b *event.Batch) {
	for _, col := range b.Columns {
		state := columnState{column: col}
		for code := 1; code < len(col.Values); code++ {
			m.scanner.scan(m.p.keywords, &col.Values[code], func(pred int32) {
				if !m.known[pred] {
					m.known[pred] = true
					m.bitmaps[pred] = m.blank()
					m.touched = append(m.touched, pred)
				}
				state.addRows(m.bitmaps[pred], uint32(code))
			})
		}
	}
}

// addRows sets the rows that hold a code.
func (s *columnState) addRows(b bitmap, code uint32) {
	if !s.sorted {
		s.sort()
	}
	for _, row := range s.order[s.starts[code]:s.starts[code+1]] {
		b.set(row)
	}
}

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

// eval returns the rows of a node: nil when there are none. The bitmap must
// not be changed, since a predicate's is shared.
func (m *Matcher) eval(n *node) bitmap {
	switch n.kind {
	case predNode:
		return m.pred(n.pred)
	case notNode:
		out := m.blank()
		if x := m.eval(&n.kids[0]); x != nil {
			out.or(x)
		}
		out.not(m.batch.Rows)
		return out
	case orNode:
		var out bitmap
		for i := range n.kids {
			x := m.eval(&n.kids[i])
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
	return m.and(n.kids)
}

func (m *Matcher) and(kids []node) bitmap {
	var out bitmap
	for i := range kids {
		x := m.eval(&kids[i])
		if x == nil {
			return nil
		}
		if out == nil {
			out = m.blank()
			out.or(x)
		} else {
			out.and(x)
		}
		if out.empty() {
			return nil
		}
	}
	if out == nil {
		out = m.blank()
		out.not(m.batch.Rows)
	}
	return out
}

// pred returns the rows of a predicate, nil when there are none.
func (m *Matcher) pred(i int32) bitmap {
	if m.known[i] {
		return m.bitmaps[i]
	}
	p := &m.p.preds[i]
	if p.column < 0 {
		return nil
	}
	state := &m.columns[p.column]
	var rows bitmap
	switch p.m.Op {
	case ir.Null:
		rows = m.blank()
		if state.column != nil {
			rows.or(m.rowsWhere(state, func(v *event.Value) bool { return !isNull(v) }))
		}
		rows.not(m.batch.Rows)
	case ir.Exists:
		if state.column != nil {
			rows = m.rowsWhere(state, func(v *event.Value) bool { return true })
		}
	case ir.FieldRef:
		if other := m.batch.Column(p.m.Text); other != nil && state.column != nil {
			rows = m.fieldRef(p.m, state.column, other)
		}
	default:
		if len(m.hits[i]) == 0 {
			return nil
		}
		rows = m.blank()
		for _, code := range m.hits[i] {
			state.addRows(rows, code)
		}
	}
	if len(m.hits[i]) == 0 {
		m.touched = append(m.touched, i)
	}
	m.known[i], m.bitmaps[i] = true, rows
	return rows
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

// scoped keeps the rows on which the rule is evaluated.
func (m *Matcher) scoped(s Scope, rows bitmap) bitmap {
	if s == AnyEvent || rows == nil {
		return rows
	}
	out := m.blank()
	for row, windows := range m.batch.Windows {
		if windows == (s == WindowsEvent) {
			out.set(uint32(row))
		}
	}
	out.and(rows)
	return out
}
