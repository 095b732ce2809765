package diag

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
)

// The characters that end a property or a message of a workflow command are
// written as GitHub reads them back.
var (
	githubText     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	githubProperty = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

// WriteGitHub writes messages as workflow commands of GitHub Actions, which
// shows them beside the lines that they are about.
func WriteGitHub(w io.Writer, list List) error {
	commands := [...]string{Error: "error", Warning: "warning", Note: "notice"}
	for _, d := range list {
		var properties []string
		add := func(name, value string) { properties = append(properties, name+"="+githubProperty.Replace(value)) }
		if d.File != nil && d.File.Path != "" {
			add("file", filepath.ToSlash(d.File.Path))
			if d.Pos.Line > 0 {
				add("line", fmt.Sprint(d.Pos.Line))
				add("col", fmt.Sprint(d.Pos.Column))
				add("endColumn", fmt.Sprint(d.Pos.Column+max(d.Width, 1)))
			}
		}
		if d.Code != "" {
			add("title", d.Code)
		}
		text := d.Message
		if d.Hint != "" {
			text += "; " + d.Hint
		}
		command := "::" + commands[d.Severity]
		if len(properties) > 0 {
			command += " " + strings.Join(properties, ",")
		}
		if _, err := fmt.Fprintf(w, "%s::%s\n", command, githubText.Replace(text)); err != nil {
			return err
		}
	}
	return nil
}
