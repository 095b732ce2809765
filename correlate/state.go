package correlate

import (
	"math"
	"slices"
)

// state is what a window amounts to, kept up to date as entries come and go.
// Entries go in the order in which they came.
type state interface {
	add(e *entry, c []map[int]columns)
	remove(e *entry, c []map[int]columns)
	// settle says that all entries of a time were added.
	settle(now int64)
	// value is the number that is compared, for a window from a time on; false
	// when there is none.
	value(from int64) (float64, bool)
	// has tells whether an input has an entry.
	has(input int) bool
}

func newState(r *Rule) state {
	switch r.Kind {
	case EventCount:
		return &eventCount{runs: counts[*run]{}}
	case ValueCount:
		return &valueCount{values: counts[string]{}}
	case Sum, Avg, Min, Max:
		return &statistic{kind: r.Kind, events: brought{}, slots: map[int64]int{}}
	case Percentile:
		return &percentile{rank: r.Percentile, events: brought{}}
	case Ordered:
		o := &ordered{came: make([]bool, len(r.Inputs))}
		for range r.Inputs {
			o.starts = append(o.starts, slices.Repeat([]int64{math.MinInt64}, len(r.Inputs)))
			o.held = append(o.held, make([]bool, len(r.Inputs)))
		}
		return o
	}
	return &temporal{inputs: counts[int]{}}
}

// counts is a set whose members leave when they were removed as often as added.
type counts[K comparable] map[K]int

func (c counts[K]) add(k K) { c[k]++ }

func (c counts[K]) remove(k K) {
	if c[k]--; c[k] == 0 {
		delete(c, k)
	}
}

// nothing is what most kinds have in common.
type nothing struct{}

func (nothing) settle(int64) {}

func (nothing) has(int) bool { return false }

// eventCount counts events, an event that several inputs matched once, and
// matches of correlations below.
type eventCount struct {
	nothing
	events int
	runs   counts[*run]
}

func (s *eventCount) add(e *entry, _ []map[int]columns) {
	switch {
	case e.run != nil:
		s.runs.add(e.run)
	case !e.again:
		s.events++
	}
}

func (s *eventCount) remove(e *entry, _ []map[int]columns) {
	switch {
	case e.run != nil:
		s.runs.remove(e.run)
	case !e.again:
		s.events--
	}
}

func (s *eventCount) value(int64) (float64, bool) { return float64(s.events + len(s.runs)), true }

// valueCount counts distinct values, or tuples of them.
type valueCount struct {
	nothing
	values counts[string]
}

func (s *valueCount) each(e *entry, c []map[int]columns, f func(string)) {
	for _, ev := range e.origins {
		for _, t := range tuples(ev.Values, c[e.input][ev.Base].fields) {
			f(key(t))
		}
	}
}

func (s *valueCount) add(e *entry, c []map[int]columns)    { s.each(e, c, s.values.add) }
func (s *valueCount) remove(e *entry, c []map[int]columns) { s.each(e, c, s.values.remove) }

func (s *valueCount) value(int64) (float64, bool) { return float64(len(s.values)), true }

// temporal counts the inputs that have entries.
type temporal struct{ inputs counts[int] }

func (s *temporal) add(e *entry, _ []map[int]columns)    { s.inputs.add(e.input) }
func (s *temporal) remove(e *entry, _ []map[int]columns) { s.inputs.remove(e.input) }
func (s *temporal) settle(int64)                         {}
func (s *temporal) has(input int) bool                   { return s.inputs[input] > 0 }
func (s *temporal) value(int64) (float64, bool)          { return float64(len(s.inputs)), true }

// ordered finds the most inputs that follow each other in order. Of all sequences
// of a length that end with an input it keeps the one that starts last: if that one
// is not inside a window, no other is.
type ordered struct {
	nothing
	// starts[i][l] is when that sequence of l+1 inputs that ends with input i
	// starts; held tells whether there is one.
	starts [][]int64
	held   [][]bool
	came   []bool // inputs with an entry at this time
}

func (s *ordered) add(e *entry, _ []map[int]columns) { s.came[e.input] = true }

func (s *ordered) remove(*entry, []map[int]columns) {}

func (s *ordered) settle(now int64) {
	for i, came := range s.came {
		if !came {
			continue
		}
		s.came[i] = false
		s.starts[i][0], s.held[i][0] = now, true
		for length := 1; length <= i; length++ {
			for before := range i {
				if s.held[before][length-1] && (!s.held[i][length] || s.starts[before][length-1] > s.starts[i][length]) {
					s.starts[i][length], s.held[i][length] = s.starts[before][length-1], true
				}
			}
		}
	}
}

func (s *ordered) value(from int64) (float64, bool) {
	most := 0
	for i := range s.starts {
		for length := most; length <= i; length++ {
			if s.held[i][length] && s.starts[i][length] >= from {
				most = length + 1
			}
		}
	}
	return float64(most), true
}
