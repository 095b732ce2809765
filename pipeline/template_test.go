package pipeline

import (
	"fmt"
	"strings"
	"testing"
)

func TestTemplates(t *testing.T) {
	for _, c := range []struct{ template, want string }{
		{`{{ query }}`, `A:"1"`},
		{`[{{rule.title}}] {{ rule.logsource.product }}`, `[Example] windows`},
		{`{{ rule['level'] | upper }}`, `HIGH`},
		{`{{ rule.tags }} {{ rule.tags | first }} {{ rule.tags | length }}`, `["attack.execution"] attack.execution 1`},
		{`{{ pipeline.state.index }} {{ pipeline.vars.list | join(', ') }}`, `logs-* a, b`},
		{`{% if rule.level == 'high' and not rule.author %}yes{% else %}no{% endif %}`, `yes`},
		{`{% if rule.level == "low" %}1{% elif 'attack.execution' in rule.tags %}2{% else %}3{% endif %}`, `2`},
		{`{% if 'x' not in rule.title and (rule.author or rule.title) %}a{% endif %}`, ``},
		{`{% for x in pipeline.vars.list %}{{ loop.index }}{{ x }}{% if not loop.last %},{% endif %}{% endfor %}{{ query }}`, `1a,2bA:"1"`},
		{"a\n {%- if query -%} \n b \n {%- endif %}\n", "ab"},
		{"x\n\n", "x\n"},
		{`{# no #}{{ query | replace('"', "'") }}`, `A:'1'`},
		{`{{ pipeline.state.none | default('d') }}`, `d`},
		{`{{ query | tojson }} {{ "it's" | tojson }}`, `"A:\"1\"" "it\u0027s"`},
		{`{{ '<' | e }}{{ '<' }}`, `&lt;<`},
		{`{{ rule.custom_attributes.team }} {{ true }} {{ 5 }}`, `blue true 5`},
		{`{x} }} {`, `{x} }} {`},
		{`{{ rule.titel }}`, `error: x.yml:2:32: the template can't be read: unknown name "titel"; did you mean "title"?`},
		{`{{ qery }}`, `unknown name "qery"; did you mean "query"?`},
		{`{{ rule.__class__ }}`, `unknown name "__class__"`},
		{`{{ query | system }}`, `unknown name "system"; known are default, escape`},
		{`{{ query.split('') }}`, `unexpected "("`},
		{`{{ query + 1 }}`, `"+" is not known in a template`},
		{`{{ query`, `{{ is never closed`},
		{`{% if query %}`, `{% if %} has no {% endif %}`},
		{`{% for x in query %}{% endif %}`, `{% for %} has no {% endfor %}`},
		{`{% endif %}`, `{% endif %} stands alone`},
		{`{% include 'x' %}`, `{% include 'x' %} is not known`},
		{`{{ query | replace('a') }}`, `the filter replace takes 2 to 2 arguments, not 1`},
		{strings.Repeat(`{% if query %}`, 100), `it is nested too deeply`},
		{`{{ pipeline.state.none }}`, `error: x.yml:2:5: the template asks for pipeline.state.none, which is not set`},
		{`{% for x in query %}{% endfor %}`, `error: x.yml:2:5: the template asks for a list`},
	} {
		text := fmt.Sprintf("postprocessing:\n  - {type: template, template: %q}\n", c.template) +
			"vars: {list: [a, b]}\ntransformations: [{type: set_state, key: index, val: logs-*}, {type: set_custom_attribute, attribute: team, value: blue}]\n"
		got := ""
		p, err := Parse("x", file("x.yml", []byte(text)))
		if err == nil {
			l, diags := Lower(exampleRule(t, "{A: 1}"), NewChain(p))
			if l == nil {
				t.Fatal(diags)
			}
			var out any
			out, err = l.Postprocess(`A:"1"`)
			got, _ = out.(string)
		}
		if err != nil {
			got = "error: " + err.Error()
		}
		if got != c.want && (err == nil || !strings.Contains(got, c.want)) {
			t.Errorf("%s\n  gives %q\n  want  %q", c.template, got, c.want)
		}
	}
}

func TestPostprocessing(t *testing.T) {
	for _, c := range []struct {
		pipeline string
		query    any
		want     any
	}{
		{"postprocessing: []", "q", "q"},
		{"postprocessing: [{type: embed, prefix: a, rule_conditions: [{type: logsource, product: linux}]}]", "q", "q"},
		{"postprocessing: [{id: x, type: embed, prefix: a}, {type: embed, prefix: b, rule_conditions: [{type: processing_item_applied, processing_item_id: x}]}]", "q", "baq"},
		{`postprocessing: [{type: json, json_template: '{"%QUERY%": ["%QUERY%", 1]}'}]`, map[string]any{"b": 1.0}, `{"%QUERY%":[{"b":1},1]}`},
		{"postprocessing:\n  - {type: embed, prefix: a}", map[string]any{}, "error: test.yml:2:5: embed takes a query that is text, and this one is JSON"},
		{"postprocessing:\n  - {type: simple_template, template: '{pipeline.state[x]}'}", "q", "error: test.yml:2:5: the template asks for pipeline.state.x, which is not set"},
		{"postprocessing: [{type: simple_template, template: '{rule.tags} {query}'}]", "q", `["attack.execution"] q`},
	} {
		got, err := postprocessed(t, c.pipeline, c.query)
		if err != nil {
			got = "error: " + err.Error()
		}
		if got != c.want {
			t.Errorf("%s\n  gives %v\n  want  %v", c.pipeline, got, c.want)
		}
	}
}

func TestFinalizerErrors(t *testing.T) {
	chain := NewChain(parsePipeline(t, "finalizers:\n  - {type: concat}\n  - {type: concat}\n"))
	_, err := chain.Finalize([]any{"a"})
	if err == nil || err.Error() != "test.yml:3:5: concat takes the list of queries, and a finalizer before has made one text of it" {
		t.Error(err)
	}
	if c := NewChain(parsePipeline(t, "transformations: []")); c.Finalizes() {
		t.Error("a chain without finalizers has some")
	}
}
