package attack

import (
	"reflect"
	"strings"
	"testing"
)

func TestLookup(t *testing.T) {
	cases := []struct{ tag, id, name, url string }{
		{"attack.t1059.001", "T1059.001", "Command and Scripting Interpreter: PowerShell", "https://attack.mitre.org/techniques/T1059/001/"},
		{"attack.T1059", "T1059", "Command and Scripting Interpreter", "https://attack.mitre.org/techniques/T1059/"},
		{"t1059", "T1059", "Command and Scripting Interpreter", "https://attack.mitre.org/techniques/T1059/"},
		{"attack.persistence", "TA0003", "Persistence", "https://attack.mitre.org/tactics/TA0003/"},
		{"attack.ta0003", "TA0003", "Persistence", "https://attack.mitre.org/tactics/TA0003/"},
		{"attack.privilege_escalation", "TA0004", "Privilege Escalation", "https://attack.mitre.org/tactics/TA0004/"},
		{"attack.privilege-escalation", "TA0004", "Privilege Escalation", "https://attack.mitre.org/tactics/TA0004/"},
		{"attack.defense_evasion", "TA0005", "Stealth", "https://attack.mitre.org/tactics/TA0005/"},
		{"attack.defense-evasion", "TA0005", "Stealth", "https://attack.mitre.org/tactics/TA0005/"},
		{"attack.stealth", "TA0005", "Stealth", "https://attack.mitre.org/tactics/TA0005/"},
		{"attack.defense-impairment", "TA0112", "Defense Impairment", "https://attack.mitre.org/tactics/TA0112/"},
		{"attack.command_and_control", "TA0011", "Command and Control", "https://attack.mitre.org/tactics/TA0011/"},
		{"attack.t9999", "", "", ""},
		{"attack.g0016", "", "", ""},
		{"attack.s0002", "", "", ""},
		{"cve.2020-1350", "", "", ""},
		{"attack.", "", "", ""},
		{"", "", "", ""},
	}
	for _, c := range cases {
		e := Lookup(c.tag)
		if e.ID != c.id || e.FullName() != c.name || e.URL != c.url {
			t.Errorf("Lookup(%q) = %q, %q, %q; want %q, %q, %q", c.tag, e.ID, e.FullName(), e.URL, c.id, c.name, c.url)
		}
	}
}

func TestTacticsStandInTheOrderOfTheMatrix(t *testing.T) {
	var got []string
	for _, e := range Tactics() {
		got = append(got, e.Short)
	}
	want := "reconnaissance resource-development initial-access execution persistence privilege-escalation stealth defense-impairment credential-access discovery lateral-movement collection command-and-control exfiltration impact"
	if strings.Join(got, " ") != want {
		t.Errorf("Tactics() = %v", got)
	}
}

func TestOfTags(t *testing.T) {
	tactics, techniques := OfTags([]string{"attack.impact", "attack.t1546.003", "attack.t1047", "attack.execution", "attack.t1047", "attack.t1084", "detection.threat-hunting", "attack.impact"})
	ids := func(list []Entry) []string {
		var out []string
		for _, e := range list {
			out = append(out, e.ID)
		}
		return out
	}
	if got, want := ids(tactics), []string{"TA0002", "TA0040"}; !reflect.DeepEqual(got, want) {
		t.Errorf("tactics %v, want %v", got, want)
	}
	if got, want := ids(techniques), []string{"T1047", "T1546.003"}; !reflect.DeepEqual(got, want) {
		t.Errorf("techniques %v, want %v", got, want)
	}
}

// Every row of the table is whole: what it names exists.
func TestTableIsWhole(t *testing.T) {
	count := map[Kind]int{}
	for line := range strings.Lines(data) {
		column := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if strings.HasPrefix(line, "#") {
			continue
		}
		if len(column) != 4 {
			t.Fatalf("row %q has %d columns", line, len(column))
		}
		e := Lookup(column[1])
		count[e.Kind]++
		if e.Name == "" || e.Kind == Technique && len(e.Tactics) == 0 {
			t.Errorf("row %q reads as %+v", line, e)
		}
		if strings.Contains(e.ID, ".") && e.Parent == "" {
			t.Errorf("%s has no parent", e.ID)
		}
		for _, short := range e.Tactics {
			if Lookup(short).Kind != Tactic {
				t.Errorf("%s names tactic %q", e.ID, short)
			}
		}
	}
	if count[Tactic] != 15 || count[Technique] != 697 {
		t.Errorf("the table holds %v", count)
	}
}
