package engine

import (
	"context"
	"encoding/csv"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/ingest"
	"github.com/huntbook/huntbook/sigma"
)

// corpus is a folder of the shared corpus; the test is skipped without it.
func corpus(t *testing.T, folder ...string) string {
	t.Helper()
	shared := os.Getenv("HUNTBOOK_SHARED")
	if shared == "" {
		shared = filepath.Join("..", "..", "shared")
	}
	dir := filepath.Join(append([]string{shared}, folder...)...)
	if _, err := os.Stat(dir); err != nil {
		t.Skip("the corpus is not there: set HUNTBOOK_SHARED to its folder")
	}
	return dir
}

// count matches one rule against files.
func count(t *testing.T, rule string, data ...string) int {
	t.Helper()
	text, err := os.ReadFile(rule)
	if err != nil {
		t.Fatal(err)
	}
	rules, diags := sigma.Parse(&diag.File{Path: rule, Data: text})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	preparer, err := NewPreparer()
	if err != nil {
		t.Fatal(err)
	}
	prepared, err := preparer.Prepare(rules[0])
	if err != nil {
		t.Fatal(err)
	}
	r, err := ingest.Open(context.Background(), data, ingest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	n := 0
	info, err := Scan(context.Background(), r, []Prepared{prepared}, 0, func(Hit) error { n++; return nil })
	if err != nil || info.Broken > 0 || len(info.Failed) > 0 {
		t.Fatal(err, info)
	}
	return n
}

func readTSV(t *testing.T, name string) []map[string]string {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comma, r.LazyQuotes = '\t', true
	lines, err := r.ReadAll()
	if err != nil || len(lines) < 2 {
		t.Fatal(name, err)
	}
	var rows []map[string]string
	for _, line := range lines[1:] {
		row := map[string]string{}
		for i, cell := range line {
			row[lines[0][i]] = cell
		}
		rows = append(rows, row)
	}
	return rows
}

// TestRegressionData holds every rule of SigmaHQ's regression data against its
// own events, from the event log and from its JSON.
func TestRegressionData(t *testing.T) {
	root := corpus(t, "corpus", "sigma")
	ran := 0
	for _, row := range readTSV(t, filepath.Join(corpus(t, "facts"), "sigma_regression.tsv")) {
		rule, data, log := filepath.Join(root, row["rule_file"]), filepath.Join(root, row["json_path"]), filepath.Join(root, row["evtx_path"])
		if _, err := os.Stat(data); err != nil {
			continue
		}
		want := 1
		if row["match_count"] != "" {
			var err error
			if want, err = strconv.Atoi(row["match_count"]); err != nil {
				t.Fatal(err)
			}
		}
		ran++
		got := count(t, rule, data)
		if got < want {
			t.Errorf("%s: %d matches, want %d", row["rule_file"], got, want)
		}
		if fromLog := count(t, rule, log); fromLog != got {
			t.Errorf("%s: %d matches in the event log, %d in its JSON", row["rule_file"], fromLog, got)
		}
	}
	if ran < 100 {
		t.Errorf("only %d rules have events", ran)
	}
}

// TestSeed is the walk-through that huntbook came from.
func TestSeed(t *testing.T) {
	seed := corpus(t, "corpus", "seed")
	if n := count(t, filepath.Join(seed, "sysmon_wmi_event_subscription.yml"), filepath.Join(seed, "empire_elevated_wmi.tar.gz")); n != 3 {
		t.Errorf("%d events, want 3: Sysmon 19, 20 and 21", n)
	}
}

// confirmed are counts that differ from those of the quick evaluator behind
// TestLinkedHunts' table, each looked at by hand.
var confirmed = map[string]int{
	// Of the six registry values set, three are among those that the rule lists.
	"registry_event_net_ntlm_downgrade.yml": 3,
	// Two process creations, each in Sysmon's log and in Security's (4688).
	"proc_creation_win_winrm_remote_powershell_session_process.yml": 4,
}

// silent are the pairs whose rule finds nothing, by its file's name, with the
// reason, each looked at by hand.
var silent = map[string]string{
	"win_security_ad_object_writedac_access.yml":           "the events write the type of the object as %{19195a5b-…}, the rule without %{ and }",
	"posh_pm_remote_powershell_session.yml":                `the rule wants a blank behind "Host Name = ServerRemoteHost"; the one event has a line break there`,
	"posh_pc_remote_powershell_session.yml":                "the two events 400 have no field Data: this dataset has their text in Message",
	"posh_pc_alternate_powershell_hosts.yml":               "the two events 400 have no field Data: this dataset has their text in Message",
	"posh_pm_alternate_powershell_hosts.yml":               "the hosts are powershell.exe and wsmprovhost.exe, which the rule takes out",
	"image_load_alternate_powershell_hosts_moduleload.yml": "the images lie in System32, which the rule takes out",
	"pipe_created_powershell_alternate_host_pipe.yml":      "the pipes are those of powershell.exe and wsmprovhost.exe, which the rule takes out",
	"image_load_wmi_module_load_by_uncommon_process.yml":   "the images lie in System32, which the rule takes out",
	"registry_event_susp_mic_cam_access.yml":               "the microphone was used by powershell.exe in System32; the rule asks for programs in Temp, Public and the like",
	"https://github.com/OTRF/ThreatHunter-Playbook/blob/master/signatures/sigma/win_ad_replication_user_backdoor.yml": "SigmaHQ has no such rule",
}

// TestLinkedHunts holds rules against the datasets that published hunts name
// for them: each pair fires, or there is a reason.
func TestLinkedHunts(t *testing.T) {
	root := corpus(t, "corpus")
	ran, used := 0, map[string]bool{}
	for _, row := range readTSV(t, filepath.Join(corpus(t, "facts"), "mordor_sigma_truth.tsv")) {
		name := filepath.Base(row["current_rule_path"])
		if row["current_rule_path"] == "" {
			name = row["sigma_link"]
		}
		if silent[name] != "" {
			used[name] = true
		}
		if row["current_rule_path"] == "" {
			if silent[name] == "" {
				t.Errorf("%s is no rule of the corpus", name)
			}
			continue
		}
		want, err := strconv.Atoi(row["quick_eval_matches"])
		if err != nil {
			t.Errorf("%s on %s: %v", name, row["archive"], err)
			continue
		}
		if n, ok := confirmed[name]; ok {
			want = n
		}
		ran++
		got := count(t, filepath.Join(root, "sigma", row["current_rule_path"]), filepath.Join(root, "mordor", row["archive"]))
		if got != want {
			t.Errorf("%s on %s: %d matches, want %d", row["current_rule_path"], row["archive"], got, want)
		}
		if (got == 0) != (silent[name] != "") {
			t.Errorf("%s on %s: %d matches, explained with %q", row["current_rule_path"], row["archive"], got, silent[name])
		}
	}
	if ran < 20 || len(used) != len(silent) {
		t.Errorf("%d pairs of a rule and a dataset are there, %d of %d explanations are of one", ran, len(used), len(silent))
	}
}
