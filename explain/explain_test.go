package explain_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
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

func ruleOf(t *testing.T, text string) *explain.Rule {
	t.Helper()
	rules, diags := sigma.Parse(&diag.File{Path: "rule.yml", Data: []byte(text)})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	preparer, err := engine.NewPreparer()
	if err != nil {
		t.Fatal(err)
	}
	lowered, diags := preparer.Lower(rules[0])
	if lowered == nil {
		t.Fatal(diags)
	}
	return explain.NewRule(lowered)
}

func batchOf(t *testing.T, rows ...string) *event.Batch {
	t.Helper()
	b := event.NewBuilder(event.Options{})
	source := &event.Source{Name: "events.json"}
	for i, r := range rows {
		if err := b.AppendJSON([]byte(r), event.Record{Source: source, Number: i + 1, Raw: []byte(r)}); err != nil {
			t.Fatal(r, err)
		}
	}
	return b.Batch()
}

const processRule = `title: Suspicious Encoded Command
id: 7f2a8cd5-0f0e-4f1a-9d6c-2f2f2a3d7b11
logsource:
    category: process_creation
    product: windows
detection:
    selection_img:
        - Image|endswith:
              - '\powershell.exe'
              - '\pwsh.exe'
        - OriginalFileName: PowerShell.EXE
    selection_cli:
        CommandLine|contains|all:
            - ' -enc '
            - hidden
        CommandLine|windash|contains: ' -nop '
    filter_main_admin:
        User: null
    filter_main_known:
        ParentImage|startswith: 'C:\Program Files\'
        CommandLine|re|i: 'KNOWN\d+'
    keywords: [evil, 4711]
    condition: all of selection_* and not 1 of filter_main_* or keywords
`

// TestExplanations shows what explanations look like: of a match, of one in the
// other log, of near misses, of an event of another product.
func TestExplanations(t *testing.T) {
	rule := ruleOf(t, processRule)
	events := batchOf(t,
		`{"Channel":"Microsoft-Windows-Sysmon/Operational","EventID":1,"UtcTime":"2024-03-05 13:07:59.123","Image":"C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\PowerShell.exe","CommandLine":"powershell -nop -w hidden -enc SQBFAFgA","User":"bob","ParentImage":"C:\\x.exe"}`,
		`{"Channel":"Security","EventID":4688,"NewProcessName":"C:\\Windows\\pwsh.exe","CommandLine":"pwsh /nop -w HIDDEN -enc x","User":"bob"}`,
		`{"Channel":"Microsoft-Windows-Sysmon/Operational","EventID":1,"Image":"C:\\Windows\\pwsh.exe","CommandLine":"pwsh -nop -w hidden -enc `+strings.Repeat("QUJD", 60)+` known4711","User":null,"ParentImage":"C:\\Program Files\\Known\\k.exe"}`,
		`{"Channel":"Security","EventID":4624,"User":"","Text":"\u001b[31mred"}`,
		`{"Image":"/usr/bin/pwsh.exe","Tags":["x",null]}`,
	)
	var out bytes.Buffer
	for row := range events.Rows {
		x := rule.Explain(rule.Event(events, row))
		if x.Matched != rule.Matches(rule.Event(events, row)) {
			t.Errorf("record %d: the explanation says %v", row+1, x.Matched)
		}
		if err := x.WriteText(&out, false); err != nil {
			t.Fatal(err)
		}
		out.WriteByte('\n')
	}
	golden(t, "testdata/explanations.golden", out.Bytes())

	out.Reset()
	if err := rule.Explain(rule.Event(events, 0)).WriteText(&out, true); err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/colours.golden", out.Bytes())

	var one, indented bytes.Buffer
	if err := rule.Explain(rule.Event(events, 1)).WriteJSON(&one); err != nil {
		t.Fatal(err)
	}
	if err := json.Indent(&indented, one.Bytes(), "", " "); err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/explanation.json.golden", indented.Bytes())
}

// TestEveryValue shows how each kind of value and what the event has are named.
func TestEveryValue(t *testing.T) {
	rule := ruleOf(t, `title: Values
logsource: {service: any}
detection:
  s:
    text: 'it''s \*'
    number: 5
    bool: true
    empty: ''
    nothing: null
    there|exists: true
    gone|exists: false
    expression|re: 'a(b|c)+'
    network|cidr: 10.0.0.0/8
    less|lt: 5
    more|gte: [5, 6]
    other|fieldref: text
    hour|hour|gt: 12
    dash|windash: '-a'
    encoded|base64offset|contains: foobar
    not|neq: x
    nor|neq: [x, y]
    notall|contains|all|neq: [x, y]
    path|re: 'C:\\\\x*'
    ten: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    list|contains: b
  condition: s
`)
	events := batchOf(t,
		`{"text":"it's *","number":"5","bool":true,"empty":"","there":null,"expression":"xxabcbx","network":"10.1.2.3","less":4,"more":6,"other":"It's *","hour":"2024-01-01T13:00:00Z","dash":"/A","encoded":"xxZm9vYmFyxx","not":"y","nor":"z","notall":"xz","path":"C:\\\\xx","ten":7,"list":["a","abc"]}`,
		`{"gone":1}`,
	)
	var out bytes.Buffer
	for row := range events.Rows {
		if err := rule.Explain(rule.Event(events, row)).WriteText(&out, false); err != nil {
			t.Fatal(err)
		}
		out.WriteByte('\n')
	}
	golden(t, "testdata/values.golden", out.Bytes())
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s (-want +got; -update writes it):\n%s", name, d)
	}
}

func TestSearch(t *testing.T) {
	const (
		match = `{"Channel":"Security","EventID":4688,"NewProcessName":"C:\\pwsh.exe","CommandLine":" -nop -enc hidden","User":"u"}`
		near  = `{"Channel":"Security","EventID":4688,"NewProcessName":"C:\\pwsh.exe","CommandLine":" -nop","User":"u"}`
		far   = `{"Channel":"Security","EventID":4688,"NewProcessName":"C:\\x.exe","User":"u"}`
		// All of the condition, but of another log source.
		other = `{"Channel":"System","EventID":1,"Image":"C:\\pwsh.exe","CommandLine":" -nop -enc hidden","User":"u"}`
		plain = `{"Image":"C:\\pwsh.exe","CommandLine":" -nop -enc hidden","User":"u"}`
	)
	tests := []struct {
		events         []string
		record         int
		read, concerns int
	}{
		{[]string{far, near, match, match}, 3, 3, 3},
		{[]string{far, near, far}, 2, 3, 3},
		{[]string{other, far, plain}, 2, 3, 1},
		{[]string{plain, other}, 2, 2, 0},
		{[]string{near, near}, 1, 2, 2},
	}
	rule := ruleOf(t, processRule)
	for i, tt := range tests {
		s := explain.NewSearch(rule)
		s.Add(batchOf(t, tt.events...), func(event.Record) bool { return true })
		if s.Best.Record != tt.record || s.Events != tt.read || s.Concerned != tt.concerns {
			t.Errorf("case %d: record %d of %d events, %d concerned; want %d, %d, %d", i, s.Best.Record, s.Events, s.Concerned, tt.record, tt.read, tt.concerns)
		}
	}
	s := explain.NewSearch(rule)
	if s.Add(batchOf(t, match, near), func(r event.Record) bool { return r.Number == 2 }) || s.Best.Record != 2 {
		t.Errorf("record %d, want the one that was asked for", s.Best.Record)
	}
	if s := explain.NewSearch(rule); s.Add(batchOf(t, match), func(event.Record) bool { return false }) || s.Best != nil {
		t.Error("no event was wanted, and one found")
	}
}
