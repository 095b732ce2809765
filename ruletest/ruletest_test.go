package ruletest

import (
	"bytes"
	"context"
	"encoding/xml"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/huntbook/huntbook/diag"
	"github.com/huntbook/huntbook/ruleset"
)

var update = flag.Bool("update", false, "write golden files anew")

// run finds, binds and runs the tests of paths.
func run(t *testing.T, paths ...string) (*Suite, []*Result) {
	t.Helper()
	suite, rest, err := Find(paths)
	if err != nil {
		t.Fatal(err)
	}
	set, err := ruleset.Load(rest, ruleset.Choice{})
	if err != nil {
		t.Fatal(err)
	}
	suite.Bind(set)
	runner, err := NewRunner()
	if err != nil {
		t.Fatal(err)
	}
	var results []*Result
	for _, test := range suite.Tests {
		r, err := runner.Run(context.Background(), test)
		if err != nil {
			t.Fatal(err)
		}
		r.Took = 0
		results = append(results, r)
	}
	return suite, results
}

func TestPassing(t *testing.T) {
	tests := []struct {
		paths    []string
		passed   int
		untested int
		missing  int
	}{
		{[]string{"testdata/rules"}, 7, 0, 0},
		{[]string{"testdata/rules/whoami.yml"}, 5, 0, 0},
		{[]string{"testdata/rules/whoami.test.yml"}, 5, 0, 0},
		{[]string{"testdata/rules/whoami.test.yml", "testdata/rules"}, 7, 0, 0},
		{[]string{"testdata/repo"}, 2, 0, 0},
		{[]string{"testdata/repo/rules"}, 2, 0, 0},
		{[]string{"testdata/repo/rules/whoami.yml"}, 2, 0, 0},
	}
	for _, tt := range tests {
		suite, results := run(t, tt.paths...)
		if len(suite.Diagnostics) > 0 || len(results) != tt.passed || suite.Untested != tt.untested || suite.Missing != tt.missing {
			t.Errorf("%v: %d tests, %d untested, %d missing, %v", tt.paths, len(results), suite.Untested, suite.Missing, suite.Diagnostics)
		}
		for _, r := range results {
			if !r.Passed {
				t.Errorf("%v: %s: %s", tt.paths, r.Name, r.Message)
			}
		}
	}
}

func TestFailing(t *testing.T) {
	suite, results := run(t, "testdata/failing")
	if len(suite.Diagnostics) > 0 {
		t.Fatal(suite.Diagnostics)
	}
	var text, lines, junit bytes.Buffer
	for _, r := range results {
		if r.Passed {
			t.Errorf("%s passed", r.Name)
		}
		if err := r.WriteText(&text, false); err != nil {
			t.Fatal(err)
		}
		if err := r.WriteJSON(&lines); err != nil {
			t.Fatal(err)
		}
	}
	if err := WriteJUnit(&junit, results, nil); err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/failing.golden", text.Bytes())
	golden(t, "testdata/failing.json.golden", lines.Bytes())
	golden(t, "testdata/failing.xml.golden", junit.Bytes())
	var read junitSuites
	if err := xml.Unmarshal(junit.Bytes(), &read); err != nil || read.Failures != 6 || read.Errors != 1 || read.Tests != 7 {
		t.Errorf("%d failures, %d errors, %d tests, %v", read.Failures, read.Errors, read.Tests, err)
	}
}

func TestBadFiles(t *testing.T) {
	suite, _, err := Find([]string{"testdata/bad"})
	if err != nil {
		t.Fatal(err)
	}
	set, err := ruleset.Load([]string{"testdata/rules"}, ruleset.Choice{})
	if err != nil {
		t.Fatal(err)
	}
	suite.Bind(set)
	var out bytes.Buffer
	if err := diag.WriteText(&out, suite.Diagnostics, false); err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/bad.golden", out.Bytes())
	for _, test := range suite.Tests {
		t.Errorf("test %q of %s was taken", test.Name, test.File.Path)
	}
	if _, _, err := Find([]string{"testdata/nowhere"}); err == nil {
		t.Error("a path that does not exist was taken")
	}
}

func TestEvents(t *testing.T) {
	tests := []struct{ yaml, want string }{
		{`{a: 1, b: 1.50, c: -2, d: 1e3}`, `{"a":1,"b":1.50,"c":-2,"d":1e3}`},
		{`{a: 007, b: 0x10, c: .5, d: .inf}`, `{"a":"007","b":16,"c":0.5,"d":".inf"}`},
		{`{a: true, b: null, c: '', d: ~, e: yes}`, `{"a":true,"b":null,"c":"","d":null,"e":"yes"}`},
		{`{a: 2024-01-01, b: '1', c: "x\ny"}`, `{"a":"2024-01-01","b":"1","c":"x\ny"}`},
		{`{a: [1, [b], {c: d}], "k\"": v}`, `{"a":[1,["b"],{"c":"d"}],"k\"":"v"}`},
		{`{x: &x {a: 1, b: 2}, <<: *x, b: 3}`, `{"x":{"a":1,"b":2},"b":3,"a":1}`},
		{`{a: C:\Windows}`, `{"a":"C:\\Windows"}`},
	}
	for _, tt := range tests {
		r := &reader{file: &diag.File{Data: []byte(tt.yaml)}}
		docs := r.documents()
		if got := string(r.event(docs[0])); got != tt.want || len(r.diags) > 0 {
			t.Errorf("%s: %s, want %s; %v", tt.yaml, got, tt.want, r.diags)
		}
	}
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

func FuzzTestFile(f *testing.F) {
	for _, name := range []string{"testdata/rules/whoami.test.yml", "testdata/bad/one.test.yml", "testdata/bad/regression/info.yml"} {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte("tests: &a [{events: [{a: *a}], match: all}]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := &reader{file: &diag.File{Path: "x.test.yml", Data: data}, folder: "testdata", root: "testdata"}
		r.own()
		r.regression()
		for _, test := range r.tests {
			if test.Data != "" && !strings.HasPrefix(filepath.ToSlash(test.Data), "testdata/") {
				t.Errorf("the test reads %s", test.Data)
			}
		}
	})
}
