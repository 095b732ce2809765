package correlate

import (
	"slices"
	"strconv"
)

// numbers are those of a field's values that are numbers.
func numbers(values []string) []float64 {
	var out []float64
	for _, v := range values {
		if f, ok := number(v); ok {
			out = append(out, f)
		}
	}
	return out
}

// number reads a decimal number, nothing else that Go's reader knows.
func number(s string) (float64, bool) {
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && c != '-' && c != '+' && c != '.' && c != 'e' && c != 'E' {
			return 0, false
		}
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil
}

// brought are the numbers of the events in a window, by the event's ID, an element
// for each time that an entry brings it. An event counts once: the first one does.
type brought map[int64][][]float64

// add enters what an entry brings; put gets what counts from now on.
func (b brought) add(e *entry, c []map[int]columns, put func(id int64, numbers []float64)) {
	for _, ev := range e.origins {
		found := numbers(ev.Values[c[e.input][ev.Base].fields[0]])
		b[ev.ID] = append(b[ev.ID], found)
		if len(b[ev.ID]) == 1 {
			put(ev.ID, found)
		}
	}
}

// remove takes out what the oldest entry brought; drop gets what does not count any
// more, put what does instead.
func (b brought) remove(e *entry, put, drop func(id int64, numbers []float64)) {
	for _, ev := range e.origins {
		list := b[ev.ID]
		drop(ev.ID, list[0])
		if len(list) == 1 {
			delete(b, ev.ID)
			continue
		}
		b[ev.ID] = list[1:]
		put(ev.ID, list[1])
	}
}

// statistic is a sum, an average, a least or a greatest number. Each event has a leaf
// in a tree whose nodes sum up what is below them: nothing is ever subtracted, so
// that no rounding stays behind.
type statistic struct {
	nothing
	kind   Kind
	events brought
	// tree[i] sums up tree[2*i] and tree[2*i+1], and the second half are the leaves;
	// slots are those of the events, free the others.
	tree  []summary
	slots map[int64]int
	free  []int
}

type summary struct {
	n             int
	sum, min, max float64
}

func (s summary) plus(o summary) summary {
	switch {
	case s.n == 0:
		return o
	case o.n == 0:
		return s
	}
	return summary{s.n + o.n, s.sum + o.sum, min(s.min, o.min), max(s.max, o.max)}
}

func (s *statistic) add(e *entry, c []map[int]columns)    { s.events.add(e, c, s.put) }
func (s *statistic) remove(e *entry, _ []map[int]columns) { s.events.remove(e, s.put, s.drop) }

func (s *statistic) put(id int64, numbers []float64) {
	if len(s.free) == 0 {
		s.grow()
	}
	slot := s.free[len(s.free)-1]
	s.free, s.slots[id] = s.free[:len(s.free)-1], slot
	var leaf summary
	for _, f := range numbers {
		leaf = leaf.plus(summary{1, f, f, f})
	}
	s.set(slot, leaf)
}

func (s *statistic) drop(id int64, _ []float64) {
	s.set(s.slots[id], summary{})
	s.free = append(s.free, s.slots[id])
	delete(s.slots, id)
}

func (s *statistic) set(slot int, leaf summary) {
	i := len(s.tree)/2 + slot
	for s.tree[i] = leaf; i > 1; {
		i /= 2
		s.tree[i] = s.tree[2*i].plus(s.tree[2*i+1])
	}
}

// grow doubles the leaves.
func (s *statistic) grow() {
	leaves := s.tree[len(s.tree)/2:]
	size := max(2*len(leaves), 1)
	s.tree = make([]summary, 2*size)
	copy(s.tree[size:], leaves)
	for i := size - 1; i > 0; i-- {
		s.tree[i] = s.tree[2*i].plus(s.tree[2*i+1])
	}
	for slot := size - 1; slot >= len(leaves); slot-- {
		s.free = append(s.free, slot)
	}
}

func (s *statistic) value(int64) (float64, bool) {
	if len(s.tree) == 0 {
		return 0, false
	}
	all := s.tree[1]
	switch s.kind {
	case Sum:
		return all.sum, all.n > 0
	case Min:
		return all.min, all.n > 0
	case Max:
		return all.max, all.n > 0
	}
	return all.sum / float64(all.n), all.n > 0
}

// percentile keeps the numbers in order.
type percentile struct {
	nothing
	rank   float64
	events brought
	sorted []float64
}

func (s *percentile) add(e *entry, c []map[int]columns)    { s.events.add(e, c, s.put) }
func (s *percentile) remove(e *entry, _ []map[int]columns) { s.events.remove(e, s.put, s.drop) }

func (s *percentile) put(_ int64, numbers []float64) {
	for _, f := range numbers {
		i, _ := slices.BinarySearch(s.sorted, f)
		s.sorted = slices.Insert(s.sorted, i, f)
	}
}

func (s *percentile) drop(_ int64, numbers []float64) {
	for _, f := range numbers {
		i, _ := slices.BinarySearch(s.sorted, f)
		s.sorted = slices.Delete(s.sorted, i, i+1)
	}
}

func (s *percentile) value(int64) (float64, bool) {
	if len(s.sorted) == 0 {
		return 0, false
	}
	at := float64(len(s.sorted)-1) * s.rank / 100
	low := int(at)
	v := s.sorted[low]
	if part := at - float64(low); part > 0 {
		v += part * (s.sorted[low+1] - v)
	}
	return v, true
}
