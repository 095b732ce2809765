package kernel

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/agnivade/levenshtein"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/kernel/syntax"
)

// parameters are the values that a parameters cell sets. Flags of magics go
// before them.
type parameters struct {
	rows, limit, eventSize int
	since, until           string
}

func defaultParameters() parameters {
	return parameters{rows: 50, limit: 1000, eventSize: 16 << 10}
}

// Parameter describes a parameter, for the reference.
type Parameter struct{ Name, Doc string }

// Parameters returns the parameters that a cell can set.
func Parameters() []Parameter {
	return []Parameter{
		{"rows", "the number of rows in a table, 1 to 1000000"},
		{"limit", "the number of findings that a query fetches, 1 to 1000000000; its count is always of all"},
		{"event_size", "the bytes of an event that a table shows, 0 to 1073741824"},
		{"since", "events before this time are left out; \"\" is no bound"},
		{"until", "events at this time and later are left out; \"\" is no bound"},
	}
}

// prepare checks a parameter and returns what sets it.
func (p *parameters) prepare(c syntax.Command) (func() error, *diag.Diagnostic) {
	value := c.Words[0]
	number := func(to *int, least, most int) (func() error, *diag.Diagnostic) {
		n, problem := integer(value, c.Name, least, most)
		return func() error { *to = n; return nil }, problem
	}
	moment := func(to *string) (func() error, *diag.Diagnostic) {
		_, problem := moment(value, c.Name, time.UTC)
		return func() error { *to = value.Text; return nil }, problem
	}
	switch c.Name {
	case "rows":
		return number(&p.rows, 1, 1_000_000)
	case "limit":
		return number(&p.limit, 1, 1_000_000_000)
	case "event_size":
		return number(&p.eventSize, 0, 1<<30)
	case "since":
		return moment(&p.since)
	case "until":
		return moment(&p.until)
	}
	var names []string
	for _, known := range Parameters() {
		names = append(names, known.Name)
	}
	return nil, &diag.Diagnostic{
		Code: "cell-parameter", Message: fmt.Sprintf("there is no parameter %q", c.Name),
		Hint: suggestion(c.Name, names, ""), Pos: c.Pos, Width: c.Width,
	}
}

// integer reads a number within bounds.
func integer(w syntax.Word, name string, least, most int) (int, *diag.Diagnostic) {
	n, err := strconv.Atoi(strings.ReplaceAll(w.Text, "_", ""))
	if err != nil || n < least || n > most {
		return 0, &diag.Diagnostic{
			Code: "cell-value", Message: fmt.Sprintf("%s must be a number from %d to %d, not %q", name, least, most, w.Text),
			Pos: w.Pos, Width: w.Width,
		}
	}
	return n, nil
}

// layouts are the forms of a time, from the longest; those without a zone are
// read in the zone of the data.
var layouts = []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02"}

// moment reads a time; "" is the zero time, no bound.
func moment(w syntax.Word, name string, zone *time.Location) (time.Time, *diag.Diagnostic) {
	if w.Text == "" {
		return time.Time{}, nil
	}
	for _, layout := range layouts {
		if t, err := time.ParseInLocation(layout, w.Text, zone); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, &diag.Diagnostic{
		Code: "cell-value", Message: fmt.Sprintf("%s is no time: %q", name, w.Text),
		Hint: `write it as "2020-01-31" or "2020-01-31T12:00:00Z"`, Pos: w.Pos, Width: w.Width,
	}
}

// suggestion names the nearest of the known names, or all of them.
func suggestion(name string, known []string, prefix string) string {
	if best := nearest(name, known); best != "" {
		return "did you mean " + prefix + best + "?"
	}
	sorted := slices.Sorted(slices.Values(known))
	return "there are " + prefix + strings.Join(sorted, ", "+prefix)
}

// nearest returns the known name that is most like a name, "" if none is.
func nearest(name string, known []string) string {
	best, distance := "", min(3, max(1, len(name)/2))+1
	for _, k := range known {
		if d := levenshtein.ComputeDistance(strings.ToLower(name), strings.ToLower(k)); d < distance {
			best, distance = k, d
		}
	}
	return best
}
