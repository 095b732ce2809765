package docs

import (
	"fmt"
	"strings"

	"github.com/huntbook/huntbook/pipeline"
)

// pipelines is the page about the built-in pipelines, from their files.
func pipelines() string {
	var b strings.Builder
	b.WriteString(`# Pipelines

A pipeline fits rules to a target: it says which channel and event ids a log source
stands for, and what fields are called. ` + "`-p NAME`" + ` takes one of these or a file in
[pySigma's YAML schema](transformations.md); several are applied in the order of
their priorities, lower ones first. ` + "`-c NAME`" + ` takes a configuration of sigmac.
Fields that the last pipeline with a mapping does not know are reported.

Without Elasticsearch 8.16's ` + "`.caseless`" + ` fields, a pipeline of your own behind ecs_windows
names the plain ones:

` + "```yaml" + `
priority: 30
transformations:
  - type: field_name_mapping
    mapping:
      process.executable.caseless: process.executable
      process.parent.executable.caseless: process.parent.executable
` + "```\n")
	for _, builtin := range pipeline.Builtins() {
		if builtin.Sigmac {
			continue
		}
		p, err := pipeline.Load(builtin.Name)
		if err != nil {
			return err.Error()
		}
		fmt.Fprintf(&b, "\n## %s\n\n%s.\n\nPriority %d.", builtin.Name, strings.TrimSuffix(p.Description, "."), p.Priority)
		if len(p.Requires) > 0 {
			fmt.Fprintf(&b, " It takes %s along.", strings.Join(p.Requires, ", "))
		}
		b.WriteByte('\n')
		s := p.Summary()
		table(&b, "| log source | demands |\n|---|---|\n", s.Sources, func(r pipeline.SummaryRow) []string { return []string{r.When, code(r.To)} })
		for len(s.Fields) > 0 {
			rows := s.Fields
			for i, r := range rows {
				if r.When != rows[0].When {
					rows = rows[:i]
					break
				}
			}
			if s.Fields = s.Fields[len(rows):]; rows[0].When != "" {
				fmt.Fprintf(&b, "\nFields of rules for %s:\n", rows[0].When)
			}
			table(&b, "| field | where | name |\n|---|---|---|\n", rows, func(r pipeline.SummaryRow) []string { return []string{code(r.What), r.Where, code(r.To)} })
		}
		table(&b, "| also | rules | fields | how |\n|---|---|---|---|\n", s.Others, func(r pipeline.SummaryRow) []string { return []string{code(r.What), r.When, cut(r.Where), cut(r.To)} })
	}
	return b.String()
}

func table(b *strings.Builder, head string, rows []pipeline.SummaryRow, cells func(pipeline.SummaryRow) []string) {
	if len(rows) == 0 {
		return
	}
	b.WriteString("\n" + head)
	for _, r := range rows {
		texts := cells(r)
		for i, t := range texts {
			texts[i] = cell(t)
		}
		fmt.Fprintf(b, "| %s |\n", strings.Join(texts, " | "))
	}
}

func code(s string) string {
	if s == "" {
		return ""
	}
	return "`" + s + "`"
}

// cut shortens what a table has no room for.
func cut(s string) string {
	if runes := []rune(s); len(runes) > 120 {
		return string(runes[:120]) + "…"
	}
	return s
}

// transformations is the reference of pipeline files.
func transformations() string {
	var b strings.Builder
	b.WriteString(`# Pipeline files

A pipeline file is YAML, in pySigma's schema. These are its keys:

| key | |
|---|---|
| ` + "`name`, `description`" + ` | for listings |
| ` + "`priority`" + ` | pipelines with a lower one are applied first; 0 by default |
| ` + "`allowed_backends`" + ` | the targets that it is for; all by default |
| ` + "`requires`" + ` | built-in pipelines that it takes along (not in pySigma) |
| ` + "`vars`" + ` | values by name, for value_placeholders and templates; of pipelines with equal names the later counts |
| ` + "`transformations`" + ` | a list of processing items, which change a rule before it is converted |
| ` + "`postprocessing`" + ` | a list of items that change a query behind the target (` + "`convert`" + ` only) |
| ` + "`finalizers`" + ` | a list of what makes one output of all queries (` + "`convert`" + ` only) |

A processing item has a ` + "`type`" + `, an ` + "`id`" + ` that conditions can ask for, the parameters
of its type, and conditions: ` + "`rule_conditions`, `detection_item_conditions` and `field_name_conditions`" + `.
Conditions are a list, linked with and, or as ` + "`rule_cond_op: or`" + ` says and turned round by
` + "`rule_cond_not: true`" + `; or a map of names for an expression: ` + "`rule_cond_expr: a and not (b or c)`" + `.
The other two kinds have ` + "`detection_item_cond_…` and `field_name_cond_…`" + `.
Post-processing items have rule conditions alone, finalizers none.

The rule of the examples is for product windows and category process_creation, and
has level high and the tag attack.execution.

## Transformations
`)
	for _, t := range pipeline.Transformations() {
		entry(&b, t.Name, t.Prose, t.Parameters)
		if t.Vars != "" {
			fmt.Fprintf(&b, "With `vars: %s`:\n\n", t.Vars)
		}
		example(&b, t.Example)
	}
	conditions := pipeline.Conditions()
	for _, kind := range []string{"rule", "detection item", "field name"} {
		fmt.Fprintf(&b, "\n## %s%s conditions\n", strings.ToUpper(kind[:1]), kind[1:])
		for _, c := range conditions[kind] {
			entry(&b, c.Name, c.Prose, c.Parameters)
			example(&b, c.Example)
		}
	}
	b.WriteString("\n## Post-processing items\n")
	for _, p := range pipeline.Postprocessors() {
		entry(&b, p.Name, p.Prose, p.Parameters)
		queryExample(&b, p.Example)
	}
	b.WriteString("\n## Finalizers\n")
	for _, f := range pipeline.Finalizers() {
		entry(&b, f.Name, f.Prose, f.Parameters)
		queryExample(&b, f.Example)
	}
	b.WriteString(`
## Templates

A small part of Jinja's language: ` + "`{{ value | filter }}`, `{% if … %}` with `elif` and `else`, `{% for x in list %}`" + `
with ` + "`loop.index`, `loop.index0`, `loop.first`, `loop.last` and `loop.length`, `{# comments #}`" + `, and the minus that takes
white space away. Operators are and, or, not, ==, != and in; filters are default,
escape, first, join, last, length, lower, replace, tojson, trim and upper.

| name | |
|---|---|
| ` + "`query`" + ` | the query, a text or what becomes JSON |
| ` + "`queries`" + ` | in finalizers: the list of all queries |
| ` + "`rule`" + ` | title, id, name, taxonomy, status, description, license, author, references, date, modified, logsource (category, product, service, definition), fields, falsepositives, scope, level, tags, custom_attributes |
| ` + "`pipeline`" + ` | name, vars, and but in finalizers state |

What a rule does not have is an empty text; a key of the state, the vars or the
custom attributes that is not set is an error, unless default gives a value.

## What is refused

| what | name | why |
|---|---|---|
`)
	for _, r := range pipeline.Refusals() {
		fmt.Fprintf(&b, "| %s | `%s` | %s |\n", r.Kind, r.Name, cell(r.Reason))
	}
	b.WriteString(`
## Where pySigma does otherwise

- A list of new values (map_string, placeholders) means one of them, though the rule links its values with all.
- The transformation alternatives, conditional field names, and the keys description and requires are ours.
- regex puts anchors where the text has no wildcard, so that a target that searches finds what the text meant.
- hashes_fields and extract_fields leave an item with a value that they can't read as it is, and keep a negation; pySigma drops such values.
- contains_field and contains_detection_item look at what the condition uses, by the first and the present name of a field.
- match_value, contains_detection_item and processing_state compare numbers and texts alike.
- Pipelines are applied to the rules that a correlation names, not to the correlation.
- Templates and format strings read names alone; a name that is not set is an error instead of nothing.
- Of pipelines with equal priorities the first one given is applied first.
`)
	return b.String()
}

func entry(b *strings.Builder, name, prose string, parameters []pipeline.Parameter) {
	fmt.Fprintf(b, "\n### %s\n\n%s\n\n", name, prose)
	if len(parameters) == 0 {
		return
	}
	b.WriteString("| parameter | |\n|---|---|\n")
	for _, p := range parameters {
		fmt.Fprintf(b, "| `%s` | %s |\n", p.Name, cell(p.Prose))
	}
	b.WriteByte('\n')
}

func example(b *strings.Builder, e pipeline.Example) {
	fmt.Fprintf(b, "```yaml\n- %s\n```\n\nmakes of `%s`\n\n```\n%s\n```\n", e.Item, e.Detection, e.Result)
}

func queryExample(b *strings.Builder, e pipeline.QueryExample) {
	quoted := make([]string, len(e.Queries))
	for i, q := range e.Queries {
		quoted[i] = code(q)
	}
	fmt.Fprintf(b, "```yaml\n- %s\n```\n\nmakes of %s\n\n```\n%s\n```\n", e.Item, strings.Join(quoted, " and "), strings.TrimSuffix(e.Result, "\n"))
}
