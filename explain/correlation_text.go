package explain

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/sigma"
)

// WriteText writes the explanation as an indented text with a mark on every line
// that is true (✓) or false (✗). Places in the rule stand behind, as line:column.
func (x *CorrelationExplanation) WriteText(w io.Writer, colour bool) error {
	t := &tree{colour: colour}
	t.line(0, x.Fired, "", fmt.Sprintf("%s %s on %s", t.paint("1", diag.Printable(x.Rule.Title)), fires(len(x.Matches)), count(x.Events, "event", "events")))
	if x.Rule.File != nil && x.Rule.File.Path != "" {
		t.text(1, t.paint("2", diag.Printable(x.Rule.File.Path)))
	}
	if x.Unused > 0 {
		t.text(1, t.paint("33", fmt.Sprintf("of the rules' matches the first %d are looked at, and %d are not: what is said here may be wrong", maxHits, x.Unused)))
	}
	t.text(0, "")
	x.write(t, 1)
	_, err := io.WriteString(w, t.b.String())
	return err
}

func fires(matches int) string {
	switch matches {
	case 0:
		return "does not fire"
	case 1:
		return "fires once"
	}
	return fmt.Sprintf("fires %d times", matches)
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// write writes what follows the head.
func (x *CorrelationExplanation) write(t *tree, depth int) {
	c := x.Rule.Correlation
	switch {
	case c.Legacy():
		t.text(depth, "parts of the rule")
	case c.Generate:
		t.text(depth, "rules, whose own matches are findings too (generate: true)")
	default:
		t.text(depth, "rules, whose own matches are no findings (no generate: true)")
	}
	for _, in := range x.Inputs {
		if c.Legacy() {
			in.Title = "" // it is the rule's own
		}
		in.write(t, depth+1)
	}
	t.line(depth, x.Fired, linePlace(c.Condition.Pos), diag.Printable(head(c)))
	if x.Window == nil {
		t.text(depth+1, "there is no event that could be looked at")
		return
	}
	x.writeWindow(t, depth+1)
	x.writeOthers(t, depth+1)
}

func linePlace(p diag.Pos) string { return place(Node{Pos: p}) }

// head is a correlation in a line: "event_count within 10m, by User".
func head(c *sigma.Correlation) string {
	s := c.Type
	if c.Timespan == "" {
		s += " over all of the time"
	} else {
		s += " within " + c.Timespan
	}
	for i, g := range c.GroupBy {
		if i == 0 {
			s += ", by " + g.Name
		} else {
			s += " and " + g.Name
		}
	}
	return s
}

func (in *Input) write(t *tree, depth int) {
	label := diag.Printable(in.Name)
	if in.Title != "" && in.Title != in.Name {
		label += " (" + diag.Printable(in.Title) + ")"
	}
	switch {
	case in.Above || in.Correlation != nil:
		label += " " + fires(in.Matched)
	case in.Matched == 0:
		label += " matches no event"
	default:
		label += " matches " + count(in.Matched, "event", "events")
	}
	t.line(depth, in.Matched > 0, linePlace(in.Pos), label)
	for _, f := range in.Fields {
		if f.Alias {
			s := diag.Printable(f.Name + " is " + f.Field)
			if f.Field == f.Name {
				s = diag.Printable(f.Name) + " is the field of that name"
			}
			if f.Rule != in.Name && f.Rule != in.Title {
				s += " in " + diag.Printable(f.Rule)
			}
			t.text(depth+1, t.paint("36", s))
		}
	}
	for _, l := range in.LeftOut {
		t.text(depth+1, t.paint("33", l.text()))
	}
	if in.Correlation != nil {
		in.Correlation.write(t, depth+1)
	}
	if in.Above {
		t.text(depth+1, "explained above")
	}
}

func (l LeftOut) text() string {
	lack, are := "lack", "are"
	if l.Count == 1 {
		lack, are = "lacks", "is"
	}
	what := l.Name
	if l.Field != l.Name {
		what = fmt.Sprintf("%s, their %s,", l.Field, l.Name)
		if l.Count == 1 {
			what = fmt.Sprintf("%s, its %s,", l.Field, l.Name)
		}
	}
	switch l.Lacks {
	case "time":
		what = "a time"
	case "number":
		what = "a number in " + what
	}
	s := fmt.Sprintf("%s %s %s and %s left out: ", count(l.Count, "event", "events"), lack, diag.Printable(what), are)
	for i, p := range l.Places {
		if i > 0 {
			s += ", "
		}
		s += diag.Printable(p.String())
	}
	if l.Count > len(l.Places) {
		s += ", …"
	}
	return s
}

// String is "record 7 of log.json".
func (p Place) String() string {
	s := fmt.Sprintf("record %d", p.Record)
	if p.Source != "" {
		s += " of " + p.Source
	}
	return s
}

func (x *CorrelationExplanation) writeWindow(t *tree, depth int) {
	w, c := x.Window, x.Rule.Correlation
	if len(c.GroupBy) > 0 {
		which := "group " + groupText(c, w.Group)
		switch {
		case x.Groups == 1:
			which += ", the only one"
		case x.Fired:
			which += fmt.Sprintf(", one of %d", x.Groups)
		default:
			which += fmt.Sprintf(", the nearest to firing of %d", x.Groups)
		}
		t.text(depth, diag.Printable(which))
	}
	t.text(depth, diag.Printable("window "+w.text(c)))
	if !w.HasValue {
		t.line(depth, false, "", diag.Printable(Compared(c)+": there is no number"))
	}
	for _, b := range w.Bounds {
		if w.HasValue {
			t.line(depth, b.True, linePlace(b.Pos), diag.Printable(fmt.Sprintf("%s: %s %s %s", Compared(c), decimalText(w.Value), boundSigns[b.Op], decimalText(b.Value))))
		}
	}
	if len(w.Distinct) > 0 {
		t.text(depth+1, t.paint("2", "values: ")+diag.Printable(distinctText(w.Distinct)))
	}
	switch {
	case w.Condition != nil:
		w.writeCondition(t, depth, *w.Condition)
	case c.Temporal():
		for _, s := range w.Rules {
			t.line(depth+1, s.State == Here, "", diag.Printable(s.text(w)))
		}
	}
	w.writeHappenings(t, depth)
}

// text is the window's time: "2024-05-01 12:00:00 to 2024-05-01 12:03:00, 3m of 10m".
func (w *Window) text(c *sigma.Correlation) string {
	if w.First.Equal(w.Last) {
		return moment(w.First)
	}
	s := fmt.Sprintf("%s to %s, %s", moment(w.First), moment(w.Last), span(w.Last.Sub(w.First)))
	if c.Timespan != "" {
		s += " of " + c.Timespan
	}
	return s
}

var boundSigns = map[string]string{"gt": ">", "gte": ">=", "lt": "<", "lte": "<=", "eq": "=", "neq": "!="}

func decimalText(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// groupText names the values of a group: "User = ann, Host = pc1".
func groupText(c *sigma.Correlation, values []string) string {
	var parts []string
	for i, g := range c.GroupBy {
		parts = append(parts, g.Name+" = "+values[i])
	}
	return strings.Join(parts, ", ")
}

func moment(t time.Time) string { return t.Format("2006-01-02 15:04:05.999") }

// span writes a length of time without zeros: "1h30m".
func span(d time.Duration) string {
	s := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(s, zero) {
			s = s[:len(s)-2]
		}
	}
	return s
}

// maxDistinct bounds the distinct values that are shown.
const maxDistinct = 10

func distinctText(tuples [][]string) string {
	var parts []string
	for _, values := range tuples[:min(maxDistinct, len(tuples))] {
		parts = append(parts, strings.Join(values, " + "))
	}
	if more := len(tuples) - maxDistinct; more > 0 {
		parts = append(parts, fmt.Sprintf("… and %d more", more))
	}
	return strings.Join(parts, ", ")
}

// text says what of a rule is in a window, or where else it is.
func (s Seen) text(w *Window) string {
	switch s.State {
	case Here:
		if s.Count == 1 {
			return fmt.Sprintf("%s at %s", s.Name, moment(s.Time))
		}
		return fmt.Sprintf("%s at %s, %d in all", s.Name, moment(s.Time), s.Count)
	case OutOfOrder:
		text := fmt.Sprintf("%s at %s is out of order: it should come", s.Name, moment(s.Time))
		if s.After != nil {
			text += fmt.Sprintf(" after %s at %s", s.After.Name, moment(s.After.Time))
		}
		if s.After != nil && s.Before != nil {
			text += " and"
		}
		if s.Before != nil {
			text += fmt.Sprintf(" before %s at %s", s.Before.Name, moment(s.Before.Time))
		}
		return text
	case TooFar:
		if s.Time.After(w.Last) {
			return fmt.Sprintf("%s is missing; it comes at %s, %s after the window", s.Name, moment(s.Time), span(s.Time.Sub(w.Last)))
		}
		return fmt.Sprintf("%s is missing; it came at %s, %s before the window", s.Name, moment(s.Time), span(w.First.Sub(s.Time)))
	case OtherGroup:
		return fmt.Sprintf("%s is missing; it is in %s", s.Name, count(s.Groups, "other group", "other groups"))
	}
	return s.Name + " is missing"
}

func (w *Window) writeCondition(t *tree, depth int, n Node) {
	if n.Kind != InWindow {
		t.line(depth, n.True, linePlace(n.Pos), diag.Printable(groupLabel(n)))
		for _, below := range n.Nodes {
			w.writeCondition(t, depth+1, below)
		}
		return
	}
	for _, s := range w.Rules {
		if s.Name == n.Label {
			t.line(depth, n.True, linePlace(n.Pos), diag.Printable(s.text(w)))
			return
		}
	}
}

func groupLabel(n Node) string {
	switch {
	case n.Label != "":
		return n.Label
	case n.Kind == Not:
		return "not"
	case n.Kind == Any:
		return "one of these"
	}
	return "all of these"
}

// shownHappenings bounds the events of a window that are shown.
const shownHappenings = 20

func (w *Window) writeHappenings(t *tree, depth int) {
	t.text(depth, "events")
	for _, h := range w.Happenings[:min(shownHappenings, len(w.Happenings))] {
		rules := strings.Join(h.Rules, ", ")
		if h.Match != nil {
			t.text(depth+1, diag.Printable(fmt.Sprintf("%s  %s on %s from %s", moment(h.Time), rules, count(len(h.Match.Events), "event", "events"), moment(h.Match.First()))))
			continue
		}
		s := fmt.Sprintf("%s  %s  %s", moment(h.Time), h.Place, rules)
		for _, v := range h.Values {
			s += fmt.Sprintf("  %s = %s", v.Name, strings.Join(v.Values, ", "))
		}
		t.text(depth+1, diag.Printable(s))
	}
	if more := w.Count - shownHappenings; more > 0 {
		t.text(depth+1, fmt.Sprintf("… and %d more", more))
	}
}

// shownMatches bounds the matches that are listed.
const shownMatches = 10

// writeOthers lists the matches when there is more to say than the window does.
func (x *CorrelationExplanation) writeOthers(t *tree, depth int) {
	if len(x.Matches) == 0 || len(x.Matches) == 1 && x.Window.Count == len(x.Matches[0].Events) {
		return
	}
	t.text(depth, "all matches")
	for _, m := range x.Matches[:min(shownMatches, len(x.Matches))] {
		s := fmt.Sprintf("%s to %s, %s", moment(m.First()), moment(m.Last()), count(len(m.Events), "event", "events"))
		if len(m.Group) > 0 {
			s += ", " + groupText(x.Rule.Correlation, m.Group)
		}
		t.text(depth+1, diag.Printable(s))
	}
	if more := len(x.Matches) - shownMatches; more > 0 {
		t.text(depth+1, fmt.Sprintf("… and %d more", more))
	}
}
