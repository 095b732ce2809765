package report

import (
	"fmt"
	"math/rand/v2"
	"time"
)

var start = time.Date(2024, 3, 12, 8, 0, 0, 0, time.UTC)

var matrix = []Tactic{
	{"reconnaissance", "Reconnaissance"},
	{"initial-access", "Initial Access"},
	{"execution", "Execution"},
	{"persistence", "Persistence"},
	{"credential-access", "Credential Access"},
	{"discovery", "Discovery"},
	{"lateral-movement", "Lateral Movement"},
	{"command-and-control", "Command and Control"},
}

func technique(id, name string, tactics ...string) Technique {
	return Technique{id, name, tactics}
}

var techniques = []Technique{
	technique("T1566.001", "Spearphishing Attachment", "initial-access"),
	technique("T1059.001", "PowerShell", "execution"),
	technique("T1047", "Windows Management Instrumentation", "execution"),
	technique("T1546.003", "WMI Event Subscription", "persistence", "execution"),
	technique("T1003.001", "LSASS Memory", "credential-access"),
	technique("T1087.002", "Domain Account", "discovery"),
	technique("T1021.002", "SMB/Windows Admin Shares", "lateral-movement"),
	technique("T1071.001", "Web Protocols", "command-and-control"),
}

// smallHunt has a rule of each kind.
func smallHunt() *Hunt {
	end := start.Add(6 * time.Hour)
	h := &Hunt{
		Version: "0.1.0", Seconds: 1.24, Events: 4012, First: start, Last: end, Broken: 2, Tactics: matrix,
		Inputs: Inputs{
			Rules: []string{"rules/"}, Data: []string{"day.json.gz", "more & more.zip"},
			Pipelines: []string{"helk"}, Select: Selection{MinLevel: "low"}, Since: "2024-03-12T00:00:00Z",
		},
		Sources: []Source{
			{Name: "day.json.gz", Shape: "flat", Events: 4000, Broken: 2},
			{Name: "more & more.zip!a/b.json", Shape: "winlogbeat 6", Events: 12},
		},
		Problems: []Problem{
			{"day.json.gz:17", "unexpected end of the object"},
			{"day.json.gz:3001", "this is no JSON object"},
		},
		Rules: []Rule{
			{ID: "11111111-1111-4111-8111-111111111111", Title: "LSASS Opened for Reading", Path: "windows/lsass.yml",
				Level: "critical", State: Fired, Notebook: "windows/lsass.ipynb", Status: "test",
				Tactics: []string{"credential-access"}, Techniques: techniques[4:5]},
			{ID: "22222222-2222-4222-8222-222222222222", Title: "Encoded PowerShell", Path: "windows/encoded #1.yml",
				Level: "medium", State: Fired, Notebook: "windows/encoded #1.ipynb", Status: "stable",
				Tactics: []string{"execution"}, Techniques: techniques[1:2], Tags: []string{"car.2014-04-003"}},
			{Title: "Remote Logon", Path: "windows/logon.yml", Level: "low", State: Quiet, Notebook: "windows/logon.ipynb",
				Tactics: []string{"lateral-movement"}, Techniques: techniques[6:7]},
			{Title: "Old Rule", Path: "old.yml", Level: "high", State: Skipped, Reason: "deprecated: ask for it with --status deprecated"},
			{Title: "Broken Rule", Path: "broken.yml", State: Failed,
				Reason: "broken.yml:7:14: unknown identifier \"selektion\"; did you mean \"selection\"?\n    condition: selektion\n               ^^^^^^^^^"},
		},
	}
	t := NewTally(len(h.Rules))
	t.Add(0, start.Add(2*time.Hour), "WS01")
	t.Add(0, start.Add(3*time.Hour), "DC01")
	for i := range 10 {
		t.Add(1, start.Add(time.Duration(i)*20*time.Minute), "WS01")
	}
	t.Add(1, time.Time{}, "")
	settle(h, t, []int{2, 11})
	return h
}

// settle puts what was tallied into the hunt.
func settle(h *Hunt, t *Tally, counts []int) {
	for i, n := range counts {
		h.Rules[i].Count = n
		h.Findings += n
		h.Rules[i].Activity = t.Activity(i, h.First, h.Last)
	}
}

// bigHunt is as large as a hunt with all of SigmaHQ's rules.
func bigHunt(rules, fired int) *Hunt {
	rnd := rand.New(rand.NewPCG(1, 2))
	h := &Hunt{
		Version: "0.1.0", Seconds: 84.3, Events: 423104, First: start, Last: start.Add(31 * time.Hour), Tactics: matrix,
		Inputs: Inputs{Rules: []string{"sigma/rules"}, Data: []string{"mordor"}},
	}
	for i := range 65 {
		h.Sources = append(h.Sources, Source{Name: fmt.Sprintf("mordor/set_%02d.zip!set_%02d_2020-09-21.json", i, i), Shape: "flat", Events: 6509})
	}
	t := NewTally(rules)
	counts := make([]int, rules)
	verbs := []string{"Suspicious", "Potential", "Renamed", "Uncommon", "Remote", "Encoded"}
	nouns := []string{"PowerShell Download Cradle", "Service Installation", "LSASS Access", "WMI Subscription", "Scheduled Task Creation", "Registry Run Key", "Office Child Process"}
	for i := range rules {
		te := techniques[rnd.IntN(len(techniques))]
		te.ID = fmt.Sprintf("%s.%03d", te.ID[:5], rnd.IntN(9)+1)
		r := Rule{
			ID:    fmt.Sprintf("%08x-0000-4000-8000-%012x", i, i),
			Title: fmt.Sprintf("%s %s %d", verbs[rnd.IntN(len(verbs))], nouns[rnd.IntN(len(nouns))], i),
			Path:  fmt.Sprintf("windows/process_creation/proc_creation_win_rule_number_%04d.yml", i),
			Level: levels[min(rnd.IntN(5)+rnd.IntN(2), 4)], State: Quiet, Status: "test",
			Notebook: fmt.Sprintf("windows/process_creation/proc_creation_win_rule_number_%04d.ipynb", i),
			Tactics:  te.Tactics, Techniques: []Technique{te},
		}
		if i < fired {
			r.State = Fired
			counts[i] = 1 + rnd.IntN(20)*rnd.IntN(20)
			at := rnd.Float64() * 30
			for range counts[i] {
				t.Add(i, start.Add(time.Duration((at+rnd.Float64()*rnd.Float64())*float64(time.Hour))), fmt.Sprintf("WORKSTATION%d.theshire.local", rnd.IntN(1+i%9)))
			}
		}
		h.Rules = append(h.Rules, r)
	}
	settle(h, t, counts)
	return h
}
