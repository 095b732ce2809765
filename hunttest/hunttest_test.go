package hunttest

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/engine"
	"github.com/huntbook/huntbook/event"
	"github.com/huntbook/huntbook/explain"
	"github.com/huntbook/huntbook/sigma"
)

var update = flag.Bool("update", false, "write golden files anew")

// TestScripts runs every script with the embedded engine, and with the slow
// evaluator that is the matcher's reference.
func TestScripts(t *testing.T) {
	local, err := NewLocal()
	if err != nil {
		t.Fatal(err)
	}
	preparer, err := engine.NewPreparer()
	if err != nil {
		t.Fatal(err)
	}
	engines := []struct {
		name string
		Engine
	}{{"local", local}, {"evaluator", evaluator{preparer}}}
	files, err := filepath.Glob("testdata/*.hunt")
	if err != nil || len(files) == 0 {
		t.Fatal("no scripts", err)
	}
	cases := 0
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		script, diags := Parse(&diag.File{Path: filepath.Base(name), Data: data})
		if len(diags) > 0 {
			t.Error(diags)
		}
		cases += len(script.Cases)
		for _, e := range engines {
			t.Run(e.name+"/"+filepath.Base(name), func(t *testing.T) {
				var b bytes.Buffer
				if err := diag.WriteText(&b, script.Run(context.Background(), e), false); err != nil {
					t.Fatal(err)
				}
				if b.Len() > 0 {
					t.Error("\n" + b.String())
				}
			})
		}
	}
	if cases < 800 {
		t.Errorf("only %d cases", cases)
	}
}

// evaluator runs rules with package explain.
type evaluator struct{ preparer *engine.Preparer }

func (v evaluator) Run(ctx context.Context, events []Event, text string) ([]Finding, error) {
	docs, diags := sigma.ParseAll(&diag.File{Data: []byte(text)})
	diags = append(diags, docs.Apply()...)
	if len(docs.Rules) == 0 || diags.HasErrors() {
		return nil, diags
	}
	b := event.NewBuilder(event.Options{})
	for i, e := range events {
		if err := b.AppendJSON(e.JSON, event.Record{Number: i + 1}); err != nil {
			return nil, err
		}
	}
	rule, batch := asked(docs.Rules), b.Batch()
	if rule.Correlation != nil {
		return v.correlate(ctx, rule, docs.Rules, events, batch)
	}
	lowered, diags := v.preparer.Lower(rule)
	if lowered == nil {
		return nil, diags
	}
	explained := explain.NewRule(lowered)
	var found []Finding
	for row := range batch.Rows {
		if explained.Matches(explained.Event(batch, row)) {
			found = append(found, Finding{events[row].ID})
		}
	}
	return found, nil
}

// asked is the last rule that no correlation names.
func asked(rules []*sigma.Rule) *sigma.Rule {
	named := sigma.NewLibrary(rules).Named(rules)
	for _, r := range slices.Backward(rules) {
		if _, below := named[r]; !below {
			return r
		}
	}
	return rules[len(rules)-1]
}

func (v evaluator) correlate(ctx context.Context, rule *sigma.Rule, rules []*sigma.Rule, events []Event, batch *event.Batch) ([]Finding, error) {
	c, diags := explain.NewCorrelation(rule, sigma.NewLibrary(rules), v.preparer.Lower)
	if c == nil {
		return nil, diags
	}
	c.Add(batch, func(event.Record) bool { return true })
	matches, err := c.Matches(ctx)
	var found []Finding
	for _, m := range matches {
		var finding Finding
		for _, place := range m.Events {
			finding = append(finding, events[place.Record-1].ID)
		}
		found = append(found, finding)
	}
	return found, err
}

// TestMessages shows what is said of scripts that can't be read, and of results
// that are not the expected ones.
func TestMessages(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.hunt")
	if err != nil || len(files) == 0 {
		t.Fatal("no scripts", err)
	}
	local, err := NewLocal()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		script, diags := Parse(&diag.File{Path: filepath.Base(name), Data: data})
		diags = append(diags, script.Run(context.Background(), local)...)
		if err := diag.WriteText(&out, diags, false); err != nil {
			t.Fatal(err)
		}
	}
	const golden = "testdata/bad/messages.golden"
	if *update {
		if err := os.WriteFile(golden, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), out.String()); d != "" {
		t.Errorf("(-want +got; -update writes it):\n%s", d)
	}
}

// canned answers every question with the same findings.
type canned []Finding

func (c canned) Run(context.Context, []Event, string) ([]Finding, error) { return c, nil }

func TestFindingsOfCorrelations(t *testing.T) {
	tests := []struct {
		expect string
		found  canned
		ok     bool
	}{
		{"a b", canned{{"a"}, {"b"}}, true},
		{"a b", canned{{"b"}, {"a"}}, true},
		{"a b", canned{{"a", "b"}}, false},
		{"(a b)", canned{{"b", "a"}}, true},
		{"(a b) c", canned{{"c"}, {"a", "b"}}, true},
		{"(a b)", canned{{"a", "b"}, {"a", "b"}}, false},
		{"none", nil, true},
		{"none", canned{{"a"}}, false},
	}
	for _, tt := range tests {
		text := "load\n  a {}\n  b {}\n  c {}\nrule x: y\nexpect " + tt.expect + "\n"
		script, diags := Parse(&diag.File{Data: []byte(text)})
		if len(diags) > 0 {
			t.Fatal(diags)
		}
		if wrong := script.Run(context.Background(), tt.found); (len(wrong) == 0) != tt.ok {
			t.Errorf("expect %s, found %v: %v", tt.expect, tt.found, wrong)
		}
	}
}

func TestCompletedRules(t *testing.T) {
	tests := []struct{ written, want string }{
		{"rule a: b\n", "title: script\nlogsource: {category: script}\ndetection:\n  selection:\n    a: b\n  condition: selection\n"},
		{"rule [a, b]\n", "title: script\nlogsource: {category: script}\ndetection:\n  selection:\n    [a, b]\n  condition: selection\n"},
		{"rule\n   s: {a: b}\n   condition: s\n", "title: script\nlogsource: {category: script}\ndetection:\n  s: {a: b}\n  condition: s\n"},
		{"rule {s: {a: b}, condition: s}\n", "title: script\nlogsource: {category: script}\ndetection:\n  {s: {a: b}, condition: s}\n"},
		{"rule\n  title: t\n  detection: {s: {a: b}, condition: s}\n", "title: t\ndetection: {s: {a: b}, condition: s}\n"},
		{"rule\n  a: 1\n  ---\n  b: 2\n", "a: 1\n---\nb: 2\n"},
		{"rule [\n", "[\n"},
		{"rule {type: temporal, rules: [a]}\n", "title: script\ncorrelation:\n  {type: temporal, rules: [a]}\n"},
		{"with\n  a: 1\n\n  b: 2\nrule\n  title: x\n", "a: 1\n\nb: 2\n---\ntitle: x\n"},
		{"with\n  a: 1\nwith nothing\nrule\n  title: x\n", "title: x\n"},
	}
	for _, tt := range tests {
		script, diags := Parse(&diag.File{Data: []byte(tt.written + "expect none\n")})
		if len(diags) > 0 || len(script.Cases) != 1 {
			t.Fatalf("%q: %v", tt.written, diags)
		}
		if d := cmp.Diff(tt.want, script.Cases[0].Rules); d != "" {
			t.Errorf("%q: %s", tt.written, d)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("load\n  a {\"x\": 1}\n  {}\n# comment\nrule x: 1\nexpect a\n"))
	f.Add([]byte("rule\n  s: {a: b}\n\n  condition: s\nexpect error 1:2 text\n"))
	f.Add([]byte("load\n  {}\nrule ---\nexpect (1 1) 1\nexpect\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		script, diags := Parse(&diag.File{Data: data})
		lines := strings.Count(string(data), "\n") + 1
		for _, d := range diags {
			if d.Pos.Line > lines {
				t.Errorf("%v points behind the script's %d lines", d, lines)
			}
		}
		for _, c := range script.Cases {
			if c.Expect.Pos.Line <= c.Pos.Line {
				t.Errorf("the expectation in line %d stands before its rule in line %d", c.Expect.Pos.Line, c.Pos.Line)
			}
		}
		if len(diags) == 0 && strings.Contains(string(data), "\nexpect") && len(script.Cases) == 0 {
			t.Error("an expectation was lost")
		}
	})
}
