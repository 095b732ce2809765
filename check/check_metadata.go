package check

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/sigma"
)

var metadataChecks = []*Check{
	{
		Code: "id-missing", Severity: diag.Warning,
		Prose: "The document has no id, by which other rules, filters and tools name it.",
		Bad:   "# without: id",
		Good:  "id: 5d4b3a12-1b5e-4c58-9f0a-3c1f7e6a2b90",
		From:  []Origin{spec("Identification"), sigmaHQ("Structure"), pySigma("identifier_existence")},
		document: func(d *document) {
			if d.isMissing("id") {
				d.reportMissing("the "+d.kind+" has no id", "add a random UUID: \"uuidgen\" makes one")
			}
		},
	},
	{
		Code: "id-format", Severity: diag.Warning,
		Prose: "The id is no UUID. Some tools refuse such a rule.",
		Bad:   "id: example-1",
		Good:  "id: 5d4b3a12-1b5e-4c58-9f0a-3c1f7e6a2b90",
		From:  []Origin{spec("Identification"), rSigma("invalid_id")},
		document: func(d *document) {
			if text, at := d.text("id"); text != "" && !uuid.MatchString(text) {
				d.reportText(at, text, fmt.Sprintf("%q is no UUID", text), "\"uuidgen\" makes one")
			}
		},
	},
	{
		Code: "id-version", Severity: diag.Note,
		Prose: "The id is a UUID, and not a random one (version 4): it may have been made up, or be another rule's with a digit changed.",
		Bad:   "id: 5d4b3a12-1b5e-1c58-9f0a-3c1f7e6a2b90",
		Good:  "id: 5d4b3a12-1b5e-4c58-9f0a-3c1f7e6a2b90",
		From:  []Origin{spec("Identification")},
		document: func(d *document) {
			if text, at := d.text("id"); uuid.MatchString(text) && !randomUUID.MatchString(text) {
				d.reportText(at, text, "the UUID is not one of version 4", "")
			}
		},
	},
	{
		Code: "name-length", Severity: diag.Warning,
		Prose: "The name or the taxonomy has more than 256 characters.",
		Bad:   "name: " + strings.Repeat("very_", 52) + "long",
		Good:  "name: example",
		From:  []Origin{spec("Schema"), rSigma("name_too_long"), rSigma("taxonomy_too_long")},
		document: func(d *document) {
			for _, key := range []string{"name", "taxonomy"} {
				if text, at := d.text(key); utf8.RuneCountInString(text) > 256 {
					d.reportText(at, text, fmt.Sprintf("%s has more than 256 characters", key), "")
				}
			}
		},
	},
	{
		Code: "taxonomy", Severity: diag.Note,
		Prose: "The rule is written in another taxonomy than Sigma's. Its field names mean something else, and tools that don't know it, huntbook among them, read them as Sigma's.",
		Bad:   "taxonomy: ours",
		Good:  "taxonomy: sigma",
		From:  []Origin{spec("Taxonomy")},
		document: func(d *document) {
			if text, at := d.text("taxonomy"); text != "" && text != "sigma" {
				d.reportText(at, text, fmt.Sprintf("taxonomy %q is read as Sigma's", text), "a pipeline can map its names")
			}
		},
	},
	{
		Code: "status-missing", Severity: diag.Note,
		Prose: "The rule does not say how far it is tried out.",
		Bad:   "# without: status",
		Good:  "status: experimental",
		From:  []Origin{spec("Status"), sigmaHQ("Structure"), pySigmaHQ("status_existence")},
		document: func(d *document) {
			if d.rule != nil && d.isMissing("status") {
				d.reportMissing("the rule has no status", "a new one is experimental")
			}
		},
	},
	{
		Code: "status-folder", Severity: diag.Note,
		Prose: "A rule that is deprecated or unsupported does not lie in a folder of that name, or one that lies there has another status.",
		Bad:   "status: unsupported",
		Good:  "# file: unsupported/proc_creation_win_example.yml\nstatus: unsupported",
		From:  []Origin{pySigmaHQ("status")},
		document: func(d *document) {
			text, at := d.text("status")
			for _, status := range []string{"deprecated", "unsupported"} {
				if is, lies := text == status, d.inFolder(status); d.rule != nil && !d.flawed["status"] && is != lies {
					message := fmt.Sprintf("the rule is %s and lies in no folder of that name", status)
					if lies {
						message = fmt.Sprintf("the rule lies in folder %q and is not %s", status, status)
					}
					d.reportText(at, text, message, "")
				}
			}
		},
	},
	{
		Code: "deprecated-alone", Severity: diag.Note,
		Prose: "A deprecated rule does not say which one takes its place (related).",
		Bad:   "# file: deprecated/proc_creation_win_example.yml\nstatus: deprecated",
		Good:  "# file: deprecated/proc_creation_win_example.yml\nstatus: deprecated\nrelated:\n    - id: 7f6d5c4b-2a1e-4d3c-8b9a-1f2e3d4c5b6a\n      type: obsolete",
		From:  []Origin{spec("Status"), rSigma("deprecated_without_related")},
		document: func(d *document) {
			if text, at := d.text("status"); d.rule != nil && text == "deprecated" && d.isMissing("related") {
				d.reportText(at, text, "the deprecated rule names no other", "name the rule that takes its place in related")
			}
		},
	},
	{
		Code: "level-missing", Severity: diag.Warning,
		Prose: "The rule has no level: whoever chooses rules by level never sees it.",
		Bad:   "# without: level",
		Good:  "level: medium",
		From:  []Origin{spec("Level"), sigmaHQ("Structure"), pySigmaHQ("level_existence"), rSigma("missing_level")},
		document: func(d *document) {
			if d.rule != nil && d.isMissing("level") {
				d.reportMissing("the rule has no level", "add one of "+strings.Join(sigma.Levels, ", "))
			}
		},
	},
	{
		Code: "word-case", Severity: diag.Note,
		Prose: "Status or level is not written in lower case. Some tools know the words in lower case only.",
		Bad:   "level: High",
		Good:  "level: high",
		From:  []Origin{spec("Schema")},
		Fixes: "The word is written in lower case.",
		document: func(d *document) {
			for _, key := range []string{"status", "level"} {
				text, at := d.text(key)
				if low := strings.ToLower(text); text != low {
					d.reportText(at, text, fmt.Sprintf("%s is written in lower case", key), fmt.Sprintf("write %q", low), d.replace(at, text, low)...)
				}
			}
		},
	},
	{
		Code: "description-missing", Severity: diag.Note,
		Prose: "The rule has no description.",
		Bad:   "# without: description",
		Good:  "description: Detects an example of a process",
		From:  []Origin{spec("Description"), sigmaHQ("Description"), pySigmaHQ("description_existence"), rSigma("missing_description")},
		document: func(d *document) {
			if d.rule != nil && d.isMissing("description") {
				d.reportMissing("the rule has no description", "say what it detects, and why that matters")
			}
		},
	},
	{
		Code: "description-short", Severity: diag.Note,
		Prose: "The description has less than 16 characters.",
		Bad:   "description: An example",
		Good:  "description: Detects an example of a process",
		From:  []Origin{pySigmaHQ("description_length")},
		document: func(d *document) {
			if text, at := d.text("description"); text != "" && utf8.RuneCountInString(text) < 16 {
				d.reportText(at, text, "the description says too little", "say what the rule detects, and why that matters")
			}
		},
	},
	{
		Code: "description-length", Severity: diag.Warning,
		Prose: "The description has more than 65,535 characters.",
		Bad:   "description: Detects " + strings.Repeat("x", 65_536),
		Good:  "description: Detects an example of a process",
		From:  []Origin{spec("Description"), rSigma("description_too_long")},
		document: func(d *document) {
			if text, at := d.text("description"); utf8.RuneCountInString(text) > 65_535 {
				d.report(at, 1, "the description has more than 65,535 characters", "")
			}
		},
	},
	{
		Code: "description-link", Severity: diag.Note,
		Prose: "The description has a link, and the rule no references. Links stand there.",
		Bad:   "# without: references\ndescription: Detects what https://example.com/report tells of",
		Good:  "description: Detects what a report tells of\nreferences:\n    - https://example.com/report",
		From:  []Origin{pySigmaHQ("link_in_description")},
		document: func(d *document) {
			if text, at := d.text("description"); hasLink(text) && d.isMissing("references") {
				d.reportText(at, text, "the description has a link, and the rule no references", "move it there")
			}
		},
	},
	{
		Code: "author-missing", Severity: diag.Note,
		Prose: "The rule does not say who wrote it.",
		Bad:   "# without: author",
		Good:  "author: Jane Doe",
		From:  []Origin{sigmaHQ("Structure"), pySigmaHQ("author_existence"), rSigma("missing_author")},
		document: func(d *document) {
			if d.rule != nil && d.isMissing("author") {
				d.reportMissing("the rule has no author", "")
			}
		},
	},
	{
		Code: "author-list", Severity: diag.Warning,
		Prose: "The authors are a list. The specification has one text, with commas between names; pySigma refuses lists.",
		Bad:   "author: [Jane Doe, John Doe]",
		Good:  "author: Jane Doe, John Doe",
		From:  []Origin{spec("Author")},
		document: func(d *document) {
			if k := d.key("author"); k != nil && k.Kind == sigma.List {
				d.reportKey(k, "author is a list", "write the names in one text, with commas between")
			}
		},
	},
	{
		Code: "license-form", Severity: diag.Note,
		Prose: "The licence is no identifier of SPDX, such as MIT or Apache-2.0.",
		Bad:   "license: see our web site",
		Good:  "license: Apache-2.0",
		From:  []Origin{spec("License")},
		document: func(d *document) {
			if text, at := d.text("license"); text != "" && !spdx.MatchString(text) {
				d.reportText(at, text, "the licence is no SPDX identifier", "https://spdx.org/licenses lists them")
			}
		},
	},
	{
		Code: "related-id", Severity: diag.Warning,
		Prose: "An entry of related names no rule, or not by its UUID.",
		Bad:   "related:\n    - id: some rule\n      type: obsolete",
		Good:  "related:\n    - id: 7f6d5c4b-2a1e-4d3c-8b9a-1f2e3d4c5b6a\n      type: obsolete",
		From:  []Origin{spec("Identification"), rSigma("invalid_related_id"), rSigma("related_missing_required")},
		document: func(d *document) {
			d.related(func(e, id, _ *sigma.Key) {
				switch {
				case id == nil || id.Text == "":
					d.report(e.Pos, 1, "this entry of related has no id", "")
				case !uuid.MatchString(id.Text):
					d.reportText(id.Value, id.Text, fmt.Sprintf("%q is no UUID", id.Text), "")
				}
			})
		},
	},
	{
		Code: "related-type", Severity: diag.Warning,
		Prose: "An entry of related says nothing that the specification knows: derived, obsolete, merged, renamed, similar.",
		Bad:   "related:\n    - id: 7f6d5c4b-2a1e-4d3c-8b9a-1f2e3d4c5b6a\n      type: obsoletes",
		Good:  "related:\n    - id: 7f6d5c4b-2a1e-4d3c-8b9a-1f2e3d4c5b6a\n      type: obsolete",
		From:  []Origin{spec("Identification"), rSigma("invalid_related_type"), rSigma("related_missing_required")},
		Fixes: "A misspelt type becomes the nearest one, v1's obsoletes obsolete.",
		document: func(d *document) {
			d.related(func(e, _, kind *sigma.Key) {
				if kind == nil || kind.Text == "" {
					d.report(e.Pos, 1, "this entry of related has no type", "there are "+strings.Join(relatedTypes, ", "))
					return
				}
				for _, t := range relatedTypes {
					if kind.Text == t {
						return
					}
				}
				hint := sigma.Suggest(kind.Text, relatedTypes)
				var edits []Edit
				for _, t := range relatedTypes {
					if strings.Contains(hint, `"`+t+`"`) {
						edits = d.replace(kind.Value, kind.Text, t)
					}
				}
				d.reportText(kind.Value, kind.Text, fmt.Sprintf("related has no type %q", kind.Text), hint, edits...)
			})
		},
	},
	{
		Code: "related-self", Severity: diag.Warning,
		Prose: "A rule is related to itself.",
		Bad:   "related:\n    - id: 5d4b3a12-1b5e-4c58-9f0a-3c1f7e6a2b90\n      type: similar",
		Good:  "related:\n    - id: 7f6d5c4b-2a1e-4d3c-8b9a-1f2e3d4c5b6a\n      type: obsolete",
		document: func(d *document) {
			own, _ := d.text("id")
			d.related(func(_, id, _ *sigma.Key) {
				if id != nil && id.Text != "" && strings.EqualFold(id.Text, own) {
					d.reportText(id.Value, id.Text, "the rule is related to itself", "")
				}
			})
		},
	},
}

var (
	uuid       = regexp.MustCompile(`^(?i)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
	randomUUID = regexp.MustCompile(`^(?i)[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	// spdx is the form of an SPDX expression, whatever its words are.
	spdx = regexp.MustCompile(`^\(?[A-Za-z0-9.+-]+\)?( (AND|OR|WITH) \(?[A-Za-z0-9.+-]+\)?)*$`)
)

var relatedTypes = []string{"derived", "obsolete", "merged", "renamed", "similar"}

// related calls f for every entry of related, with its id and type.
func (d *document) related(f func(entry, id, kind *sigma.Key)) {
	k := d.key("related")
	if k == nil {
		return
	}
	for i := range k.Keys {
		if e := &k.Keys[i]; e.Kind == sigma.Map {
			f(e, sigma.Find(e.Keys, "id"), sigma.Find(e.Keys, "type"))
		}
	}
}
