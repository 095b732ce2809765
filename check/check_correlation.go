package check

import (
	"slices"

	"github.com/huntbook/huntbook/diag"
)

var correlationChecks = []*Check{
	{
		Code: "group-by-missing", Severity: diag.Note,
		Prose: "The correlation has no group-by: it counts over all users and hosts together.",
		Bad:   "correlation:\n    type: event_count\n    rules: [example]\n    timespan: 10m\n    condition: {gte: 10}\n" + exampleRule,
		Good:  exampleCorrelation,
		From:  []Origin{pySigmaHQ("correlation_group_by_existence"), rSigma("missing_group_by")},
		section: func(d *document) {
			if d.kind == "correlation" && len(d.rule.Correlation.GroupBy) == 0 {
				d.reportKey(d.key("correlation"), "the correlation counts over everything together", "add group-by with the fields whose values events must share")
			}
		},
	},
	{
		Code: "temporal-alone", Severity: diag.Warning,
		Prose: "A temporal correlation is about one rule: it matches whenever the rule does.",
		Bad:   "correlation:\n    type: temporal\n    rules: [example]\n    group-by: [User]\n    timespan: 10m\n" + exampleRule,
		Good:  "correlation:\n    type: temporal\n    rules: [example, other]\n    group-by: [User]\n    timespan: 10m\n" + exampleRule + "\n---\nname: other\ndetection:\n    selection:\n        Image|endswith: '\\other.exe'\n    condition: selection",
		From:  []Origin{pySigmaHQ("correlation_rules_minimum")},
		section: func(d *document) {
			if d.kind == "correlation" && d.rule.Correlation.Temporal() && len(d.rule.Correlation.Rules) < 2 {
				d.report(d.rule.Correlation.Pos, 1, "a temporal correlation of one rule is that rule", "name the other rules, or use event_count")
			}
		},
	},
	{
		Code: "filter-key", Severity: diag.Note,
		Prose: "The filter has a level or a status, which filters don't have: they are part of the rules that they are for.",
		Bad:   "level: high\nfilter:\n    rules: any\n    selection:\n        User: 'x'\n    condition: not selection",
		Good:  "filter:\n    rules: any\n    selection:\n        User: 'x'\n    condition: not selection",
		From:  []Origin{spec("Filters, Syntax"), rSigma("filter_has_level"), rSigma("filter_has_status")},
		Fixes: "The line is removed.",
		document: func(d *document) {
			for i := range d.keys {
				k := &d.keys[i]
				if d.kind == "filter" && slices.Contains([]string{"level", "status"}, k.Name) {
					d.reportKey(k, "a filter has no "+k.Name, "remove it", d.removeKey(k.Pos, k.Value, k.Text)...)
				}
			}
		},
	},
}
