package check

import (
	"fmt"
	"regexp"
	"time"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/sigma"
)

var dateChecks = []*Check{
	{
		Code: "date-missing", Severity: diag.Note,
		Prose: "The rule does not say when it was written.",
		Bad:   "# without: date",
		Good:  "date: 2024-05-01",
		From:  []Origin{spec("Date"), sigmaHQ("Structure"), pySigmaHQ("date_existence")},
		document: func(d *document) {
			if d.rule != nil && d.isMissing("date") && d.isMissing("modified") {
				d.reportMissing("the rule has no date", "add for example \"date: 2024-05-01\"")
			}
		},
	},
	{
		Code: "date-format", Severity: diag.Warning,
		Prose: "A date is not written as YYYY-MM-DD, or there is no such day. (v1 rules have slashes.)",
		Bad:   "date: 2024/5/1",
		Good:  "date: 2024-05-01",
		From:  []Origin{spec("Date"), spec("Modified"), rSigma("invalid_date"), rSigma("invalid_modified")},
		Fixes: "A date with slashes, points or single digits is written as YYYY-MM-DD. Slashes stay where the condition means something else without them, as `of-without-star` says.",
		document: func(d *document) {
			for _, key := range []string{"date", "modified"} {
				text, at := d.text(key)
				if text == "" || isDate(text) {
					continue
				}
				if now, ok := asDate(text); ok {
					var edits []Edit
					if !d.isVersion1() {
						edits = d.setDate(key, now)
					}
					d.reportText(at, text, fmt.Sprintf("%s %q is not written as YYYY-MM-DD", key, text), fmt.Sprintf("write %s", now), edits...)
				} else {
					d.reportText(at, text, fmt.Sprintf("%s %q is no date", key, text), "write YYYY-MM-DD")
				}
			}
		},
	},
	{
		Code: "modified-before-date", Severity: diag.Warning,
		Prose: "The rule was modified before it was written.",
		Bad:   "date: 2024-05-01\nmodified: 2023-12-31",
		Good:  "date: 2024-05-01\nmodified: 2024-12-31",
		From:  []Origin{spec("Modified"), pySigmaHQ("modified_date_order"), rSigma("modified_before_date")},
		document: func(d *document) {
			date, _ := d.text("date")
			modified, at := d.text("modified")
			if isDate(date) && isDate(modified) && modified < date {
				d.reportText(at, modified, fmt.Sprintf("the rule was modified before its date, %s", date), "")
			}
		},
	},
	{
		Code: "modified-without-date", Severity: diag.Warning,
		Prose: "The rule says when it was modified, and not when it was written.",
		Bad:   "# without: date\nmodified: 2024-06-01",
		Good:  "date: 2024-05-01\nmodified: 2024-06-01",
		From:  []Origin{pySigmaHQ("modified_without_date")},
		document: func(d *document) {
			if text, at := d.text("modified"); text != "" && d.isMissing("date") {
				d.reportText(at, text, "the rule was modified and has no date", "a new rule has a date alone")
			}
		},
	},
	{
		Code: "modified-redundant", Severity: diag.Note,
		Prose: "The rule was modified on the day it was written; a new rule has a date alone.",
		Bad:   "date: 2024-05-01\nmodified: 2024-05-01",
		Good:  "date: 2024-05-01",
		From:  []Origin{pySigmaHQ("redundant_modified")},
		Fixes: "The line with modified is removed.",
		document: func(d *document) {
			date, _ := d.text("date")
			if modified, at := d.text("modified"); isDate(date) && modified == date {
				d.reportText(at, modified, "modified and date are the same", "remove modified", d.removeKey(d.key("modified").Pos, at, modified)...)
			}
		},
	},
}

func isDate(s string) bool {
	_, err := time.Parse(time.DateOnly, s)
	return err == nil
}

var anyDate = regexp.MustCompile(`^\s*(\d{4})([-/.])(\d{1,2})([-/.])(\d{1,2})\s*$`)

// asDate writes a date with the year first as the specification does.
func asDate(s string) (string, bool) {
	m := anyDate.FindStringSubmatch(s)
	if m == nil || m[2] != m[4] {
		return "", false
	}
	now := fmt.Sprintf("%s-%02s-%02s", m[1], m[3], m[5])
	return now, isDate(now)
}

// isVersion1 tells that a condition has the meaning of version 1, which dates
// with slashes are a sign of.
func (d *document) isVersion1() bool {
	found := false
	d.quantifiers(func(of *sigma.CondOf) { found = found || of.Items })
	return found
}

// setDate replaces a date; without quotes where it had none.
func (d *document) setDate(key, now string) []Edit {
	text, at := d.text(key)
	t, ok := d.scalarOf(at, text)
	if ok && t.quote == 0 {
		return []Edit{{t.start, t.end, now}}
	}
	return d.replace(at, text, now)
}
