package kernel

import (
	"fmt"
	"strings"
)

// Reference returns the reference page of the cell language, in Markdown.
func Reference() string {
	var b strings.Builder
	b.WriteString("# The cell language\n\n" +
		"A cell holds lines: magics that start with `%`, parameters (`name = value`) and comments that start with `#`. " +
		"Or it is one cell magic that starts with `%%` and takes the rest of the cell.\n\n" +
		"Words are quoted as in a shell: `'as it is'`, `\"with \\\" and \\\\\"`, `$'with \\n, \\x41 and \\u00e9'`. " +
		"Outside quotes a backslash stands for itself, so that Windows paths can be typed. " +
		"A word in quotes is never a flag.\n\n" +
		"Magics that take a result work on the last one, or on what stands before a `|`: `%last | top User`. " +
		"A result gets a name with `%name = `, and `%name` is then that result: `%shells = %lucene 'Image:*cmd.exe'`.\n\n## Parameters\n\n| parameter | |\n|---|---|\n")
	for _, p := range Parameters() {
		fmt.Fprintf(&b, "| `%s` | %s |\n", p.Name, p.Doc)
	}
	for _, m := range Magics() {
		fmt.Fprintf(&b, "\n## %s%s\n\n`%s` %s.\n\n%s\n", m.mark(), m.Name, m.Usage(), m.Summary, m.Prose)
		switch {
		case m.Takes && m.Gives:
			b.WriteString("\nIt takes a result and gives one.\n")
		case m.Takes:
			b.WriteString("\nIt takes a result.\n")
		case m.Gives:
			b.WriteString("\nIt gives a result.\n")
		}
		if len(m.Flags) > 0 {
			b.WriteString("\n| flag | |\n|---|---|\n")
			for _, f := range m.Flags {
				fmt.Fprintf(&b, "| `--%s %s` | %s |\n", f.Name, f.Value, f.Doc)
			}
		}
		fmt.Fprintf(&b, "\n```\n%s\n```\n", m.Example)
	}
	return b.String()
}
