package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/sigma"
)

var setChecks = []*Check{
	{
		Code: "duplicate-id", Severity: diag.Error,
		Prose: "Two rules have the same id. What names one of them may mean the other.",
		Bad:   "title: Example of a Rule\n---\nid: 5d4b3a12-1b5e-4c58-9f0a-3c1f7e6a2b90\ndetection:\n    selection:\n        User: 'x'\n    condition: selection",
		Good:  "id: 5d4b3a12-1b5e-4c58-9f0a-3c1f7e6a2b90",
		From:  []Origin{spec("Identification"), pySigma("identifier_uniqueness")},
		set: func(s *set) {
			s.unique("id", func(d *document) string {
				text, _ := d.text("id")
				return strings.ToLower(text)
			})
		},
	},
	{
		Code: "duplicate-name", Severity: diag.Error,
		Prose: "Two rules have the same name, by which correlations and filters call them.",
		Bad:   "name: example\n---\nname: example\ndetection:\n    selection:\n        User: 'x'\n    condition: selection",
		Good:  "name: example",
		From:  []Origin{spec("Name")},
		set: func(s *set) {
			s.unique("name", func(d *document) string {
				text, _ := d.text("name")
				return text
			})
		},
	},
	{
		Code: "duplicate-title", Severity: diag.Warning,
		Prose: "Two rules have the same title. A reader can't tell their alerts from each other.",
		Bad:   "title: Example of a Rule\n---\ntitle: Example of a Rule\ndetection:\n    selection:\n        User: 'x'\n    condition: selection",
		Good:  "title: Example of a Rule",
		From:  []Origin{pySigma("duplicate_title")},
		set: func(s *set) {
			s.unique("title", func(d *document) string {
				text, _ := d.text("title")
				return strings.TrimSpace(text)
			})
		},
	},
	{
		Code: "duplicate-file-name", Severity: diag.Warning,
		Prose: "Two files have the same name in different folders. Tools that write a file a rule overwrite one of them.",
		Bad:   "# file: a/proc_creation_win_example.yml\ntitle: Example of a Rule\n# file: b/proc_creation_win_example.yml\ndetection:\n    selection:\n        User: 'x'\n    condition: selection",
		Good:  "# file: a/proc_creation_win_example.yml",
		From:  []Origin{pySigma("duplicate_filename")},
		set: func(s *set) {
			first := map[string]*file{}
			for _, f := range s.files {
				if len(f.documents) == 0 {
					continue
				}
				if other := first[f.name]; other != nil {
					f.report(diag.Pos{}, 1, fmt.Sprintf("%s has the same name", other.Path), "")
					continue
				}
				first[f.name] = f
			}
		},
	},
	{
		Code: "duplicate-detection", Severity: diag.Note,
		Prose: "Two rules look for the same in the same log source.",
		Bad:   "detection:\n    selection:\n        User: 'x'\n    condition: selection\n---\ndetection:\n    selection:\n        User: 'x'\n    condition: selection",
		Good:  "title: Example of a Rule",
		set: func(s *set) {
			first := map[string]*document{}
			s.documents(func(d *document) {
				if d.kind != "rule" || d.rule.Correlation != nil || !d.hasSection() || d.flawed["logsource"] {
					return
				}
				key := sourceMeaning(d.logSource) + detectionMeaning(d.detection)
				if other := first[key]; other != nil {
					d.reportMissing(fmt.Sprintf("%q (%s) looks for the same", other.rule.Title, placeOf(other)), "")
					return
				}
				first[key] = d
			})
		},
	},
	{
		Code: "related-unknown", Severity: diag.Note,
		Prose: "A related rule is not among those that were read.",
		Bad:   "related:\n    - id: 00000000-0000-4000-8000-000000000000\n      type: similar",
		Good:  "related:\n    - id: 5d4b3a12-1b5e-4c58-9f0a-3c1f7e6a2b91\n      type: similar\n---\ndetection:\n    selection:\n        User: 'x'\n    condition: selection",
		From:  []Origin{spec("Identification")},
		set: func(s *set) {
			known := map[string]bool{}
			for _, r := range s.rules {
				known[strings.ToLower(r.ID)] = true
			}
			s.documents(func(d *document) {
				d.related(func(_, id, kind *sigma.Key) {
					gone := kind != nil && slices.Contains([]string{"obsolete", "obsoletes", "renamed", "merged"}, kind.Text)
					if id != nil && uuid.MatchString(id.Text) && !known[strings.ToLower(id.Text)] && !gone {
						d.reportText(id.Value, id.Text, fmt.Sprintf("no rule here has the id %s", id.Text), "")
					}
				})
			})
		},
	},
	{
		Code: "correlation-rule", Severity: diag.Error,
		Prose: "The correlation names a rule that is not among those that were read.",
		Bad:   "correlation:\n    type: event_count\n    rules: [exmaple]\n    group-by: [User]\n    timespan: 10m\n    condition: {gte: 10}\n" + exampleRule,
		Good:  exampleCorrelation,
		From:  []Origin{spec("Correlations, Related Rules"), rSigma("unknown_rule_reference")},
		set: func(s *set) {
			library := sigma.NewLibrary(s.rules)
			s.documents(func(d *document) {
				if d.kind != "correlation" || !d.hasSection() {
					return
				}
				_, diags := library.Needs(d.rule)
				for _, x := range diags {
					if x.File == d.File {
						d.findings = append(d.findings, Finding{Diagnostic: x})
					}
				}
			})
		},
	},
	{
		Code: "correlation-chain", Severity: diag.Error,
		Prose: "A correlation stands on itself, or on a chain of more than 16 others.",
		Bad:   "name: circle\ncorrelation:\n    type: event_count\n    rules: [circle]\n    group-by: [User]\n    timespan: 10m\n    condition: {gte: 10}",
		Good:  exampleCorrelation,
		From:  []Origin{spec("Correlations, Related Rules")},
	},
	{
		Code: "filter-rule", Severity: diag.Warning,
		Prose: "The filter names a rule that is not among those that were read.",
		Bad:   "filter:\n    rules: [exmaple]\n    selection:\n        User: 'x'\n    condition: not selection",
		Good:  "filter:\n    rules: [example]\n    selection:\n        User: 'x'\n    condition: not selection\n" + exampleRule,
		From:  []Origin{spec("Filters, Relative rules"), rSigma("unknown_rule_reference")},
		set: func(s *set) {
			s.documents(func(d *document) {
				if d.filter == nil || !d.hasSection() {
					return
				}
				for _, x := range sigma.MissingRules([]*sigma.Filter{d.filter}, s.rules) {
					d.findings = append(d.findings, Finding{Diagnostic: x})
				}
			})
		},
	},
}

// unique reports the documents whose key has a text that one before has.
func (s *set) unique(key string, text func(*document) string) {
	first := map[string]*document{}
	s.documents(func(d *document) {
		t := text(d)
		if t == "" {
			return
		}
		other := first[t]
		if other == nil {
			first[t] = d
			return
		}
		k := d.key(key)
		if other.key(key).Value == k.Value && other.File == d.File {
			return // both have it of the global part of a collection
		}
		d.reportText(k.Value, k.Text, fmt.Sprintf("%s has the same %s", placeOf(other), key), "")
	})
}

// placeOf names a document by its file and line.
func placeOf(d *document) string {
	return fmt.Sprintf("%s:%d", d.Path, d.pos.Line)
}
