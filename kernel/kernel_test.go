package kernel

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"html"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/engine"
	"github.com/huntbook/huntbook/notebook"
	"github.com/huntbook/huntbook/sigma"
)

var update = flag.Bool("update", false, "write the golden files anew")

// fake is an engine whose answers a test sets.
type fake struct {
	info    engine.DataInfo
	result  engine.Result
	openErr error
	runErr  error
	opened  engine.Data
	asked   engine.Query
}

func (f *fake) Open(_ context.Context, d engine.Data) (engine.DataInfo, error) {
	f.opened = d
	return f.info, f.openErr
}

func (f *fake) Run(_ context.Context, q engine.Query) (*engine.Result, error) {
	f.asked = q
	if f.runErr != nil {
		return nil, f.runErr
	}
	r := f.result
	return &r, nil
}

func at(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return t
}

// finding makes a finding of name, value pairs.
func finding(record int, when string, pairs ...string) engine.Finding {
	f := engine.Finding{Source: "logs/a.zip!b.json", Record: record}
	if when != "" {
		f.Time = at(when)
	}
	event := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		f.Values = append(f.Values, engine.Field{Name: pairs[i], Value: pairs[i+1]})
		event[pairs[i]] = pairs[i+1]
	}
	f.Event, _ = json.Marshal(event)
	return f
}

// story is an engine with three findings of five.
func story() *fake {
	return &fake{
		info: engine.DataInfo{Events: 3089, Files: 1, Broken: 2, UnknownFormats: 1, First: at("2019-05-18T22:43:00Z"), Last: at("2019-05-18T22:45:10.5Z")},
		result: engine.Result{
			Count: 5, Title: "t", Fields: []string{"Destination", "EventID"}, Notes: []string{"field X is mapped nowhere"},
			Findings: []engine.Finding{
				finding(7, "2019-05-18T22:43:06.123Z", "Channel", "Sysmon", "EventID", "20", "Computer", "WKS1", "User", `ACME\anna`, "@timestamp", "2019", "Destination", `C:\evil.exe -x "a b"`),
				finding(9, "2019-05-18T22:43:08Z", "Channel", "Sysmon", "EventID", "20", "Computer", "WKS2", "User", `ACME\anna`, "Hostname", "WKS2", "Destination", "日本語"),
				finding(11, "", "Channel", "Sysmon", "EventID", "20", "Computer", "WKS1", "User", "", "Empty", ""),
			},
		},
	}
}

// transcript runs cells on an engine and writes what they give.
func transcript(t *testing.T, e engine.Engine, cells ...string) string {
	t.Helper()
	s := NewSession(e)
	var b strings.Builder
	for _, c := range cells {
		outputs, err := s.Execute(t.Context(), c)
		var failed *CellError
		if err != nil && !errors.As(err, &failed) {
			t.Fatal(err)
		}
		for _, o := range outputs {
			switch o.Type {
			case notebook.Stream:
				b.WriteString(o.Text)
			case notebook.ErrorOutput:
				fmt.Fprintf(&b, "%s: %s\n%s\n", o.Ename, o.Evalue, strings.Join(o.Traceback, "\n"))
			default:
				fmt.Fprintf(&b, "%s\n", o.Data["text/plain"])
			}
		}
	}
	return b.String()
}

const rule = "%%sigma\ntitle: x"

func TestTranscript(t *testing.T) {
	cases := []struct {
		cell, want string
	}{
		{"%data a.json", "3,089 events in 1 file, 2019-05-18 22:43:00Z to 2019-05-18 22:45:10.5Z.\n2 records could not be read.\n1 file left out: not in a format that is known.\n"},
		{rule, "5 of 3,089 events match.\nThe first 3 were fetched (limit = 1000).\nWarning: field X is mapped nowhere\n"},
		{"%table", `3 of 5 findings shown

time (UTC)                Computer  Destination           EventID  User       Channel
2019-05-18 22:43:06.123Z  WKS1      C:\evil.exe -x "a b"  20       ACME\anna  Sysmon
2019-05-18 22:43:08Z      WKS2      日本語                20       ACME\anna  Sysmon
                          WKS1                            20                  Sysmon
`},
		{"%table --rows 1 --fields 'User, Nothing'", `1 of 5 findings shown

time (UTC)                User       Nothing
2019-05-18 22:43:06.123Z  ACME\anna
`},
		{"rows = 2\n%table --fields EventID", `2 of 5 findings shown

time (UTC)                EventID
2019-05-18 22:43:06.123Z  20
2019-05-18 22:43:08Z      20
`},
		{"%timeline", `1 finding without a time left out.
the first 3 of 5 findings, one line is 1 s, time in UTC

2019-05-18 22:43:06  ######################################## 1
2019-05-18 22:43:08  ######################################## 1
`},
		{"%top", `the first 3 of 5 findings

field        value                 count
Computer     WKS1                  2
Computer     WKS2                  1
User         ACME\anna             2
User         (empty)               1
Destination  C:\evil.exe -x "a b"  1
Destination  日本語                1
EventID      20                    3
`},
		{"%top Channel Usr --n 1", "No finding has a field \"Usr\". Did you mean \"User\"?\nthe first 3 of 5 findings\n\nfield    value   count\nChannel  Sysmon  3\n"},
		{"%top User --n 1", "the first 3 of 5 findings\n\nfield                 value      count\nUser (1 of 2 values)  ACME\\anna  2\n"},
		{"# nothing\n", ""},
		{"", ""},
	}
	for _, c := range cases {
		got := strings.TrimPrefix(transcript(t, story(), "%data a.json", rule, c.cell), transcript(t, story(), "%data a.json", rule))
		if c.cell == rule || strings.HasPrefix(c.cell, "%data") {
			got = strings.TrimPrefix(transcript(t, story(), "%data a.json", c.cell), transcript(t, story(), "%data a.json"))
		}
		if got != c.want {
			t.Errorf("%s\n got %q\nwant %q\n%s", c.cell, got, c.want, got)
		}
	}
}

func TestNoFindingsAreOneLine(t *testing.T) {
	quiet := story()
	quiet.result = engine.Result{}
	got := transcript(t, quiet, "%data x", rule, "%table", "%timeline", "%top")
	want := "0 of 3,089 events match.\nNo findings, so there is no table.\nNo findings, so there is no timeline.\nNo findings, so there are no top values.\n"
	if !strings.HasSuffix(got, want) {
		t.Errorf("got %s", got)
	}
}

func TestErrors(t *testing.T) {
	cases := []struct{ cell, want string }{
		{"%tabel", "SyntaxError: there is no magic %tabel; did you mean %table?\ncell:1:1: error: there is no magic %tabel; did you mean %table?\n    1 | %tabel\n      | ^~~~~~\n"},
		{"%xyzzy", "SyntaxError: there is no magic %xyzzy; there are %csv, %data, %join, %json, %last, %lucene, %table, %timeline, %top, %tree\n"},
		{"%%sigm\nx", "SyntaxError: there is no magic %%sigm; did you mean %%sigma?\n"},
		{"%sigma", "SyntaxError: %sigma is a magic for a whole cell; write %%sigma in the first line and the rule below\n"},
		{"%%table", "SyntaxError: %%table is a magic for a line; write %table\n"},
		{"%%sigma\n  \n", "SyntaxError: there is no rule below %%sigma; write its YAML from the next line on\n"},
		{"%data", "SyntaxError: %data lacks PATH…; usage: %data PATH… [--since TIME] [--until TIME] [--timezone ZONE] ["},
		{"%table x", "SyntaxError: %table takes fewer words; usage: %table [--rows N] [--fields A,B]\ncell:1:8: error"},
		{"%table --row 5", "SyntaxError: %table has no flag --row; did you mean --rows?\ncell:1:8: error"},
		{"%timeline --n 5", "SyntaxError: %timeline has no flag --n; there are --as\n"},
		{"%json --n 5", "SyntaxError: %json has no flags; quote a word that starts with -\n"},
		{"%table --rows", "SyntaxError: --rows has no value; usage: %table [--rows N] [--fields A,B]\n"},
		{"%table --rows=x", "SyntaxError: --rows must be a number from 1 to 1000000, not \"x\"\n"},
		{"%table --fields " + strings.Repeat("a,", 100), "SyntaxError: --fields names more than 100 fields\n"},
		{"%top" + strings.Repeat(" a", 101), "SyntaxError: %top takes fewer words; usage"},
		{"%top --n 0", "SyntaxError: --n must be a number from 1 to 100, not \"0\"\n"},
		{"%data x --since yesterday", "SyntaxError: since is no time: \"yesterday\"; write it as \"2020-01-31\" or \"2020-01-31T12:00:00Z\"\ncell:1:17: error"},
		{"%data x --timezone Mars/One", "SyntaxError: there is no time zone \"Mars/One\"; write it as Europe/Berlin or UTC\n"},
		{"row = 5", "SyntaxError: there is no parameter \"row\"; did you mean rows?\n"},
		{"colour = red", "SyntaxError: there is no parameter \"colour\"; there are event_size, limit, rows, since, until\n"},
		{"rows = many", "SyntaxError: rows must be a number from 1 to 1000000, not \"many\"\n"},
		{"until = 'soon'", "SyntaxError: until is no time: \"soon\"; write it as \"2020-01-31\" or \"2020-01-31T12:00:00Z\"\n"},
		{"import os", "SyntaxError: this line is no command; write a magic"},
		{"!id", "SyntaxError: this line is no command; write a magic"},
		{"%tabel\n%top --m 3\nx", "SyntaxError: this line is no command"},
		{"%table", "EngineError: no query has run; a %%sigma cell comes first\ncell:1:1: error: no query has run; a %%sigma cell comes first\n    1 | %table\n      | ^~~~~~\n"},
		{"%timeline", "EngineError: no query has run; a %%sigma cell comes first\n"},
		{"%top", "EngineError: no query has run; a %%sigma cell comes first\n"},
	}
	for _, c := range cases {
		if got := transcript(t, story(), c.cell); !strings.HasPrefix(got, c.want) {
			t.Errorf("%q\n got %q\nwant %q", c.cell, got, c.want)
		}
	}
	// All that is wrong is said at once, and nothing is run.
	got := transcript(t, story(), "%data x\n%tabel\n%top --m 3")
	if strings.Count(got, "error:") != 2 || strings.Contains(got, "events") {
		t.Errorf("got %s", got)
	}
}

func TestEngineErrors(t *testing.T) {
	e := story()
	e.openErr = errors.New("logs/x.zip is encrypted; \x1b[31mgive its password")
	want := "EngineError: logs/x.zip is encrypted; <U+001B>[31mgive its password\ncell:2:1: error: logs/x.zip is encrypted; <U+001B>[31mgive its password\n    2 | %data logs/x.zip\n      | ^~~~~\n"
	if got := transcript(t, e, "# data\n%data logs/x.zip"); got != want {
		t.Errorf("got %s", got)
	}
}

// A message into a rule points into the cell that holds the rule.
func TestRuleErrorsPointIntoTheCell(t *testing.T) {
	e := story()
	body := "title: x\nlogsource: {product: windows}\ndetection:\n  s:\n    Image|contain: x\n  condition: s\n"
	_, diags := sigma.Parse(&diag.File{Data: []byte(body)})
	if !diags.HasErrors() {
		t.Fatal("the rule has no error")
	}
	e.runErr = fmt.Errorf("can't run: %w", diags)
	got := transcript(t, e, "\n%%sigma\n"+strings.TrimSuffix(body, "\n"))
	for _, want := range []string{"RuleError: ", "contains", "cell:7:11: error:", "    7 |     Image|contain: x\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	// Messages about other files keep their place.
	e.runErr = diag.List{{Message: "bad", File: &diag.File{Path: "p.yml", Data: []byte("a\nb")}, Pos: diag.Pos{Line: 2, Column: 1}}}
	if got := transcript(t, e, rule); !strings.Contains(got, "p.yml:2:1: error: bad\n    2 | b\n") {
		t.Errorf("got %s", got)
	}
}

func TestWhatTheEngineIsAsked(t *testing.T) {
	e := story()
	transcript(t, e, "since = \"2020-01-01\"\nuntil = 2020-02-01T12:00:00+01:00\nlimit = 7", "%data a 'b c' -- --x", "%data a 'b c' '--x'", rule)
	if got := fmt.Sprint(e.opened.Paths, e.opened.Since, e.opened.Until, e.opened.Location); got != "[a b c --x] 2020-01-01 00:00:00 +0000 UTC 2020-02-01 11:00:00 +0000 UTC UTC" {
		t.Errorf("opened %s", got)
	}
	if e.asked.Limit != 7 || e.asked.Rule != "title: x\n" {
		t.Errorf("asked %+v", e.asked)
	}
	transcript(t, e, "since = 2020-01-01", "%data a --timezone Europe/Berlin --until '2020-07-01 10:00'")
	if got := fmt.Sprint(e.opened.Since, e.opened.Until, e.opened.Location); got != "2019-12-31 23:00:00 +0000 UTC 2020-07-01 08:00:00 +0000 UTC Europe/Berlin" {
		t.Errorf("opened %s", got)
	}
}

// New data and a failed query leave no old findings behind.
func TestFindingsAreOfTheLastQuery(t *testing.T) {
	e := story()
	s := NewSession(e)
	ctx := t.Context()
	run := func(cell string, wantErr bool) {
		t.Helper()
		if _, err := s.Execute(ctx, cell); (err != nil) != wantErr {
			t.Errorf("%q: %v", cell, err)
		}
	}
	run(rule, false)
	run("%table", false)
	run("%data x", false)
	run("%table", true)
	run(rule, false)
	e.runErr = errors.New("no")
	run(rule, true)
	run("%table", true)
}

func page() *notebook.Page {
	yaml := "title: Evil `code` <b>\nlogsource:\n  product: windows\ndetection:\n  s:\n    EventID: 20\n  condition: s\nlevel: high\ntags:\n  - attack.execution\n"
	rules, _ := sigma.Parse(&diag.File{Path: "r.yml", Data: []byte(yaml)})
	return &notebook.Page{Rule: rules[0], RulePath: "r.yml", Data: []string{"a.json"}, Options: notebook.DefaultOptions()}
}

func built(t *testing.T) *notebook.Notebook {
	t.Helper()
	template, err := notebook.Builtin("huntbook")
	if err != nil {
		t.Fatal(err)
	}
	nb, err := template.Build(page())
	if err != nil {
		t.Fatal(err)
	}
	return nb
}

func encode(t *testing.T, nb *notebook.Notebook) []byte {
	t.Helper()
	data, err := notebook.Encode(nb)
	if err != nil {
		t.Fatal(err)
	}
	schema, err := jsonschema.NewCompiler().Compile(filepath.Join("..", "notebook", "testdata", "nbformat", "nbformat.v4.5.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(v); err != nil {
		t.Fatal(err)
	}
	return data
}

// The golden notebook holds every output but the bytes of the pictures, which
// package chart tests.
func TestRunGolden(t *testing.T) {
	nb := built(t)
	e := story()
	if err := Run(t.Context(), NewSession(e), nb); err != nil {
		t.Fatal(err)
	}
	if e.asked.Rule != page().CellRule() {
		t.Errorf("the engine is asked %q, the page says %q", e.asked.Rule, page().CellRule())
	}
	first := encode(t, nb)
	// A second run, with the outputs of the first in place, gives the same.
	if err := Run(t.Context(), NewSession(story()), nb); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first, encode(t, nb)) {
		t.Error("two runs differ")
	}
	count := 0
	for i, c := range nb.Cells {
		for k, o := range c.Outputs {
			if o.Data["image/png"] != nil {
				nb.Cells[i].Outputs[k].Data["image/png"] = "…"
			}
		}
		if c.Type == notebook.Code {
			if count++; c.ExecutionCount != count {
				t.Errorf("cell %s has count %d", c.ID, c.ExecutionCount)
			}
		}
	}
	golden := filepath.Join("testdata", "run.ipynb")
	got := encode(t, nb)
	if *update {
		if err := errors.Join(os.MkdirAll("testdata", 0o755), os.WriteFile(golden, got, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; go test ./kernel -update writes it anew", golden)
	}
}

func TestRunStopsAtAnError(t *testing.T) {
	nb := built(t)
	if err := Run(t.Context(), NewSession(story()), nb); err != nil {
		t.Fatal(err)
	}
	e := story()
	e.runErr = errors.New("the disk is gone")
	err := Run(t.Context(), NewSession(e), nb)
	var failed *CellError
	if !errors.As(err, &failed) || !errors.Is(err, e.runErr) || err.Error() != "cell query: the disk is gone" {
		t.Fatalf("Run gives %v", err)
	}
	for _, c := range nb.Cells {
		switch {
		case c.ID == "query":
			if len(c.Outputs) != 1 || c.Outputs[0].Type != notebook.ErrorOutput || c.ExecutionCount != 3 {
				t.Errorf("the failed cell is %+v", c)
			}
		case c.ID == "table" || c.ID == "timeline" || c.ID == "top":
			if c.Outputs != nil || c.ExecutionCount != 0 {
				t.Errorf("cell %s was run", c.ID)
			}
		}
	}
	encode(t, nb)
}

func TestRunEndsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var failed *CellError
	if err := Run(ctx, NewSession(story()), built(t)); !errors.Is(err, context.Canceled) || errors.As(err, &failed) {
		t.Errorf("Run gives %v", err)
	}
}

var hostileValues = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `</pre></details></td></table><b>`, `&lt;`, "a\x00\x1b[31mb", "\u202egnp.exe", "line\nline\ttab",
	"\xff", strings.Repeat("x", 100000), `javascript:alert(1)`, `{{ x }} ${y}`, "``` $x$ |", "",
}

var ours = regexp.MustCompile(`<table class="tex2jax_ignore mathjax_ignore">|</table>|</?(p|thead|tbody|tr|details|summary)>|<(th|td|pre)( style="[a-z:;-]*")?>|</(th|td|pre)>`)

// Whatever events say, the table holds our elements alone, and all their text.
func TestHostileEventsAreNoMarkup(t *testing.T) {
	for _, v := range hostileValues {
		e := story()
		e.result.Findings = []engine.Finding{finding(1, "2019-05-18T22:43:06Z", "Computer", v, "Field "+v, v)}
		e.result.Findings[0].Source = v
		e.result.Count, e.result.Fields, e.result.Notes = 1, []string{"Field " + v}, []string{v}
		e.result.Title = v
		s := NewSession(e)
		for _, cell := range []string{"%data x", rule, "%table", "%timeline", "%top"} {
			outputs, err := s.Execute(t.Context(), cell)
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range outputs {
				if strings.ContainsAny(o.Text, "\x00\x1b\u202e") || strings.ContainsAny(fmt.Sprint(o.Data["text/plain"]), "\x00\x1b\u202e") {
					t.Errorf("%.40q: %s prints %q", v, cell, o.Text)
				}
				table, ok := o.Data["text/html"].(string)
				if !ok {
					continue
				}
				rest := ours.ReplaceAllString(table, "")
				if strings.ContainsAny(rest, "<>\x00\x1b\u202e") {
					t.Errorf("%.40q: the table holds %q", v, rest)
				}
				if len(v) < 300 && !strings.Contains(html.UnescapeString(rest), diag.Printable(v)) {
					t.Errorf("%.40q is not in %q", v, rest)
				}
				if len(table) > 40000 {
					t.Errorf("%.40q makes a table of %d bytes", v, len(table))
				}
			}
		}
	}
}

func TestEventIsCut(t *testing.T) {
	f := finding(1, "", "a", strings.Repeat("é", 100))
	if got := eventHTML(&f, 30); !strings.HasSuffix(got, "é…\n183 bytes more") {
		t.Errorf("got %q", got)
	}
	if got := eventHTML(&f, 1000); strings.Contains(got, "more") {
		t.Errorf("got %q", got)
	}
	f.Event, f.Oversize = nil, 1234567
	if got := eventHTML(&f, 30); got != "The event has 1,234,567 bytes and is not shown." {
		t.Errorf("got %q", got)
	}
}

// The example of every magic runs, and the reference says something of each.
func TestMagics(t *testing.T) {
	reference := Reference()
	for _, m := range Magics() {
		if m.Summary == "" || m.Prose == "" || m.Example == "" {
			t.Errorf("%s lacks words", m.Name)
		}
		if !strings.Contains(reference, m.Usage()) || !strings.Contains(reference, m.Example) {
			t.Errorf("the reference does not show %s", m.Name)
		}
		s := NewSession(story())
		for _, cell := range []string{"%data x", rule, m.Example} {
			if _, err := s.Execute(t.Context(), cell); err != nil {
				t.Errorf("%s: %v", cell, err)
			}
		}
	}
	golden := filepath.Join("testdata", "reference.md")
	if *update {
		if err := os.WriteFile(golden, []byte(reference), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(golden); err != nil || string(want) != reference {
		t.Errorf("%s differs; go test ./kernel -update writes it anew (%v)", golden, err)
	}
}

func FuzzExecute(f *testing.F) {
	for _, m := range Magics() {
		f.Add(m.Example)
	}
	f.Add("rows = 5\n%tabel --x 'a")
	f.Add("%%sigma")
	f.Fuzz(func(t *testing.T, cell string) {
		s := NewSession(story())
		if _, err := s.Execute(t.Context(), rule); err != nil {
			t.Fatal(err)
		}
		outputs, err := s.Execute(t.Context(), cell)
		var failed *CellError
		if err != nil && !errors.As(err, &failed) {
			t.Fatal(err)
		}
		failures := 0
		for _, o := range outputs {
			if o.Type == notebook.ErrorOutput {
				failures++
			}
		}
		if (failures == 1) != (err != nil) || failures > 1 {
			t.Errorf("%d error outputs with error %v", failures, err)
		}
	})
}

func TestColumns(t *testing.T) {
	cases := []struct{ fields, event, want string }{
		{"", "Task Channel Computer EventID", "Computer Channel EventID"},
		{"EventID Image", "Image EventID User Computer", "Computer EventID Image User"},
		{"Task @timestamp", "@timestamp Task Computer", "Computer Task @timestamp"},
		{"Absent", "beat.name winlog.x logx user.name SubjectUserName host.name Hostname", "Hostname SubjectUserName logx"},
		{"", "user.name eventName CommandLine a b c d e f g h i j", "user.name CommandLine eventName a b c d e f g"},
		{"Computer Computer User", "User Computer", "Computer User"},
	}
	for _, c := range cases {
		var pairs []string
		for name := range strings.FieldsSeq(c.event) {
			pairs = append(pairs, name, "x")
		}
		findings := []engine.Finding{finding(1, "", pairs...)}
		got := columns(&engine.Result{Fields: strings.Fields(c.fields)}, findings, maxColumns)
		if strings.Join(got, " ") != c.want {
			t.Errorf("fields %q of event %q: %v, want %s", c.fields, c.event, got, c.want)
		}
	}
}
