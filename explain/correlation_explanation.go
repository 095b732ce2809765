package explain

import (
	"fmt"
	"strings"
	"time"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/sigma"
)

// CorrelationExplanation says why a correlation fired or did not.
type CorrelationExplanation struct {
	Rule *sigma.Rule
	// Fired is true when there are Matches, which are in the order of their last
	// events.
	Fired   bool
	Matches []Match
	// Events counts the events that were looked at; Unused those that rules
	// matched and that were too many to be looked at.
	Events, Unused int
	// Inputs are what the correlation stands on, in the order of its rules.
	Inputs []Input
	// Groups counts the groups that events are in.
	Groups int
	// Window is that of the first match with the value of the match, else the
	// one that comes nearest to firing; nil when there is no event at all.
	Window *Window
}

// Input is a rule that a correlation names, or a part of a version 1 rule.
type Input struct {
	Name, Title string
	Pos         diag.Pos
	// Matched counts the events that the rule matched, or the matches of a
	// correlation.
	Matched int
	// Fields are what the names that the correlation reads mean in the events of
	// the rule, or of those below it.
	Fields []Resolved
	// LeftOut are the events that can't take part.
	LeftOut []LeftOut
	// Correlation explains a correlation, where it is named first.
	Correlation *CorrelationExplanation
	// Above says that it is a correlation and was explained before.
	Above bool
}

// Resolved is what a name means in the events of a rule.
type Resolved struct {
	Name, Field string
	// Rule is the name or title of the rule.
	Rule string
	// Alias says that the name is that of an alias.
	Alias bool
}

// LeftOut are events of a rule that lack something.
type LeftOut struct {
	// Lacks is "time", or "field" or "number": then Name is what the correlation
	// reads and Field what that means in the events.
	Lacks, Name, Field string
	Count              int
	Places             []Place // the first few
}

// Window is some events of a group that belong together in time.
type Window struct {
	Fired       bool
	Group       []string
	First, Last time.Time
	// Value is what is compared with the Bounds; there is none where HasValue is
	// false, for want of a number.
	Value    float64
	HasValue bool
	Bounds   []BoundMark
	// Condition is that of a temporal correlation in place of bounds.
	Condition *Node
	// Rules are the inputs as they are seen in the window.
	Rules []Seen
	// Distinct are the distinct values that value_count counts, in the order of
	// the events.
	Distinct [][]string
	// Happenings are the first of what is in the window, of Count.
	Happenings []Happening
	Count      int
}

// BoundMark is a comparison and whether it holds.
type BoundMark struct {
	sigma.Bound
	True bool
}

// Happening is an event in a window, or a match of a correlation below.
type Happening struct {
	Time time.Time
	// Rules are the names of the rules that matched.
	Rules  []string
	Place  Place
	Values []NamedValues
	// Match is that of a correlation below; the time is when its condition was
	// met first in the window, and Place is zero.
	Match *Match
}

// NamedValues are an event's values under a name of the correlation.
type NamedValues struct {
	Name   string
	Values []string
}

// State says what of a rule is in a window.
type State string

// The states: in the window; in it, but not in the order of the rules; only outside
// of it in the same group; only in other groups; nowhere.
const (
	Here       State = "in the window"
	OutOfOrder State = "out of order"
	TooFar     State = "outside the timespan"
	OtherGroup State = "in other groups"
	Nowhere    State = "nowhere"
)

// Seen is an input as it is seen in a window.
type Seen struct {
	Name  string
	Pos   diag.Pos
	State State
	// Count is how many events, or matches of a correlation, are in the window.
	Count int
	// Time is when: of the first one, of the one that is in order, of the
	// nearest one outside.
	Time time.Time
	// After and Before are the neighbours between which an input that is out of
	// order should be.
	After, Before *Neighbour
	// Groups counts the groups that have it.
	Groups int
}

// Neighbour is an input that is in order.
type Neighbour struct {
	Name string
	Time time.Time
}

// Compared names the number that a correlation compares.
func Compared(c *sigma.Correlation) string {
	var fields []string
	for _, f := range c.Condition.Fields {
		fields = append(fields, f.Name)
	}
	of := strings.Join(fields, ", ")
	switch c.Type {
	case "event_count":
		return "events"
	case "value_count":
		return "distinct values of " + of
	case "temporal":
		return "rules in the window"
	case "temporal_ordered":
		return "rules in their order"
	case "value_percentile":
		return fmt.Sprintf("percentile %g of %s", c.Condition.Percentile, of)
	case "value_median":
		return "median of " + of
	}
	return map[string]string{"value_sum": "sum of ", "value_avg": "average of ", "value_min": "least ", "value_max": "greatest "}[c.Type] + of
}
