package sigma

import (
	"fmt"
	"strings"
	"time"

	"github.com/huntbook/huntbook/diag"
)

// Correlation relates the events that rules match (specification 2.1.0, "Sigma
// Correlation Rules"). A correlation document has one in place of a detection;
// a v1 rule with an aggregation ("| count() by x > 5", "| near y") has one
// beside its detection, over parts of that very detection.
type Correlation struct {
	// Type is one of CorrelationTypes; v1 aggregations have value_min and
	// value_max too.
	Type string
	// Rules are what is correlated, in the order of the document, each once.
	Rules []Correlated
	// GroupBy are fields, or aliases, whose values events must share.
	GroupBy []FieldName
	// Timespan is the length of the window as written, Span what it means.
	// A v1 rule without a timeframe has none: "" and 0, all of the time.
	Timespan string
	Span     time.Duration
	Aliases  []Alias
	// Condition says when the correlation matches. Temporal ones without one
	// ask for all their rules.
	Condition CorrelationCondition
	// Expr, for temporal ones alone, is a condition over Rules in place of
	// numbers: "a and (b or c) and not d". Its CondRefs hold names of Rules.
	Expr ConditionExpr
	// Generate lets the rules give results of their own, too.
	Generate bool
	Pos      diag.Pos
}

// Correlated is one thing that a correlation is about: a rule that it names, or a
// part of the v1 rule that it stands in.
type Correlated struct {
	// RuleRef has the id or name as written; of a part its text.
	RuleRef
	// Part is a condition over the rule's own search identifiers.
	Part ConditionExpr
}

// RuleRef names a rule by its id or its name.
type RuleRef struct {
	Name string
	Pos  diag.Pos
}

// FieldName names a field or an alias.
type FieldName struct {
	Name string
	Pos  diag.Pos
}

// Alias is one name for fields that rules name differently.
type Alias struct {
	Name   string
	Fields []AliasField
	Pos    diag.Pos
}

// AliasField says what an alias means in the events of a rule, given by name or
// id.
type AliasField struct {
	Rule, Field string
	Pos         diag.Pos
}

// CorrelationCondition compares what is counted with numbers: all Bounds must
// hold.
type CorrelationCondition struct {
	Bounds []Bound
	// Fields are what value correlations look at; several make a tuple.
	Fields []FieldName
	// Percentile is from 0 to 100, for value_percentile and value_median.
	Percentile float64
	Pos        diag.Pos
}

// Bound is one comparison.
type Bound struct {
	Op    string // one of gt, gte, lt, lte, eq, neq
	Value float64
	Pos   diag.Pos
}

// CorrelationTypes are the types that a document may name. value_median is
// pySigma's, the others are the specification's.
var CorrelationTypes = []string{
	"event_count", "value_count", "temporal", "temporal_ordered", "value_sum", "value_avg", "value_percentile", "value_median",
}

// The types that v1 aggregations add.
const (
	valueMin = "value_min"
	valueMax = "value_max"
)

// Temporal tells whether it is a matter of which rules matched, not of how often.
func (c *Correlation) Temporal() bool {
	return c.Type == "temporal" || c.Type == "temporal_ordered"
}

// Numeric tells whether the values of its field are calculated with.
func (c *Correlation) Numeric() bool {
	switch c.Type {
	case "value_sum", "value_avg", "value_percentile", "value_median", valueMin, valueMax:
		return true
	}
	return false
}

// Legacy tells a v1 rule, whose correlation is over parts of its own detection.
func (c *Correlation) Legacy() bool { return len(c.Rules) > 0 && c.Rules[0].Part != nil }

// Part is the rule with one part of its v1 aggregation as its whole condition:
// a plain rule.
func (r *Rule) Part(ref Correlated) *Rule {
	part := *r
	part.Correlation = nil
	part.Detection.Conditions = []Condition{{Text: ref.Name, Expr: ref.Part, Pos: ref.Pos}}
	return &part
}

// The length of units that have none of their own is the mean one of the
// Gregorian calendar, as pySigma has it.
var spanUnits = map[byte]time.Duration{
	's': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour,
	'M': 2_629_746 * time.Second, 'y': 31_556_952 * time.Second,
}

// ParseSpan reads a timespan: a number from 1 on and one of the letters s, m, h,
// d, w, M (month) and y. The longest is 100 years. The hint of a failure may be
// empty.
func ParseSpan(s string) (span time.Duration, hint string, ok bool) {
	const longest = 100 * 365 * 24 * time.Hour
	if s == "" {
		return 0, "", false
	}
	unit, known := spanUnits[s[len(s)-1]]
	digits := strings.TrimRight(s, "smhdwMySHDWY")
	n, isNumber := wholeNumber(digits)
	switch {
	case known && isNumber && len(digits) == len(s)-1 && n > 0 && time.Duration(n) <= longest/unit:
		return time.Duration(n) * unit, "", true
	case isNumber && len(digits) == len(s) && n > 0:
		return 0, fmt.Sprintf("add a unit: %ss, %sm, %sh or %sd", s, s, s, s), false
	case isNumber && len(digits) == len(s)-1 && !known && n > 0:
		return 0, fmt.Sprintf("did you mean %q?", strings.ToLower(s)), false
	}
	if d, err := time.ParseDuration(strings.ReplaceAll(s, " ", "")); err == nil && d > 0 && d%time.Second == 0 && d < longest {
		return 0, fmt.Sprintf("did you mean %q?", spanText(d)), false
	}
	return 0, "", false
}

// spanText writes a span in the greatest unit that divides it.
func spanText(d time.Duration) string {
	for _, unit := range "wdhm" {
		if length := spanUnits[byte(unit)]; d%length == 0 {
			return fmt.Sprintf("%d%c", d/length, unit)
		}
	}
	return fmt.Sprintf("%ds", d/time.Second)
}

// wholeNumber reads up to ten digits.
func wholeNumber(s string) (int64, bool) {
	if s == "" || len(s) > 10 {
		return 0, false
	}
	var n int64
	for _, c := range s {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = 10*n + int64(c-'0')
	}
	return n, true
}
