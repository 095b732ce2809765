package engine

import (
	"context"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/ingest"
	"github.com/huntbook/huntbook/sigma"
)

// unreadable are the rules of SigmaHQ's folder of unsupported rules that are not
// in Sigma's language, with the reason.
var unreadable = map[string]string{
	"network/net_dns_high_subdomain_rate.yml":                            `"count(…) per … per …" is no aggregation`,
	"windows/sysmon_always_install_elevated_parent_child_correlated.yml": `the condition is a sentence: "write … then if …"`,
	"windows/win_dumping_ntdsdit_via_dcsync.yml":                         `the condition is a sentence: "write … then if …"`,
	"windows/win_dumping_ntdsdit_via_netsync.yml":                        `the condition is a sentence: "write … then if …"`,
}

// legacyMatches are the matches of v1 aggregations over the published datasets,
// each looked at by hand.
var legacyMatches = map[string]int{
	// Nine calls of DescribeVolumes and DescribeVolumesModifications in ten minutes.
	"cloud/aws_enum_backup.yml": 1,
	// rundll32, and images of vaultcli.dll and wlanapi.dll in other processes, in half
	// a minute: what the rule asks for.
	"windows/image_load_mimikatz_inmemory_detection.yml": 1,
	// Tasks and services that came up fewer than five times a week.
	"windows/win_security_rare_schtasks_creations.yml":    4,
	"windows/win_taskscheduler_rare_schtask_creation.yml": 4,
	"windows/win_system_rare_service_installs.yml":        2,
	// A password spray from WORKSTATION5, in its two events.
	"windows/win_security_susp_failed_logons_single_source.yml":  1,
	"windows/win_security_susp_failed_logons_single_source2.yml": 1,
}

// TestUnsupportedRules: of the rules that SigmaHQ gave up, those in Sigma's
// language are read and evaluated, aggregations and "near" included.
func TestUnsupportedRules(t *testing.T) {
	root := corpus(t, "corpus", "sigma", "unsupported")
	var rules []*sigma.Rule
	var names []string
	broken := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".yml" {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		list, diags := sigma.Parse(&diag.File{Path: name, Data: data})
		if diags.HasErrors() {
			broken[name] = true
			if _, known := unreadable[name]; !known {
				t.Errorf("%v", diags.Errors())
			}
		}
		for _, r := range list {
			rules, names = append(rules, r), append(names, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name := range unreadable {
		if !broken[name] {
			t.Errorf("%s is read now", name)
		}
	}
	p, err := NewPreparer()
	if err != nil {
		t.Fatal(err)
	}
	prepared, errs := p.PrepareAll(rules, nil)
	correlations := 0
	for i, err := range errs {
		if err != nil {
			t.Errorf("%s: %v", names[i], err)
		}
		if prepared[i].Correlation != nil {
			correlations++
		}
	}
	if correlations < 54 {
		t.Errorf("%d rules with an aggregation, want 54", correlations)
	}
	if t.Failed() {
		return
	}
	ctx := context.Background()
	r, err := Open(ctx, []string{corpus(t, "corpus", "mordor")}, ingest.Options{}, prepared)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	got := map[string]int{}
	if _, err := Scan(ctx, r, prepared, 0, func(h Hit) error {
		if h.Match != nil {
			got[names[h.Rule]]++
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(got, legacyMatches) {
		for _, name := range slices.Sorted(maps.Keys(got)) {
			t.Logf("%s: %d", name, got[name])
		}
		t.Error("other matches than expected")
	}
}
