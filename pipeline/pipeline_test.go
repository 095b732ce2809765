package pipeline

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/huntbook/huntbook/diag"
)

func file(path string, data []byte) *diag.File { return &diag.File{Path: path, Data: data} }

func load(t *testing.T, name string) *Pipeline {
	t.Helper()
	p, err := Load(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPipelineErrors(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", "x.yml: the file is empty"},
		{"- a", "x.yml:1:1: expected a map of keys, found a list"},
		{"name: [", "x.yml:1:1: not valid YAML: "},
		{"name: x", `x.yml:1:1: a pipeline needs "transformations"`},
		{"nmae: x\ntransformations: []", `x.yml:1:1: a pipeline has no key "nmae"; did you mean "name"?`},
		{"priority: high\ntransformations: []", "x.yml:1:11: priority of a pipeline must be a whole number"},
		{"name: a\nname: b\ntransformations: []", `x.yml:2:1: key "name" stands here again; first in line 1`},
		{"requires: [helkk]\ntransformations: []", `x.yml:1:11: there is no built-in pipeline "helkk" to require; did you mean "helk"?`},
		{"transformations: [{id: a}]", "x.yml:1:19: a processing item needs a type"},
		{"transformations: [{type: field_name_maping}]", `x.yml:1:26: unknown transformation "field_name_maping"; did you mean "field_name_mapping"?`},
		{"transformations: [{type: add_condition, condition: {A: 1}}]", `x.yml:1:41: transformation add_condition has no key "condition"; did you mean "conditions"?`},
		{"transformations: [{type: add_condition, conditions: {A|contian: 1}}]", `in the conditions of transformation add_condition: unknown modifier "contian"; did you mean "contains"?`},
		{"transformations: [{type: field_name_prefix, prefix: a, rule_conditions: [{type: logsouce}]}]", `x.yml:1:81: unknown condition "logsouce" in rule_conditions; did you mean "logsource"?`},
		{"transformations: [{type: field_name_prefix, prefix: a, rule_conditions: [{type: logsource, prodct: x}]}]", `condition logsource has no key "prodct"; did you mean "product"?`},
		{"transformations: [{type: field_name_prefix, prefix: a, rule_cond_op: xor}]", `rule_cond_op must be and or or, this is "xor"`},
		{"transformations: [{type: field_name_prefix, prefix: a, rule_conditions: {a: {type: is_sigma_rule}}, rule_cond_expr: a and b}]", `there is no condition named "b"`},
		{"transformations: [{type: replace_string, regex: '(?=x)', replacement: ''}]", "x.yml:1:49: error parsing regexp"},
		{"transformations: [{type: nest, items: [{type: nope}]}]", `unknown transformation "nope"`},
		{"transformations: []\nfinalizers: [{type: concatt}]", `x.yml:2:21: unknown finalizer "concatt"; did you mean "concat"?`},
		{"finalizers: {type: concat}", "x.yml:1:13: finalizers must be a list, this is a map"},
		{"finalizers: [{type: json, indent: 99}]", "x.yml:1:35: indent must be a number from 0 to 16, this is 99"},
		{"postprocessing: [{type: embd}]", `x.yml:1:25: unknown post-processing item "embd"; did you mean "embed"?`},
		{"postprocessing: [{type: json, json_template: '{'}]", "x.yml:1:46: json_template is no valid JSON"},
		{"postprocessing: [{type: replace, pattern: '('}]", "x.yml:1:43: error parsing regexp"},
		{"postprocessing: [{type: simple_template, template: '{rule.titel}'}]", `x.yml:1:52: {rule.titel}: unknown name "titel"; did you mean "title"?`},
		{"postprocessing: [{type: simple_template, template: '{query!r}'}]", "x.yml:1:52: {query!r}: only names, dots and brackets may stand here"},
		{"postprocessing: [{type: simple_template, template: 'a } b'}]", "a brace stands alone in the format; write {{ or }} for a brace"},
		{"postprocessing: [{type: template, template: x, path: /x}]", "x.yml:1:48: the key path of post-processing item template is not taken: a pipeline may not read other files"},
		{"finalizers: [{type: template, template: x, vars: x.py}]", "the key vars of finalizer template is not taken: it is Python code"},
		{"transformations: [{type: http_placeholders, url: x}]", "x.yml:1:26: transformation http_placeholders is not taken: a pipeline may not reach the network"},
		{"transformations: [{type: command_placeholders, cmd: x}]", "transformation command_placeholders is not taken: a pipeline may not run commands"},
		{"transformations: [{type: file_placeholders, path: x}]", "transformation file_placeholders is not taken: a pipeline may not read other files"},
		{"transformations: [{type: field_name_transform}]", "transformation field_name_transform is not taken: it is Python code"},
		{"transformations: [{type: value_placeholders, include: [a], exclude: [b]}]", "include and exclude can't stand together"},
		{"transformations: [{type: query_expression_placeholders, expression: '{name}'}]", `{name}: unknown name "name"; known are field, id`},
		{"transformations: [{type: extract_fields, regex: '(a)'}]", "x.yml:1:49: the expression has no named group"},
		{"transformations: [{type: regex, method: nope}]", "x.yml:1:41: method must be ignore_case_brackets"},
		{"transformations: [{type: convert_type, target_type: int}]", `target_type must be str or num, this is "int"`},
		{"transformations: [{type: set_value, value: x, force_type: num}]", `"x" is no number`},
		{"transformations: [{type: set_value, value: [x]}]", "value of transformation set_value must be a text or a number, this is a list"},
		{"transformations: [{type: field_name_prefix, prefix: a, rule_conditions: [{type: rule_attribute, attribute: a, value: 1, op: lte2}]}]", `op must be one of eq, ne, gte, gt, lte, lt, in, not_in, this is "lte2"`},
		{"transformations: [{type: field_name_prefix, prefix: a, rule_conditions: {a: {type: is_sigma_rule}, b: {type: is_sigma_rule}}, rule_cond_expr: a}]", `it does not name the condition "b"`},
		{"transformations: [{type: field_name_prefix, prefix: a, rule_conditions: {a: {type: is_sigma_rule}}, rule_cond_expr: a, rule_cond_op: or}]", "rule_cond_expr and rule_cond_op exclude each other"},
		{"transformations: [{type: field_name_prefix, prefix: a, rule_conditions: [{type: is_sigma_rule}], rule_cond_expr: a}]", "an expression needs names: rule_conditions must be a map from names to conditions"},
		{"vars: [a]", "x.yml:1:7: vars must be a map, this is a list"},
		{"fieldmappings: {A: b}", "x.yml is a sigmac configuration: give it with -c"},
		{"a: &a {x: 1}\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]\nc: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]\nd: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]\ne: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d]\nf: [*e, *e, *e, *e, *e, *e, *e, *e, *e, *e]", "the file has more than"},
		{"a: \x00", "x.yml: this is not a YAML text"},
	} {
		_, err := Parse("x", file("x.yml", []byte(c.text)))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.60s\n  gives %v\n  want  %s", c.text, err, c.want)
		}
	}
}

// All that is wrong is reported, not the first alone.
func TestPipelineErrorsAreCollected(t *testing.T) {
	_, err := Parse("x", file("x.yml", []byte("transformations:\n  - {type: nope}\n  - {type: field_name_prefix}\n  - {type: case, method: title}\n")))
	if n := len(diag.Of(err)); n != 3 {
		t.Errorf("%d messages: %v", n, err)
	}
}

func TestFind(t *testing.T) {
	for _, c := range []struct {
		name, want string
		is         error
	}{
		{"helkk", `there is no pipeline "helkk" (-p); did you mean "helk"?`, ErrUnknown},
		{"zzz", "there are ecs_windows, ecs_windows_old, ecs_zeek_beats, helk, sysmon, windows-audit, windows-logsources, windows, and files", ErrUnknown},
		{"nowhere/helk.yml", "nowhere", fs.ErrNotExist},
	} {
		if _, err := Load(c.name); !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s gives %v", c.name, err)
		}
	}
	if _, err := LoadSigmac("hekl"); !errors.Is(err, ErrUnknown) || !strings.Contains(err.Error(), `did you mean "helk"?`) {
		t.Errorf("got %v", err)
	}
	path := filepath.Join(t.TempDir(), "own")
	if err := os.WriteFile(path, []byte("name: own\ntransformations: []\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if p, err := Load(path); err != nil || p.Name != "own" {
		t.Errorf("a file without extension: %v", err)
	}
	if _, err := Load(filepath.Dir(path)); err == nil || !strings.Contains(err.Error(), "is a folder") {
		t.Errorf("a folder: %v", err)
	}
}

func TestBuiltins(t *testing.T) {
	seen := 0
	for _, b := range Builtins() {
		if b.Name == "" || b.Title == "" || b.Description == "" {
			t.Errorf("%+v is not described", b)
		}
		if b.Sigmac {
			if _, err := LoadSigmac(b.Name); err != nil {
				t.Error(err)
			}
		} else if p := load(t, b.Name); p.Name != b.Title {
			t.Errorf("%s: title %s, name %s", b.Name, b.Title, p.Name)
		}
		seen++
	}
	if seen < 3 {
		t.Errorf("only %d", seen)
	}
}

func TestCheckLinking(t *testing.T) {
	for _, c := range []struct{ keys, want string }{
		{`rule_conditions: [{type: logsource, product: x}, {type: contains_field, field: A}]`, "a.A"},
		{`rule_conditions: [{type: logsource, product: y}, {type: contains_field, field: A}]`, "A"},
		{`rule_conditions: [{type: logsource, product: y}, {type: contains_field, field: A}], rule_cond_op: or`, "a.A"},
		{`rule_conditions: [{type: logsource, product: x}], rule_cond_not: true`, "A"},
		{`rule_conditions: [{type: logsource, product: y}], rule_cond_not: true`, "a.A"},
		{`rule_cond_not: true`, "a.A"},
		{`rule_conditions: {p: {type: logsource, product: x}, f: {type: contains_field, field: B}}, rule_cond_expr: p and not f`, "a.A"},
		{`rule_conditions: {p: {type: logsource, product: x}, f: {type: contains_field, field: B}}, rule_cond_expr: not (p or f)`, "A"},
		{`rule_conditions: [{type: contains_detection_item, field: A, value: 1}]`, "a.A"},
		{`rule_conditions: [{type: contains_detection_item, field: A, value: 2}]`, "A"},
		{`detection_item_conditions: [{type: is_null}]`, "A"},
		{`detection_item_conditions: [{type: is_null}], detection_item_cond_not: true`, "a.A"},
		{`field_name_conditions: [{type: include_fields, fields: ['^A'], mode: re}]`, "a.A"},
		{`field_name_conditions: [{type: exclude_fields, fields: [A]}]`, "A"},
	} {
		p := parsePipeline(t, "transformations: [{type: field_name_prefix, prefix: a., "+c.keys+"}]")
		if got, want := lowered(ruleOf(t, "{product: x}", "{A: 1}"), NewChain(p)), c.want+" = 1"; got != want {
			t.Errorf("%s\n  gives %s\n  want  %s", c.keys, got, want)
		}
	}
}

func TestItemConditions(t *testing.T) {
	for _, c := range []struct {
		condition, items string
		holds            bool
	}{
		{"{type: match_string, pattern: 'a.c'}", "{A: abcd}", true},
		{"{type: match_string, pattern: 'b'}", "{A: abcd}", false},
		{"{type: match_string, pattern: 'a'}", "{A: [a, b]}", true},
		{"{type: match_string, pattern: 'a', cond: all}", "{A: [a, b]}", false},
		{"{type: contains_wildcard}", "{A: ['a*', b]}", true},
		{"{type: contains_wildcard, cond: all}", "{A: ['a*', b]}", false},
		{"{type: is_null}", "{A: [x, null]}", true},
		{"{type: is_null, cond: all}", "{A: [x, null]}", false},
	} {
		p := parsePipeline(t, "transformations: [{type: field_name_prefix, prefix: a., detection_item_conditions: ["+c.condition+"]}]")
		if got := strings.HasPrefix(lowered(ruleOf(t, "{product: x}", c.items), NewChain(p)), "a.A"); got != c.holds {
			t.Errorf("%s on %s: %v", c.condition, c.items, got)
		}
	}
}

func TestProcessingItemApplied(t *testing.T) {
	p := parsePipeline(t, `
transformations:
  - {id: first, type: field_name_prefix, prefix: a., field_name_conditions: [{type: include_fields, fields: [A]}]}
  - {type: field_name_suffix, suffix: .x, field_name_conditions: [{type: processing_item_applied, processing_item_id: first}]}
  - {type: set_state, key: index, val: i, rule_conditions: [{type: processing_item_applied, processing_item_id: first}]}
  - {type: field_name_suffix, suffix: .y, rule_conditions: [{type: processing_state, key: index, val: i}]}
`)
	if got, want := lowered(ruleOf(t, "{product: x}", "{A: 1, B: 2}"), NewChain(p)), "a.A.x.y = 1 and B.y = 2 in i"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestChain(t *testing.T) {
	first := parsePipeline(t, "priority: 5\ntransformations: [{type: field_name_prefix, prefix: a.}]")
	second := parsePipeline(t, "priority: 10\nallowed_backends: [splunk]\ntransformations: [{type: field_name_prefix, prefix: b.}]")
	second.ID = "second"
	rule := ruleOf(t, "{product: x}", "{A: 1}")
	if got := lowered(rule, NewChain(second, first)); got != "b.a.A = 1" {
		t.Errorf("lower priority runs first: %s", got)
	}
	if err := NewChain(first, second).Check("es-qs"); err == nil || err.Error() != "pipeline second is not for target es-qs; it is for splunk" {
		t.Errorf("got %v", err)
	}
	if err := NewChain(first, second).Check("splunk"); err != nil {
		t.Error(err)
	}
	helk := load(t, "helk")
	sysmon := ruleOf(t, "{product: windows, category: file_event}", "{Image: x}")
	want := `log_name = "Microsoft-Windows-Sysmon/Operational" and event_id = 11 and process_path = "x" in logs-endpoint-winevent-sysmon-*`
	for _, chain := range []*Chain{NewChain(helk), NewChain(helk, load(t, "windows-logsources"))} {
		if got := lowered(sysmon, chain); got != want {
			t.Errorf("what a pipeline requires runs once, before it: %s", got)
		}
	}
}
