package check

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/huntbook/huntbook/attack"
	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/sigma"
)

var tagChecks = []*Check{
	{
		Code: "tag-missing", Severity: diag.Note,
		Prose: "The rule has no tags, by which it is found for a technique.",
		Bad:   "# without: tags",
		Good:  "tags:\n    - attack.execution\n    - attack.t1059.001",
		From:  []Origin{sigmaHQ("Structure")},
		document: func(d *document) {
			if d.kind == "rule" && d.isMissing("tags") {
				d.reportMissing("the rule has no tags", "")
			}
		},
	},
	{
		Code: "tag-format", Severity: diag.Warning,
		Prose: "A tag has other characters than lower case letters, digits, `_` and `-`, or no namespace with a dot behind.",
		Bad:   "tags:\n    - attack.execution\n    - attack.T1059.001",
		Good:  "tags:\n    - attack.execution\n    - attack.t1059.001",
		From:  []Origin{spec("Tags"), pySigma("tag_format"), rSigma("invalid_tag")},
		Fixes: "The tag is written in lower case, with `-` for blanks.",
		document: func(d *document) {
			for _, e := range d.entries("tags") {
				if tagForm.MatchString(e.Text) {
					continue
				}
				now := strings.ReplaceAll(strings.ToLower(strings.TrimSpace(e.Text)), " ", "-")
				var edits []Edit
				if tagForm.MatchString(now) && !strings.HasPrefix(now, "d3fend.") {
					edits = d.replace(e.Value, e.Text, now)
				}
				d.reportText(e.Value, e.Text, fmt.Sprintf("the tag %q is not written as namespace.name in lower case", e.Text), "", edits...)
			}
		},
	},
	{
		Code: "duplicate-tag", Severity: diag.Warning,
		Prose:    "The same tag stands there twice.",
		Bad:      "tags:\n    - attack.execution\n    - attack.execution",
		Good:     "tags:\n    - attack.execution",
		From:     []Origin{spec("Schema"), pySigma("duplicate_tag"), rSigma("duplicate_tags")},
		Fixes:    "The second one is removed.",
		document: func(d *document) { d.reportDuplicates("tags", "the tag") },
	},
	{
		Code: "tag-namespace", Severity: diag.Warning,
		Prose: "A tag is in a namespace that the specification does not have: attack, car, cve, d3fend, detection, stp, tlp.",
		Bad:   "tags:\n    - mitre.t1059",
		Good:  "tags:\n    - attack.execution\n    - attack.t1059",
		From:  []Origin{spec("Tags, Namespaces"), pySigma("namespace_tag"), rSigma("unknown_tag_namespace")},
		document: func(d *document) {
			d.tags(func(e *sigma.Key, namespace, _ string) {
				if !slices.Contains(namespaces, namespace) {
					d.reportText(e.Value, e.Text, fmt.Sprintf("there is no namespace %q of tags", namespace), sigma.Suggest(namespace, namespaces))
				}
			})
		},
	},
	{
		Code: "tag-attack", Severity: diag.Warning,
		Prose: "ATT&CK has no such tactic or technique: it is misspelt, revoked, or newer than the version that huntbook knows. Of groups, software, data sources, mitigations and assets the form is checked alone.",
		Bad:   "tags:\n    - attack.t9999",
		Good:  "tags:\n    - attack.execution\n    - attack.t1059\n    - attack.s0002",
		From:  []Origin{spec("Tags, attack"), pySigma("attacktag")},
		document: func(d *document) {
			d.tags(func(e *sigma.Key, namespace, name string) {
				if namespace != "attack" || attack.Lookup(name).Kind != "" || otherAttack.MatchString(name) {
					return
				}
				hint := ""
				if !aTechnique.MatchString(name) {
					hint = sigma.Suggest(name, tactics())
				} else if parent, _, sub := strings.Cut(name, "."); sub && attack.Lookup(parent).Kind != "" {
					hint = fmt.Sprintf("there is attack.%s, %s", parent, attack.Lookup(parent).Name)
				}
				d.reportText(e.Value, e.Text, fmt.Sprintf("%q is no tactic or technique of ATT&CK v%s", e.Text, attack.Version), hint)
			})
		},
	},
	{
		Code: "tag-attack-older", Severity: diag.Note,
		Prose: "A tactic of ATT&CK is written as it was once: with `_`, or under the name that an older version had.",
		Bad:   "tags:\n    - attack.privilege_escalation",
		Good:  "tags:\n    - attack.privilege-escalation",
		From:  []Origin{spec("Tags, attack")},
		Fixes: "`_` becomes `-`. A tactic that has another name now is left to the author, since it may have been split.",
		document: func(d *document) {
			d.tags(func(e *sigma.Key, namespace, name string) {
				t := attack.Lookup(name)
				if namespace != "attack" || t.Kind != attack.Tactic || strings.EqualFold(name, t.Short) || strings.EqualFold(name, t.ID) {
					return
				}
				var edits []Edit
				if strings.ReplaceAll(name, "_", "-") == t.Short {
					edits = d.replace(e.Value, e.Text, "attack."+t.Short)
				}
				d.reportText(e.Value, e.Text, fmt.Sprintf("the tactic is attack.%s in ATT&CK v%s", t.Short, attack.Version), "", edits...)
			})
		},
	},
	{
		Code: "tag-tactic-missing", Severity: diag.Note,
		Prose: "The rule has a technique, and none of the technique's tactics.",
		Bad:   "tags:\n    - attack.t1059.001",
		Good:  "tags:\n    - attack.execution\n    - attack.t1059.001",
		From:  []Origin{pySigmaHQ("tags_techniques_without_tactics")},
		document: func(d *document) {
			named := map[string]bool{}
			d.tags(func(_ *sigma.Key, namespace, name string) {
				if t := attack.Lookup(name); namespace == "attack" && t.Kind == attack.Tactic {
					named[t.Short] = true
				}
			})
			d.tags(func(e *sigma.Key, namespace, name string) {
				t := attack.Lookup(name)
				if namespace != "attack" || t.Kind != attack.Technique || slices.ContainsFunc(t.Tactics, func(s string) bool { return named[s] }) {
					return
				}
				d.reportText(e.Value, e.Text, fmt.Sprintf("no tactic of %s stands beside it", t.ID), "add attack."+strings.Join(t.Tactics, ", or attack."))
			})
		},
	},
	{
		Code: "tag-car", Severity: diag.Warning,
		Prose:    "A tag of the Cyber Analytics Repository is not written as car.2016-04-005.",
		Bad:      "tags:\n    - car.car-2016-04-005",
		Good:     "tags:\n    - car.2016-04-005",
		From:     []Origin{spec("Tags, car"), pySigma("cartag")},
		document: tagOf("car", `^\d{4}-\d{2}-\d{3}$`, "car.2016-04-005"),
	},
	{
		Code: "tag-cve", Severity: diag.Warning,
		Prose:    "A tag of a vulnerability is not written as cve.2021-44228.",
		Bad:      "tags:\n    - cve.cve-2021-44228",
		Good:     "tags:\n    - cve.2021-44228",
		From:     []Origin{spec("Tags, cve"), pySigma("cvetag")},
		document: tagOf("cve", `^\d{4}-\d{4,}$`, "cve.2021-44228"),
	},
	{
		Code: "tag-d3fend", Severity: diag.Warning,
		Prose:    "A tag of D3FEND is no tactic of it, nor written as d3fend.d3-am or d3fend.d3f-file. The form is checked alone.",
		Bad:      "tags:\n    - d3fend.access-modeling",
		Good:     "tags:\n    - d3fend.d3-am",
		From:     []Origin{spec("Tags, d3fend"), pySigma("d3_fendtag")},
		document: tagOf("d3fend", `^(?i)(d3f?-[a-z0-9-]+|model|harden|detect|isolate|deceive|evict|restore)$`, "d3fend.d3-am"),
	},
	{
		Code: "tag-detection", Severity: diag.Warning,
		Prose:    "A tag says another kind of detection than dfir, emerging-threats and threat-hunting.",
		Bad:      "tags:\n    - detection.hunting",
		Good:     "tags:\n    - detection.threat-hunting",
		From:     []Origin{spec("Tags, detection"), pySigma("detection_tag")},
		document: tagOf("detection", `^(dfir|emerging-threats|threat-hunting)$`, "detection.threat-hunting"),
	},
	{
		Code: "tag-stp", Severity: diag.Warning,
		Prose:    "A tag of Summiting the Pyramid is not written as stp.4 or stp.3k.",
		Bad:      "tags:\n    - stp.6",
		Good:     "tags:\n    - stp.3k",
		From:     []Origin{spec("Tags, stp"), pySigma("stptag")},
		document: tagOf("stp", `^[1-5][auk]?$`, "stp.3k"),
	},
	{
		Code: "tag-tlp", Severity: diag.Warning,
		Prose:    "A tag is no level of the Traffic Light Protocol 2.0: red, amber, amber-strict, green, clear. (Version 1 had white for clear.)",
		Bad:      "tags:\n    - tlp.white",
		Good:     "tags:\n    - tlp.clear",
		From:     []Origin{spec("Tags, tlp"), pySigma("tlptag"), pySigma("tlpv2_tag")},
		document: tagOf("tlp", `^(red|amber|amber-strict|green|clear)$`, "tlp.clear"),
	},
	{
		Code: "tag-once", Severity: diag.Warning,
		Prose: "The rule has two tags of a namespace of which it can have one: tlp, detection.",
		Bad:   "tags:\n    - tlp.clear\n    - tlp.red",
		Good:  "tags:\n    - tlp.clear",
		From:  []Origin{pySigmaHQ("tags_unique_tlp"), pySigmaHQ("tags_unique_detection")},
		document: func(d *document) {
			first := map[string]string{}
			d.tags(func(e *sigma.Key, namespace, name string) {
				if namespace != "tlp" && namespace != "detection" {
					return
				}
				if first[namespace] != "" && first[namespace] != name {
					d.reportText(e.Value, e.Text, fmt.Sprintf("the rule is %s.%s already", namespace, first[namespace]), "")
				}
				first[namespace] = name
			})
		},
	},
	{
		Code: "tag-folder", Severity: diag.Note,
		Prose: "In SigmaHQ's repository a rule in rules-dfir, rules-emerging-threats or rules-threat-hunting has the tag that says so.",
		Bad:   "# file: rules-threat-hunting/proc_creation_win_example.yml\ntags:\n    - attack.execution",
		Good:  "# file: rules-threat-hunting/proc_creation_win_example.yml\ntags:\n    - detection.threat-hunting",
		From:  []Origin{pySigmaHQ("tags_detection")},
		document: func(d *document) {
			for _, name := range []string{"dfir", "emerging-threats", "threat-hunting"} {
				if d.kind == "rule" && !d.flawed["tags"] && d.inFolder("rules-"+name) && !slices.Contains(d.rule.Tags, "detection."+name) {
					d.reportMissing("rules in rules-"+name+" have the tag detection."+name, "")
				}
			}
		},
	},
}

var (
	tagForm     = regexp.MustCompile(`^[a-z0-9_-]+\.[a-z0-9._-]+$|^d3fend\.d3f?-[A-Za-z0-9._-]+$`)
	aTechnique  = regexp.MustCompile(`^(?i)t[0-9]`)
	otherAttack = regexp.MustCompile(`^(?i)([gsma][0-9]{4}|ds[0-9]{4})$`)
	namespaces  = []string{"attack", "car", "cve", "d3fend", "detection", "stp", "tlp"}
)

// tags calls f for every tag with a namespace.
func (d *document) tags(f func(e *sigma.Key, namespace, name string)) {
	list := d.entries("tags")
	for i := range list {
		if namespace, name, ok := strings.Cut(strings.TrimSpace(list[i].Text), "."); ok {
			f(&list[i], strings.ToLower(namespace), name)
		}
	}
}

// tagOf makes a check of the form that the tags of a namespace have.
func tagOf(namespace, form, example string) func(*document) {
	re := regexp.MustCompile(form)
	return func(d *document) {
		d.tags(func(e *sigma.Key, n, name string) {
			if n == namespace && !re.MatchString(name) {
				d.reportText(e.Value, e.Text, fmt.Sprintf("%q is no tag of %s", e.Text, namespace), "write for example "+example)
			}
		})
	}
}

func tactics() []string {
	var out []string
	for _, t := range attack.Tactics() {
		out = append(out, t.Short)
	}
	return out
}
