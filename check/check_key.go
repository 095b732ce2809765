package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/sigma"
)

var keyChecks = []*Check{
	{
		Code: "key-case", Severity: diag.Warning,
		Prose: "A key is written with capital letters. Keys are in lower case; another one is a key of one's own, and its value is lost.",
		Bad:   "# without: level\nLevel: high",
		Good:  "level: high",
		From:  []Origin{spec("Yaml File"), rSigma("non_lowercase_key")},
		Fixes: "The key is written in lower case, when the document does not have it already.",
		document: func(d *document) {
			for i := range d.keys {
				k := &d.keys[i]
				if name := strings.ToLower(k.Name); name != k.Name && slices.Contains(ruleKeys, name) {
					d.reportKey(k, fmt.Sprintf("the key %q is not read: keys are in lower case", k.Name), fmt.Sprintf("write %q", name), d.rename(k, name)...)
				}
			}
		},
	},
	{
		Code: "misspelt-key", Severity: diag.Warning,
		Prose: "A key looks like a misspelt one of the specification. Other keys are allowed, so that tools keep silent, and the value is lost.",
		Bad:   "# without: references\nreference:\n    - https://example.com/report",
		Good:  "references:\n    - https://example.com/report",
		From:  []Origin{spec("File Structure"), pySigma("custom_attributes"), rSigma("unknown_key")},
		Fixes: "The key is renamed, when the document does not have the right one already.",
		document: func(d *document) {
			for i := range d.keys {
				k := &d.keys[i]
				if slices.Contains(ruleKeys, strings.ToLower(k.Name)) || strings.ContainsAny(k.Name, "._-") {
					continue
				}
				if name := misspelt(strings.ToLower(k.Name)); name != "" {
					d.reportKey(k, fmt.Sprintf("the key %q is not read", k.Name), fmt.Sprintf("did you mean %q?", name), d.rename(k, name)...)
				}
			}
		},
	},
	{
		Code: "empty-key", Severity: diag.Note,
		Prose: "A key has no value.",
		Bad:   "modified:",
		Good:  "modified: 2024-06-01",
		document: func(d *document) {
			for i := range d.keys {
				k := &d.keys[i]
				missing := k.Kind == sigma.Empty || k.Kind == sigma.List && len(k.Keys) == 0 || k.Kind == sigma.Scalar && strings.TrimSpace(k.Text) == ""
				if slices.Contains(ruleKeys, k.Name) && missing && !slices.Contains(wantedKeys, k.Name) {
					d.reportKey(k, fmt.Sprintf("%s has no value", k.Name), "write one, or remove the key")
				}
			}
		},
	},
	{
		Code: "not-in-list", Severity: diag.Warning,
		Prose: "One text stands where the specification has a list. Tools that read a list may take its letters, or refuse the rule.",
		Bad:   "tags: attack.execution",
		Good:  "tags:\n    - attack.execution",
		From:  []Origin{spec("Schema")},
		document: func(d *document) {
			for _, name := range listKeys {
				if k := d.key(name); k != nil && k.Kind == sigma.Scalar {
					d.reportText(k.Value, k.Text, fmt.Sprintf("%s is a list; this is a single text", name), fmt.Sprintf("write %q in a line of its own", "- "+k.Text))
				}
			}
		},
	},
	{
		Code: "colon-in-text", Severity: diag.Warning,
		Prose: "An entry of a list has a colon and no quotes: to YAML it is a map instead of a text.",
		Bad:   "falsepositives:\n    - Unlikely: nobody does this",
		Good:  "falsepositives:\n    - 'Unlikely: nobody does this'",
		From:  []Origin{spec("Schema")},
		Fixes: "The entry is put in quotes.",
		document: func(d *document) {
			for _, name := range listKeys {
				k := d.key(name)
				if k == nil {
					continue
				}
				for _, e := range k.Keys {
					if e.Kind == sigma.Map {
						width, edits := d.quoteLine(e.Value)
						d.report(e.Value, width, fmt.Sprintf("this entry of %s is a map to YAML", name), "put it in quotes", edits...)
					}
				}
			}
		},
	},
	{
		Code: "blank-around", Severity: diag.Note,
		Prose: "A text of the rule's description has blanks before or behind it.",
		Bad:   "title: 'Example of a Rule '",
		Good:  "title: Example of a Rule",
		Fixes: "The blanks are removed.",
		document: func(d *document) {
			for i := range d.keys {
				k := &d.keys[i]
				if slices.Contains(ruleKeys, k.Name) && k.Name != "description" {
					d.trim(k)
				}
			}
		},
	},
	{
		Code: "duplicate-entry", Severity: diag.Note,
		Prose: "A list has the same text twice.",
		Bad:   "falsepositives:\n    - Unknown\n    - Unknown",
		Good:  "falsepositives:\n    - Unknown",
		From:  []Origin{spec("Schema"), rSigma("duplicate_fields")},
		Fixes: "The second one is removed.",
		document: func(d *document) {
			for _, name := range []string{"fields", "falsepositives", "scope"} {
				d.reportDuplicates(name, "the entry")
			}
		},
	},
	{
		Code: "scope-short", Severity: diag.Warning,
		Prose: "An entry of scope has less than two characters.",
		Bad:   "scope:\n    - x",
		Good:  "scope:\n    - server",
		From:  []Origin{spec("Schema"), rSigma("scope_too_short")},
		document: func(d *document) {
			for _, e := range d.entries("scope") {
				if len([]rune(e.Text)) < 2 {
					d.reportText(e.Value, e.Text, fmt.Sprintf("%q says nothing", e.Text), "")
				}
			}
		},
	},
}

// ruleKeys are the keys of the specification, listKeys those with lists of
// texts; what is missing of wantedKeys is told by checks of their own.
var (
	ruleKeys = []string{
		"title", "id", "name", "related", "taxonomy", "status", "description", "license", "author", "references", "date",
		"modified", "logsource", "detection", "correlation", "filter", "fields", "falsepositives", "level", "tags", "scope",
	}
	listKeys   = []string{"references", "fields", "falsepositives", "tags", "scope"}
	wantedKeys = []string{"title", "id", "status", "description", "author", "references", "date", "falsepositives", "level", "tags", "logsource", "detection", "correlation", "filter", "related"}
)

// misspelt is the key that a name was meant to be, "" when it looks like none.
// Short names are near to everything, so that one letter may differ there, or two
// that changed places.
func misspelt(name string) string {
	if slices.Contains(ruleKeys, name) {
		return ""
	}
	if name == "reference" {
		return "references"
	}
	for _, k := range ruleKeys {
		if len(name) < 4 || len(name) > 20 {
			continue
		}
		if d := levenshtein.ComputeDistance(name, k); d == 1 || d == 2 && (len(k) > 6 || letters(name) == letters(k)) {
			return k
		}
	}
	return ""
}

// letters are those of a word in their order.
func letters(s string) string {
	b := []byte(s)
	slices.Sort(b)
	return string(b)
}

// rename gives a key another name, when the document has none of that name and
// the value is of its kind.
func (d *document) rename(k *sigma.Key, name string) []Edit {
	kind, entries := sigma.Scalar, sigma.Scalar
	switch {
	case slices.Contains(listKeys, name):
		kind = sigma.List
	case name == "related":
		kind, entries = sigma.List, sigma.Map
	}
	if d.key(name) != nil || k.Kind != kind || slices.ContainsFunc(k.Keys, func(e sigma.Key) bool { return e.Kind != entries }) {
		return nil
	}
	return d.replace(k.Pos, k.Name, name)
}

// quoteLine puts the rest of a line in quotes.
func (d *document) quoteLine(p diag.Pos) (width int, edits []Edit) {
	start := d.offset(p)
	if start < 0 {
		return 1, nil
	}
	line := string(d.line(p.Line)[start-d.lines[p.Line-1]:])
	text := strings.TrimRight(line, " \t")
	if strings.Contains(text, " #") || strings.ContainsAny(text[:1], `{['"&*!|>`) || strings.ContainsAny(text[len(text)-1:], ":|>") || d.continues(p) {
		return len([]rune(text)), nil
	}
	return len([]rune(text)), []Edit{{start, start + len(text), "'" + strings.ReplaceAll(text, "'", "''") + "'"}}
}

// continues tells whether the line behind an entry of a list belongs to it: it
// is indented as far as the entry's text, or further.
func (d *document) continues(p diag.Pos) bool {
	next := string(d.line(p.Line + 1))
	indent := len(next) - len(strings.TrimLeft(next, " "))
	return strings.TrimSpace(next) != "" && indent >= p.Column-1
}

// trim reports the texts of a key that have blanks around them.
func (d *document) trim(k *sigma.Key) {
	if text := strings.TrimSpace(k.Text); k.Kind == sigma.Scalar && text != "" && text != k.Text && !strings.Contains(k.Text, "\n") {
		d.reportText(k.Value, k.Text, "the text has blanks around it", "", d.replace(k.Value, k.Text, text)...)
	}
	for i := range k.Keys {
		d.trim(&k.Keys[i])
	}
}

// reportDuplicates tells the entries of a list that stand there already.
func (d *document) reportDuplicates(name, what string) {
	seen := map[string]bool{}
	for _, e := range d.entries(name) {
		text := strings.TrimSpace(e.Text)
		if seen[text] {
			d.reportText(e.Value, e.Text, fmt.Sprintf("%s %q stands in %s already", what, text, name), "", d.removeEntry(e.Value, e.Text)...)
		}
		seen[text] = true
	}
}
