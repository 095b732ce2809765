package export

import (
	"regexp"
	"strings"

	"github.com/huntbook/huntbook/notebook"
)

var (
	// mystBreak and mystCell begin lines of Markdown that would begin another cell.
	mystBreak = regexp.MustCompile(`(?m)^( {0,3})\+\+\+`)
	mystCell  = regexp.MustCompile("(?m)^([ \t>*+-]*(?:`{3,}|~{3,}))[ \t]*(\\{(?:code-cell|code|raw-cell))")
)

var backticks = regexp.MustCompile("`{3,}")

// myst writes MyST Markdown: Markdown behind "+++", code in the directive code-cell.
func myst(nb *notebook.Notebook) ([]byte, error) {
	_, _, language := kernel(nb)
	if info, ok := nb.Metadata["language_info"].(object); ok {
		if lexer, ok := info["pygments_lexer"].(string); ok && lexer != "" {
			language = lexer
		}
	}
	language = strings.Join(strings.Fields(language), "-")
	parts := []string{strings.Join(header(nb, ".md", "myst", "0.13"), "\n")}
	for i := range nb.Cells {
		c := &nb.Cells[i]
		keys := left(c)
		if c.Type == notebook.Markdown {
			mark := "+++"
			if len(keys) > 0 {
				metadata := object{}
				for _, key := range keys {
					metadata[key] = c.Metadata[key]
				}
				mark += " " + quote(metadata)
			}
			source := mystBreak.ReplaceAllString(c.Source, `$1\+++`)
			parts = append(parts, mark, mystCell.ReplaceAllString(source, "$1 text $2"))
			continue
		}
		directive := "{code-cell} " + language
		if c.Type == notebook.Raw {
			directive = "{raw-cell}"
		}
		fence := "```"
		for _, run := range backticks.FindAllString(c.Source, -1) {
			if len(run) >= len(fence) {
				fence = run + "`"
			}
		}
		lines := []string{fence + strings.TrimSpace(directive)}
		// Without the marks the first lines of the code could be taken for options.
		if len(keys) > 0 || strings.HasPrefix(c.Source, "---") || strings.HasPrefix(c.Source, ":") {
			lines = append(lines, "---")
			for _, key := range keys {
				lines = append(lines, quote(key)+": "+quote(c.Metadata[key]))
			}
			lines = append(lines, "---")
		}
		parts = append(parts, strings.Join(append(lines, c.Source, fence), "\n"))
	}
	return []byte(strings.Join(parts, "\n\n") + "\n"), nil
}
