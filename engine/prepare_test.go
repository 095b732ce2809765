package engine

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/ruleset"
	"github.com/huntbook/huntbook/sigma"
)

// unusable are the rules of SigmaHQ that can't be matched, by the end of their
// path, and why.
var unusable = map[string]string{
	"net_dns_high_subdomain_rate.yml":                            "its condition is prose",
	"sysmon_always_install_elevated_parent_child_correlated.yml": "its condition is prose",
	"win_dumping_ntdsdit_via_dcsync.yml":                         "its condition is prose",
	"win_dumping_ntdsdit_via_netsync.yml":                        "its condition is prose",
}

// etwCategory are categories whose events come from a provider of Event Tracing
// for Windows, Microsoft-Windows-Kernel-File, and stand in no event log.
var etwCategory = map[string]bool{"file_access": true, "file_rename": true}

// TestAllRulesPrepare reads, lowers and compiles every rule of the corpus, the
// deprecated and unsupported ones too. Only placeholders may be missing values.
func TestAllRulesPrepare(t *testing.T) {
	root := corpus(t, "corpus", "sigma")
	folders, err := filepath.Glob(filepath.Join(root, "rules*"))
	if err != nil {
		t.Fatal(err)
	}
	folders = append(folders, filepath.Join(root, "deprecated"), filepath.Join(root, "unsupported"))
	set, err := ruleset.Load(folders, ruleset.Choice{Statuses: append([]string{""}, sigma.Statuses...)})
	if err != nil {
		t.Fatal(err)
	}
	given := map[string]bool{}
	for _, u := range set.Unreadable {
		name := filepath.Base(u.Path)
		if given[name] = true; unusable[name] == "" {
			t.Errorf("%s: %v", u.Path, u.Error)
		}
	}
	if len(given) != len(unusable) {
		t.Errorf("%d files can't be read, %d have a reason", len(given), len(unusable))
	}
	preparer, err := NewPreparer()
	if err != nil {
		t.Fatal(err)
	}
	rules := make([]*sigma.Rule, len(set.Rules))
	published := 0 // outside of deprecated/ and unsupported/
	for i, e := range set.Rules {
		rules[i] = e.Rule
		if strings.Contains(filepath.ToSlash(e.Rule.File.Path), "/sigma/rules") {
			published++
		}
	}
	prepared, errs := preparer.PrepareAll(rules, nil)
	for _, p := range prepared {
		for _, d := range p.Notes {
			if p.Rule.Status != "deprecated" && p.Rule.Status != "unsupported" && !etwCategory[p.Rule.LogSource.Category] {
				t.Errorf("%v", d)
			}
		}
	}
	placeholders := 0
	for i, err := range errs {
		for _, d := range diag.Of(err).Errors() {
			if strings.HasPrefix(d.Message, "placeholder ") && strings.Contains(rules[i].Text, "|expand") {
				placeholders++
				continue
			}
			t.Errorf("%s: %v", set.Rules[i].Path, d)
		}
	}
	if published < 3307 || len(rules) < 3500 || placeholders == 0 || placeholders > 60 {
		t.Errorf("%d rules, %d of them in the folders of rules, %d placeholders without a value", len(rules), published, placeholders)
	}
}
