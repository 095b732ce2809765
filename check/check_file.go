package check

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/huntbook/huntbook/diag"
)

var fileChecks = []*Check{
	{
		Code: "file-name", Severity: diag.Note,
		Prose: "The file's name has other characters than a-z, 0-9 and `_`, or does not end in `.yml`. Some file systems and version control tools don't keep such names.",
		Bad:   "# file: Proc_Creation-Win example.yml",
		Good:  "# file: proc_creation_win_example.yml",
		From:  []Origin{spec("Yaml File"), pySigmaHQ("filename_convention")},
		file: func(f *file) {
			if len(f.documents) > 0 && !properName.MatchString(f.name) {
				f.report(diag.Pos{}, 1, fmt.Sprintf("the name %q is not made of a-z, 0-9 and _ with .yml behind", f.name), "")
			}
		},
	},
	{
		Code: "file-name-length", Severity: diag.Note,
		Prose: "The file's name is shorter than 10 or longer than 90 characters. (The specification says 70, SigmaHQ and pySigma 90.)",
		Bad:   "# file: win.yml",
		Good:  "# file: proc_creation_win_example.yml",
		From:  []Origin{spec("Yaml File"), pySigma("filename_length"), pySigmaHQ("filename_convention")},
		file: func(f *file) {
			if n := utf8.RuneCountInString(f.name); len(f.documents) > 0 && (n < 10 || n > 90) {
				f.report(diag.Pos{}, 1, fmt.Sprintf("the file's name has %d characters; 10 to 90 are usual", n), "")
			}
		},
	},
	{
		Code: "file-prefix", Severity: diag.Note,
		Prose: "In SigmaHQ's repository the file's name begins with its log source.",
		Bad:   "# file: suspicious_example.yml",
		Good:  "# file: proc_creation_win_example.yml",
		From:  []Origin{sigmaHQ("Filename Conventions"), pySigmaHQ("filename_prefix")},
		file: func(f *file) {
			if len(f.documents) != 1 || f.documents[0].kind != "rule" || f.documents[0].flawed["logsource"] {
				return
			}
			d := f.documents[0]
			if prefix := prefixOf(d.logSource); properName.MatchString(f.name) && len(f.name) >= 10 && !strings.HasPrefix(f.name, prefix) {
				f.report(diag.Pos{}, 1, fmt.Sprintf("the names of files for this log source begin with %q", prefix), "")
			}
		},
	},
	{
		Code: "file-prefix-correlation", Severity: diag.Note,
		Prose: "In SigmaHQ's repository the names of files with a correlation begin with `correlation_`.",
		Bad:   "# file: many_example.yml\n" + exampleCorrelation,
		Good:  "# file: correlation_many_example.yml\n" + exampleCorrelation,
		From:  []Origin{pySigmaHQ("correlation_filename_prefix")},
		file: func(f *file) {
			for _, d := range f.documents {
				if d.kind == "correlation" && !strings.HasPrefix(f.name, "correlation_") {
					f.report(diag.Pos{}, 1, `the names of files with a correlation begin with "correlation_"`, "")
					return
				}
			}
		},
	},
	{
		Code: "byte-order-mark", Severity: diag.Note,
		Prose: "The file begins with a byte order mark, which UTF-8 does not need and some YAML readers refuse.",
		Bad:   "# as it is\n\uFEFF" + exampleText,
		Good:  "# as it is\n" + exampleText,
		From:  []Origin{spec("Yaml File")},
		Fixes: "The mark is removed.",
		file: func(f *file) {
			if bytes.HasPrefix(f.Data, byteOrderMark) {
				f.report(diag.Pos{Line: 1, Column: 1}, 1, "the file begins with a byte order mark", "", Edit{End: len(byteOrderMark)})
			}
		},
	},
	{
		Code: "line-break", Severity: diag.Note,
		Prose: "Lines end with CR-LF. The specification asks for LF.",
		Bad:   "# as it is\n" + strings.ReplaceAll(exampleText, "\n", "\r\n"),
		Good:  "# as it is\n" + exampleText,
		From:  []Origin{spec("Yaml File")},
		Fixes: "All lines of the file end with LF.",
		file: func(f *file) {
			var edits []Edit
			first := diag.Pos{}
			for i := range f.Data {
				if f.Data[i] == '\r' && i+1 < len(f.Data) && f.Data[i+1] == '\n' && (i == 0 || f.Data[i-1] != '\r') {
					if edits == nil {
						first = f.position(i)
					}
					edits = append(edits, Edit{Start: i, End: i + 1})
				}
			}
			if edits != nil {
				f.report(first, 1, fmt.Sprintf("%d lines end with CR-LF instead of LF", len(edits)), "", edits...)
			}
		},
	},
	{
		Code: "last-line", Severity: diag.Note,
		Prose: "The last line has no line break, so that the next one who adds a line changes two.",
		Bad:   "# as it is\n" + strings.TrimSuffix(exampleText, "\n"),
		Good:  "# as it is\n" + exampleText,
		Fixes: "A line break is added.",
		file: func(f *file) {
			if n := len(f.Data); len(f.documents) > 0 && f.Data[n-1] != '\n' {
				f.report(f.position(n), 1, "the last line has no line break", "", Edit{n, n, "\n"})
			}
		},
	},
	{
		Code: "invisible-character", Severity: diag.Warning,
		Prose: "The file holds a character that is not seen: one that turns the direction of text, has no width, or is a blank that is no space. A reader sees another rule than a tool does. In double quotes it can be written as an escape, such as `\\u202e`.",
		Bad:   "detection:\n    selection:\n        CommandLine|contains: 'not\u00a0seen'\n    condition: selection",
		Good:  "detection:\n    selection:\n        CommandLine|contains: \"not\\u00a0seen\"\n    condition: selection",
		file: func(f *file) {
			for n := 1; n <= len(f.lines); n++ {
				var found []string
				first := 0
				for at, r := range string(f.line(n)) {
					if r <= 0x7F || !isInvisible(r) {
						continue
					}
					if name := fmt.Sprintf("U+%04X", r); found == nil {
						first, found = at, []string{name}
					} else if !slices.Contains(found, name) {
						found = append(found, name)
					}
				}
				if found != nil {
					f.report(f.position(f.lines[n-1]+first), 1, "characters that are not seen stand in this line: "+strings.Join(found, ", "), "remove them, or write them as escapes in double quotes")
				}
			}
		},
	},
}

// exampleText is a whole rule, exampleCorrelation one over another rule.
const (
	exampleText = "title: Example of a Rule\nid: 5d4b3a12-1b5e-4c58-9f0a-3c1f7e6a2b90\nstatus: experimental\n" +
		"description: Detects an example of a process\nreferences:\n    - https://example.com/report\nauthor: Jane Doe\n" +
		"date: 2024-05-01\ntags:\n    - attack.execution\n    - attack.t1059.001\nlogsource:\n    category: process_creation\n    product: windows\n" +
		"detection:\n    selection:\n        Image|endswith: '\\example.exe'\n    condition: selection\nfalsepositives:\n    - Unknown\nlevel: medium\n"
	exampleCorrelation = "correlation:\n    type: event_count\n    rules: [example]\n    group-by: [User]\n    timespan: 10m\n    condition: {gte: 10}\n" + exampleRule
)

var properName = regexp.MustCompile(`^[a-z0-9_]+\.yml$`)

// isInvisible tells characters that have no look of their own. Joiners belong to
// writing systems and to emoji, and turn nothing.
func isInvisible(r rune) bool {
	switch r {
	case '\u200C', '\u200D':
		return false
	case '\u2028', '\u2029', '\u115F', '\u1160', '\u3164', '\uFFA0':
		return true
	}
	return unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Zs, r) && r != ' ' || unicode.Is(unicode.Cc, r)
}
