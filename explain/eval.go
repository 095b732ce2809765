package explain

import (
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/huntbook/huntbook/event"
	"github.com/huntbook/huntbook/ir"
	"github.com/huntbook/huntbook/sigma"
)

// Evaluator evaluates trees on single events. It remembers what it made of the
// rules' texts, and nothing else. It is for one goroutine.
type Evaluator struct {
	expressions map[string]*regexp.Regexp
	folded      map[string]string
}

// NewEvaluator returns an Evaluator.
func NewEvaluator() *Evaluator {
	return &Evaluator{map[string]*regexp.Regexp{}, map[string]string{}}
}

// Event is one event: a row of a batch. It is as long-lived as the batch.
type Event struct {
	*Evaluator
	batch  *event.Batch
	row    int
	values map[string]string // folded
}

// Event is a row of a batch.
func (v *Evaluator) Event(b *event.Batch, row int) *Event {
	return &Event{v, b, row, map[string]string{}}
}

// Value is the field's value, of kind Absent when the event does not have it.
func (e *Event) Value(field string) event.Value {
	c := e.batch.Column(field)
	if c == nil {
		return event.Value{}
	}
	return c.Values[c.Codes[e.row]]
}

// Windows tells whether the event comes from a Windows event log.
func (e *Event) Windows() bool { return e.batch.Windows[e.row] }

// Matches evaluates a tree as package ir describes it, in the plainest way: one
// event, one comparison after the other, no index. It is what the matcher is
// held against.
func (e *Event) Matches(x ir.Expr) bool {
	switch x := x.(type) {
	case *ir.And:
		for _, y := range x.X {
			if !e.Matches(y) {
				return false
			}
		}
		return true
	case *ir.Or:
		for _, y := range x.X {
			if e.Matches(y) {
				return true
			}
		}
		return false
	case *ir.Not:
		return !e.Matches(x.X)
	case *ir.Match:
		return e.matches(x)
	}
	return false
}

func (e *Event) matches(m *ir.Match) bool {
	if m.Field == "" {
		anywhere := asKeyword(m)
		for _, c := range e.batch.Columns {
			for _, text := range texts(c.Values[c.Codes[e.row]]) {
				if e.compares(anywhere, text) {
					return true
				}
			}
		}
		return false
	}
	v := e.Value(m.Field)
	switch m.Op {
	case ir.Exists:
		return v.Kind != event.Absent
	case ir.Null:
		return len(texts(v)) == 0
	case ir.FieldRef:
		for _, a := range texts(v) {
			for _, b := range texts(e.Value(m.Text)) {
				if e.refers(m, a, b) {
					return true
				}
			}
		}
		return false
	}
	for _, text := range texts(v) {
		if e.compares(m, text) {
			return true
		}
	}
	return false
}

// texts lists the values of a field that are not null; a field that is absent
// has none.
func texts(v event.Value) []string {
	switch v.Kind {
	case event.Absent, event.Null:
		return nil
	case event.List:
		var all []string
		for _, x := range v.Elems {
			all = append(all, texts(x)...)
		}
		return all
	}
	return []string{v.Text}
}

// asKeyword is the comparison that finds a keyword anywhere in a text.
func asKeyword(m *ir.Match) *ir.Match {
	k := *m
	switch m.Op {
	case ir.Like:
		k.Pattern = m.Pattern.Contains()
	case ir.Number, ir.Bool:
		k.Op, k.Pattern = ir.Like, sigma.Text(m.Text).Contains()
	}
	return &k
}

// compares compares one value, as text.
func (e *Event) compares(m *ir.Match, text string) bool {
	switch m.Op {
	case ir.Like:
		return e.like(m.Pattern, m.Cased, text)
	case ir.Number:
		return text == m.Text || text == shortest(m.Text)
	case ir.Bool:
		return e.value(text) == e.pattern(m.Text)
	case ir.Regexp:
		re := e.expression(m.Text)
		return re != nil && re.MatchString(text)
	case ir.CIDR:
		network, err := netip.ParsePrefix(m.Text)
		if err != nil {
			return false
		}
		address, err := netip.ParseAddr(strings.TrimSpace(text))
		return err == nil && network.Contains(address.Unmap().WithZone(""))
	case ir.Less, ir.LessEqual, ir.Greater, ir.GreaterEqual:
		number, ok := decimal(text)
		return ok && ordered(m.Op, number, m.Text)
	case ir.TimePart:
		part, ok := timePart(m.Part, text)
		return ok && ordered(m.Compare, float64(part), m.Text)
	}
	return false
}

func (e *Event) refers(m *ir.Match, a, b string) bool {
	if !m.Cased {
		a, b = e.value(a), e.value(b)
	}
	switch m.Affix {
	case ir.Prefix:
		return strings.HasPrefix(a, b)
	case ir.Suffix:
		return strings.HasSuffix(a, b)
	case ir.Anywhere:
		return strings.Contains(a, b)
	}
	return a == b
}

// shortest is the shortest form of a decimal number: "1.50" → "1.5".
func shortest(number string) string {
	if !strings.Contains(number, ".") {
		return number
	}
	return strings.TrimSuffix(strings.TrimRight(number, "0"), ".")
}

var decimalSyntax = regexp.MustCompile(`^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$`)

func decimal(text string) (float64, bool) {
	if !decimalSyntax.MatchString(text) {
		return 0, false
	}
	f, err := strconv.ParseFloat(text, 64)
	return f, err == nil
}

func ordered(op ir.Op, a float64, number string) bool {
	b, err := strconv.ParseFloat(number, 64)
	if err != nil {
		return false
	}
	switch op {
	case ir.Less:
		return a < b
	case ir.LessEqual:
		return a <= b
	case ir.Greater:
		return a > b
	case ir.GreaterEqual:
		return a >= b
	}
	return a == b
}

// timeSyntax is a date, and a time behind it or none; what follows is a zone,
// which does not matter: the parts are those that are written.
var timeSyntax = regexp.MustCompile(`^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d):(\d\d)(?:[.,]\d+)?(?:Z|[+-]\d\d:\d\d)?)?$`)

func timePart(part, text string) (int, bool) {
	m := timeSyntax.FindStringSubmatch(text)
	if m == nil {
		return 0, false
	}
	var n [7]int
	for i, digits := range m {
		if i > 0 && digits != "" {
			n[i], _ = strconv.Atoi(digits)
		}
	}
	year, month, day, hour, minute, second := n[1], n[2], n[3], n[4], n[5], n[6]
	t := time.Date(year, time.Month(month), day, hour, minute, second, 0, time.UTC)
	if t.Month() != time.Month(month) || t.Day() != day || hour > 23 || minute > 59 || second > 59 {
		return 0, false // the 30th of February
	}
	switch part {
	case "minute":
		return minute, m[4] != ""
	case "hour":
		return hour, m[4] != ""
	case "day":
		return day, true
	case "week":
		_, week := t.ISOWeek()
		return week, true
	case "month":
		return month, true
	case "year":
		return year, true
	}
	return 0, false
}

// Fold makes texts equal that differ in case only: each character becomes the
// largest of those that Unicode folds together, so "k", "K" and the Kelvin sign
// are one.
func Fold(s string) string {
	return strings.Map(func(r rune) rune {
		if r < unicode.MaxASCII {
			return asciiFolds[r]
		}
		return foldRune(r)
	}, s)
}

func foldRune(r rune) rune {
	largest := r
	for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
		largest = max(largest, f)
	}
	return largest
}

var asciiFolds = func() (folds [unicode.MaxASCII]rune) {
	for r := range folds {
		folds[r] = foldRune(rune(r))
	}
	return folds
}()

// value is a value of the event, folded.
func (e *Event) value(s string) string { return remember(e.values, s, Fold) }

// pattern is a text of a rule, folded.
func (v *Evaluator) pattern(s string) string { return remember(v.folded, s, Fold) }

// expression is a rule's regular expression, nil when it is none.
func (v *Evaluator) expression(s string) *regexp.Regexp {
	return remember(v.expressions, s, func(s string) *regexp.Regexp {
		re, err := regexp.Compile(s)
		if err != nil {
			return nil
		}
		return re
	})
}

func remember[T any](memo map[string]T, s string, make func(string) T) T {
	made, ok := memo[s]
	if !ok {
		made = make(s)
		memo[s] = made
	}
	return made
}
