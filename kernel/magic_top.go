package kernel

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/huntbook/huntbook/chart"
	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/engine"
)

const (
	topFields = 5 // fields that are shown when none is named
	topValues = 5 // values of each without --n
)

func topMagic() Magic {
	return Magic{
		Name:     "top",
		Takes:    true,
		Words:    "FIELD…",
		MaxWords: maxFields,
		Flags:    []Flag{{"n", "N", "show at most so many values of a field, 5 without it"}, formFlag},
		Summary:  "draws the most frequent values of fields",
		Prose:    "Without fields it takes the most telling ones: the host, users, then the fields that the rule names and reads.",
		Example:  "%top Computer User --n 3",
		check: func(c *call) *diag.Diagnostic {
			if _, problem := c.integer("n", topValues, 100); problem != nil {
				return problem
			}
			return checkForm(c)
		},
		run: runTop,
	}
}

func runTop(_ context.Context, s *step) error {
	if len(s.in.Findings) == 0 {
		s.out.print("No findings, so there are no top values.")
		return nil
	}
	n, problem := s.integer("n", topValues, 100)
	if problem != nil {
		return problem
	}
	fields := telling(s.in, topFields)
	if len(s.words) > 0 {
		fields = nil
		for _, w := range s.words {
			fields = append(fields, w.Text)
		}
	}
	var groups []chart.Group
	for _, field := range fields {
		g := top(s.in.Findings, field, n)
		if len(g.Bars) == 0 {
			line := fmt.Sprintf("No finding has a field %q.", field)
			if near := nearest(field, names(s.in.Findings)); near != "" {
				line += fmt.Sprintf(" Did you mean %q?", near)
			}
			s.out.print(line)
			continue
		}
		groups = append(groups, g)
	}
	if len(groups) == 0 {
		if len(s.words) == 0 {
			s.out.print("No finding has a host, a user or a field of the rule; name fields to count.")
		}
		return nil
	}
	var interactive any
	if s.interactive() {
		interactive = topVega(groups, covers(s.in))
	}
	return s.out.picture(chart.Top(groups), topText(groups, covers(s.in)), interactive)
}

// top counts the values of a field: the most frequent first, then by value.
func top(findings []engine.Finding, field string, n int) chart.Group {
	counts := map[string]int{}
	for i := range findings {
		if v, ok := findings[i].Value(field); ok {
			counts[v]++
		}
	}
	g := chart.Group{Name: diag.Printable(field)}
	for v, n := range counts {
		g.Bars = append(g.Bars, chart.Bar{Label: v, Count: n})
	}
	slices.SortFunc(g.Bars, func(a, b chart.Bar) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Label, b.Label))
	})
	if len(g.Bars) > n {
		g.Name += fmt.Sprintf(" (%d of %s)", n, count(len(g.Bars), "value"))
		g.Bars = g.Bars[:n]
	}
	for i, b := range g.Bars {
		g.Bars[i].Label = diag.Printable(b.Label)
		if b.Label == "" {
			g.Bars[i].Label = "(empty)"
		}
	}
	return g
}

// topText writes the groups as a table.
func topText(groups []chart.Group, what string) string {
	table := [][]string{{"field", "value", "count"}}
	for _, g := range groups {
		for _, b := range g.Bars {
			table = append(table, []string{g.Name, b.Label, thousands(b.Count)})
		}
	}
	return what + "\n" + align(table)
}
