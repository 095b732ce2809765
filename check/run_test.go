package check

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/huntbook/huntbook/diag"
)

// places lists findings as "line:column+width code".
func places(list []Finding) []string {
	var out []string
	for _, f := range list {
		out = append(out, fmt.Sprintf("%d:%d+%d %s", f.Pos.Line, f.Pos.Column, f.Width, f.Code))
	}
	return out
}

// Findings point at the characters that they are about.
func TestPlaces(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"value", "title: Detects Much", "1:8+12 title-start"},
		{"value in quotes", "title: 'Detects Much'", "1:8+14 title-start"},
		{"key", "titel: x\ntitle: Example of a Rule", "22:1+5 misspelt-key"},
		{"missing key", "# without: level", "1:1+5 level-missing"},
		{"list entry", "tags:\n    - attack.execution\n    - 'attack.Execution'", "11:7+18 tag-format"},
		{"entry in brackets", "tags: [attack.execution, tlp.white]", "9:26+9 tag-tlp"},
		{"log source", "logsource:\n    category: process_creation\n    product: Windows", "14:14+7 logsource-case"},
		{"related", "related:\n    - type: similer\n      id: 7f6d5c4b-2a1e-4d3c-8b9a-1f2e3d4c5b6a", "23:13+7 related-type 24:11+36 related-unknown"},
		{"modifier", "detection:\n    s:\n        CommandLine|contains|windash|contains: x\n    condition: s", "17:38+8 modifier-repeated"},
		{"modifier in quotes", "detection:\n    s:\n        'CommandLine|contains|windash|contains': x\n    condition: s", "17:39+8 modifier-repeated"},
		{"value of a list", "detection:\n    s:\n        CommandLine: [a, '*', b]\n    condition: s", "17:26+3 wildcard-alone"},
		{"number", "detection:\n    s:\n        LogonId: 0x3e7\n    condition: s", "17:18+5 number-form"},
		{"identifier", "detection:\n    s: {User: a}\n    t: {User: b}\n    condition: s", "17:5+1 unused-identifier"},
		{"condition", "detection:\n    s: {User: a}\n    condition: 's AND s'", "17:19+3 condition-case"},
		{"condition over lines", "detection:\n    s: {User: a}\n    condition: |\n        s AND\n        s", "17:16+3 condition-case"},
		{"after other writing", "title: Prüfung от 东西 Detects\ndescription: 'Détecte — quoi donc ici'\nlevel: HIGH", "21:8+4 word-case"},
		{"invisible", "description: 'Detects ü\u200b what\u202e is \u200bhere'", "4:24+1 invisible-character"},
	} {
		t.Run(c.name, func(t *testing.T) {
			set, _ := load(t, exampleFiles(c.text))
			if got := strings.Join(places(Run(set).Findings), " "); got != c.want {
				t.Errorf("got %s, want %s\n%s", got, c.want, set.All[0].Text)
			}
		})
	}
}

// What the parser says of a file comes with the rest, in the order of places;
// files come in the order of their paths, and what a global part is found with
// again and again comes once.
func TestOrder(t *testing.T) {
	set, dir := load(t, map[string]string{
		"b/proc_creation_win_two.yml": "action: global\n" + strings.Replace(exampleText, "level: medium", "level: HIGH", 1) +
			"---\ndetection:\n    a: {User: a}\n    condition: a\n---\ndetection:\n    b: {User: b}\n    condition: b\n",
		"a/proc_creation_win_one.yml":   "title: x\n  y: z: a\n",
		"a/proc_creation_win_three.yml": exampleDocument("level: hihg\ntitle: Example execution.\n", 1),
	})
	var got []string
	for _, f := range Run(set).Findings {
		rel, err := filepath.Rel(dir, f.File.Path)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%s:%d %s", filepath.ToSlash(rel), f.Pos.Line, f.Code))
	}
	want := []string{
		"a/proc_creation_win_one.yml:2 yaml",
		"a/proc_creation_win_three.yml:1 title-end",
		"a/proc_creation_win_three.yml:21 unknown-level",
		"b/proc_creation_win_two.yml:17 unused-identifier",
		"b/proc_creation_win_two.yml:22 word-case",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// Codes of the parser have their place in the list of checks: what a user reads
// of a message is there.
func TestParserCodes(t *testing.T) {
	for _, c := range parserChecks {
		if c.file != nil || c.document != nil || c.item != nil || c.set != nil {
			t.Errorf("%s looks by itself", c.Code)
		}
	}
	for _, name := range parserFiles(t) {
		for _, m := range aCode.FindAllStringSubmatch(read(t, name), -1) {
			code := m[1] + m[2] + m[3]
			if notInRules[code] == "" && Find(code) == nil {
				t.Errorf("%s tells of %q, which has no entry among the checks", filepath.Base(name), code)
			}
		}
	}
}

// What is told in SARIF keeps to its schema.
func TestSARIF(t *testing.T) {
	files := map[string]string{}
	for i, c := range All() {
		for name, text := range exampleFiles(c.Bad) {
			files[fmt.Sprintf("%d %s/%s", i, c.Code, name)] = text
		}
	}
	set, _ := load(t, files)
	var b bytes.Buffer
	err := diag.WriteSARIF(&b, Run(set).List(), "huntbook check", "1.0.0", func(code string) string { return Find(code).Prose })
	if err != nil {
		t.Fatal(err)
	}
	schema, err := jsonschema.NewCompiler().Compile(filepath.Join("testdata", "sarif", "sarif-2.1.0-rtm.5.json"))
	if err != nil {
		t.Fatal(err)
	}
	log, err := jsonschema.UnmarshalJSON(bytes.NewReader(b.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(log); err != nil {
		t.Error(err)
	}
	var read struct {
		Runs []struct {
			Tool struct {
				Driver struct{ Rules []struct{ ID string } }
			}
			Results []struct {
				RuleID    string
				RuleIndex int
			}
		}
	}
	if err := json.Unmarshal(b.Bytes(), &read); err != nil {
		t.Fatal(err)
	}
	if run := read.Runs[0]; len(run.Results) < len(All()) || len(run.Tool.Driver.Rules) < len(All())-10 {
		t.Errorf("%d results of %d rules", len(run.Results), len(run.Tool.Driver.Rules))
	}
}
