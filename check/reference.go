package check

import (
	"fmt"
	"strings"

	"github.com/huntbook/huntbook/diag"
)

// Reference is the page of the checks for people, in Markdown.
func Reference() string {
	var b strings.Builder
	b.WriteString(`# Checks

` + "`huntbook check RULES`" + ` makes these checks. The code in front stands behind every
finding, and ` + "`--disable CODE`" + ` leaves a check out. An error means that the rule
can't be used or breaks what the specification demands, a warning that it likely
does not mean what its author meant, a note is advice or a convention of SigmaHQ's
repository. ` + "`--fix`" + ` repairs where it says so, and changes nothing that a rule finds.

Examples show the keys that they are about; the rest of the rule has no findings.
` + "`# file:`" + ` names the file, ` + "`# without:`" + ` a key that the rule lacks; ` + "`# as it is`" + ` stands
before a text that is all there is of a document.

| code | severity | ` + "`--fix`" + ` | |
|---|---|---|---|
`)
	for _, c := range checks {
		fix := ""
		if c.Fixes != "" {
			fix = "yes"
		}
		fmt.Fprintf(&b, "| [`%s`](#%s) | %s | %s | %s |\n", c.Code, c.Code, c.Severity, fix, tableText(firstSentence(c.Prose)))
	}
	for _, c := range checks {
		c.page(&b)
	}
	b.WriteString("\n## What is not checked\n\nOf the validators of pySigma and SigmaHQ and of the checks of rsigma, these have no\ncounterpart here:\n\n| tool | check | why not |\n|---|---|---|\n")
	for _, row := range absentRows() {
		b.WriteString(row)
	}
	return b.String()
}

// absentRows are the rows of the table of what is not checked, one a reason.
func absentRows() []string {
	var rows []string
	all := AllAbsent()
	for i := 0; i < len(all); {
		first := all[i]
		var names []string
		for ; i < len(all) && all[i].Who == first.Who && all[i].Why == first.Why; i++ {
			names = append(names, "`"+all[i].Name+"`")
		}
		rows = append(rows, fmt.Sprintf("| %s | %s | %s |\n", first.Who, strings.Join(names, ", "), tableText(first.Why)))
	}
	return rows
}

// page writes what there is to say of one check.
func (c *Check) page(b *strings.Builder) {
	fmt.Fprintf(b, "\n## %s\n\n%s: %s\n", c.Code, capital(c.Severity.String()), c.Prose)
	if c.Fixes != "" {
		fmt.Fprintf(b, "\n`--fix`: %s\n", c.Fixes)
	}
	if len(c.From) > 0 {
		var from []string
		for _, o := range c.From {
			name := "“" + o.Name + "”"
			if o.Who != Specification && o.Who != SigmaHQ {
				name = "`" + o.Name + "`"
			}
			from = append(from, o.Who+" "+name)
		}
		fmt.Fprintf(b, "\nFrom: %s.\n", strings.Join(from, ", "))
	}
	if c.Bad == "" {
		return
	}
	fmt.Fprintf(b, "\nWrong:\n\n```yaml\n%s\n```\n\nRight:\n\n```yaml\n%s\n```\n", exampleBlock(c.Bad), exampleBlock(c.Good))
}

// maxExampleLine and maxExampleLines bound examples that are about length, or
// about a file as a whole.
const maxExampleLine, maxExampleLines = 120, 16

// exampleBlock is an example as the page shows it: long lines are cut, and what
// is not seen is named.
func exampleBlock(s string) string {
	var lines []string
	for _, line := range strings.Split(strings.TrimSuffix(s, "\n"), "\n") {
		if strings.HasSuffix(line, "\r") {
			line = strings.TrimSuffix(line, "\r") + "<CR>"
		}
		if runes := []rune(line); len(runes) > maxExampleLine {
			line = fmt.Sprintf("%s… (%d characters)", string(runes[:maxExampleLine]), len(runes))
		}
		for _, r := range line {
			if isInvisible(r) && r != '\t' {
				line = strings.ReplaceAll(line, string(r), fmt.Sprintf("<U+%04X>", r))
			}
		}
		if len(lines) == maxExampleLines {
			lines = append(lines, "…")
			break
		}
		lines = append(lines, diag.Printable(line))
	}
	return strings.Join(lines, "\n")
}

// firstSentence is a text up to its first full stop that ends a sentence.
func firstSentence(s string) string {
	if i := strings.Index(s, ". "); i >= 0 {
		return s[:i+1]
	}
	return s
}

// tableText makes a text fit into a cell of a Markdown table.
func tableText(s string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ").Replace(s)
}
