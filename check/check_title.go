package check

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/huntbook/huntbook/diag"
)

var titleChecks = []*Check{
	{
		Code: "title-length", Severity: diag.Warning,
		Prose: "The title has more than 256 characters, the most that the specification allows.",
		Bad:   "title: " + strings.Repeat("A Very Long Title ", 15) + "Indeed",
		Good:  "title: Example of a Rule",
		From:  []Origin{spec("Title"), rSigma("title_too_long")},
		document: func(d *document) {
			text, at := d.text("title")
			if n := utf8.RuneCountInString(text); n > 256 {
				d.reportText(at, text, fmt.Sprintf("the title has %d characters, 256 are the most", n), "tell the rest in the description")
			}
		},
	},
	{
		Code: "title-long", Severity: diag.Note,
		Prose: "The title has more than 120 characters, too many for a list of alerts.",
		Bad:   "title: " + strings.Repeat("A Very Long Title ", 7) + "Indeed",
		Good:  "title: Example of a Rule",
		From:  []Origin{pySigmaHQ("title_length")},
		document: func(d *document) {
			text, at := d.text("title")
			if n := utf8.RuneCountInString(text); n > 120 && n <= 256 {
				d.reportText(at, text, fmt.Sprintf("the title has %d characters; up to 120 are usual", n), "tell the rest in the description")
			}
		},
	},
	{
		Code: "title-start", Severity: diag.Note,
		Prose: "The title begins with the word Detect or Detects, which every title could.",
		Bad:   "title: Detects Example Execution",
		Good:  "title: Example Execution",
		From:  []Origin{sigmaHQ("Title Conventions, Main Title"), pySigmaHQ("title_start")},
		document: func(d *document) {
			text, at := d.text("title")
			if first, _, _ := strings.Cut(text, " "); strings.EqualFold(first, "detect") || strings.EqualFold(first, "detects") {
				d.reportText(at, text, fmt.Sprintf("the title begins with %q", first), "begin with what happens: \"Renamed PsExec Execution\"")
			}
		},
	},
	{
		Code: "title-end", Severity: diag.Note,
		Prose: "The title ends with a full stop.",
		Bad:   "title: Example of a Rule.",
		Good:  "title: Example of a Rule",
		From:  []Origin{pySigmaHQ("title_end")},
		Fixes: "The full stop is removed.",
		document: func(d *document) {
			text, at := d.text("title")
			if strings.HasSuffix(text, ".") && !strings.HasSuffix(text, "..") {
				d.reportText(at, text, "the title ends with a full stop", "", d.replace(at, text, strings.TrimSuffix(text, "."))...)
			}
		},
	},
	{
		Code: "title-case", Severity: diag.Note,
		Prose: "A word of the title begins in lower case. Titles are written in title case, but for short words such as `of` and for names of files.",
		Bad:   "title: Example execution",
		Good:  "title: Example Execution via cmd.exe",
		From:  []Origin{sigmaHQ("Titles"), pySigmaHQ("title_case")},
		document: func(d *document) {
			text, at := d.text("title")
			if d.kind == "filter" {
				return
			}
			for word := range strings.SplitSeq(text, " ") {
				if isLowerWord(word) {
					d.reportText(at, text, fmt.Sprintf("the title has %q in lower case", word), "")
				}
			}
		},
	},
	{
		Code: "title-level", Severity: diag.Note,
		Prose: "The title of a rule of level informational or low says suspicious, malicious or malware. Title and level say different things.",
		Bad:   "title: Malicious Example Execution\nlevel: low",
		Good:  "title: Example Execution\nlevel: low",
		From:  []Origin{sigmaHQ("Title Conventions, Informational / Low Level Rules")},
		document: func(d *document) {
			text, at := d.text("title")
			if d.rule == nil || d.rule.Level != "low" && d.rule.Level != "informational" {
				return
			}
			for _, word := range []string{"Suspicious", "Malicious", "Malware"} {
				if strings.Contains(text, word) {
					d.reportText(at, text, fmt.Sprintf("the title says %q, the level %s", word, d.rule.Level), "name what happens, or raise the level")
					return
				}
			}
		},
	},
}

// smallWords stay in lower case in a title.
var smallWords = map[string]bool{
	"a": true, "an": true, "and": true, "as": true, "at": true, "by": true, "for": true, "from": true, "in": true, "into": true,
	"new": true, "of": true, "on": true, "or": true, "over": true, "the": true, "through": true, "to": true, "via": true,
	"with": true, "without": true,
}

// isLowerWord tells a word of Latin letters in lower case that is no small word
// and no name of a file.
func isLowerWord(word string) bool {
	return word != "" && word == strings.ToLower(word) && word != strings.ToUpper(word) && !smallWords[word] &&
		!strings.ContainsAny(word, "./_\\") && word[0] >= 'a' && word[0] <= 'z'
}
