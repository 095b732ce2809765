package explain

import (
	"fmt"
	"io"
	"strings"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/sigma"
)

// WriteText writes the explanation as an indented tree with a mark on every
// line: ✓ true, ✗ false. Places in the rule stand behind, as line:column.
func (x *Explanation) WriteText(w io.Writer, colour bool) error {
	t := &tree{colour: colour}
	verb := "does not match"
	if x.Matched {
		verb = "matches"
	}
	t.line(0, x.Matched, "", fmt.Sprintf("%s %s %s", t.paint("1", diag.Printable(x.Rule.Title)), verb, diag.Printable(x.event())))
	if x.Rule.File != nil && x.Rule.File.Path != "" {
		t.text(1, t.paint("2", diag.Printable(x.Rule.File.Path)))
	}
	t.text(0, "")
	shown := x.ways()
	for i := range x.Ways {
		if shown[i] {
			x.writeWay(t, i)
		}
	}
	for i, way := range x.Ways {
		if !shown[i] && len(way.Added) > 0 {
			t.text(1, t.paint("2", "another log source of the rule, which this event is not of:"))
			t.nodes(2, way.Added)
		}
	}
	_, err := io.WriteString(w, t.b.String())
	return err
}

func (x *Explanation) event() string {
	s := fmt.Sprintf("record %d", x.Record)
	if x.Source != "" {
		s += " of " + x.Source
	}
	if !x.Time.IsZero() {
		s += ", " + x.Time.Format("2006-01-02 15:04:05")
	}
	return s
}

// ways tells which ways are shown in full: those that are true; else those of
// the event's log source; else the first.
func (x *Explanation) ways() []bool {
	shown := make([]bool, len(x.Ways))
	for _, wanted := range []func(Way) bool{
		func(w Way) bool { return w.True },
		func(w Way) bool { return allTrue(w.Added) },
	} {
		any := false
		for i, w := range x.Ways {
			shown[i] = wanted(w)
			any = any || shown[i]
		}
		if any {
			return shown
		}
	}
	if len(shown) > 0 {
		shown[0] = true
	}
	return shown
}

func allTrue(nodes []Node) bool {
	for i := range nodes {
		if !nodes[i].True {
			return false
		}
	}
	return true
}

func (x *Explanation) writeWay(t *tree, i int) {
	way := x.Ways[i]
	ok := allTrue(way.Added) && (x.Product == nil || x.Product.True)
	t.line(1, ok, place(Node{Pos: x.Rule.LogSource.Pos}), "log source "+diag.Printable(logSource(x.Rule.LogSource)))
	if x.Product != nil {
		t.line(2, x.Product.True, "", diag.Printable(x.Product.Label))
	}
	t.nodes(2, way.Added)
	for i, c := range way.Conditions {
		condition := x.Rule.Detection.Conditions[i]
		t.line(1, c.True, place(Node{Pos: condition.Pos, File: c.File}), "condition "+diag.Printable(strings.TrimSpace(condition.Text)))
		if c.Label == "" && (c.Kind == All || c.Kind == Any) {
			t.nodes(2, c.Nodes)
		} else {
			t.node(2, c)
		}
	}
}

func logSource(ls sigma.LogSource) string {
	var parts []string
	for _, p := range [][2]string{{"category", ls.Category}, {"product", ls.Product}, {"service", ls.Service}} {
		if p[1] != "" {
			parts = append(parts, p[0]+" "+p[1])
		}
	}
	if len(parts) == 0 {
		return "any"
	}
	return strings.Join(parts, ", ")
}

// tree is a text that is being written.
type tree struct {
	b      strings.Builder
	colour bool
}

func (t *tree) paint(code, s string) string {
	if !t.colour || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func (t *tree) text(depth int, s string) {
	if s != "" {
		t.b.WriteString(strings.Repeat("  ", depth) + s)
	}
	t.b.WriteByte('\n')
}

// place is where a node is written, "" for what a pipeline added.
func place(n Node) string {
	switch {
	case n.Pos.Line == 0:
		return ""
	case n.File != nil:
		return fmt.Sprintf("%s:%d:%d", diag.Printable(n.File.Path), n.Pos.Line, n.Pos.Column)
	}
	return fmt.Sprintf("%d:%d", n.Pos.Line, n.Pos.Column)
}

// line writes a marked line; s is safe to print.
func (t *tree) line(depth int, ok bool, place, s string) {
	mark := t.paint("31;1", "✗")
	if ok {
		mark = t.paint("32;1", "✓")
	}
	if place != "" {
		s += t.paint("2", "  "+place)
	}
	t.text(depth, mark+" "+s)
}

func (t *tree) nodes(depth int, nodes []Node) {
	for _, n := range nodes {
		t.node(depth, n)
	}
}

func (t *tree) node(depth int, n Node) {
	switch n.Kind {
	case Item:
		t.item(depth, n)
		return
	case Not:
		n.Label = "not"
	case All:
		if n.Label == "" {
			n.Label = "all of these"
		}
	case Any:
		switch {
		case n.Label == "":
			n.Label = "one of these"
		case len(n.Nodes) > 1 && !strings.HasPrefix(n.Label, "1 of "):
			n.Label += ", one of these"
		}
	}
	t.line(depth, n.True, place(n), diag.Printable(n.Label))
	t.nodes(depth+1, n.Nodes)
}

// item writes a detection item: the value beside it when there is one, else the
// values below, and what the event has.
func (t *tree) item(depth int, n Node) {
	label := diag.Printable(n.Label)
	switch {
	case len(n.Nodes) == 1:
		label += ": " + diag.Printable(n.Nodes[0].Label)
	case n.AllValues && n.Negated:
		label += fmt.Sprintf(": not all of %d values", len(n.Nodes))
	case n.AllValues:
		label += fmt.Sprintf(": all of %d values", len(n.Nodes))
	case n.Negated:
		label += fmt.Sprintf(": none of %d values", len(n.Nodes))
	default:
		label += fmt.Sprintf(": one of %d values", len(n.Nodes))
	}
	if len(n.Fields) > 0 {
		label += t.paint("36", diag.Printable(" → "+strings.Join(n.Fields, ", ")))
	}
	if n.Pos.Line == 0 {
		label += t.paint("36", "  added by the pipeline")
	}
	t.line(depth, n.True, place(n), label)
	if len(n.Nodes) > 1 {
		t.values(depth+1, n)
	}
	for _, f := range n.Found {
		t.text(depth+1, t.paint("2", "event: ")+t.found(f))
	}
}

// maxValues bounds the values of an item that are shown of each kind.
const maxValues = 5

// values writes the values that decide: those that match, and those that don't
// where they matter.
func (t *tree) values(depth int, n Node) {
	for _, ok := range []bool{true, false} {
		var some []Node
		for _, v := range n.Nodes {
			if v.True == ok {
				some = append(some, v)
			}
		}
		if !ok && n.True && !n.AllValues && !hasNone(n.Nodes) {
			continue // one matches, the others do not matter
		}
		for _, v := range some[:min(maxValues, len(some))] {
			t.line(depth, ok, "", diag.Printable(v.Label))
		}
		if more := len(some) - maxValues; more > 0 {
			t.line(depth, ok, "", fmt.Sprintf("… and %d more", more))
		}
	}
}

func hasNone(nodes []Node) bool {
	for i := range nodes {
		if nodes[i].True {
			return false
		}
	}
	return true
}

func (t *tree) found(f Found) string {
	name := diag.Printable(f.Field)
	if f.State != "value" {
		return name + " is " + t.paint("33", f.State)
	}
	before, part, after := diag.Printable(f.Text[:f.From]), diag.Printable(f.Text[f.From:f.To]), diag.Printable(f.Text[f.To:])
	if f.Text == "" {
		return name + " is " + t.paint("33", "empty")
	}
	return name + " = " + before + t.paint("32;4", part) + after
}
