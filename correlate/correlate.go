// Package correlate relates the matches of rules over time.
//
// It gets the matches of base rules as Events, in about the order of their times,
// and finds where correlations hold: so many events in a window of time, so many
// values, several rules near each other. A correlation may stand on correlations.
// The package knows nothing of rules' text, of files or of what an event is: an
// Event has a time, the values of the fields that Fields names, and a reference
// that comes back in the Match.
//
// # Windows
//
// The events of a correlation fall into groups by their values. A window is a run
// of a group's events of which the last is at most the timespan after the first
// (inclusive); it ends with all events of one time. A window is largest when no
// neighbour fits in too, and a correlation holds in largest windows only: "more
// than 5" is true of one where it is true of any window in it, while "fewer than
// 5", ranges, averages and "not" would otherwise be true of the first event of
// every burst. Windows slide: nothing is cut at the full hour.
//
// Largest windows in a row that hold and share events are one Match.
//
// # Correlations on correlations
//
// A correlation that is the input of another counts there once a Match, at each
// time at which its condition was met by what was seen up to then, in the groups of
// the events that came at that time, at first in those of the whole window.
//
// # Memory
//
// With a Lateness, an event is kept for at most twice that and twice the span of
// its correlation, then twice the spans of those that stand on it. A Match that goes
// on keeps the events that it lists besides. Without a Lateness all events wait, up
// to the Limits.
//
// # Data flow
//
// Add → the inbox of each correlation over the base rule, ordered by time → the
// group's window, once the watermark has passed → Match, and the inboxes of the
// correlations above.
package correlate

import "time"

// Kind says what a correlation looks at.
type Kind uint8

// The kinds. The numbers that are compared: EventCount the events; ValueCount
// the distinct values; Sum, Avg, Min, Max, Percentile a statistic of the numbers in
// the field, where an event counts once, by the first of the inputs that brought it
// into the window; Temporal the inputs with an event in the window; Ordered the most
// inputs whose events follow each other in the order of Inputs (events of one time
// are in any order).
const (
	EventCount Kind = iota
	ValueCount
	Sum
	Avg
	Min
	Max
	Percentile
	Temporal
	Ordered
)

// Op is a comparison.
type Op uint8

// The comparisons.
const (
	Greater Op = iota
	GreaterEqual
	Less
	LessEqual
	Equal
	NotEqual
)

// Bound is a comparison with a number.
type Bound struct {
	Op    Op
	Value float64
}

func (b Bound) holds(v float64) bool {
	switch b.Op {
	case Greater:
		return v > b.Value
	case GreaterEqual:
		return v >= b.Value
	case Less:
		return v < b.Value
	case LessEqual:
		return v <= b.Value
	case Equal:
		return v == b.Value
	}
	return v != b.Value
}

// Rule is one correlation.
type Rule struct {
	Kind   Kind
	Inputs []Input
	// GroupBy are fields or aliases. An event that lacks one of them takes no
	// part; one with a list of values is in the group of each. Values differing
	// in case are the same.
	GroupBy []string
	// Span is the length of the window; 0 is all of the time.
	Span time.Duration
	// Fields are what value kinds look at: one for numbers, any for ValueCount,
	// which counts tuples. An event that lacks one takes no part.
	Fields  []string
	Aliases []Alias
	// Bounds must all hold for the kind's number.
	Bounds []Bound
	// Percentile is from 0 to 100; between two values it lies on the line.
	Percentile float64
	// Expr, if any, must hold too; has tells whether an input, given by its
	// index, has an event in the window. For Temporal.
	Expr func(has func(input int) bool) bool
	// Quiet keeps the matches for the correlations above.
	Quiet bool
}

// Input is what a correlation stands on: a base rule, or a correlation.
type Input struct {
	// Rule is the index of a correlation when Correlation is set, otherwise
	// the number of a base rule.
	Rule        int
	Correlation bool
}

// Alias is the field that a name stands for in the events that come through an
// input, or in those of a base rule at any depth; the other one is -1.
type Alias struct {
	Name        string
	Input, Base int
	Field       string
}

// NoTime is the time of an event that has none; it takes no part.
const NoTime = -1 << 63

// Event is a match of a base rule.
type Event struct {
	Base int
	// ID tells events apart: several matches of one event have the same one,
	// later events greater ones.
	ID int64
	// Time is in nanoseconds since 1970.
	Time int64
	// Values are those of Fields(Base); an absent field has none.
	Values [][]string
	Ref    any

	users int // what holds the event
}

// Match is a place where a correlation holds.
type Match struct {
	// Rule is the index of the correlation.
	Rule int
	// Group are the values of GroupBy, spelled as the first event has them.
	Group []string
	// Events are those of the windows, in the order of time: the first ones of
	// Limits.Events, and always the last.
	Events []EventRef
	// Count is the number of events, however many are listed; of a correlation
	// on correlations, beyond the limit, those that were seen.
	Count int
	// Value is the greatest number that was compared in a window.
	Value float64
}

// EventRef is an Event of a Match.
type EventRef struct {
	ID, Time int64
	Ref      any
}

// First is the time of the first event.
func (m *Match) First() int64 { return m.Events[0].Time }

// Last is the time of the last event.
func (m *Match) Last() int64 { return m.Events[len(m.Events)-1].Time }

// Limits bound the memory of an Engine. A zero field has its default.
type Limits struct {
	// Lateness is how far the time of an event may lie before the greatest one
	// seen; those further back are counted as Late. Matches come out once no
	// event can change them any more. 0 is any distance: they wait for Flush, or
	// until Pending events do; files are read one after another, whatever their
	// times.
	Lateness time.Duration
	// Pending is the number of matches that wait for earlier ones, 1,048,576.
	Pending int
	// Group and Total are the numbers of matches in one window and in all
	// windows, 131,072 and 2,097,152. Beyond them the oldest are given up.
	Group, Total int
	// Events is the number of events that a Match lists, 10,000.
	Events int
}

func (l Limits) withDefaults() Limits {
	set := func(n *int, value int) {
		if *n <= 0 {
			*n = value
		}
	}
	set(&l.Pending, 1<<20)
	set(&l.Group, 1<<17)
	set(&l.Total, 1<<21)
	set(&l.Events, 10_000)
	return l
}

// Stats counts the matches of base rules that a correlation could not use, and
// those that it kept.
type Stats struct {
	// Late came after later ones were done with; Undated have no time.
	Late, Undated int
	// Incomplete lack a field of GroupBy or Fields.
	Incomplete int
	// Dropped were given up for the Limits.
	Dropped int
	// Most is the greatest number that waited or stood in windows at one time.
	Most int
}
