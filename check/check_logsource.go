package check

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/sigma"
)

var logSourceChecks = []*Check{
	{
		Code: "logsource-case", Severity: diag.Warning,
		Prose: "A part of the log source has capital letters or blanks. Tools compare it as it is written, and find no pipeline for it.",
		Bad:   "logsource:\n    category: process_creation\n    product: Windows",
		Good:  "logsource:\n    category: process_creation\n    product: windows",
		From:  []Origin{spec("LogSource"), rSigma("logsource_value_not_lowercase")},
		Fixes: "The part is written in lower case, with `_` for blanks.",
		document: func(d *document) {
			d.sourceParts(func(k *sigma.Key) {
				now := strings.ReplaceAll(strings.ToLower(strings.TrimSpace(k.Text)), " ", "_")
				if now == k.Text {
					return
				}
				var edits []Edit
				if !strings.Contains(strings.TrimSpace(k.Text), " ") {
					edits = d.replace(k.Value, k.Text, now)
				}
				d.reportText(k.Value, k.Text, fmt.Sprintf("%s is written in lower case, with _ for blanks", k.Name), fmt.Sprintf("write %q", now), edits...)
			})
		},
	},
	{
		Code: "logsource-characters", Severity: diag.Warning,
		Prose: "A part of the log source has other characters than letters, digits, `_`, `.` and `-`.",
		Bad:   "logsource:\n    category: process+creation\n    product: windows",
		Good:  "logsource:\n    category: process_creation\n    product: windows",
		From:  []Origin{spec("LogSource")},
		document: func(d *document) {
			d.sourceParts(func(k *sigma.Key) {
				if !sourceForm.MatchString(k.Text) {
					d.reportText(k.Value, k.Text, fmt.Sprintf("%s has other characters than letters, digits, _ . and -", k.Name), "")
				}
			})
		},
	},
	{
		Code: "logsource-unknown", Severity: diag.Note,
		Prose: "The taxonomy has no such log source. That is right for one of your own, and a mistake otherwise.",
		Bad:   "logsource:\n    category: process_start\n    product: windows",
		Good:  "logsource:\n    category: process_creation\n    product: windows",
		From:  []Origin{spec("Taxonomy Appendix"), pySigmaHQ("logsource_unknown")},
		document: func(d *document) {
			l := d.logSource
			if l == (sigma.LogSource{Definition: l.Definition, Pos: l.Pos}) || isKnown(l) || !d.sourceIsPlain() {
				return
			}
			p, width := l.Pos, 1
			if k := d.key("logsource"); k != nil {
				p, width = k.Pos, len("logsource")
			}
			d.report(p, width, fmt.Sprintf("the log source %s is not in Sigma's taxonomy", sourceText(l)), nearSource(l))
		},
	},
	{
		Code: "logsource-generic", Severity: diag.Warning,
		Prose: "The rule asks for an event of Sysmon or of another log for which there is a category. With the category it works on other logs of the same kind too.",
		Bad:   "# file: win_sysmon_example.yml\nlogsource:\n    product: windows\n    service: sysmon\ndetection:\n    selection:\n        EventID: 1\n        Image|endswith: '\\example.exe'\n    condition: selection",
		Good:  "logsource:\n    product: windows\n    category: process_creation\ndetection:\n    selection:\n        Image|endswith: '\\example.exe'\n    condition: selection",
		From:  []Origin{spec("LogSource"), pySigma("specific_instead_of_generic_logsource")},
		item: func(d *document, it *item) {
			if it.Field != "EventID" || d.logSource.Product != "windows" || d.logSource.Category != "" || len(it.Modifiers) > 0 {
				return
			}
			for i, v := range it.Written {
				if category := categoryOf(d.logSource.Service, plainText(v)); category != "" {
					d.reportValue(it, i, fmt.Sprintf("event %s of %s is category %s", plainText(v), d.logSource.Service, category),
						fmt.Sprintf("write \"category: %s\" in place of the service, and leave the event id out", category))
				}
			}
		},
	},
	{
		Code: "sysmon-no-event", Severity: diag.Warning,
		Prose: "The rule is for Sysmon's log and asks for no event id: it is matched against events of all kinds, whose fields have the same names with other meanings.",
		Bad:   "# file: win_sysmon_example.yml\nlogsource:\n    product: windows\n    service: sysmon\ndetection:\n    selection:\n        Image|endswith: '\\example.exe'\n    condition: selection",
		Good:  "logsource:\n    product: windows\n    category: process_creation\ndetection:\n    selection:\n        Image|endswith: '\\example.exe'\n    condition: selection",
		From:  []Origin{pySigmaHQ("sysmon_missing_eventid")},
		section: func(d *document) {
			if d.kind != "rule" || d.logSource.Product != "windows" || d.logSource.Service != "sysmon" || d.logSource.Category != "" {
				return
			}
			found := false
			d.items(func(it *item) { found = found || it.Field == "EventID" })
			if !found {
				d.report(d.logSource.Pos, 1, "a rule for Sysmon's log asks for no event id", "use a category, or add EventID")
			}
		},
	},
}

var sourceForm = regexp.MustCompile(`^[A-Za-z0-9_. -]*$`)

// sourceParts calls f for category, product and service as they are written.
func (d *document) sourceParts(f func(*sigma.Key)) {
	k := d.key("logsource")
	if k == nil {
		return
	}
	for i := range k.Keys {
		if e := &k.Keys[i]; e.Kind == sigma.Scalar && (e.Name == "category" || e.Name == "product" || e.Name == "service") {
			f(e)
		}
	}
}

// sourceIsPlain tells that no other check is about the log source's form.
func (d *document) sourceIsPlain() bool {
	plain := true
	d.sourceParts(func(k *sigma.Key) {
		plain = plain && sourceForm.MatchString(k.Text) && k.Text == strings.ReplaceAll(strings.ToLower(strings.TrimSpace(k.Text)), " ", "_")
	})
	return plain
}

func sourceText(l sigma.LogSource) string {
	var parts []string
	for _, p := range [][2]string{{"product", l.Product}, {"category", l.Category}, {"service", l.Service}} {
		if p[1] != "" {
			parts = append(parts, p[0]+" "+p[1])
		}
	}
	return strings.Join(parts, ", ")
}

// nearSource names a known part that looks like the rule's.
func nearSource(l sigma.LogSource) string {
	var products, categories, services []string
	for _, k := range knownSources() {
		products = append(products, k.product)
		if k.product == l.Product {
			categories, services = append(categories, k.category), append(services, k.service)
		}
	}
	for _, x := range []struct {
		name  string
		known []string
	}{{l.Category, categories}, {l.Service, services}, {l.Product, products}} {
		known := slices.DeleteFunc(x.known, func(s string) bool { return s == "" })
		if x.name != "" && !slices.Contains(known, x.name) {
			if hint := sigma.Suggest(x.name, known); hint != "" {
				return hint
			}
		}
	}
	return ""
}
