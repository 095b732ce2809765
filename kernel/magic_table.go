package kernel

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"html"
	"strings"

	"github.com/mattn/go-runewidth"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/engine"
	"github.com/huntbook/huntbook/notebook"
)

// The bounds of a table.
const (
	maxColumns = 10  // chosen by us
	maxFields  = 100 // named by a person
	maxValue   = 300 // characters of a value in HTML
	maxText    = 40  // columns of a value in text
)

func tableMagic() Magic {
	return Magic{
		Name:  "table",
		Takes: true,
		Flags: []Flag{
			{"rows", "N", "show at most so many findings; without it the parameter rows counts"},
			{"fields", "A,B", "show these fields and no others"},
		},
		Summary: "shows the findings as a table",
		Prose: "A row is a finding: its time in UTC, its host, the fields that the rule names, those that it reads, " +
			"then others. The first column opens the whole event.",
		Example: "%table --rows 2 --fields Computer,Image",
		check: func(c *call) *diag.Diagnostic {
			if problem := checkFields(c); problem != nil {
				return problem
			}
			_, problem := c.integer("rows", 1, 1_000_000)
			return problem
		},
		run: runTable,
	}
}

func runTable(_ context.Context, s *step) error {
	rows, problem := s.integer("rows", s.session.parameters.rows, 1_000_000)
	if problem != nil {
		return problem
	}
	findings := s.in.Findings[:min(rows, len(s.in.Findings))]
	if len(findings) == 0 {
		s.out.print("No findings, so there is no table.")
		return nil
	}
	fields := s.fields()
	if fields == nil {
		fields = columns(s.in, findings, maxColumns)
	}
	caption := count(s.in.Count, "finding")
	if len(findings) < s.in.Count {
		caption = thousands(len(findings)) + " of " + caption + " shown"
	}
	table := notebook.Output{Type: notebook.DisplayData, Data: map[string]any{
		"text/html":  htmlTable(caption, fields, findings, s.session.parameters.eventSize),
		"text/plain": textTable(caption, fields, findings),
	}}
	if s.value {
		table.Type = notebook.ExecuteResult
	}
	s.out.add(table)
	return nil
}

// checkFields looks at the flag "fields".
func checkFields(c *call) *diag.Diagnostic {
	if w, ok := c.flags["fields"]; ok && strings.Count(w.Text, ",") >= maxFields {
		return &diag.Diagnostic{Code: "cell-value", Message: fmt.Sprintf("--fields names more than %d fields", maxFields), Pos: w.Pos, Width: w.Width}
	}
	return nil
}

// fields are those that the flag "fields" names, nil without it.
func (c *call) fields() []string {
	w, ok := c.flags["fields"]
	if !ok {
		return nil
	}
	out := []string{}
	for name := range strings.SplitSeq(w.Text, ",") {
		if name = strings.TrimSpace(name); name != "" {
			out = append(out, name)
		}
	}
	return out
}

// cells returns the texts of a row.
func cells(f *engine.Finding, fields []string) []string {
	out := []string{timeText(f.Time)}
	for _, name := range fields {
		v, _ := f.Value(name)
		out = append(out, v)
	}
	return out
}

// Style stands at every cell, since Jupyter aligns cells to the right and drops
// style elements. Colours are left to the page, light or dark.
const cellStyle = ` style="text-align:left;vertical-align:top"`

// htmlTable writes a table that reads well also where styles are dropped.
func htmlTable(caption string, fields []string, findings []engine.Finding, eventSize int) string {
	var b strings.Builder
	// The classes keep MathJax from taking "$" in a value for a formula.
	b.WriteString("<p>" + escape(caption) + "</p>\n<table class=\"tex2jax_ignore mathjax_ignore\">\n<thead>\n<tr>")
	for _, name := range append([]string{"event", "time (UTC)"}, fields...) {
		b.WriteString("<th" + cellStyle + ">" + escape(shorten(name, maxValue)) + "</th>")
	}
	b.WriteString("</tr>\n</thead>\n<tbody>\n")
	for i := range findings {
		f := &findings[i]
		// The event stands first, where it is in sight however wide the table.
		fmt.Fprintf(&b, "<tr><td%s><details><summary>record&nbsp;%d</summary>%s<pre style=\"text-align:left;white-space:pre-wrap\">%s</pre></details></td>",
			cellStyle, f.Record, escape(shorten(f.Source, maxValue)), eventHTML(f, eventSize))
		for _, text := range cells(f, fields) {
			b.WriteString("<td" + cellStyle + ">" + escape(shorten(text, maxValue)) + "</td>")
		}
		b.WriteString("</tr>\n")
	}
	b.WriteString("</tbody>\n</table>\n")
	return b.String()
}

// eventHTML is the whole event as indented JSON, cut to a size in bytes.
func eventHTML(f *engine.Finding, size int) string {
	var indented bytes.Buffer
	if len(f.Event) == 0 || json.Indent(&indented, f.Event, "", "  ") != nil {
		return fmt.Sprintf("The event has %s and is not shown.", count(f.Oversize, "byte"))
	}
	text := indented.String()
	rest := 0
	if len(text) > size {
		cut := strings.ToValidUTF8(text[:size], "")
		rest = len(text) - len(cut)
		text = cut
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = escape(line)
	}
	text = strings.Join(lines, "\n")
	if rest > 0 {
		text += fmt.Sprintf("…\n%s more", count(rest, "byte"))
	}
	return text
}

// escape makes text from rules and events safe in HTML, and visible.
func escape(s string) string { return html.EscapeString(diag.Printable(s)) }

// shorten cuts text to a number of characters.
func shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	if r := []rune(s); len(r) > n {
		return string(r[:n]) + "…"
	}
	return s
}

// width measures text in columns of a terminal; not by the user's locale, so
// that the same findings give the same text anywhere.
var width = &runewidth.Condition{StrictEmojiNeutral: true}

// textTable writes the findings as aligned columns.
func textTable(caption string, fields []string, findings []engine.Finding) string {
	table := [][]string{append([]string{"time (UTC)"}, fields...)}
	for i := range findings {
		table = append(table, cells(&findings[i], fields))
	}
	return caption + "\n" + align(table)
}

// align writes rows in columns, values cut; the first row is a heading.
func align(table [][]string) string {
	widths := make([]int, len(table[0]))
	for _, row := range table {
		for i, s := range row {
			row[i] = width.Truncate(diag.Printable(s), maxText, "…")
			widths[i] = max(widths[i], width.StringWidth(row[i]))
		}
	}
	var b strings.Builder
	for _, row := range table {
		b.WriteByte('\n')
		line := ""
		for i, s := range row {
			line += width.FillRight(s, widths[i]) + "  "
		}
		b.WriteString(strings.TrimRight(line, " "))
	}
	return b.String()
}
