package match

import (
	"encoding/binary"
	"hash/maphash"
	"slices"

	"github.com/huntbook/huntbook/event"
)

// A verdict is a set of predicates, those that a value satisfies. Most values
// satisfy none, and few sets occur, so a set is kept once and named by a number.
type verdict = int32

// verdictSets are the sets by their numbers; 0 is the empty set.
type verdictSets struct {
	sets  [][]int32
	index map[string]verdict
	key   []byte
}

// maxVerdicts bounds the sets, and so what is remembered of values.
const maxVerdicts = 1 << 18

func (v *verdictSets) reset() {
	v.sets = append(v.sets[:0], nil)
	v.index = map[string]verdict{"": 0}
}

// of numbers a set. The list may hold a predicate twice and is sorted.
func (v *verdictSets) of(preds []int32) verdict {
	slices.Sort(preds)
	preds = slices.Compact(preds)
	v.key = v.key[:0]
	for _, p := range preds {
		v.key = binary.LittleEndian.AppendUint32(v.key, uint32(p))
	}
	if i, ok := v.index[string(v.key)]; ok {
		return i
	}
	i := verdict(len(v.sets))
	v.sets = append(v.sets, slices.Clone(preds))
	v.index[string(v.key)] = i
	return i
}

// columnVerdicts remembers the verdicts on a column's values. A value is known
// by a hash of 64 bits under a random key and its length.
type columnVerdicts struct {
	absent, null, present verdict
	// table is open-addressed, its size a power of two; hash 0 is free.
	table  []valueVerdict
	used   int
	recent recent
}

type valueVerdict struct {
	hash    uint64
	size    uint32
	verdict verdict
}

// The size of a table at first, and the greatest. A full one starts anew, so
// that memory stays bounded whatever is read.
const firstTable, largestTable = 1 << 6, 1 << 16

func (c *columnVerdicts) find(hash uint64, size int) (verdict, bool) {
	if len(c.table) == 0 {
		return 0, false
	}
	mask := uint64(len(c.table) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		v := &c.table[i]
		if v.hash == hash && v.size == uint32(size) {
			return v.verdict, true
		}
		if v.hash == 0 {
			return 0, false
		}
	}
}

func (c *columnVerdicts) add(hash uint64, size int, v verdict) {
	if 2*c.used >= len(c.table) {
		c.grow()
	}
	c.place(valueVerdict{hash, uint32(size), v})
}

func (c *columnVerdicts) grow() {
	old := c.table
	c.used = 0
	if len(old) >= largestTable {
		clear(old)
		return
	}
	c.table = make([]valueVerdict, max(firstTable, 4*len(old)))
	for _, v := range old {
		if v.hash != 0 {
			c.place(v)
		}
	}
}

func (c *columnVerdicts) place(v valueVerdict) {
	mask := uint64(len(c.table) - 1)
	i := v.hash & mask
	for c.table[i].hash != 0 {
		i = (i + 1) & mask
	}
	c.table[i] = v
	c.used++
}

// forget drops all verdicts, and starts the sets anew.
func (m *Matcher) forget() {
	m.sets.reset()
	m.categories = map[categoryKey]*category{}
	m.searches = nil
	m.category = nil
	m.columns = make([]columnVerdicts, len(m.p.columns))
	for i, c := range m.p.columns {
		v := &m.columns[i]
		v.absent = m.sets.of(slices.Clone(c.null))
		v.null = m.sets.of(append(slices.Clone(c.null), c.exists...))
		v.present = m.sets.of(slices.Clone(c.exists))
	}
}

// verdict finds which predicates of a column the event's value satisfies.
func (m *Matcher) verdict(column int32) verdict {
	v := &m.columns[column]
	kind, raw, same := m.event.Raw(int(column))
	switch {
	case kind == event.Absent:
		return v.absent
	case kind == event.Null:
		return v.null
	case !m.p.columns[column].wanted && kind != event.List:
		return v.present
	case !same:
		return m.look(column)
	}
	hash := (maphash.Bytes(m.seed, raw) + uint64(kind)*0x9E3779B97F4A7C15) | 1
	if known, ok := v.find(hash, len(raw)); ok {
		return known
	}
	found := m.look(column)
	v.add(hash, len(raw), found)
	return found
}

// look tests the value.
func (m *Matcher) look(column int32) verdict {
	c := m.p.columns[column]
	value := m.event.Value(int(column))
	m.found = append(m.found[:0], c.exists...)
	if isNull(&value) {
		m.found = append(m.found, c.null...)
	}
	m.work.Values++
	m.work.ValueBytes += len(value.Text)
	m.scanner.scan(c, &value, &m.columns[column].recent, func(pred int32) { m.found = append(m.found, pred) })
	return m.sets.of(m.found)
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
