package export

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/huntbook/huntbook/notebook"
)

var (
	// magic is a line that IPython understands and Python does not, or a comment that
	// jupytext would take for one that was made of such a line.
	magic = regexp.MustCompile(`^(\s*)((?:# ?)*(?:%{1,3}[A-Za-z]|!\S|\?\s*[A-Za-z.]|\S*\?\s*$|(?:cat|cd|copy|cp|ddir|echo|ldir|ls|mkdir|mv|ren|rm|rmdir)(?:\s*$|\s[^=,])).*)$`)
	// mark is a line of Python that begins a cell.
	mark = regexp.MustCompile(`^(\s*)#(\s*(?:%%+(?:\s.*)?|<(?:codecell|markdowncell)>|In\[[0-9 ]*\]:?)\s*)$`)
	// textMark is what would be one of a line of Markdown.
	textMark = regexp.MustCompile(`^(\s*)(%%|<|In)(.*)$`)
	// cellMagic is the first line of a cell in another language.
	cellMagic = regexp.MustCompile(`^%%(bash|sh|script|javascript|js|perl|html|latex|markdown|svg|ruby|sql|R)(?:[ \t]+(.*))?$`)
	// plainKey is a key that needs no quotes.
	plainKey = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// percent writes Python: each cell behind "# %%", Markdown and magics as comments.
func percent(nb *notebook.Notebook) ([]byte, error) {
	if _, _, language := kernel(nb); !strings.EqualFold(language, "python") {
		return nil, fmt.Errorf("it is no notebook in Python (its language is %q); md and html are for all", language)
	}
	var parts []string
	for _, line := range header(nb, ".py", "percent", "1.3") {
		if line == "---" {
			parts = append(parts, "# ---")
			continue
		}
		if len(parts) == 1 {
			parts = append(parts, "# jupyter:")
		}
		parts = append(parts, "#   "+line)
	}
	parts = []string{strings.Join(parts, "\n")}
	for i := range nb.Cells {
		c := &nb.Cells[i]
		head := "# %%"
		switch c.Type {
		case notebook.Markdown:
			head += " [markdown]"
		case notebook.Raw:
			head += " [raw]"
		}
		for _, key := range left(c) {
			if plainKey.MatchString(key) {
				head += " " + key + "=" + quote(c.Metadata[key])
			}
		}
		lines := strings.Split(c.Source, "\n")
		other := cellMagic.FindStringSubmatch(lines[0])
		if other != nil && c.Type == notebook.Code {
			head += " language=" + quote(other[1])
			if other[2] != "" {
				head += " magic_args=" + quote(other[2])
			}
			lines = lines[1:]
		}
		for j, line := range lines {
			switch {
			case c.Type != notebook.Code:
				if mark.MatchString("# " + line) {
					// A backslash that Markdown does not show.
					line = textMark.ReplaceAllStringFunc(line, hideMark)
				}
				lines[j] = strings.TrimRight("# "+line, " ")
			case other != nil:
				lines[j] = secondHash(strings.TrimRight("# "+line, " "))
			default:
				lines[j] = secondHash(magic.ReplaceAllString(line, "$1# $2"))
			}
		}
		parts = append(parts, head+"\n"+strings.Join(lines, "\n"))
	}
	return []byte(strings.Join(parts, "\n\n") + "\n"), nil
}

// secondHash makes a comment of a line that would begin a cell.
func secondHash(line string) string { return mark.ReplaceAllString(line, "$1##$2") }

func hideMark(line string) string {
	at := strings.IndexAny(line, "%<[")
	return line[:at] + `\` + line[at:]
}
