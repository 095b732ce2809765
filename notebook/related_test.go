package notebook

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/huntbook/huntbook/sigma"
)

func TestRelated(t *testing.T) {
	process, file := sigma.LogSource{Product: "windows", Category: "process_creation"}, sigma.LogSource{Product: "windows", Category: "file_event"}
	rules := []*sigma.Rule{
		{Title: "Asked", ID: "1", LogSource: process, Tags: []string{"attack.t1059.001", "attack.t1003"}, Related: []sigma.Related{{ID: "5", Type: "derived"}, {ID: "1", Type: "similar"}, {ID: "gone", Type: "renamed"}}},
		{Title: "Other log", ID: "2", LogSource: file, Tags: []string{"attack.t1003"}},
		{Title: "Same log", ID: "3", LogSource: process, Tags: []string{"attack.t1003"}},
		{Title: "Both", ID: "4", LogSource: file, Tags: []string{"attack.t1003", "attack.t1059.001"}},
		{Title: " ", ID: "5", LogSource: file, Tags: []string{"attack.t1003"}},
		{Title: "Tactic only", ID: "6", LogSource: process, Tags: []string{"attack.execution"}},
	}
	got := NewRelatedIndex(rules, []string{"a/b/asked.ipynb", "", "", "a/c/both.ipynb", "", ""}).Of(0, func(i int) string { return fmt.Sprint(i) })
	want := []Related{
		{"Rule without a title", "", "derived; 4"},
		{"Both", "../c/both.ipynb", "T1003, T1059.001; 3"},
		{"Same log", "", "T1003; 2"},
		{"Other log", "", "T1003; 1"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if got := NewRelatedIndex(rules, make([]string, len(rules))).Of(5, nil); len(got) != 0 {
		t.Errorf("a tactic alone relates rules: %v", got)
	}
}

func TestRelative(t *testing.T) {
	for _, c := range []struct{ from, to, want string }{
		{"a.ipynb", "b.ipynb", "b.ipynb"},
		{"x/a.ipynb", "x/b.ipynb", "b.ipynb"},
		{"x/a.ipynb", "b.ipynb", "../b.ipynb"},
		{"a.ipynb", "x/y/b.ipynb", "x/y/b.ipynb"},
		{"x/y/a.ipynb", "x/z/b.ipynb", "../z/b.ipynb"},
		{"x/x.ipynb", "x.ipynb", "../x.ipynb"},
		{"x/a.ipynb", "", ""},
	} {
		if got := relative(c.from, c.to); got != c.want {
			t.Errorf("from %s to %s: %q, want %q", c.from, c.to, got, c.want)
		}
	}
}

func TestRelatedAreBounded(t *testing.T) {
	var rules []*sigma.Rule
	for i := range 50 {
		rules = append(rules, &sigma.Rule{Title: fmt.Sprint(i), Tags: []string{"attack.t1003"}})
	}
	if got := NewRelatedIndex(rules, make([]string, len(rules))).Of(7, nil); len(got) != maxRelated || got[0].Title != "0" {
		t.Errorf("%d, the first %v", len(got), got)
	}
}

// What an analyst ticked off stays, with what was written behind it; questions that the
// rule has no more are gone.
func TestTickedQuestionsStay(t *testing.T) {
	asked := func(lines string) *Notebook {
		return &Notebook{Cells: []Cell{{ID: "questions", Type: Markdown, Source: lines, Metadata: map[string]any{"tags": []string{TagQuestions}, "huntbook": map[string]any{"cell": "questions"}}}}}
	}
	old := asked("## False positives\n\n- [x] Scripts: bob says so\n- [ ] Updates\n- [X] Backups\n- [x] Gone")
	fresh := asked("## False positives\n\n- [ ] Updates\n- [ ] Scripts\n- [ ] Backups")
	Carry(old, fresh)
	want := "## False positives\n\n- [ ] Updates\n- [x] Scripts: bob says so\n- [X] Backups"
	if got := fresh.Cells[0].Source; got != want || len(fresh.Cells) != 1 {
		t.Errorf("%q in %d cells, want %q", got, len(fresh.Cells), want)
	}
	if !Edited(fresh) {
		t.Error("ticks are not noticed")
	}
}

// Every log source of the list has logs, each once, and a rule finds its own.
func TestLogSources(t *testing.T) {
	if n := len(logSources()); n < 60 {
		t.Fatalf("%d log sources were read", n)
	}
	var keys []string
	for _, s := range logSources() {
		key := fmt.Sprint(s.Product, "/", s.Category, "/", s.Service)
		if len(s.Logs) == 0 || slices.Contains(s.Logs, "") || slices.Contains(keys, key) {
			t.Errorf("%s: %q", key, s.Logs)
		}
		keys = append(keys, key)
	}
	logs := logsOf(sigma.LogSource{Product: "windows", Category: "process_creation"})
	if len(logs) != 2 || logs[0] != "Sysmon, event 1: ProcessCreate in its configuration" {
		t.Error(logs)
	}
	if logs := logsOf(sigma.LogSource{Product: "windows", Category: "process_creation", Service: "other"}); logs != nil {
		t.Errorf("a log source that is not in the list has %q", logs)
	}
}
