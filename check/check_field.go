package check

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/sigma"
)

// FieldNotInData is found by package against, which reads events.
const FieldNotInData = "field-not-in-data"

var fieldChecks = []*Check{
	{
		Code: "field-unknown", Severity: diag.Note,
		Prose: "The events of the log source have no such field, as far as SigmaHQ's list knows.",
		Bad:   "detection:\n    selection:\n        TargetFilename|endswith: '\\example.exe'\n    condition: selection",
		Good:  "detection:\n    selection:\n        Image|endswith: '\\example.exe'\n    condition: selection",
		From:  []Origin{pySigmaHQ("invalid_fieldname")},
		item: func(d *document, it *item) {
			fields := fieldsOf(d.logSource)
			if it.Field == "" || len(fields) == 0 || foldIndex(fields, it.Field) >= 0 || strings.Contains(it.Field, " ") {
				return
			}
			d.reportField(it, fmt.Sprintf("events of %s have no field %q", sourceText(d.logSource), it.Field), sigma.Suggest(it.Field, fields))
		},
	},
	{
		Code: "field-case", Severity: diag.Warning,
		Prose: "The field's name is known in other letter case. Names of fields are compared as they are written.",
		Bad:   "detection:\n    selection:\n        commandline|contains: '-enc'\n    condition: selection",
		Good:  "detection:\n    selection:\n        CommandLine|contains: '-enc'\n    condition: selection",
		From:  []Origin{pySigmaHQ("fieldname_cast")},
		item: func(d *document, it *item) {
			fields := fieldsOf(d.logSource)
			if slices.Contains(fields, it.Field) {
				return
			}
			if i := foldIndex(fields, it.Field); i >= 0 && it.Field != "" {
				d.reportField(it, fmt.Sprintf("the field is written %s", fields[i]), "")
			}
		},
	},
	{
		Code: "field-blank", Severity: diag.Warning,
		Prose: "The field's name has a blank. Rules leave the blanks of names out, and tools rarely know how to write them.",
		Bad:   "# file: win_defender_example.yml\nlogsource:\n    product: windows\n    service: windefend\ndetection:\n    selection:\n        EventID: 1116\n        Threat Name|contains: 'x'\n    condition: selection",
		Good:  "# file: win_defender_example.yml\nlogsource:\n    product: windows\n    service: windefend\ndetection:\n    selection:\n        EventID: 1116\n        ThreatName|contains: 'x'\n    condition: selection",
		From:  []Origin{spec("Field Usage"), pySigmaHQ("space_field_name")},
		item: func(d *document, it *item) {
			if strings.ContainsAny(it.Field, " \t") {
				d.reportField(it, fmt.Sprintf("the field's name %q has a blank", it.Field), fmt.Sprintf("write %s", strings.Join(strings.Fields(it.Field), "")))
			}
		},
	},
	{
		Code: FieldNotInData, Severity: diag.Note,
		Prose: "No event of the rule's log source has the field in the data that `--against` names: it is misspelt, or the data lacks it. The rule can't match there.",
	},
	{
		Code: "event-id-redundant", Severity: diag.Note,
		Prose: "The rule asks for an event id that its category stands for already. Events of the same kind from other logs have other ids.",
		Bad:   "detection:\n    selection:\n        EventID: 1\n        Image|endswith: '\\example.exe'\n    condition: selection",
		Good:  "detection:\n    selection:\n        Image|endswith: '\\example.exe'\n    condition: selection",
		From:  []Origin{spec("Taxonomy Appendix"), pySigmaHQ("category_event_id"), pySigmaHQ("redundant_field")},
		item: func(d *document, it *item) {
			if events := eventsOf(d.logSource); it.Field == "EventID" && len(events) > 0 {
				d.reportField(it, fmt.Sprintf("category %s stands for event id %s already", d.logSource.Category, strings.Join(events, ", ")), "leave the event id out")
			}
		},
	},
	{
		Code: "provider-redundant", Severity: diag.Note,
		Prose: "The rule asks for the provider or the channel that its category stands for already.",
		Bad:   "detection:\n    selection:\n        Channel: Microsoft-Windows-Sysmon/Operational\n        Image|endswith: '\\example.exe'\n    condition: selection",
		Good:  "detection:\n    selection:\n        Image|endswith: '\\example.exe'\n    condition: selection",
		From:  []Origin{pySigmaHQ("category_windows_provider_name"), pySigmaHQ("redundant_field")},
		item: func(d *document, it *item) {
			if it.Field != "Provider_Name" && it.Field != "Channel" || len(eventsOf(d.logSource)) == 0 {
				return
			}
			for i, v := range it.Written {
				text := plainText(v)
				if strings.HasPrefix(text, "Microsoft-Windows-Sysmon") || text == "Microsoft-Windows-Security-Auditing" || strings.HasPrefix(text, "Microsoft-Windows-PowerShell") {
					d.reportValue(it, i, fmt.Sprintf("category %s says so already", d.logSource.Category), fmt.Sprintf("leave %s out", it.Field))
				}
			}
		},
	},
	{
		Code: "user-localized", Severity: diag.Note,
		Prose: "The value is the name of a system account in one language: Windows writes NT AUTHORITY, AUTORITE NT, NT-AUTORITÄT.",
		Bad:   "detection:\n    selection:\n        User: 'NT AUTHORITY\\SYSTEM'\n    condition: selection",
		Good:  "detection:\n    selection:\n        User|contains:\n            - 'AUTHORI'\n            - 'AUTORI'\n    condition: selection",
		From:  []Origin{pySigmaHQ("field_user")},
		item: func(d *document, it *item) {
			if !strings.Contains(strings.ToLower(it.Field), "user") || len(it.Written) != 1 {
				return
			}
			if s, ok := it.Written[0].(sigma.String); ok {
				if text := s.Pattern.String(); strings.Contains(text, "AUTORI") || strings.Contains(text, "AUTHORI") {
					d.reportValue(it, 0, "the account has other names in other languages", "ask for contains 'AUTHORI' or 'AUTORI'")
				}
			}
		},
	},
	{
		Code: "hash-form", Severity: diag.Warning,
		Prose: "A value of Sysmon's field Hashes is no algorithm with a hash of its length: MD5=, SHA1=, SHA256=, IMPHASH=. (The algorithm alone asks whether it is there.)",
		Bad:   "detection:\n    selection:\n        Hashes|contains: 'MD5=0123'\n    condition: selection",
		Good:  "detection:\n    selection:\n        Hashes|contains: 'MD5=0123456789abcdef0123456789abcdef'\n    condition: selection",
		From:  []Origin{pySigmaHQ("invalid_hash_kv")},
		item: func(d *document, it *item) {
			if it.Field != "Hashes" && it.Field != "Hash" || it.has("re", "exists", "fieldref", "expand") {
				return
			}
			for i, v := range it.Written {
				s, ok := v.(sigma.String)
				if !ok {
					continue
				}
				for _, t := range s.Pattern {
					if t.Kind == sigma.Literal && !aHash.MatchString(strings.Trim(t.Text, ",")) {
						d.reportValue(it, i, fmt.Sprintf("%q is no algorithm with a hash of its length", t.Text), "write for example MD5= and 32 digits")
						break
					}
				}
			}
		},
	},
}

var aHash = regexp.MustCompile(`^(?i)((MD5|IMPHASH)=([0-9a-f]{32})?|SHA1=([0-9a-f]{40})?|SHA256=([0-9a-f]{64})?)$`)

// reportField tells a finding about the field's name in an item's key.
func (d *document) reportField(it *item, message, hint string) {
	p := it.Pos
	if t, ok := d.scalarOf(p, it.label()); ok && t.quote != 0 {
		p = p.Shift(1)
	}
	d.report(p, len([]rune(it.Field)), message, hint)
}

func foldIndex(names []string, name string) int {
	return slices.IndexFunc(names, func(s string) bool { return strings.EqualFold(s, name) })
}

// plainText is the text of a value without wildcards, "" of others.
func plainText(v sigma.Value) string {
	switch v := v.(type) {
	case sigma.Number:
		return v.Text
	case sigma.String:
		text, _ := v.Pattern.Plain()
		return text
	}
	return ""
}
