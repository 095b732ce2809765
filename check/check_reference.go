package check

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/huntbook/huntbook/diag"
)

var referenceChecks = []*Check{
	{
		Code: "reference-missing", Severity: diag.Note,
		Prose: "The rule names no source.",
		Bad:   "# without: references",
		Good:  "references:\n    - https://example.com/report",
		From:  []Origin{spec("References"), sigmaHQ("References")},
		document: func(d *document) {
			description, _ := d.text("description")
			if d.kind == "rule" && d.isMissing("references") && !hasLink(description) {
				d.reportMissing("the rule has no references", "name what it was made from, if that is public")
			}
		},
	},
	{
		Code: "reference-link", Severity: diag.Note,
		Prose: "A reference is no link to a page that everyone can read.",
		Bad:   "references:\n    - Internal research",
		Good:  "references:\n    - https://example.com/report",
		From:  []Origin{sigmaHQ("References"), pySigmaHQ("link_in_description")},
		document: func(d *document) {
			for _, e := range d.entries("references") {
				if !aLink.MatchString(strings.TrimSpace(e.Text)) {
					d.reportText(e.Value, e.Text, fmt.Sprintf("%q is no link", e.Text), "")
				}
			}
		},
	},
	{
		Code: "reference-mitre", Severity: diag.Note,
		Prose: "A reference is a page of ATT&CK. Tags say that: attack.t1059.001.",
		Bad:   "references:\n    - https://attack.mitre.org/techniques/T1059/001/",
		Good:  "references:\n    - https://example.com/report",
		From:  []Origin{sigmaHQ("References"), pySigmaHQ("mitre_link")},
		document: func(d *document) {
			for _, e := range d.entries("references") {
				if strings.HasPrefix(e.Text, "https://attack.mitre.org/") {
					d.reportText(e.Value, e.Text, "a page of ATT&CK is told by a tag", "write for example \"attack.t1059.001\" into tags")
				}
			}
		},
	},
	{
		Code: "reference-branch", Severity: diag.Note,
		Prose: "A reference is a file on a branch of a git repository, which changes. A link with the commit stays.",
		Bad:   "references:\n    - https://github.com/example/tool/blob/main/readme.md",
		Good:  "references:\n    - https://github.com/example/tool/blob/0123456789abcdef0123456789abcdef01234567/readme.md",
		From:  []Origin{sigmaHQ("References"), pySigmaHQ("github_link")},
		document: func(d *document) {
			for _, e := range d.entries("references") {
				if branchLink.MatchString(e.Text) && !commitLink.MatchString(e.Text) {
					d.reportText(e.Value, e.Text, "the link is to a branch, where the file changes", "give the link with the commit (on GitHub: press y)")
				}
			}
		},
	},
	{
		Code: "duplicate-reference", Severity: diag.Warning,
		Prose:    "The same reference stands there twice.",
		Bad:      "references:\n    - https://example.com/report\n    - https://example.com/report",
		Good:     "references:\n    - https://example.com/report",
		From:     []Origin{spec("Schema"), pySigma("duplicate_references"), rSigma("duplicate_references")},
		Fixes:    "The second one is removed.",
		document: func(d *document) { d.reportDuplicates("references", "the reference") },
	},
}

// hasLink tells whether a text names a page.
func hasLink(s string) bool { return strings.Contains(s, "https://") || strings.Contains(s, "http://") }

var (
	aLink      = regexp.MustCompile(`^(https?|ftp)://[^\s]+$`)
	branchLink = regexp.MustCompile(`^https://(github\.com/[^/]+/[^/]+/(blob|tree|raw)/|raw\.githubusercontent\.com/|gitlab\.com/.+/-/(blob|tree|raw)/).*\.\w{1,4}(#.*)?$`)
	commitLink = regexp.MustCompile(`/[0-9a-f]{40}/`)
)
