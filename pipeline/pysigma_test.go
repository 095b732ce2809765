package pipeline

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/huntbook/huntbook/internal/python"
)

// pythonWithSigma is a Python that has pySigma, or the test is skipped.
func pythonWithSigma(t *testing.T) string {
	t.Helper()
	return python.With(t, "HUNTBOOK_PYTHON", "nothing is compared with pySigma", "sigma.collection")
}

// The list of what pySigma knows is what pySigma says.
func TestPySigmaNames(t *testing.T) {
	out, err := exec.Command(pythonWithSigma(t), "testdata/pysigma_names.py").Output()
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/pysigma_names.txt")
	if err != nil {
		t.Fatal(err)
	}
	if string(out) != string(want) {
		t.Errorf("testdata/pysigma_names.txt is out of date; pySigma has\n%s", out)
	}
}

// All that pySigma's pipeline files may hold is there, or refused with a reason.
func TestPySigmaIsWhole(t *testing.T) {
	ours := map[string][]string{}
	add := func(kind, name string, parameters []Parameter) {
		names := []string{}
		for _, p := range parameters {
			names = append(names, p.Name)
		}
		ours[kind+" "+name] = names
	}
	for _, x := range Transformations() {
		add("transformation", x.Name, x.Parameters)
	}
	for kind, list := range Conditions() {
		for _, x := range list {
			add(kind+" condition", x.Name, x.Parameters)
		}
	}
	for _, x := range Postprocessors() {
		add("post-processing item", x.Name, x.Parameters)
	}
	for _, x := range Finalizers() {
		add("finalizer", x.Name, x.Parameters)
	}
	list, err := os.ReadFile("testdata/pysigma_names.txt")
	if err != nil {
		t.Fatal(err)
	}
	refusedNames := map[string]bool{}
	for line := range strings.Lines(string(list)) {
		name, parameters, _ := strings.Cut(strings.TrimSpace(line), ":")
		i := strings.LastIndexByte(name, ' ')
		kind, short := name[:i], name[i+1:]
		if refused(kind, short) != "" {
			refusedNames[kind+" "+short] = true
			if ours[name] != nil {
				t.Errorf("%s is there and refused", name)
			}
			continue
		}
		if ours[name] == nil {
			t.Errorf("there is no %s", name)
			continue
		}
		for _, p := range strings.Fields(parameters) {
			switch isRefused := refusedKey(name, p) != ""; {
			case isRefused:
				refusedNames[kind+" parameter "+short+"."+p] = true
				if slices.Contains(ours[name], p) {
					t.Errorf("%s: %s is there and refused", name, p)
				}
			case !slices.Contains(ours[name], p):
				t.Errorf("%s has no parameter %s", name, p)
			}
		}
	}
	for _, r := range Refusals() {
		if !refusedNames[r.Kind+" "+r.Name] {
			t.Errorf("%s %s is refused, and pySigma does not have it", r.Kind, r.Name)
		}
	}
}

// notPySigma are examples that give something else in pySigma, and why.
var notPySigma = map[string]string{
	"field_name_mapping":                 "conditional names are ours",
	"alternatives":                       "it is ours",
	"regex":                              "a text without wildcard is the whole value, which an expression that is searched for says with anchors",
	"wildcard_placeholders":              "a star alone is no regular expression",
	"field name processing_item_applied": "pySigma notes the items that renamed a field for fields to show and references alone",
	"post json":                          "Python's JSON has spaces",
	"final json":                         "Python's JSON has spaces",
	"post nest":                          "pySigma can't read it from a file",
	"{type: map_string, mapping: {'true': yes, '5': five}} on {A: true, B: [5, 6], C: '5'}": "a rule that writes a number or a flag would miss what the log has in words",
	"{type: map_string, mapping: {a: [b, c], 'd*': e}} on {A: [a, 'd*', f]}":                "of a list of new values one must match whatever links the rule's, so they stand apart",
}

// The examples of the docs, and more cases, give in pySigma what they give
// here.
func TestExamplesAgreeWithPySigma(t *testing.T) {
	python := pythonWithSigma(t)
	type oneCase struct {
		Name     string   `json:"-"`
		Want     string   `json:"-"`
		Pipeline string   `json:"pipeline"`
		Rule     string   `json:"rule"`
		Queries  []string `json:"queries"`
	}
	var cases []oneCase
	add := func(name, vars, section, item, detection string, queries []string, want string) {
		text := "name: x\n" + section + ":\n  - " + item + "\n"
		if vars != "" {
			text += "vars: " + vars + "\n"
		}
		cases = append(cases, oneCase{name, want, text, exampleText(detection), queries})
	}
	for _, x := range Transformations() {
		add(x.Name, x.Vars, "transformations", x.Example.Item, x.Example.Detection, nil, x.Example.Result)
	}
	for kind, list := range Conditions() {
		for _, x := range list {
			add(kind+" "+x.Name, "", "transformations", x.Example.Item, x.Example.Detection, nil, x.Example.Result)
		}
	}
	for _, x := range Postprocessors() {
		add("post "+x.Name, "", "postprocessing", x.Example.Item, "{A: 1}", x.Example.Queries, x.Example.Result)
	}
	for _, x := range Finalizers() {
		add("final "+x.Name, "", "finalizers", x.Example.Item, "{A: 1}", x.Example.Queries, x.Example.Result)
	}
	for _, c := range pySigmaCases {
		p := parsePipeline(t, "vars: "+c.vars+"\ntransformations:\n  - "+c.item+"\n")
		add(c.item+" on "+c.detection, c.vars, "transformations", c.item, c.detection, nil, lowered(exampleRule(t, c.detection), NewChain(p)))
	}
	var in bytes.Buffer
	e := json.NewEncoder(&in)
	for _, c := range cases {
		if err := e.Encode(c); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(python, "testdata/pysigma_apply.py")
	cmd.Stdin, cmd.Stderr = &in, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) != len(cases) {
		t.Fatalf("%d answers to %d cases", len(lines), len(cases))
	}
	for i, c := range cases {
		var row struct {
			Result any
			Error  string
		}
		if err := json.Unmarshal([]byte(lines[i]), &row); err != nil {
			t.Fatal(err)
		}
		got := fmt.Sprint(row.Result)
		if row.Error != "" {
			got = "error: " + row.Error
		}
		same := got == c.Want || row.Error != "" && strings.HasPrefix(c.Want, "error: ")
		switch reason := notPySigma[c.Name]; {
		case !same && reason == "":
			t.Errorf("%s\n%s  gives %s\n  pySigma %s", c.Name, c.Pipeline, c.Want, got)
		case same && reason != "":
			t.Errorf("%s is the same in pySigma, though %s", c.Name, reason)
		}
	}
}

// pySigmaCases are what the examples leave out.
var pySigmaCases = []struct{ vars, item, detection string }{
	{"", `{type: field_name_mapping, mapping: {A: [b, c]}}`, `{A: [x, y], B: 1}`},
	{"", `{type: field_name_mapping, mapping: {A: [b, c]}}`, `{A|contains|all: [x, y]}`},
	{"", `{type: field_name_mapping, mapping: {A: b}}`, `{B|fieldref: A}`},
	{"", `{type: field_name_mapping, mapping: {null: message}}`, `[x, 'y*']`},
	{"", `{type: field_name_mapping, mapping: {A: b}, detection_item_conditions: [{type: match_string, cond: any, pattern: x}]}`, `{A: [x, y]}`},
	{"", `{type: field_name_prefix, prefix: p., field_name_conditions: [{type: include_fields, fields: [A]}], field_name_cond_not: true}`, `{A: 1, B: 2}`},
	{"", `{type: field_name_suffix, suffix: .s, field_name_conditions: {a: {type: include_fields, fields: [A]}, b: {type: include_fields, fields: [B]}}, field_name_cond_expr: a or not b}`, `{A: 1, B: 2, C: 3}`},
	{"", `{type: drop_detection_item, field_name_conditions: [{type: include_fields, fields: [A]}]}`, `[{A: 1, B: 2}, {C: 3}]`},
	{"", `{type: hashes_fields, valid_hash_algos: [MD5, SHA1], field_prefix: h.}`, `{Hashes: [MD5=aa, SHA1=bb]}`},
	{"", `{type: hashes_fields, valid_hash_algos: [MD5, SHA1], field_prefix: h, drop_algo_prefix: true}`, `{Hash|contains: '987B65CD9B9F4E9A1AFD8F8B48CF64A7'}`},
	{"", `{type: hashes_fields, valid_hash_algos: [MD5]}`, `{Other: MD5=aa}`},
	{"", `{type: extract_fields, regex: '(?P<a>\w+)-(?P<b>\w+)', preserve_unmatched: true}`, `{A: [x-1, yy]}`},
	{"", `{type: extract_fields, regex: '(?P<a>\w+)-(?P<b>\w+)'}`, `{A: [x-null, y-z]}`},
	{"", `{type: replace_string, regex: a+, replacement: 'b\\g<0>'}`, `{A: xaay, B: 'a*'}`},
	{"", `{type: replace_string, regex: 'x', replacement: '*', skip_special: true}`, `{A: 'axb*'}`},
	{"", `{type: replace_string, regex: 'x', replacement: '*', skip_special: true, interpret_special: true}`, `{A: 'axb*'}`},
	{"", `{type: map_string, mapping: {a: [b, c], 'd*': e}}`, `{A: [a, 'd*', f]}`},
	{"", `{type: map_string, mapping: {'true': yes, '5': five}}`, `{A: true, B: [5, 6], C: '5'}`},
	{"", `{type: case, method: upper}`, `{A: 'ab*', B: 1}`},
	{"", `{type: case, method: snake_case}`, `{A: FooBarHTTP}`},
	{"", `{type: case}`, `{A: FooBar}`},
	{"", `{type: set_value, value: null}`, `{A: x}`},
	{"", `{type: set_value, value: true}`, `{A: x}`},
	{"", `{type: set_value, value: '5', force_type: num}`, `{A: x}`},
	{"", `{type: set_value, value: x*}`, `{A: y}`},
	{"", `{type: convert_type, target_type: str}`, `{A: [1, x]}`},
	{"", `{type: convert_type, target_type: num}`, `{A: x}`},
	{"", `{type: regex, method: plain}`, `{A: ''}`},
	{"{p: [a, 'b*', 1]}", `{type: value_placeholders}`, `{A|expand: 'x%p%'}`},
	{"{p: a, q: [b, c]}", `{type: value_placeholders}`, `{A|expand|contains: '%p%%q%'}`},
	{"{p: a}", `{type: value_placeholders, exclude: [q]}`, `{A|expand: '%p%'}`},
	{"", `{type: value_placeholders}`, `{A|expand: '%p%'}`},
	{"{p: a}", `{type: value_placeholders}`, `{A|re|expand: '^%p%$'}`},
	{"", `{type: wildcard_placeholders}`, `{A|expand: '%p%'}`},
	{"", `{type: query_expression_placeholders, expression: '{{{field}}} {id}'}`, `{A|expand: '%p%'}`},
	{"", `{type: query_expression_placeholders, expression: '{field} {id}'}`, `{A|expand: 'x%p%'}`},
	{"", `{type: add_condition, conditions: {B: [1, x*], C: null}}`, `{A: 1}`},
	{"", `{type: add_condition, conditions: {B: 1}, negated: true}`, `{A: 1}`},
	{"", `{type: add_condition, conditions: {B: '$product-${category}'}, template: true}`, `{A: 1}`},
	{"", `{type: set_state, key: index, val: [a, b]}`, `{A: 1}`},
	{"", `{type: set_state, key: index, val: a, rule_conditions: [{type: contains_field, field: A}, {type: contains_field, field: B}], rule_cond_op: or}`, `{A: 1}`},
	{"", `{type: set_state, key: index, val: a, rule_conditions: [{type: rule_attribute, attribute: tags, op: eq, value: attack.execution}]}`, `{A: 1}`},
	{"", `{type: set_state, key: index, val: a, rule_conditions: [{type: rule_attribute, attribute: title, value: Example}]}`, `{A: 1}`},
	{"", `{type: set_state, key: index, val: a, rule_conditions: [{type: rule_attribute, attribute: none, value: Example}]}`, `{A: 1}`},
	{"", `{type: set_state, key: index, val: a, rule_conditions: [{type: rule_attribute, attribute: level, value: critical, op: lt}]}`, `{A: 1}`},
	{"", `{type: rule_failure, message: no}`, `{A: 1}`},
}
